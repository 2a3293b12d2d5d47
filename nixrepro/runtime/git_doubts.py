"""Says what git alone could not bring back of a run, and refuses a run that is to be clean."""

from __future__ import annotations

from .launch import USAGE, Refused, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

_NAMED = 3


def see(facts: dict[str, Any], changed: Sequence[str], *, clean: bool, quiet: bool) -> None:
    """Warn in one line where a run can't be repeated from git, or refuse it.

    Args:
        facts: the code layer's.
        changed: paths that are not as they were committed.
        clean: refuse whatever is not committed and complete.
        quiet: say nothing.

    Raises:
        Refused: it was to be clean, and is not.
    """
    if clean and (why := "; ".join(unclean(facts, changed))):
        raise Refused(
            f"--require-clean: {why}. Nothing was started. Commit, ignore or fetch it first", USAGE
        )
    found = list(doubts(facts))
    if found and not quiet:
        say(f"git can't bring this run's code back: {'; '.join(found)}")


def unclean(facts: dict[str, Any], changed: Sequence[str]) -> Iterator[str]:
    """What is uncommitted, untracked or not fetched."""
    if "commit" not in facts:
        yield facts["unknown"]
        return
    if isinstance(facts["commit"], dict):
        yield facts["commit"]["unknown"]
    if changed:
        yield f"not committed: {some(sorted(changed))}"
    yield from _absent(facts)


def doubts(facts: dict[str, Any]) -> Iterator[str]:
    """Why the commit and the patch that a record has don't make the code again."""
    if "commit" not in facts:
        yield facts["unknown"]
        return
    for name in ("tree", "patch"):
        if isinstance(facts.get(name), dict) and "unknown" in facts[name]:
            yield facts[name]["unknown"]
            return
    if large := [each["path"] for each in facts["large"]]:
        yield f"recorded by digest alone: {some(large)}"
    if dirty := [each["path"] for each in facts["submodules"] if each["dirty"]]:
        yield f"not committed in its submodule: {some(dirty)}"
    yield from _absent(facts)


def some(names: Sequence[str]) -> str:
    """The first of many names, and how many more there are."""
    more = len(names) - _NAMED
    said = ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    # A file's name could else steer the terminal.
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in said)


def _absent(facts: dict[str, Any]) -> Iterator[str]:
    if missing := [each["path"] for each in facts["submodules"] if each.get("missing")]:
        yield f"submodule not there (`git submodule update --init --recursive`): {some(missing)}"
    if facts["lfs"]:
        yield f"only a pointer (`git lfs pull`): {some(facts['lfs'])}"
