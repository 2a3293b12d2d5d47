"""A pylock.toml means here what PEP 751 says."""

from __future__ import annotations

from pathlib import Path

import pytest

from nixrepro import imports
from nixrepro.config import Wheels
from nixrepro.errors import ImportFileError
from nixrepro.imports import Imported
from nixrepro.resolve.pins import Pins

RECORDED = Path(__file__).parents[1] / "recorded/imports"
HEAD = 'lock-version = "1.0"\ncreated-by = "test"\n'
SHA = "ab" * 32
URL = "https://files.example/a-1.0-py3-none-any.whl"
WHEEL = f'wheels = [{{ url = "{URL}", hashes = {{ sha256 = "{SHA}" }} }}]\n'
A = f'[[packages]]\nname = "a"\nversion = "1.0"\n{WHEEL}'


def take(folder: Path, text: str, head: str = HEAD) -> Imported:
    (folder / "pylock.toml").write_text(head + text)
    return imports.read(folder / "pylock.toml")


def test_what_uv_wrote() -> None:
    found = imports.read(RECORDED / "uv-0.13.9/pylock.toml")
    assert (found.format, found.python) == ("pylock.toml", "<3.12,>=3.9")
    assert 'termcolor==1.1.0 ; sys_platform == "linux"' in found.requirements
    holding = Pins.of(Wheels(pins=found.pins), "3.11.2").pins
    assert [pin.version for pin in holding if pin.name == "urllib3"] == ["2.8.0"]
    assert [(left.text, left.wanted) for left in found.left] == [("labtools", True)]


def test_the_file_that_it_names_by_a_url_is_asked_for_so() -> None:
    found = imports.read(RECORDED / "uv-0.13.9-local/pylock.toml")
    (pin,) = (pin for pin in found.pins if pin.url)
    assert (pin.name, pin.version, len(pin.hashes)) == ("iniconfig", "1.1.1", 1)
    assert f"iniconfig @ {pin.url}" in found.requirements
    # The project itself is no obstacle, a package that is not there is one.
    assert [left.text for left in found.left] == ["lab"]


@pytest.mark.parametrize(
    ("marker", "wanted"),
    [
        ("'dev' in dependency_groups", ()),
        ("'train' in dependency_groups", ("a==1.0",)),
        ("'gpu' in extras", ()),
        ("'gpu' not in extras", ("a==1.0",)),
    ],
)
def test_default_groups_are_wanted_and_no_extra(
    marker: str, wanted: tuple[str, ...], tmp_path: Path
) -> None:
    head = (
        HEAD
        + 'extras = ["gpu"]\ndependency-groups = ["dev", "train"]\ndefault-groups = ["train"]\n'
    )
    found = take(tmp_path, A + f'marker = "{marker}"\n', head)
    assert found.requirements == wanted
    assert [(pin.name, pin.marker, pin.hashes) for pin in found.pins] == [("a", "", (SHA,))]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            A.replace("a-1.0", "b-1.0"),
            "6: is no pylock.toml: packages[0].wheels[0]: Name",
        ),
        (A.replace('"1.0"', '"one"'), "5: is no pylock.toml: packages[0].version:"),
        (
            A.replace("sha256", "sha257 = 1, sha256"),
            "6: is no pylock.toml: packages[0]",
        ),
        (
            '[[packages]]\nname = "a"\n',
            "3: is no pylock.toml: packages[0]: Exactly one",
        ),
        ("packages = [\n", "4: not valid TOML"),
        ("", "1: is no pylock.toml: packages: Missing required value"),
    ],
)
def test_what_is_malformed_is_said_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ImportFileError) as caught:
        take(tmp_path, text)
    assert caught.value.message.startswith(f"pylock.toml:{message}")


def test_a_later_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"pylock version 2.0 is not supported"):
        take(tmp_path, "packages = []\n", HEAD.replace("1.0", "2.0"))
