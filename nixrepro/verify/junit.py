"""Verdicts as JUnit XML, which GitLab, Jenkins and most others show as tests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from nixrepro.canonical import write_atomic
from nixrepro.verify.verdict import Finding, State, Verdict

# All that XML 1.0 has no way to say: control characters, lone surrogates, two that are none.
_UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {State.DIFFERS: "failure", State.UNKNOWN: "error"}


def text(verdicts: Sequence[Verdict], *, allow_unknown: bool = False) -> bytes:
    """The document: a suite for each check, a case for each verdict.

    Args:
        verdicts: in their order.
        allow_unknown: show what is unknown as skipped, not as an error.
    """
    tags = {**_TAGS, State.UNKNOWN: "skipped"} if allow_unknown else _TAGS
    root = ElementTree.Element("testsuites", {"name": "nixrepro verify", **_counts(verdicts, tags)})
    for check in dict.fromkeys(verdict.check for verdict in verdicts):
        of_check = [verdict for verdict in verdicts if verdict.check == check]
        suite = ElementTree.SubElement(root, "testsuite", {"name": check})
        suite.attrib.update(_counts(of_check, tags))
        for verdict in of_check:
            _case(suite, verdict, tags)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def write(path: Path, verdicts: Sequence[Verdict], *, allow_unknown: bool = False) -> None:
    """Write the document in one step, into a folder that is made if it isn't there.

    Raises:
        OSError: it can't be written; an old one is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text(verdicts, allow_unknown=allow_unknown))


def _counts(verdicts: Sequence[Verdict], tags: dict[State, str]) -> dict[str, str]:
    found = [tags.get(verdict.state, "") for verdict in verdicts]
    return {
        "tests": str(len(verdicts)),
        "failures": str(found.count("failure")),
        "errors": str(found.count("error")),
        "skipped": str(found.count("skipped")),
        "time": f"{sum(verdict.seconds for verdict in verdicts):.3f}",
    }


def _case(suite: ElementTree.Element, verdict: Verdict, tags: dict[State, str]) -> None:
    name = _sayable(verdict.part or verdict.check)
    about = {"classname": f"nixrepro.{verdict.check}", "name": name}
    about["time"] = f"{verdict.seconds:.3f}"
    if file := next((each.file for each in verdict.findings if each.file), ""):
        about["file"] = _sayable(file)
    case = ElementTree.SubElement(suite, "testcase", about)
    if tag := tags.get(verdict.state):
        told = {"message": _sayable(verdict.reason), "type": verdict.state.value}
        problem = ElementTree.SubElement(case, tag, told)
        lines = [verdict.reason, f"compared: {verdict.compared}"]
        problem.text = _sayable("\n".join([*lines, *map(_line, verdict.findings)]))
    else:
        out = ElementTree.SubElement(case, "system-out")
        out.text = _sayable(f"{verdict.reason}\ncompared: {verdict.compared}")


def _line(finding: Finding) -> str:
    place = f"{finding.file}:{finding.line}: " if finding.file and finding.line else ""
    layer = f" [{finding.layer}]" if finding.layer else ""
    return f"{place}{finding.subject} {finding.reason}{layer}"


def _sayable(said: str) -> str:
    return _UNSAYABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", said)
