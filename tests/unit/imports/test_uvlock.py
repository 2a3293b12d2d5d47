"""A uv.lock's pins hold where its forks hold, and its project says what is wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from nixrepro import imports
from nixrepro.config import Wheels
from nixrepro.errors import ImportFileError
from nixrepro.imports import Imported
from nixrepro.resolve.pins import Pins

RECORDED = Path(__file__).parents[1] / "recorded/imports"
PACKAGE = '[[package]]\nname = "{}"\nversion = "{}"\nsource = {{ {} }}\n'
INDEX = 'registry = "https://index.example/simple"'


def take(folder: Path, text: str) -> Imported:
    (folder / "uv.lock").write_text("version = 1\n" + text)
    return imports.read(folder / "uv.lock")


def test_what_uv_wrote() -> None:
    found = imports.read(RECORDED / "uv-0.13.9/uv.lock")
    assert (found.format, found.python) == ("uv.lock", ">=3.9, <3.12")
    assert found.requirements == (
        "click~=8.1",
        "idna",
        "importlib-metadata<6 ; python_full_version < '3.10'",
        "numpy<2",
        "requests[socks]~=2.28",
        "termcolor==1.1.0",
    )
    wheels = Wheels(pins=found.pins)
    for python, click in (("3.9.2", "8.1.8"), ("3.11.2", "8.5.1")):
        pins = Pins.of(wheels, python)
        assert [pin.version for pin in pins.pins if pin.name == "click"] == [click]
        assert len(pins.hashes("click", click)) == 2  # a wheel and an sdist
    assert [(left.text, left.wanted) for left in found.left] == [
        ("dependency-groups.dev", False),
        ("labtools", True),
    ]


def test_a_url_is_pinned_and_a_local_package_is_the_projects_own(tmp_path: Path) -> None:
    for name, text in (
        ("uv.lock", (RECORDED / "uv-0.13.9-local/uv.lock").read_text()),
        ("pyproject.toml", '[project]\nname = "digits"\ndependencies = ["lab"]\n'),
        ("lab/pyproject.toml", '[project]\nname = "lab"\ndependencies = ["idna"]\n'),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = imports.read(tmp_path / "uv.lock")
    (url,) = (pin.url for pin in found.pins if pin.url)
    assert url.startswith("https://files.example/") and url.endswith(".whl")
    assert found.requirements == (f"iniconfig @ {url}", "termcolor==1.1.0", "idna")
    assert (found.folders, found.local, found.left) == ((".", "lab"), ("digits", "lab"), ())


def test_without_a_project_all_is_wanted(tmp_path: Path) -> None:
    found = take(tmp_path, PACKAGE.format("a", "1.0", INDEX))
    assert found.requirements == ("a==1.0",)
    assert found.left[0].reason.startswith("no project of its own")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PACKAGE.format("a", "1 0", INDEX), "uv.lock:4: package[0].version is not an exact"),
        (PACKAGE.format("a", "1", 'moon = "x"'), "uv.lock:5: package[0].source is of no kind"),
        (PACKAGE.format("a", "1", "").replace("source", "sauce"), "uv.lock:2: package[0].source"),
        (
            PACKAGE.format("a", "1", INDEX) + 'resolution-markers = ["python > 3"]\n',
            "uv.lock:2: holds what is no marker",
        ),
        ("package = 1\n", "uv.lock:2: package must be a list"),
    ],
)
def test_what_is_malformed_is_said_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ImportFileError) as caught:
        take(tmp_path, text)
    assert caught.value.message.startswith(message)


def test_a_later_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("version = 2\n")
    with pytest.raises(ImportFileError, match=r"uv\.lock:1: version is of a uv that is not known"):
        imports.read(tmp_path / "uv.lock")
