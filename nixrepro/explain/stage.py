"""Explains why the numbers of two runs differ, and shows it by running one again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro import diff, probe
from nixrepro.diff import results
from nixrepro.diff.model import Difference
from nixrepro.errors import NixreproError, RunError
from nixrepro.explain import causes, compilers, files, packages, units
from nixrepro.explain.here import look
from nixrepro.explain.model import Explanation, State
from nixrepro.explain.numbers import ENDED, broken, cut, kind, numbers
from nixrepro.explain.plan import Ground
from nixrepro.explain.proving import Proving, Wanted
from nixrepro.explain.sides import learn
from nixrepro.lock import FILE as LOCK
from nixrepro.record import Record
from nixrepro.repeat import check
from nixrepro.runtime.folder import LOG

if TYPE_CHECKING:
    from nixrepro.nix import Nix

Say = Callable[[str], None]


def explain(
    root: Path,
    a: diff.Side,
    b: diff.Side,
    nix: Nix,
    *,
    run: bool,
    most: int,
    say: Say,
    again: bool = False,
) -> Explanation:
    """Why two runs' numbers differ, or that what differs changes nothing.

    Args:
        root: the project's folder.
        a: the first run.
        b: the second run.
        nix: the Nix to realise environments with.
        run: whether to prove it by running one of them again.
        most: how many trials there may be; 0 for as many as are needed.
        say: tells the person what is done.
        again: whether to make every trial anew, also those that are kept from before.

    Raises:
        NixreproError: one of them is no run, or not as it was recorded; or Nix is unusable.
        OSError: the project can't be written.
    """
    records = [_record(each) for each in (a, b)]
    difference = diff.difference(root, a, b)
    one, two = (learn(root, *each) for each in zip("AB", records, strict=True))
    here = look()
    keys = [numbers(record.document) for record in records]
    same = bool(keys[0]) and keys[0] == keys[1]
    none = not all(keys) or (not same and all(broken(each.document) for each in records))
    parts, unread = files.learn(root, one, two, nix, say, fetch=run and not none)
    known = compilers.among((one.text, two.text, _text(root / LOCK)))
    found = units.units(one, two, difference, packages.units(parts), here, known.lack)
    seen = _seen(records, difference)
    start = Explanation(
        difference,
        kind(*(record.document for record in records)),
        same,
        State.AGREE if found else State.SAME,
        causes.likely(found, seen),
        parting=_parting(records, difference),
        facts=units.facts(difference),
        notes=(unread,) if unread else (),
        about={"A": a.about, "B": b.about},
    )
    if none:
        return replace(start, state=State.NOTHING, reason=_nothing(records, keys), notes=())
    if same and not found:
        return start
    if not run:
        return start if same else replace(start, state=State.LIKELY)
    ground = Ground(one, two, parts, here, known)
    return Proving(root, nix, ground, seen, Wanted(most, again), say).of(start)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _record(side: diff.Side) -> Record:
    if side.record is None:
        raise NixreproError(
            f"{side.name} is no run, and only runs have numbers to explain",
            hint="`nixrepro runs` lists them; `nixrepro diff` compares all the rest",
        )
    if wrong := check(side.record.folder, side.record.document):
        raise RunError(
            f"{side.name} is not as it was recorded, and is not explained",
            hint="restore it from where it was recorded",
            details="\n".join(f"  {each.subject}: {each.reason}" for each in wrong),
        )
    return side.record


def _seen(records: Sequence[Record], difference: Difference) -> causes.Seen:
    probes = [record.document.get("probe") or {} for record in records]
    place = results.parting(*records)
    return causes.Seen(
        difference.results.parting,
        causes.apart(place.a, place.b) if place and _is_a_loss(place.subject) else None,
        first=bool(place and place.step == 1 and place.epoch in (1, None)),
        probed=not any(map(probe.reason, probes)),
        functions=tuple(each.name for each in probe.compare(*probes)),
    )


def _is_a_loss(subject: str) -> bool:
    """Whether it is a number that follows the weights closely: an accuracy leaps."""
    words = subject.removeprefix("the ")
    return words.startswith("loss") or (words.startswith("logged") and "acc" not in words)


def _parting(records: Sequence[Record], difference: Difference) -> tuple[str, str, str]:
    """Where the numbers part; of two outputs the first line."""
    documents = [record.document for record in records]
    found = difference.results
    if found.parting or kind(documents[0], documents[1]) != "the output":
        return (found.parting, *found.values)
    try:
        logs = [(each.folder / LOG).read_text(errors="replace").splitlines() for each in records]
    except OSError:
        return ("", "", "")
    for number, (a, b) in enumerate(zip_longest(*logs, fillvalue="nothing"), 1):
        if a != b:
            return (f"line {number}", a, b)
    return ("", "", "")


def _nothing(records: Sequence[Record], keys: Sequence[str]) -> str:
    if all(keys):
        status = [record.document["exit"]["status"] for record in records]
        how = f"both failed with status {status[0]}"
        if status[0] != status[1]:
            how = f"both failed, A with status {status[0]} and B with status {status[1]}"
        return f"{how}, and left no numbers; mend the failure first"
    (name, record), *_ = (
        (name, record) for name, record, key in zip("AB", records, keys, strict=True) if not key
    )
    status = record.document["status"]
    if status in ENDED and (why := cut(record.document)):
        return f"{name} recorded neither weights nor metrics, and its log is not whole: {why}"
    return f"{name} is recorded as {status}, and has no numbers to compare"
