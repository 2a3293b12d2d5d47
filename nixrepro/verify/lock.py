"""Whether configuration, locks and the vendored library agree, as far as a disk alone can say."""

from __future__ import annotations

import difflib
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from nixrepro import config as configs
from nixrepro import flake_lock, git
from nixrepro import lock as locks
from nixrepro.errors import LockError, NixreproError
from nixrepro.names import counted
from nixrepro.realise import read_by_flake
from nixrepro.verify import flake
from nixrepro.verify.verdict import Finding, State, Verdict

CHECK = "lock"
_PLACE = re.compile(r"(?P<file>[\w./-]+):(?P<line>\d+): (?P<said>.*)", re.DOTALL)
_NAME = re.compile(r'name = "(.*)"')
_LAYERS = {"base": "system", "overrides": "system", "wheels": "wheels", "data": "data"}
_AGAIN = "take it from version control, or run `nixrepro lock`"


def check_lock(root: Path) -> tuple[Verdict, ...]:
    """Compare pyproject.toml, both locks, flake.nix, nix/ and git; offline, and without Nix.

    Args:
        root: the project's folder.
    """
    parts: tuple[tuple[str, Callable[[Path], Verdict]], ...] = (
        ("configuration", _configuration),
        (locks.FILE, _lock),
        (flake_lock.FILE, flake.pins),
        ("flake.nix", flake.entry),
        ("library", flake.library),
        ("git", _tracked),
    )
    return tuple(_timed(root, name, check) for name, check in parts)


def _timed(root: Path, name: str, check: Callable[[Path], Verdict]) -> Verdict:
    begun = time.monotonic()
    try:
        found = check(root)
    except (NixreproError, OSError) as error:
        said = error.message if isinstance(error, NixreproError) else str(error)
        hint = error.hint if isinstance(error, NixreproError) else ""
        reason = f"{said}; {hint}" if hint else said
        found = Verdict(CHECK, name, State.UNKNOWN, reason, "", (_located(name, said),))
    return replace(found, seconds=time.monotonic() - begun)


def _located(name: str, said: str) -> Finding:
    """A finding out of an error's message, with the place that it names."""
    match = _PLACE.fullmatch(said)
    if not match:
        return Finding(name, said)
    return Finding(name, match["said"], file=match["file"], line=int(match["line"]))


def _configuration(root: Path) -> Verdict:
    config = configs.load(root)
    changes = locks.compare(locks.load(root / locks.FILE), config)
    compared = f"what {config.asks} asks for, with what {locks.FILE} answers"
    if not changes:
        return Verdict(CHECK, "configuration", State.SAME, "the lock answers it", compared)
    findings = tuple(_changed(change, config) for change in changes)
    reason = f"{counted(len(changes), 'change')} since it was locked: run `nixrepro lock`"
    return Verdict(CHECK, "configuration", State.DIFFERS, reason, compared, findings)


def _changed(change: locks.Change, config: configs.Config) -> Finding:
    said = {
        (True, True): f"is {change.new!r}, and was {change.old!r} when it was locked",
        (True, False): f"asks for {change.new!r}, which the lock does not answer",
        (False, True): f"asks no more for {change.old!r}, which the lock answers",
    }[bool(change.new), bool(change.old)]
    layer = _LAYERS.get(change.key.partition(".")[0], "")
    return Finding(change.key, said, layer, *_said_at(change, config))


def _said_at(change: locks.Change, config: configs.Config) -> tuple[str, int]:
    """File and line that say something, else those of the tool's table."""
    wheels, files = config.wheels, [configs.FILE]
    if change.key.startswith("wheels.") and wheels.source:
        files += [wheels.source, *wheels.files]
    for file in files:
        # Of a pin's hashes the question has a digest, which no file spells.
        if line := _line_with(config.root / file, change.new.partition(" hashes:")[0]):
            return file, line
    own = config.root / configs.FILE
    key = change.key.rpartition(".")[2]
    return configs.FILE, _line_with(own, key) or _line_with(own, "[tool.nixrepro")


def _line_with(path: Path, wanted: str) -> int:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if wanted else []
    for number, line in enumerate(lines, 1):
        if wanted in line and not line.lstrip().startswith("#"):
            return number
    return 0


