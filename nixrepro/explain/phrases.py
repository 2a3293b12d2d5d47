"""Parts of the sentences of an explanation: the differences by name, and where the numbers part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from nixrepro.explain.model import Explanation, Unit

_SHOWN = 5
_QUOTED = 60
ONE = ("the output", "the exit status")


def sides(found: Explanation) -> tuple[str, str]:
    """The run that was run again, and the other one."""
    return ("A", "B") if found.base == "A" else ("B", "A")


def same(found: Explanation) -> str:
    """That the numbers are the same."""
    return f"{capital(found.subject)} {'is' if found.subject in ONE else 'are'} the same"


def parting(found: Explanation) -> str:
    """That the numbers differ, and from where on; or that they don't."""
    if found.same:
        return same(found)
    verb = "differs" if found.subject in ONE else "differ"
    where, a, b = found.parting
    if not where:
        return f"{capital(found.subject)} {verb}"
    if where.startswith("line "):
        values = f"`{a[:_QUOTED]}` -> `{b[:_QUOTED]}`"
        return f"{capital(found.subject)} {verb} from {where} on ({values})"
    place, colon, what = where.partition(": ")
    values = f": {short(a)} -> {short(b)}" if a or b else ""
    if not colon:
        return f"{capital(found.subject)} {verb} ({where}{values})"
    return f"{capital(found.subject)} {verb} from {place} on ({what}{values})"


def short(value: str) -> str:
    """A value of the parting, for a person: a digest by its first digits."""
    try:
        return f"{float(value):.9g}" if "." in value else value[:12]
    except ValueError:
        return value[:12]


def begun(found: Explanation, units: Sequence[Unit]) -> str:
    """Differences at the beginning of a sentence, where a name keeps its own letters."""
    text = listed(found, units)
    return capital(text) if text.startswith("the ") else text


def listed(found: Explanation, units: Sequence[Unit] | Iterable[Unit]) -> str:
    """Differences with their values, one after the other; a long row is cut."""
    items = [named(found, unit) for unit in units]
    if len(items) > _SHOWN + 1:
        items = [*items[:_SHOWN], f"{len(items) - _SHOWN} more"]
    return joined(items)


def named(found: Explanation, unit: Unit) -> str:
    """A difference with its values, A's first."""
    turned = found.base == "B" and unit.new
    return str(replace(unit, old=unit.new, new=unit.old) if turned else unit)


def labels(units: Iterable[Unit]) -> str:
    """Differences by their labels alone."""
    return joined([unit.label for unit in units])


def joined(items: Sequence[str]) -> str:
    """Words with commas between them, and an `and`."""
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else "".join(items)


def capital(text: str) -> str:
    """A text with a capital letter first."""
    return text[:1].upper() + text[1:]
