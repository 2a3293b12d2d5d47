"""What is said of a closure: which paths are missing, which files differ, what was mended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nixrepro.progress import amount
from nixrepro.verify.afresh import Seen
from nixrepro.verify.survey import Bad, Survey
from nixrepro.verify.verdict import Finding, State, Verdict

_SHOWN = 5  # files of one path that are named
_SINCE = "it was sound before the repair"


def paths_and_bytes(
    found: Survey,
    seen: Mapping[str, Seen],
    failed: Mapping[str, str],
    mended: Sequence[Bad],
    seconds: float,
) -> tuple[Verdict, Verdict]:
    """The verdicts on a closure's paths and on their bytes.

    Args:
        found: what was seen last.
        seen: for each path that differed at first, its files.
        failed: for each path that a repair left as it is, why.
        mended: what a repair brought back.
        seconds: how long it took.
    """
    layers = _layers(found.facts)
    facts = "" if found.facts is None else " and the environment's facts"
    count = f"{len(found.closure.paths)} store paths"
    missing: list[Finding] = []
    differing: list[Finding] = []
    for bad in found.bad:
        path = bad.item.path
        to_say = [bad.reason] if bad.reason else _files(seen.get(path, _SINCE))
        if path in failed:
            to_say.append(f"not mended: {failed[path]}")
        findings = [Finding(path, reason, layers.get(path, "")) for reason in to_say]
        (missing if bad.missing else differing).extend(findings)
    missing += [Finding(path, reason, layers.get(path, "")) for path, reason in found.disagreeing]
    hint = "" if failed or mended else ": `nixrepro verify --repair` mends it from the artefacts"

    def verdict(
        part: str, findings: list[Finding], good: str, wrong: str, compared: str
    ) -> Verdict:
        took = seconds if part == "bytes" else 0.0
        said = [_mended(bad, seen) for bad in mended if bad.missing == (part == "paths")]
        repaired = f"; mended: {', '.join(said)}" if said else ""
        if not findings:
            return Verdict("closure", part, State.SAME, good + repaired, compared, (), took)
        number = len({finding.subject for finding in findings})
        reason = f"{number} of {count} {wrong}{hint}{repaired}"
        return Verdict("closure", part, State.DIFFERS, reason, compared, tuple(findings), took)

    against = f"with Nix's database{facts}"
    size = amount(found.closure.size)
    return (
        verdict(
            "paths", missing, "all paths are there", "are not as stated", f"{count}, {against}"
        ),
        verdict(
            "bytes",
            differing,
            "all bytes have their hash",
            "have other bytes",
            f"the NAR hashes of {count}, {size}, {against}",
        ),
    )


def _files(seen: Seen) -> list[str]:
    """What to say of a path whose bytes differ: its files, one by one."""
    if isinstance(seen, str):
        return [f"its bytes differ; in which file can't be said: {seen}"]
    said = [f"{change.path or 'it'} {change.text}" for change in seen[:_SHOWN]]
    if len(seen) > _SHOWN:
        said.append(f"{len(seen) - _SHOWN} more of its files differ")
    return said or ["it differed when it was hashed, and no more when its files were compared"]


def _mended(bad: Bad, seen: Mapping[str, Seen]) -> str:
    """A mended path in a few words: which, and what was wrong with it."""
    return f"{bad.item.path} ({bad.reason or ', '.join(_files(seen[bad.item.path]))})"


def _layers(facts: Mapping[str, Any] | None) -> dict[str, str]:
    """The layer that each path belongs to, as far as the facts say."""
    layers = {} if facts is None else facts.get("layers", {})
    return {item["path"]: layer for layer, items in layers.items() for item in items}
