"""Builds parts of the environment a second time, by Nix's own check, and compares bit for bit."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nixrepro import lock as locks
from nixrepro import realise
from nixrepro.complaints import in_a_line, in_words
from nixrepro.derivations import Derivation
from nixrepro.errors import NixError, NixreproError
from nixrepro.names import counted
from nixrepro.nix import Nix
from nixrepro.nix_store import Store
from nixrepro.process import Completed
from nixrepro.trees import compare
from nixrepro.verify.parts import choose, name_parts
from nixrepro.verify.scope import built_once, derivations
from nixrepro.verify.unseen import unseen
from nixrepro.verify.verdict import Finding, State, Verdict
from nixrepro.verify.waiting import waiting

_SHOWN = 20  # files of one path that are named
_DIFFERS = re.compile(r"derivation '([^']+)' may not be deterministic: output '[^']+' differs")
_CHECKED = re.compile(r"^checking outputs of '([^']+)'", re.MULTILINE)
_FAILED = re.compile(
    r"(?:builder for|[Cc]annot build|dependenc(?:y|ies) of(?: derivation)?) '([^']+\.drv)'"
)


@dataclass(frozen=True)
class Again:
    """What Nix said of a second build.

    Args:
        same: derivations that gave the same bytes.
        differing: those that gave others.
        failed: those that could not be built.
    """

    same: frozenset[str]
    differing: frozenset[str]
    failed: frozenset[str]


def read(done: Completed, derivations: Iterable[str]) -> Again:
    """Tell same, differing and failed apart, which Nix does in its words more than by its status.

    Of which nothing was said is in none of them.
    """
    asked = frozenset(derivations)
    if done.status == 0:
        return Again(asked, frozenset(), frozenset())
    differing = asked & set(_DIFFERS.findall(done.stderr))
    broken = asked & set(_FAILED.findall(done.stderr)) - differing
    checked = asked & set(_CHECKED.findall(done.stderr))
    return Again(checked - differing - broken, differing, broken)


def check_rebuild(
    root: Path,
    nix: Nix,
    parts: tuple[str, ...],
    *,
    say: Callable[[str], None],
    quiet: bool = False,
) -> tuple[Verdict, ...]:
    """Whether a second build of parts of the environment gives the same bytes.

    Args:
        root: the project.
        nix: the Nix to build with.
        parts: names of packages, wheels, layers, `environment`, `run`, ...; none for the
            environment, and what else the library built but the training.
        say: is told what is going on.
        quiet: show nobody on a terminal that it goes on.

    Raises:
        Misnamed: a name means no part.
        NixError: there is no usable Nix.
    """
    store = Store.of(nix)
    began = time.monotonic()
    try:
        realise.check(root)
        lock = locks.load(root / locks.FILE)
        with realise.flake(root, store) as folder:
            outputs = store.outputs(folder)
    except NixError:
        raise
    except NixreproError as error:
        reason = unseen(root, nix, error) or in_words(error)
        return (Verdict("rebuild", "", State.UNKNOWN, reason),)
    known = derivations(store, outputs, parts)
    chosen = choose(name_parts(lock, known.values()), parts)
    if not parts and "environment" in outputs:
        chosen = {"": built_once(store, known, outputs["environment"].path, chosen[""])}
    every = {each.path: each for some in chosen.values() for each in some}
    findings = _lacking(store, every, {each.path: each for each in known.values()})
    able = {path: each for path, each in every.items() if path not in findings}
    if able:
        say(f"building {counted(len(able), 'store path')} a second time")
        with waiting("building", show=not quiet and sys.stderr.isatty()):
            findings |= _built(store, able)
    seconds = time.monotonic() - began
    return tuple(_verdict(part, some, findings, seconds) for part, some in chosen.items())


_Found = tuple[State, tuple[Finding, ...]]


def _lacking(
    store: Store, wanted: Mapping[str, Derivation], known: Mapping[str, Derivation]
) -> dict[str, _Found]:
    """Those of which there is no first build, or no artefact for a second one."""
    inputs = {path: known[path].output for each in wanted.values() for path in each.inputs}
    there = store.valid(sorted({*inputs.values(), *(each.output for each in wanted.values())}))
    found: dict[str, _Found] = {}
    for path, each in wanted.items():
        lost = [inputs[one] for one in each.inputs if inputs[one] not in there]
        downloads = [one for one in each.inputs if known[one].fixed and inputs[one] in lost]
        if each.output not in there:
            reason = f"there is no first build to compare with: {_FIRST.get(each.name, _REALISES)}"
        elif downloads:
            name = known[downloads[0]].name
            reason = f"its artefact {name} is not in the store: run `nixrepro fetch`"
        else:
            continue
        found[path] = (State.UNKNOWN, (Finding(each.output, reason),))
    return found


_REALISES = "`nixrepro run --no-record -- true` realises the environment"
_FIRST = {  # of what no run of the tool builds
    "nixrepro-run": "`nix build .#run` trains",
    "nixrepro-train": "`nix build .#train` makes one",
    "nixrepro-sites": "`nix build .#sites` makes one",
}


def _built(store: Store, wanted: Mapping[str, Derivation]) -> dict[str, _Found]:
    """Build again; for each that isn't the same, what was found."""
    beside = {path: f"{each.output}.check" for path, each in wanted.items()}
    before = {path for path, check in beside.items() if os.path.lexists(store.place(check))}
    try:
        done = store.build_again(wanted)
        again = read(done, wanted)
        reason = in_a_line(done) if done.status else ""
        found: dict[str, _Found] = {}
        for path, each in wanted.items():
            if path in again.differing:
                found[path] = (State.DIFFERS, _files(store, each.output, beside[path]))
            elif path not in again.same:
                text = f"a second build failed: {reason}"
                found[path] = (State.UNKNOWN, (Finding(each.output, text),))
        return found
    finally:
        for path, check in beside.items():
            if path not in before and os.path.lexists(store.place(check)):
                store.delete(check)


def _files(store: Store, output: str, check: str) -> tuple[Finding, ...]:
    """The files of a second build that differ from the first one's."""
    try:
        changes = compare(Path(store.place(output)), Path(store.place(check)))
    except OSError as error:
        return (Finding(output, f"a second build differs; its files can't be compared: {error}"),)
    found = [
        Finding(output, f"in a second build {change.path or 'it'} {change.text}")
        for change in changes[:_SHOWN]
    ]
    if len(changes) > _SHOWN:
        found.append(Finding(output, f"{len(changes) - _SHOWN} more of its files differ"))
    return tuple(found) or (Finding(output, "a second build differs from what Nix registered"),)


def _verdict(
    part: str, derivations: list[Derivation], findings: Mapping[str, _Found], seconds: float
) -> Verdict:
    found = [findings[each.path] for each in derivations if each.path in findings]
    differing = sum(state is State.DIFFERS for state, _ in found)
    unknown = len(found) - differing
    count = counted(len(derivations), "store path")
    compared = f"a second build of {count} with the first"
    if differing:
        state, reason = State.DIFFERS, f"{differing} of {count} came out otherwise"
    elif unknown:
        state, reason = State.UNKNOWN, f"{unknown} of {count} could not be built a second time"
    else:
        state, reason = State.SAME, "the same bytes"
    items = tuple(finding for _, some in found for finding in some)
    return Verdict("rebuild", part, state, reason, compared, items, seconds)
