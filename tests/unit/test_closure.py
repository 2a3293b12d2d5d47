"""A closure reads the same from a record, from facts and from Nix's database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nixrepro.closure import Closure, StorePath, of_document, registered

RECORDED = Path(__file__).parent / "recorded" / "nix-2.8.0"
HASH = "sha256:1ckbsycqzcphiz924d8ijpdj1wi5figv65km5c7mrcj6qk6jg6fq"
ONE = StorePath("/nix/store/0fyri3wdy9b46qlmvfd5rps1jk2yhq1k-one", HASH, 120)
TWO = StorePath("/nix/store/1a8rc99nmb5b2qlwad3gmh0bcrcvrklq-two", HASH, 344)
ENTRY = {"path": ONE.path, "narHash": HASH, "narSize": 120}


def test_the_order_does_not_matter() -> None:
    assert Closure((TWO, ONE)) == Closure((ONE, TWO))
    assert Closure((TWO, ONE)).digest == Closure((ONE, TWO)).digest
    assert Closure((TWO, ONE)).size == 464
    assert Closure((TWO, ONE)).by_path() == {ONE.path: ONE, TWO.path: TWO}


def test_a_path_stands_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        Closure((ONE, ONE))


def test_the_digest_is_the_one_that_the_library_wrote() -> None:
    """Of facts that the library's own builder wrote in a build."""
    facts = json.loads((RECORDED / "facts.json").read_text())
    closure = of_document(facts)
    assert len(closure.paths) == len(facts["closure"]) > 3
    assert closure.digest == facts["identity"]["digest"]
    other = Closure((*closure.paths[1:], StorePath(closure.paths[0].path, HASH, 1)))
    assert other.digest != closure.digest


def test_nix_says_the_same_of_them_as_the_facts() -> None:
    said = registered((RECORDED / "dump-db.stdout").read_text())
    facts = of_document(json.loads((RECORDED / "facts.json").read_text()))
    assert Closure(tuple(each.item for each in said)) == facts
    references = {each.item.path: each.references for each in said}
    assert any(references.values())
    assert {path for some in references.values() for path in some} <= references.keys()


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"closure": {}},
        {"closure": ["x"]},
        {"closure": [{**ENTRY, "narSize": "120"}]},
        {"closure": [{**ENTRY, "narHash": "sha256-abc="}]},
        {"closure": [{**ENTRY, "path": None}]},
        {"closure": [ENTRY, ENTRY]},
    ],
)
def test_a_document_of_another_shape(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"closure|twice"):
        of_document(document)


@pytest.mark.parametrize(
    "text", ["x\n", "/nix/store/a\nnohex\n1\n\n0\n", "/nix/store/a\n00\n1\n\nmany\n"]
)
def test_a_registration_of_another_shape(text: str) -> None:
    with pytest.raises(ValueError, match="a line that is none"):
        registered(text)
