"""The file of another tool in a project's folder is read with its configuration."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from nixrepro import config, realise
from nixrepro.config import Config
from nixrepro.errors import ConfigError, ImportFileError
from nixrepro.imports import Pin
from nixrepro.lock import Lock, compare, dumps, parse

A, B = "ab" * 32, "cd" * 32
POETRY = """\
[[package]]
name = "numpy"
version = "1.21.2"
description = ""
optional = false
python-versions = ">=3.7"
files = [{{ file = "numpy-1.21.2.zip", hash = "sha256:{}" }}]

[metadata]
lock-version = "2.0"
python-versions = ">=3.9"
content-hash = ""
"""


def project(root: Path, wheels: str = "", declared: str = "", **files: str) -> Config:
    (root / "pyproject.toml").write_text(
        f"[project]\nname = 'x'\nversion = '0'\ndependencies = [{declared}]\n"
        f"[tool.nixrepro.wheels]\n{wheels}\n"
    )
    for name, text in files.items():
        (root / name.replace("_txt", ".txt").replace("_lock", ".lock")).write_text(text)
    return config.load(root)


def refused(root: Path, wheels: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        project(root, wheels)
    return caught.value


def test_a_requirements_file_stands_in_for_a_declaration(tmp_path: Path) -> None:
    wheels = project(tmp_path, requirements_txt="numpy==1.21.2\npandas\n").wheels
    assert wheels.source == "requirements.txt"
    assert wheels.requirements == ("numpy==1.21.2", "pandas")
    assert wheels.pins == (Pin("numpy", "1.21.2", line=1),)


def test_where_something_is_declared_it_is_not_looked_for(tmp_path: Path) -> None:
    wheels = project(tmp_path, declared="'six'", requirements_txt="numpy\n").wheels
    assert (wheels.source, wheels.requirements) == ("", ("six",))


def test_named_it_adds_to_what_is_declared(tmp_path: Path) -> None:
    named = 'from = "dev.txt"\nno-binary = ["six"]'
    text = "numpy\nsix>1\n--no-binary numpy\n"
    wheels = project(tmp_path, named, "'six>1'", dev_txt=text).wheels
    assert (wheels.source, wheels.requirements) == ("dev.txt", ("six>1", "numpy"))
    assert wheels.no_binary == ("six", "numpy")


def test_a_lock_pins_what_is_declared_and_comes_before_a_requirements_file(tmp_path: Path) -> None:
    files = {"requirements_txt": "pandas\n", "poetry_lock": POETRY.format(A)}
    wheels = project(tmp_path, declared="'numpy>=1'", **files).wheels
    assert (wheels.source, wheels.requirements) == ("poetry.lock", ("numpy>=1",))
    assert [(pin.name, pin.version, pin.hashes) for pin in wheels.pins] == [
        ("numpy", "1.21.2", (A,))
    ]


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    assert project(tmp_path, 'from = ""', requirements_txt="numpy\n").wheels.requirements == ()


@pytest.mark.parametrize(
    ("wheels", "said", "hint"),
    [
        ('from = "dev.txt"', "names a file that is not there: 'dev.txt'", "correct"),
        ('from = "../dev.txt"', "leaves the project's folder", "relative"),
        ('from = "pyproject.toml"', "no file whose versions can be taken", "uv.lock"),
        ('from = "Dockerfile"', "no file whose versions can be taken", "uv.lock"),
        ("from = 3", "must be a string", ""),
        ('form = "a.txt"', "is not a known key", "from"),
        ('as-of = "2022"', "is not a date in quotes", ""),
        ('as-of = "2022-02-30"', "is no day of any year", ""),
        ("as-of = 2022-03-01", "must be a string", ""),
    ],
)
def test_a_key_that_is_wrong_is_said_with_its_line(
    tmp_path: Path, wheels: str, said: str, hint: str
) -> None:
    (tmp_path / "Dockerfile").touch()
    error = refused(tmp_path, wheels)
    assert error.message.startswith("pyproject.toml:6: tool.nixrepro.wheels.")
    assert said in error.message
    assert hint in error.hint


def test_a_malformed_file_is_said_by_its_name_in_the_project(tmp_path: Path) -> None:
    (tmp_path / "deps").mkdir()
    (tmp_path / "deps/all.txt").write_text("a==1\n=2\n")
    with pytest.raises(ImportFileError, match=r"deps/all\.txt:2: "):
        project(tmp_path, 'from = "deps/all.txt"')


def test_what_can_not_be_locked_stops_a_lock_and_nothing_else(tmp_path: Path) -> None:
    text = "numpy\ngit+https://git.example/x.git#egg=x\n-e ./absent\n"
    found = project(tmp_path, requirements_txt=text)
    assert found.wheels.requirements == ("numpy",)
    with pytest.raises(ImportFileError) as caught:
        config.check_files(found)
    assert caught.value.message.startswith("requirements.txt:2: git+https://git.example/x.git")
    assert caught.value.details.startswith("requirements.txt:3: -e ./absent: there is no such")
    assert 'from = ""' in caught.value.hint


def test_what_has_no_effect_is_noted(tmp_path: Path) -> None:
    text = "--index-url https://me:secret@pypi.example/simple\n-e ./sub\n"
    (tmp_path / "sub/src").mkdir(parents=True)
    (tmp_path / "sub/pyproject.toml").write_text("[project]\nname = 'sub'\n")
    found = project(tmp_path, requirements_txt=text)
    index, code = config.notes(found)
    assert index.startswith("requirements.txt:1: --index-url https://pypi.example/simple: ")
    assert 'PYTHONPATH = "sub/src"' in code
    stated = replace(found.settings, variables=(("PYTHONPATH", "lib:sub/src"),))
    assert list(config.notes(replace(found, settings=stated))) == [index]
    other = replace(found.settings, variables=(("PYTHONPATH", "lib"),))
    assert 'PYTHONPATH = "lib:sub/src"' in list(config.notes(replace(found, settings=other)))[1]


def asked(root: Path, text: str, wheels: str = "") -> Lock:
    """A lock that answers a project with that file."""
    question = config.question(project(root, wheels, requirements_txt=text))
    return parse(dumps(Lock("3.11.2", "2.36", question, ())))


def changed(root: Path, old: str, new: str, wheels: str = "") -> list[tuple[str, str, str]]:
    lock = asked(root, old)
    found = compare(lock, project(root, wheels, requirements_txt=new))
    return [(each.key, each.old, each.new) for each in found]


def test_a_question_without_pins_is_what_it_ever_was(tmp_path: Path) -> None:
    wheels = asked(tmp_path, "numpy[x]==1.21.2 ; os_name == 'posix'\npandas>1\n").question["wheels"]
    assert set(wheels) == {"requirements", "no-binary"}


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        ("a==1\n", "a==1\n# why\n", set()),
        ("a==1\nb\n", "b\na==1\n", set()),
        ("a==1\n", "a==2\n", {"wheels.requirements"}),
        (f"a==1 --hash=sha256:{A}\n", f"a==1 --hash=sha256:{B}\n", {"wheels.pins"}),
        ("a==1\n", f"a==1 --hash=sha256:{B}\n", {"wheels.pins"}),
        ("a\n", "a\n--no-binary a\n", {"wheels.no-binary"}),
        ("a @ https://f.example/a-1.zip\n", f"a @ https://f.example/a-1.zip#sha256={A}\n",
         {"wheels.pins"}),
    ],
)  # fmt: skip
def test_a_changed_file_changes_the_question(
    tmp_path: Path, old: str, new: str, keys: set[str]
) -> None:
    assert {key for key, _, _ in changed(tmp_path, old, new)} == keys


def test_limits_and_days_are_part_of_the_question(tmp_path: Path) -> None:
    (tmp_path / "limits.txt").write_text("b<3\nc==4\n")
    assert changed(tmp_path, "a\n", "a\n-c limits.txt\n", 'as-of = "2022-03-01"') == [
        ("wheels.as-of", "", "2022-03-01"),
        ("wheels.constraints", "", "b<3"),
        ("wheels.pins", "", "c==4"),
    ]


def test_an_environment_hangs_on_the_files_too(tmp_path: Path) -> None:
    (tmp_path / "deps").mkdir()
    (tmp_path / "deps/more.txt").write_text("b\n")
    project(tmp_path, 'from = "deps/all.pip"', **{"deps/all.pip": "-r more.txt\n"})
    watched = realise.watched(tmp_path)
    assert {"deps/all.pip", "deps/more.txt", "pyproject.toml", "uv.lock"} <= set(watched)
    stamp = realise.memory.stamped(str(tmp_path), watched)
    (tmp_path / "uv.lock").touch()
    came = realise.memory.stamped(str(tmp_path), watched)
    assert len(came) == len(stamp) + 1
    os.utime(tmp_path / "deps/more.txt", (1, 1))
    assert realise.memory.stamped(str(tmp_path), watched) != came
    (tmp_path / "deps/all.pip").unlink()
    assert "poetry.lock" in realise.watched(tmp_path)
