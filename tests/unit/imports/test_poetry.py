"""A poetry.lock's pins, and what its pyproject.toml wants, are what Poetry means by them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from nixrepro import imports
from nixrepro.config import Wheels
from nixrepro.errors import ImportFileError
from nixrepro.imports import Imported, Left
from nixrepro.resolve.pins import Pins

RECORDED = Path(__file__).parents[1] / "recorded/imports"
CLICK = (
    "63c132bbbed01578a06712a2d1f497bb62d9c1c0d329b7903a866228027263b2",
    "ed53c9d8990d83c2a27deae68e4ee337473f6330c040a31d4225c9574d16096a",
)
TERMCOLOR = "1d6d69ce66211143803fbc56652b41d73b4a400a2891d7bf7a1cdf4c02de613b"
PYTHON = "python_version"
WANTED = (
    "requests[socks]>=2.28,<3",
    "click>=8.1,<8.2",
    "termcolor==1.1.0",
    "importlib-metadata<6 ; python_version < '3.10'",
    "numpy==1.24.4 ; python_version < '3.10'",
    "numpy==1.26.4 ; python_version >= '3.10'",
)


def holding(found: Imported, python: str) -> dict[str, str]:
    return {pin.name: pin.version for pin in Pins.of(Wheels(pins=found.pins), python).pins}


def take(folder: Path, lock: str, project: str = "") -> Imported:
    (folder / "poetry.lock").write_text(lock)
    if project:
        (folder / "pyproject.toml").write_text(project)
    return imports.read(folder / "poetry.lock")


@pytest.mark.parametrize("version", ["2.5.1", "1.8.5"])
def test_what_poetry_wrote(version: str) -> None:
    found = imports.read(RECORDED / f"poetry-{version}/poetry.lock")
    assert (found.format, found.python) == ("poetry.lock", ">=3.9,<3.12")
    assert found.requirements == WANTED
    on_39, on_311 = holding(found, "3.9.2"), holding(found, "3.11.2")
    assert (on_39["numpy"], on_311["numpy"]) == ("1.24.4", "1.26.4")
    assert on_39["importlib-metadata"] == "5.2.0"
    assert on_311["iniconfig"] == "1.1.1"  # of a group, and pinned all the same
    assert on_311["tqdm"] == "4.70.1"  # of an extra
    by_name = {pin.name: pin for pin in found.pins}
    assert by_name["click"].hashes == CLICK
    text = (RECORDED / f"poetry-{version}/poetry.lock").read_text().split("\n")
    assert text[by_name["click"].line] == 'name = "click"'
    missing = [left for left in found.left if left.wanted]
    assert [left.text.split()[0] for left in missing] == ["labtools"]
    assert "https://git.example/labtools.git" in missing[0].reason
    notes = {left.text: left for left in found.left if not left.wanted}
    assert notes["tqdm"].reason.startswith("optional")
    assert notes["[tool.poetry.group.dev.dependencies]"].file == "pyproject.toml"


def test_a_version_that_poetry_1_gives_no_marker_is_not_guessed(tmp_path: Path) -> None:
    lock = "".join(
        f'[[package]]\nname = "a"\nversion = "{version}"\n' for version in ("1.0", "2.0")
    )
    found = take(tmp_path, lock, '[tool.poetry.dependencies]\na = "*"\n')
    assert found.pins == ()
    reason = "pinned to 1.0, 2.0, and the file does not say which holds when"
    assert found.left == (Left(1, "a", reason),)


def test_a_lock_of_poetry_1_1_has_its_hashes_at_its_end() -> None:
    found = imports.read(RECORDED / "poetry-1.1.15/poetry.lock")
    assert found.requirements == ("termcolor==1.1.0",)
    iniconfig, termcolor = found.pins
    assert (iniconfig.name, len(iniconfig.hashes)) == ("iniconfig", 2)
    assert termcolor.hashes == (TERMCOLOR,)
    assert [(left.text, left.wanted) for left in found.left] == [
        ("labtools 0.3.0", True),
        ("[tool.poetry.dev-dependencies]", False),
    ]


@pytest.mark.parametrize("version", ["1.1.15", "1.8.5", "2.5.1"])
def test_where_no_pyproject_says_what_is_wanted_all_of_main_is(
    version: str, tmp_path: Path
) -> None:
    shutil.copy(RECORDED / f"poetry-{version}/poetry.lock", tmp_path)
    found = imports.read(tmp_path / "poetry.lock")
    names = {line.partition("==")[0] for line in found.requirements}
    assert "termcolor" in names and "tqdm" not in names
    assert ("iniconfig" in names) == (version == "1.8.5")  # which doesn't tell groups
    assert any(left.reason.startswith("no pyproject.toml beside it") for left in found.left)


def test_a_project_table_is_preferred_to_poetrys_own(tmp_path: Path) -> None:
    project = (
        '[project]\nname = "x"\ndependencies = ["a>=1"]\n[tool.poetry.dependencies]\nb = "1"\n'
    )
    assert take(tmp_path, "[metadata]\n", project).requirements == ("a>=1",)


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ('"^1.2.3"', "a>=1.2.3,<2"),
        ('"^0.2.3"', "a>=0.2.3,<0.3"),
        ('"^0.0.3"', "a>=0.0.3,<0.0.4"),
        ('"^0"', "a>=0,<1"),
        ('"~1.2.3"', "a>=1.2.3,<1.3"),
        ('"~1"', "a>=1,<2"),
        ('"~=1.4"', "a~=1.4"),
        ('"1.2.*"', "a==1.2.*"),
        ('">= 1.2 <2"', "a>=1.2,<2"),
        ('"*"', "a"),
        (
            '{version = "1", python = "^3.8"}',
            f"a==1 ; {PYTHON} >= '3.8' and {PYTHON} < '4'",
        ),
        (
            '{version = "1", python = "<3.8 || >3.10", platform = "linux"}',
            f"a==1 ; (({PYTHON} < '3.8') or ({PYTHON} > '3.10')) and sys_platform == 'linux'",
        ),
        ('{url = "https://u:p@files.example/a-1.whl"}', "a @ https://files.example/a-1.whl"),
    ],
)
def test_poetrys_ways_to_ask_are_said_in_pep_508(asked: str, line: str, tmp_path: Path) -> None:
    found = take(tmp_path, "[metadata]\n", f"[tool.poetry.dependencies]\na = {asked}\n")
    assert found.requirements == (line,)


def test_a_choice_of_ranges_is_left_to_the_pin(tmp_path: Path) -> None:
    found = take(tmp_path, "[metadata]\n", '[tool.poetry.dependencies]\na = "1 || 3"\n')
    assert found.requirements == ("a",)
    assert found.left[-1].reason == "'1 || 3' is one range or another; what is pinned decides"


def test_a_local_package_is_taken_from_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "lab/src").mkdir(parents=True)
    (tmp_path / "lab/pyproject.toml").write_text('[project]\nname = "lab"\ndependencies = ["b"]\n')
    lock = (
        '[[package]]\nname = "lab"\nversion = "1"\ngroups = ["main"]\n'
        '[package.source]\ntype = "directory"\nurl = "lab"\n'
    )
    found = take(tmp_path, lock, '[tool.poetry.dependencies]\nlab = {path = "lab"}\n')
    assert (found.folders, found.local, found.requirements) == (("lab/src",), ("lab",), ("b",))
    assert found.left == ()


@pytest.mark.parametrize(
    ("lock", "place"),
    [
        ('[[package]]\nname = "a"\nversion = 1\n', "poetry.lock:3: package[0].version must be"),
        ('[[package]]\nname = "../a"\nversion = "1"\n', "poetry.lock:2: package[0].name is no"),
        ('[[package]]\nname = "a"\n', "poetry.lock:1: package[0] lacks the key 'version'"),
        ('[[package]]\nname = "a"\nversion = "1\n', "poetry.lock:3: not valid TOML"),
        (
            '[[package]]\nname = "a"\nversion = "1"\nmarkers = "os = 1"\n',
            "poetry.lock:1: holds what is no marker",
        ),
        ('[metadata]\nlock-version = "3.0"\n', "poetry.lock:2: metadata.lock-version is of"),
    ],
)
def test_what_is_malformed_is_said_with_its_line(lock: str, place: str, tmp_path: Path) -> None:
    with pytest.raises(ImportFileError) as caught:
        take(tmp_path, lock)
    assert caught.value.message.startswith(place)


def test_what_is_malformed_beside_it_is_too(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError) as caught:
        take(tmp_path, "[metadata]\n", '[tool.poetry.dependencies]\na = "1"\nb = "^x"\n')
    assert caught.value.message == "pyproject.toml:3: tool.poetry.dependencies.b 'x' is no version"
