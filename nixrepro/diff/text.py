"""Says a difference as text: tens of lines, one section for each layer that differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from nixrepro.diff import arithmetic
from nixrepro.diff.model import ADDED, CHANGED, CONTENT, REMOVED, Change, Difference, Part, Results
from nixrepro.runtime.wording import figure

HEAD = 3
SHOWN = 12
CODE = 24
_KINDS = (
    (CHANGED, ""),
    (CONTENT, "same version, other content:"),
    (ADDED, "added:"),
    (REMOVED, "removed:"),
)
_HEX = frozenset("0123456789abcdef")


def lines(difference: Difference, describe: Sequence[str] = ("", "")) -> list[str]:
    """The difference for a person.

    Args:
        difference: what was found.
        describe: a few words more about each side.
    """
    found = [
        f"a  {difference.a}{_more(describe[0])}",
        f"b  {difference.b}{_more(describe[1])}",
        headline(difference),
    ]
    for part in difference.parts:
        if part.changes:
            found += ["", part.layer, *(f"  {line}".rstrip() for line in _part(part))]
    if difference.probe:
        names = (name for name, *_ in difference.probe)
        found += ["", "arithmetic, by probe", *(f"  {e}" for e in arithmetic.functions(names))]
    if result := list(_results(difference.results)):
        found += ["", "results", *(f"  {line}" for line in result)]
    if unknown := list(_unknown(difference)):
        found += ["", "not compared", *(f"  {line}" for line in unknown)]
    return found


def fitted(found: Sequence[str], width: int) -> list[str]:
    """The lines for a terminal: the head, which says it all, is wrapped, the rest is cut."""
    import textwrap

    lines: list[str] = []
    for place, line in enumerate(found):
        if len(line) <= width:
            lines.append(line)
        elif place < HEAD:
            lines += textwrap.wrap(line, max(width, 20), subsequent_indent="   ")
        else:
            lines.append(f"{line[: max(width, 20) - 3]}...")
    return lines


def headline(difference: Difference) -> str:
    """One line: which layers differ, and whether the results are the same."""
    where = f"differ in {', '.join(difference.layers)}" if difference.layers else "no layer differs"
    results = difference.results
    if results.parting:
        return f"{where}; results part at {results.parting}"
    if not results.same:
        return f"{where}; other results"
    if results.unknown or not (results.weights[0] or results.metrics):
        return where
    return f"{where}; same results"


def _more(text: str) -> str:
    return f"  ({text})" if text else ""


def _part(part: Part) -> Iterator[str]:
    if part.layer == "code":
        said = (c for c in part.changes if c.subject != "tree" or c.detail or not part.text)
        yield from _cut([_line(c, 0) for c in said])
        if part.text:
            code = part.text.rstrip().split("\n")
            # Where it is long, which files it concerns says more than its beginning.
            yield from code if len(code) <= CODE else _cut(_files(code))
        return
    for kind, head in _KINDS:
        group = [change for change in _telling(part.changes) if change.kind == kind]
        if not group:
            continue
        if head:
            yield head
        inner = "  " if head else ""
        if kind in (ADDED, REMOVED):
            yield from (f"{inner}{line}" for line in _cut([_alone(change) for change in group]))
        else:
            width = min(max(len(change.subject) for change in group[:SHOWN]), 30)
            yield from (f"{inner}{line}" for line in _cut([_line(c, width) for c in group]))


def _telling(changes: Sequence[Change]) -> list[Change]:
    """The changes, of CPUs the name and the table first: the flags only say the table again."""
    subjects = {change.subject for change in changes}
    first = ("cpu.model", arithmetic.TABLE)
    known = [c for c in changes if c.subject != "cpu.flags" or arithmetic.TABLE not in subjects]
    return sorted(known, key=lambda change: change.subject not in first)


def _alone(change: Change) -> str:
    value = change.old if change.new is None else change.new
    return f"{change.subject} {_value(value)}".rstrip()


def _line(change: Change, width: int) -> str:
    name = f"{change.subject:<{width}}"
    if change.subject == arithmetic.TABLE and change.old and change.new:
        return f"{name}  {arithmetic.tables(change.old, change.new)}"
    detail = ", ".join(_cut(list(change.detail), 4)) if change.detail else ""
    if detail and isinstance(change.old, tuple) and isinstance(change.new, tuple):
        return f"{name}  {' '.join(_cut(list(change.detail)))}"
    pair = f"{name}  {_value(change.old)} -> {_value(change.new)}"
    return f"{pair}  ({detail})" if detail else pair


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, float):
        return figure(value)
    text = " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text[:12] if len(text) in (40, 64) and _HEX.issuperset(text) else text


def _cut(items: Sequence[str], shown: int = SHOWN) -> list[str]:
    # One more line would say no less than the thing itself.
    if len(items) <= shown + 1:
        return list(items)
    return [*items[:shown], f"and {len(items) - shown} more (--json has all)"]


def _files(code: Iterable[str]) -> list[str]:
    """From a long `git diff` each file with the lines that it gained and lost."""
    found: list[list[Any]] = []
    inside = False
    for line in code:
        if line.startswith("diff --git "):
            found.append([line.rpartition(" b/")[2], 0, 0])
            inside = False
        elif line.startswith("@@"):
            inside = True
        elif inside and found and line[:1] in "+-" and line:
            found[-1][1 if line[0] == "+" else 2] += 1
    return [
        f"{name}  +{plus} -{minus}" if plus or minus else f"{name}  no line of text"
        for name, plus, minus in found
    ]


def _results(results: Results) -> Iterator[str]:
    if results.same:
        return
    if results.parting:
        yield f"first part at {results.parting}"
        if any(results.values):
            yield f"  {_value(results.values[0])} -> {_value(results.values[1])}"
    other = [each for each in results.metrics if each[1] != each[2]]
    width = max((len(name) for name, *_ in other), default=0)
    for name, old, new, by in other:
        yield f"{name:<{width}}  {_figures(old, new)}" + (f"  ({by:+.3g})" if by else "")
    if results.weights[0] != results.weights[1]:
        yield f"weights  {results.weights[0][:12] or 'none'} -> {results.weights[1][:12] or 'none'}"
        names, count = results.tensors
        if names:
            yield f"  {len(names)} of {count} tensors: {', '.join(_cut(names, 4))}"


def _figures(old: Any, new: Any) -> str:
    if old is None or new is None:
        return f"{_value(old)} -> {_value(new)}"
    short = figure(old), figure(new)
    # What differs in the last bits only must not look the same.
    return " -> ".join(short if short[0] != short[1] else (str(old), str(new)))


def _unknown(difference: Difference) -> Iterator[str]:
    """Each reason once, with all that it concerns."""
    concerned: dict[str, list[str]] = {}
    for part in difference.parts:
        for key, reason in part.unknown:
            subject = f"{part.layer}.{key}" if key else part.layer
            concerned.setdefault(reason, []).append(subject)
    if difference.results.unknown:
        concerned.setdefault(difference.results.unknown, []).append("results")
    for reason, subjects in concerned.items():
        yield f"{', '.join(_cut(subjects, 4))}: {reason}"
