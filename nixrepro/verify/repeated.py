"""Whether a recorded run gives again what it gave: it is repeated, and the results are compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro import repeat
from nixrepro.errors import BuildError, ConfigError, FetchError, LockError, RunError
from nixrepro.record import Record
from nixrepro.repeat.compare import Compared, comparable, compare, layers_that_differ
from nixrepro.runtime.folder import LOG
from nixrepro.verify.verdict import Finding, State, Verdict

if TYPE_CHECKING:
    from nixrepro.nix import Nix
    from nixrepro.repeat.home import Home

CHECK = "run"
RECORD = "record"
_CANT = (RunError, LockError, ConfigError, FetchError, BuildError)


def check_run(
    root: Path,
    record: Record,
    *,
    runs: int,
    tolerance: float | None,
    nix: Nix,
    say: Callable[[str], None],
    home: Home | None = None,
) -> tuple[Verdict, ...]:
    """Repeat a run and compare metrics and fingerprints with the record and among themselves.

    Args:
        root: the project's folder.
        record: the run.
        runs: how often to repeat it, at least once.
        tolerance: how far a metric may be off, relative to the larger value; None for bit for bit.
        nix: the Nix to realise the environment with.
        say: tells the person what is done.
        home: where its code is; None for the project that it is recorded in.

    Raises:
        NixError: there is no usable Nix.
        OSError: the project can't be written.
    """
    began = time.monotonic()
    whole = check_record(record)
    if whole.state != State.SAME:
        return (whole,)
    part = str(record.document["id"])[:12]

    def verdict(
        state: State, reason: str, compared: str = "", findings: tuple[Finding, ...] = ()
    ) -> tuple[Verdict, ...]:
        seconds = time.monotonic() - began - whole.seconds
        return (whole, Verdict(CHECK, part, state, reason, compared, findings, seconds))

    if reason := _incomparable(record):
        return verdict(State.UNKNOWN, reason)
    every = (record.document["result"].get("steps") or {}).get("every", 1)
    again: list[Record] = []
    try:
        while len(again) < max(runs, 1) and not _disagree(again, tolerance):
            again.append(repeat.repeat(root, record, nix, steps=every, say=say, home=home))
            status = again[-1].document["status"]
            if status != "done":
                state = State.DIFFERS if status == "failed" else State.UNKNOWN
                return verdict(state, _ended(again[-1]), _names(again))
    except repeat.OtherEnvironment as error:
        return verdict(State.DIFFERS, f"{error.message}; {error.hint}", "", error.findings)
    except _CANT as error:
        reason = f"it can't be repeated: {error.message}"
        return verdict(State.UNKNOWN, f"{reason}; {error.hint}" if error.hint else reason)
    found = [_compared(record, each) for each in again]
    # What differs most says most.
    place = max(range(len(found)), key=lambda each: _rank(found[each], tolerance))
    state, reason = _answer(record, again, found, place, tolerance)
    tensors = len((record.document["result"].get("fits") or [{}])[-1].get("tensors", []))
    reason += _weaker(record, *again)
    compared = (
        f"{found[place].counted} values of metrics and {tensors} tensors with {_names(again)}"
    )
    return verdict(state, reason, compared, found[place].findings)


def check_record(record: Record) -> Verdict:
    """Whether a record's id, digests and files fit; nothing is run for that."""
    began = time.monotonic()
    findings = repeat.check(record.folder, record.document)
    compared = f"id, digests, {', '.join(sorted(repeat.files(record.document))) or 'no files'}"
    if findings:
        reason = f"{findings[0].subject}: {findings[0].reason}"
        if len(findings) > 1:
            reason += f", and {len(findings) - 1} more"
        state = State.DIFFERS
    else:
        state, reason = State.SAME, "its id, digests and files fit"
    seconds = time.monotonic() - began
    return Verdict(CHECK, RECORD, state, reason, compared, findings, seconds)


