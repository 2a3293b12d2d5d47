"""Verdicts as notes beside the lines that they are about, as GitHub and GitLab show them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nixrepro import git
from nixrepro.canonical import json_bytes, write_atomic
from nixrepro.verify.verdict import Finding, State, Verdict

SYSTEMS = ("auto", "github", "gitlab", "none")
# The name that GitLab's own templates give it.
GITLAB_FILE = "gl-code-quality-report.json"
# GitHub shows ten of a kind in a step, and drops the rest.
_MOST = 10
_COMMANDS = {State.DIFFERS: "error", State.UNKNOWN: "warning"}
_SEVERITY = {State.DIFFERS: "major", State.UNKNOWN: "minor"}


def system(asked: str, variables: Mapping[str, str]) -> str:
    """The CI system to write for: the one asked for, or the one that these variables are of."""
    if asked != "auto":
        return asked
    for name, found in (("GITHUB_ACTIONS", "github"), ("GITLAB_CI", "gitlab")):
        if variables.get(name) == "true":
            return found
    return "none"


def publish(
    root: Path, asked: str, verdicts: Sequence[Verdict], say: Callable[[str], None]
) -> None:
    """Put the notes where the CI system reads them.

    Standard output is the answer's alone; GitHub reads both streams, GitLab a file.

    Args:
        root: the project's folder.
        asked: one of `SYSTEMS`.
        verdicts: in their order.
        say: writes a line to standard error.

    Raises:
        OSError: GitLab's file can't be written into the current folder.
    """
    where = system(asked, os.environ)
    if where == "none":
        return
    place = git.place(root)
    folder = place.inside if place else ""
    if where == "gitlab":
        write_atomic(Path(GITLAB_FILE), gitlab(verdicts, folder))
        return
    for line in github(verdicts, folder):
        say(line)


def github(verdicts: Sequence[Verdict], folder: str = "") -> list[str]:
    """Workflow commands, a line each.

    Args:
        verdicts: in their order.
        folder: the project's, from the top of its repository; "" for the top.
    """
    found: list[str] = []
    for state, command in _COMMANDS.items():
        notes = [note for note in _notes(verdicts) if note[0].state is state]
        for number, (verdict, finding) in enumerate(notes):
            title = f"nixrepro verify: {_name(verdict)} {verdict.state.value}"
            if number == _MOST - 1 and len(notes) > _MOST:
                rest = f"{len(notes) - number} more: see the log"
                found.append(f"::{command} title={_property('nixrepro verify')}::{rest}")
                break
            found.append(f"::{command} {_place(finding, folder)}title={_property(title)}::")
            found[-1] += _data(_message(verdict, finding))
    return found


def gitlab(verdicts: Sequence[Verdict], folder: str = "") -> bytes:
    """GitLab's code quality report.

    Args:
        verdicts: in their order.
        folder: the project's, from the top of its repository; "" for the top.
    """
    issues: list[dict[str, Any]] = []
    for verdict, finding in _notes(verdicts):
        # It wants a file; what is about none is about the lock.
        path = _below(folder, finding.file if finding and finding.file else "nixrepro.lock")
        said = _message(verdict, finding)
        name = f"nixrepro-{verdict.check}"
        mark = hashlib.sha256("\0".join((name, path, said)).encode(errors="replace"))
        issues.append(
            {
                "description": said,
                "check_name": name,
                "fingerprint": mark.hexdigest(),
                "severity": _SEVERITY[verdict.state],
                "location": {
                    "path": path,
                    "lines": {"begin": (finding.line if finding else 0) or 1},
                },
            }
        )
    return json_bytes(issues)


def _notes(verdicts: Sequence[Verdict]) -> Iterator[tuple[Verdict, Finding | None]]:
    """Each finding, and each verdict that has none."""
    for verdict in verdicts:
        if verdict.state is not State.SAME:
            yield from ((verdict, finding) for finding in verdict.findings or (None,))


def _message(verdict: Verdict, finding: Finding | None) -> str:
    if finding is None:
        return f"{_name(verdict)}: {verdict.reason}"
    return f"{finding.subject} {finding.reason}\n{verdict.reason}"


def _name(verdict: Verdict) -> str:
    return f"{verdict.check}, {verdict.part}" if verdict.part else verdict.check


def _place(finding: Finding | None, folder: str) -> str:
    if finding is None or not finding.file:
        return ""
    line = f"line={finding.line}," if finding.line else ""
    return f"file={_property(_below(folder, finding.file))},{line}"


def _below(folder: str, file: str) -> str:
    return f"{folder}/{file}" if folder else file


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
