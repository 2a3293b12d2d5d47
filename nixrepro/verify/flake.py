"""Whether the flake's files are sound: flake.nix, what flake.lock pins, and the library."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from nixrepro import __version__, flake_lock, vendor
from nixrepro.names import counted
from nixrepro.verify.verdict import Finding, State, Verdict

_CHECK = "lock"
_FLAKE = "flake.nix"
_COMMENT = re.compile(r"#[^\n]*|/\*.*?\*/", re.DOTALL)
_INPUT = re.compile(r"\binputs\.([\w-]+)(?:\.url)?\s*=")
_BLOCK = re.compile(r"\binputs\s*=\s*\{(.*?)\n\s*\};", re.DOTALL)
_IN_BLOCK = re.compile(r"^\s*([\w-]+)(?:\.url)?\s*=", re.MULTILINE)
_URL = r"\b{}(?:\.url\s*=|\s*=\s*\{{\s*url\s*=)\s*\"([^\"]*)\""
_GITHUB = re.compile(r"github:([\w.-]+)/([\w.-]+)(?:/([\w./-]+))?")
_RUNTIME = re.compile(r"\bruntime\s*=\s*\./([\w./-]*\w)")
_NIXREPRO = re.compile(r"\bimport\s+\./nix\b")
_WRONG = f"take it from version control, or delete {flake_lock.FILE} and run `nixrepro lock`"


def pins(root: Path) -> Verdict:
    """Whether flake.lock pins every input of flake.nix, by its content's hash."""
    path = root / flake_lock.FILE
    if not path.exists():
        reason = "there is none: run `nixrepro lock`"
        return Verdict(_CHECK, flake_lock.FILE, State.DIFFERS, reason)
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text)
        nodes: dict[str, Any] = document["nodes"]
        inputs: dict[str, Any] = nodes[document["root"]].get("inputs", {})
        findings = [*_unpinned(document, text), *_unasked(inputs, nodes, _source(root))]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        found = (Finding(flake_lock.FILE, f"{error}", file=flake_lock.FILE, line=1),)
        reason = f"it is not what Nix writes; {_WRONG}"
        return Verdict(_CHECK, flake_lock.FILE, State.DIFFERS, reason, "its shape", found)
    compared = f"{counted(len(nodes) - 1, 'pin')}, with hashes and with the inputs of {_FLAKE}"
    if findings:
        reason = f"{findings[0].subject} {findings[0].reason}; {_WRONG}"
        return Verdict(_CHECK, flake_lock.FILE, State.DIFFERS, reason, compared, tuple(findings))
    ours = text == flake_lock.text()
    reason = "as nixrepro writes it" if ours else "every input is pinned, to your own choice"
    return Verdict(_CHECK, flake_lock.FILE, State.SAME, reason, compared)


def _unpinned(document: dict[str, Any], text: str) -> Iterator[Finding]:
    ours = json.loads(flake_lock.text())["nodes"]["nixpkgs"]["locked"]
    for name, node in document["nodes"].items():
        if name == document["root"]:
            continue
        locked = node.get("locked", {})
        line = text[: text.find(f'"{name}": {{')].count("\n") + 1
        problem = ""
        if not locked.get("narHash"):
            problem = "is not pinned by a hash"
        elif locked.get("type") == ours["type"] and not locked.get("rev"):
            problem = "is not pinned by a revision"
        elif locked.get("rev") == ours["rev"] and locked["narHash"] != ours["narHash"]:
            problem = "has a hash that its revision does not have"
        elif _elsewhere(node.get("original", {}), locked):
            problem = "is taken from another place than it was asked from"
        if problem:
            yield Finding(name, problem, file=flake_lock.FILE, line=line)


def _elsewhere(original: dict[str, Any], locked: dict[str, Any]) -> bool:
    """Whether a pin is of another repository than the one that was asked for."""
    keys = ("owner", "repo", "host")
    if original.get("type") not in ("github", "gitlab", "sourcehut"):
        return False  # a registry's name, say, or a file that may lead on
    pairs = ((str(each.get(key, "")).lower() for each in (original, locked)) for key in keys)
    return original["type"] != locked.get("type") or any(a != b for a, b in pairs)