def _lock(root: Path) -> Verdict:
    path = root / locks.FILE
    if not path.exists():
        return Verdict(CHECK, locks.FILE, State.DIFFERS, "there is none: run `nixrepro lock`")
    try:
        lock = locks.load(path)
    except LockError as error:
        found = tuple(_edited(root)) or (_located(locks.FILE, error.message),)
        reason = f"{error.message}; {error.hint or _AGAIN}"
        return Verdict(CHECK, locks.FILE, State.DIFFERS, reason, "its shape and digests", found)
    compared = f"{len(lock.artefacts)} artefacts, with their digest and with the writer's bytes"
    text, wanted = path.read_bytes().decode(), locks.dumps(lock)
    if text == wanted:
        return Verdict(CHECK, locks.FILE, State.SAME, "as `nixrepro lock` writes it", compared)
    findings = tuple(_unlike(text.splitlines(True), wanted.splitlines(True)))
    reason = f"edited by hand in {counted(len(findings), 'place')}: {_AGAIN}"
    return Verdict(CHECK, locks.FILE, State.DIFFERS, reason, compared, findings)


def _unlike(lines: list[str], wanted: list[str]) -> Iterator[Finding]:
    """The places where a lock that means the same is not written as it would be."""
    matcher = difflib.SequenceMatcher(None, lines, wanted, autojunk=False)
    for kind, begin, end, first, last in matcher.get_opcodes():
        if kind == "equal":
            continue
        found = "".join(lines[begin:end]).strip() or "nothing"
        instead = "".join(wanted[first:last]).strip() or "nothing"
        said = f"has {found[:80]!r} where `nixrepro lock` writes {instead[:80]!r}"
        name = next(
            (match[1] for line in reversed(lines[:end]) if (match := _NAME.match(line))), ""
        )
        yield Finding(name or "head", said, file=locks.FILE, line=begin + 1)


def _edited(root: Path) -> Iterator[Finding]:
    """Which artefacts of a broken lock are not as the last commit has them, if it is sound."""
    import tomli

    old = git.committed(root, locks.FILE)
    try:
        text = (root / locks.FILE).read_text(encoding="utf-8")
        locks.parse(old or "")
        before, after = _tables(tomli.loads(old or "")), _tables(tomli.loads(text))
    except (LockError, ValueError, TypeError, KeyError):
        return
    lines = [place for place, line in enumerate(text.splitlines(), 1) if line == "[[artefact]]"]
    for number, (key, table) in enumerate(after.items()):
        was = before.get(key)
        if table == was:
            continue
        line = lines[number] if number < len(lines) else 0
        if was is None:
            said = "is not in the last commit"
        else:
            keys = sorted(
                name for name in was.keys() | table.keys() if was.get(name) != table.get(name)
            )
            said = f"has another {', '.join(keys)} than in the last commit"
            line += list(table).index(keys[0]) + 1 if keys[0] in table else 0
        yield Finding(key[2], said, key[0], locks.FILE, line)
    for key in before.keys() - after.keys():
        yield Finding(key[2], "is in the last commit, and not here", key[0], locks.FILE)


def _tables(document: dict[str, Any]) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    return {
        (each["layer"], each.get("role", ""), each["name"], each["version"]): each
        for each in document["artefact"]
    }


def _tracked(root: Path) -> Verdict:
    names = read_by_flake(root)
    if git.place(root) is None:
        inside = any((folder / ".git").exists() for folder in (root, *root.parents))
        if inside and not shutil.which("git"):
            reason = "git is not installed, so what it knows can't be asked"
            return Verdict(CHECK, "git", State.UNKNOWN, reason)
        return Verdict(CHECK, "git", State.SAME, "no git here: Nix takes the folder as it is")
    compared = f"{', '.join(names)}, with what git knows"
    hidden = git.unknown(root, names)
    if not hidden:
        return Verdict(CHECK, "git", State.SAME, "it knows all that the flake reads", compared)
    findings = tuple(Finding(name, "git does not know it", file=name) for name in hidden)
    reason = f"a flake sees only what git knows: `git add` {', '.join(hidden[:3])}"
    if len(hidden) > len(hidden[:3]):
        reason += f" and {len(hidden) - 3} more"
    return Verdict(CHECK, "git", State.DIFFERS, reason, compared, findings)
