"""The code layer of two runs: submodules and Git LFS beside the tree, and names for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nixrepro.diff import compare
from nixrepro.diff.known import of_record
from nixrepro.diff.model import CHANGED, Difference, Results
from nixrepro.diff.text import lines

from .conftest import Make

NEW = {
    "describe": "v1-3-g0123456789ab",
    "remote": "https://git.example/a.git",
    "submodules": [{"path": "lib", "commit": "1" * 40, "dirty": False}],
    "lfs": [],
}


def code(**more: Any) -> Callable[[dict[str, Any]], None]:
    def edit(document: dict[str, Any]) -> None:
        document["layers"]["code"].update({**NEW, **more})

    return edit


def changes(make: Make, a: Any, b: Any) -> list[tuple[str, Any, Any]]:
    found = compare(of_record(make("a", a)), of_record(make("b", b)))
    (part,) = (part for part in found.parts if part.layer == "code")
    return [(change.subject, change.old, change.new) for change in part.changes]


def test_a_record_of_an_older_version_has_the_same_code(make: Make) -> None:
    assert changes(make, None, code()) == []


def test_names_are_no_difference(make: Make) -> None:
    assert changes(make, code(), code(describe="v2", remote={"unknown": "none"})) == []


def test_a_submodule_in_which_something_changed_or_that_was_not_there(make: Make) -> None:
    dirty = {**NEW["submodules"][0], "dirty": True, "tree": "2" * 40}  # type: ignore[dict-item]
    missing = {**NEW["submodules"][0], "missing": True}  # type: ignore[dict-item]
    assert changes(make, code(submodules=[dirty]), code(submodules=[missing])) == [
        ("lib", f"{'2' * 12}, not committed", "not there")
    ]


def test_a_pointer_that_was_not_fetched(make: Make) -> None:
    assert changes(make, code(lfs=["w.bin"]), code()) == [("w.bin", "a pointer of Git LFS", None)]


def test_where_the_tree_differs_names_help_to_find_it(make: Make) -> None:
    one, two = (make("a", code()), make("b", code(describe="v2", tree="f" * 40)))
    found = compare(of_record(one), of_record(two))
    (part,) = (part for part in found.parts if part.layer == "code")
    assert part.changes[0].kind == CHANGED
    text = "\n".join(lines(Difference("x", "y", (part,), Results())))
    assert "a: v1-3-g0123456789ab of https://git.example/a.git" in text
    assert "b: v2 of https://git.example/a.git" in text