def _unasked(inputs: dict[str, Any], nodes: dict[str, Any], source: str) -> Iterator[Finding]:
    """Where the inputs that flake.nix names are not those that the lock pins."""
    asked = set(_INPUT.findall(source))
    for block in _BLOCK.findall(source):
        asked |= set(_IN_BLOCK.findall(block)) - {"url", "follows", "flake"}
    for name in sorted(asked - inputs.keys()):
        yield Finding(name, f"is an input of {_FLAKE} that is not pinned", file=flake_lock.FILE)
    for name in sorted(inputs.keys() - asked):
        if not re.search(rf"\b{re.escape(name)}\b", source):
            yield Finding(name, f"is pinned, and no input of {_FLAKE}", file=flake_lock.FILE)
    for name in sorted(asked & inputs.keys()):
        said = re.search(_URL.format(re.escape(name)), source)
        match = _GITHUB.fullmatch(said[1]) if said else None
        original = nodes[inputs[name]].get("original", {}) if isinstance(inputs[name], str) else {}
        if match and original.get("type") == "github":
            pinned = (original.get("owner"), original.get("repo"), original.get("ref"))
            wanted = (match[1], match[2], match[3])
            # A revision given in flake.nix is none of its branches.
            if pinned != wanted and original.get("rev") != match[3]:
                problem = f"is pinned for another place than {_FLAKE} names"
                yield Finding(name, problem, file=flake_lock.FILE)


def _source(root: Path) -> str:
    """flake.nix without its comments."""
    try:
        return _COMMENT.sub("", _text(root / _FLAKE))
    except FileNotFoundError:
        return ""


def _text(path: Path) -> str:
    """A file's text, with what is no UTF-8 replaced: Nix takes any bytes in a comment."""
    return path.read_text(encoding="utf-8", errors="replace")


def entry(root: Path) -> Verdict:
    """Whether flake.nix leads to the library; a person may have edited it."""
    path, compared = root / _FLAKE, f"{_FLAKE}, with nixrepro's own"
    renew = "`nixrepro init --update` writes it anew"
    if not path.exists():
        return Verdict(_CHECK, _FLAKE, State.DIFFERS, f"there is none: {renew}", compared)
    if _text(path) == vendor.template(_FLAKE):
        return Verdict(_CHECK, _FLAKE, State.SAME, "as nixrepro writes it", compared)
    if _NIXREPRO.search(_source(root)):
        return Verdict(_CHECK, _FLAKE, State.SAME, "edited, and it leads to ./nix", compared)
    found = Finding(_FLAKE, "does not import ./nix", file=_FLAKE, line=1)
    reason = f"it does not import ./nix, so it makes no environment of nixrepro: {renew}"
    return Verdict(_CHECK, _FLAKE, State.DIFFERS, reason, compared, (found,))


def library(root: Path) -> Verdict:
    """Whether nix/ is the library of this version of the tool; more files in it do no harm."""
    place, source = root / "nix", vendor.library()
    if place.is_dir() and place.samefile(source):
        return Verdict(_CHECK, "library", State.SAME, "nix/ is the library itself", "nix/")
    named = _RUNTIME.search(_source(root))
    runtime = named[1] if named else "nix/runtime"
    wanted = {f"nix/{name}": source / name for name in _names(source)}
    kept = Path(vendor.__file__).parent / "runtime"
    wanted |= {f"{runtime}/{name}": kept / name for name in _names(kept)}
    findings = [found for name, file in wanted.items() if (found := _unlike(root, name, file))]
    there = {f"nix/{name}" for name in _names(place)} | {
        f"{runtime}/{n}" for n in _names(root / runtime)
    }
    loaded = sorted(name for name in there - wanted.keys() if _installed(name, runtime))
    # A folder goes before a module of its name.
    findings += [Finding(name, "is no file of it, and is installed", file=name) for name in loaded]
    more = len(there - wanted.keys()) - len(loaded)
    compared = f"{len(wanted)} files, with those of nixrepro {__version__}"
    compared += f"; {more} more, of your own" if more else ""
    if not findings:
        return Verdict(_CHECK, "library", State.SAME, "nothing in it was changed", compared)
    reason = f"{counted(len(findings), 'file')} changed, or of another version of nixrepro"
    reason += ": `nixrepro init --update` renews them"
    return Verdict(_CHECK, "library", State.DIFFERS, reason, compared, tuple(findings))


def _installed(name: str, runtime: str) -> bool:
    """Whether a file gets into the closure with the runtime: any Python but for tests."""
    inside = name.startswith(f"{runtime}/") and name.endswith(".py")
    return inside and "tests" not in name.removeprefix(runtime).split("/")


def _unlike(root: Path, name: str, source: Path) -> Finding | None:
    path = root / name
    if not path.is_file():
        return Finding(name, "is missing", file=name)
    here, there = path.read_bytes(), source.read_bytes()
    if here == there:
        return None
    if b"\0" in there:
        return Finding(name, "has other bytes", file=name)
    pairs = zip_longest(here.splitlines(True), there.splitlines(True))
    line = next(number for number, (a, b) in enumerate(pairs, 1) if a != b)
    return Finding(name, f"is changed from line {line}", file=name, line=line)


def _names(folder: Path) -> list[str]:
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        inside = os.path.relpath(place, folder)
        found += [os.path.normpath(os.path.join(inside, name)) for name in sorted(files)]
    return [name for name in found if not name.endswith(".pyc")]
