"""A Dockerfile's instructions: continued lines, comments, here-documents, variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nixrepro.imports.model import fail

_WORDS = frozenset(
    (
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
        "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    )
)  # fmt: skip
_DIRECTIVE = re.compile(r"#\s*([a-z]+)\s*=\s*(\S+)\s*", re.IGNORECASE)
_HERE = re.compile(r"(?<!<)<<-?(['\"]?)([A-Za-z_][A-Za-z0-9_]*)\1")
_VARIABLE = re.compile(
    r"\\\$|\$(?:(?P<plain>[A-Za-z_][A-Za-z0-9_]*)"
    r"|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::(?P<how>[-+])(?P<other>[^{}]*))?\})"
)


@dataclass(frozen=True)
class Instruction:
    """One of them: its line, its word in capitals, what follows, and its here-documents' lines."""

    line: int
    word: str
    text: str
    documents: tuple[str, ...] = ()


def expand(text: str, values: Mapping[str, str]) -> str:
    """The text with $NAME, ${NAME}, ${NAME:-other} and ${NAME:+other}; what is unset stays."""

    def value(found: re.Match[str]) -> str:
        name = found["plain"] or found["name"]
        if name is None:
            return found[0]
        known = values.get(name, "")
        if found["how"] == "+":
            return found["other"] if known else ""
        return known or (found["other"] if found["how"] else found[0])

    return _VARIABLE.sub(value, text)


def instructions(text: str, file: str) -> Iterator[Instruction]:
    """All of them, in their order.

    Raises:
        ImportFileError: a line is none, or a here-document does not end.
    """
    lines = text.splitlines()
    escape = _escape(lines)
    at = 0
    while at < len(lines):
        start, whole = at, ""
        while at < len(lines):
            line = lines[at]
            at += 1
            if line.lstrip().startswith("#") or (whole and not line.strip()):
                continue  # also between the lines of one instruction
            stripped = line.rstrip()
            if not whole:
                start = at
            whole += stripped.removesuffix(escape) if stripped.endswith(escape) else line
            if not stripped.endswith(escape):
                break
        if not whole.strip():
            continue
        word, _, rest = whole.strip().partition(" ")
        word, _, more = word.partition("\t")
        if word.upper() not in _WORDS:
            fail(file, start, f"is no instruction of a Dockerfile: {word[:40]!r}")
        documents: list[str] = []
        if word.upper() in ("RUN", "COPY", "ADD"):
            for _, end in _HERE.findall(rest):
                at = _document(lines, at, end, documents, file)
        yield Instruction(start, word.upper(), f"{more}{rest}".strip(), tuple(documents))


def _document(lines: list[str], at: int, end: str, found: list[str], file: str) -> int:
    """Take a here-document's lines; where the next instruction begins."""
    for place in range(at, len(lines)):
        if lines[place].strip("\t") == end:
            return place + 1
        found.append(lines[place])
    fail(file, at, f"begins a here-document that does not end: {end}")


def _escape(lines: list[str]) -> str:
    """What a line ends with that goes on: a backslash, unless the first lines say otherwise."""
    for line in lines:
        found = _DIRECTIVE.fullmatch(line.strip())
        if found is None:
            break
        if found[1].lower() == "escape":
            return found[2]
    return "\\"