def _incomparable(record: Record) -> str:
    """Why there is nothing to compare with; an empty text where there is."""
    document = record.document
    match document["status"]:
        case "running":
            return "it runs still: verify it when it has ended"
        case "done":
            if comparable(document):
                return ""
            return (
                "it recorded neither weights nor metrics: fit a Keras model in it, or call "
                "nixrepro_runtime.log or .weights"
            )
        case other:
            return f"it is recorded as {other}, so there is no result to compare with"


def _ended(again: Record) -> str:
    facts = again.document["exit"]
    how = f"by {facts['signal']}" if facts.get("signal") else f"with status {facts['status']}"
    return f"the repetition {again.document['status']} {how}; its output: {again.folder / LOG}"


def _names(again: list[Record]) -> str:
    names = ", ".join(str(each.document["id"])[:12] for each in again)
    return f"repetition {names}" if len(again) == 1 else f"repetitions {names}"


def _compared(a: Record, b: Record) -> Compared:
    return compare(a.document, b.document, (a.folder, b.folder))


def _within(found: Compared, tolerance: float | None) -> bool:
    """Whether two results are the same, or a tolerance calls them so."""
    if not found.findings:
        return True
    return tolerance is not None and bool(found.counted) and found.deviation <= tolerance


def _rank(found: Compared, tolerance: float | None) -> tuple[bool, float, int]:
    return (not _within(found, tolerance), found.deviation, len(found.findings))


def _disagree(again: list[Record], tolerance: float | None) -> tuple[Record, Record] | None:
    """Two repetitions that differ from each other: more of them would say nothing new."""
    for later in again[1:]:
        if not _within(_compared(again[0], later), tolerance):
            return again[0], later
    return None


def _answer(
    record: Record,
    again: list[Record],
    found: list[Compared],
    place: int,
    tolerance: float | None,
) -> tuple[State, str]:
    number = "the repetition" if len(again) == 1 else f"each of {len(again)} repetitions"
    if pair := _disagree(again, tolerance):
        reason = (
            "the program is not deterministic: repetitions on one machine in one environment "
            f"differ from each other{_first(*pair)}"
        )
        return State.DIFFERS, reason
    worst = found[place]
    if not worst.findings:
        unknown = _unknown_weights(record)
        return State.SAME, f"{number} computed the same, bit for bit{unknown}"
    if _within(worst, tolerance):
        also = (
            ", and the weights differ" if any(f.subject == "weights" for f in worst.others) else ""
        )
        reason = (
            f"{number} is the same only within the tolerance of {tolerance:g}: metrics are off by "
            f"up to {worst.deviation:.2g}{also}"
        )
        return State.SAME, reason
    parts = _first(record, again[place])
    changed = layers_that_differ(record.document, again[place].document)
    between = (
        f"between then and now differ: {', '.join(changed)}"
        if changed
        else "nothing that is recorded differs between then and now but the result"
    )
    if len(again) == 1:
        hint = "`--runs 2` shows whether the program is deterministic at all"
        return State.DIFFERS, f"the repetition computed something else{parts}; {between}; {hint}"
    reason = f"{len(again)} repetitions agree with each other and not with the record{parts}"
    return State.DIFFERS, f"{reason}; {between}"


def _unknown_weights(record: Record) -> str:
    """What to add where weights were to be digested and could not be."""
    weights, result = record.document["fingerprint"].get("weights"), record.document["result"]
    if isinstance(weights, str) or not (result.get("fits") or result.get("weights")):
        return ""
    reason = weights.get("unknown") if isinstance(weights, dict) else "not recorded"
    return f", but not all weights are known ({reason})"


def _weaker(*records: Record) -> str:
    """What to add where one of them had no virtual CPU, though its profile asks for one."""
    for each in records:
        numerics = each.document["layers"]["settings"].get("numerics", {})
        if why := numerics.get("weaker"):
            return f"; weaker than the profile asks, by the libraries' variables alone: {why}"
    return ""


def _first(a: Record, b: Record) -> str:
    """Where two runs part, as the end of a sentence."""
    from nixrepro.diff.results import parting

    found = parting(a, b)
    return f", first in {found}" if found else ""
