"""A derivation's file says what it makes and from what."""

from __future__ import annotations

from pathlib import Path

import pytest

from nixrepro.derivations import parse

RECORDED = Path(__file__).parent / "recorded" / "nix-2.8.0"
PATH = "/nix/store/r0vyha78vhh0w3m0jv6ffv5zqzvz4r2c-nixrepro-environment.json.drv"


def test_one_that_is_built() -> None:
    found = parse(PATH, (RECORDED / "facts.drv").read_text())
    assert found.output == "/nix/store/cpz05rx5722sigyx5jy2a58bkpirgbmj-nixrepro-environment.json"
    assert not found.fixed
    assert found.name == "nixrepro-environment.json"
    assert [path[44:] for path in found.inputs] == [
        "six-1.17.0.drv",
        "nixrepro-system-debian.drv",
        "nixrepro-environment.drv",
        "nixrepro-seed.drv",
        "nixrepro-bootstrap-python3.11.drv",
    ]
    assert found.sources == ("/nix/store/b13h7c2clw4h3mxwk95q77zp7a6wsfh2-builder",)


def test_a_download() -> None:
    found = parse(PATH, (RECORDED / "artefact.drv").read_text())
    assert found.fixed
    assert found.output.endswith(".deb")


@pytest.mark.parametrize("text", ["", "Derive(", 'Derive([],[],[],"x"', "{}"])
def test_something_else(text: str) -> None:
    with pytest.raises(ValueError, match="is no derivation"):
        parse(PATH, text)
