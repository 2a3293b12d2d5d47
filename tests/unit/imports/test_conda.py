"""An environment.yml gives what has a wheel; all else is named, with the reason."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nixrepro import imports
from nixrepro.errors import ImportFileError
from nixrepro.imports import Imported

PEOPLE = Path(__file__).parents[1] / "recorded/imports/people"


def take(folder: Path, text: str) -> Imported:
    (folder / "environment.yml").write_text(text)
    return imports.read(folder / "environment.yml")


def one(folder: Path, spec: str) -> Imported:
    return take(folder, f"dependencies:\n  - {spec}\n")


def test_one_as_people_write_it() -> None:
    found = imports.read(PEOPLE / "environment.yml")
    assert (found.format, found.python, found.suite) == ("environment.yml", "3.9", "bullseye")
    assert found.requirements == (
        "numpy==1.21.*",
        "pandas==1.3.4",
        "scikit-learn>=1.0,<1.1",
        "torch==1.10.*",
        "opencv-python==4.5.3.*",
        "tqdm>=4.62",
        "scipy",
        "tensorflow==2.8.0",
        "tensorflow-datasets==4.5.2",
        'wandb[media]>=0.12; python_version >= "3.8"',
    )
    assert [(pin.name, pin.version) for pin in found.pins] == [
        ("pandas", "1.3.4"),
        ("tensorflow", "2.8.0"),
        ("tensorflow-datasets", "4.5.2"),
    ]
    assert found.packages == ("libgl1", "libglib2.0-0", "git")
    assert found.files == ("requirements.txt",)
    assert found.variables == (("TF_CPP_MIN_LOG_LEVEL", "2"),)
    left = {each.text: each for each in found.left}
    assert list(left) == [
        "python=3.9.7",
        "scipy=1.7|1.8",
        "cudatoolkit=11.3",
        "mkl",
        "pip",
        "WANDB_API_KEY",
    ]
    assert left["cudatoolkit=11.3"].line == 15
    assert "nvidia-" in left["cudatoolkit=11.3"].reason
    assert not any(each.wanted for each in found.left)


def test_one_as_conda_exports_it() -> None:
    found = imports.read(PEOPLE / "exported.environment.yml")
    assert found.requirements == (
        "certifi==2021.10.8",
        "numpy==1.21.2",
        "pyyaml==6.0",
        "absl-py==1.0.0",
        "keras==2.8.0",
    )
    assert {pin.name: pin.version for pin in found.pins}["numpy"] == "1.21.2"
    left = [each.text.partition("=")[0] for each in found.left]
    assert left == [
        "_libgcc_mutex", "_openmp_mutex", "blas", "ca-certificates", "intel-openmp",
        "ld_impl_linux-64", "libffi", "libgcc-ng", "mkl-service", "numpy-base", "openssl", "pip",
        "python", "tk",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ("a", "a"),
        ("A_b.c", "a-b-c"),
        ("a 1.2", "a==1.2.*"),
        ("a=1.2.*", "a==1.2.*"),
        ("a=1.2*", "a==1.2.*"),
        ("a==1.2=py39_0", "a==1.2"),
        ("a 1.2 py39_0", "a==1.2"),
        ("'a >=1.2, !=1.3'", "a>=1.2,!=1.3"),
        ("main/linux-64::a=1", "a==1.*"),
        ("pytables=3.6", "tables==3.6.*"),
        ("opencv=4.5.3=py39_0", "opencv-python==4.5.3.*"),
    ],
)
def test_each_way_to_ask_for_a_package(spec: str, line: str, tmp_path: Path) -> None:
    assert one(tmp_path, spec).requirements == (line,)


def test_a_version_that_no_wheel_has_is_missed(tmp_path: Path) -> None:
    (left,) = one(tmp_path, "a=9d_x").left
    assert (left.wanted, left.reason) == (True, "no wheel can have the version '=9d_x'")


def test_a_python_that_no_suite_has_gets_the_nearest(tmp_path: Path) -> None:
    found = one(tmp_path, "python=3.8")
    assert (found.suite, found.python) == ("bullseye", "3.8")
    assert found.left[0].reason == "no suite has Python 3.8: bullseye has 3.9, the nearest"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "environment.yml:1: is empty"),
        ("- a\n", "environment.yml:1: the file must be a mapping"),
        ("name: a\n", "environment.yml:1: has no `dependencies`"),
        ("name: a\ndependencies: [a\n", "environment.yml:3: is not YAML"),
        ("dependencies:\n  a: 1\n", "environment.yml:2: dependencies must be a list"),
        ("dependencies:\n- '!x'\n", "environment.yml:2: is no package of conda: '!x'"),
        ("dependencies:\n- a\n- pip:\n  - b\n  - c =1\n", "environment.yml:5: is no line of"),
        ("dependencies:\n- pip:\n  - -r b.txt\n", "environment.yml:3: -r "),
        ("dependencies:\n- pip: [{a: b}]\n", "environment.yml:2: must be a string"),
    ],
)
def test_what_is_malformed_is_said_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ImportFileError) as caught:
        take(tmp_path, text)
    assert caught.value.message.startswith(message)


def test_the_extra_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportFileError) as caught:
        one(tmp_path, "a")
    assert "nixrepro[import]" in caught.value.hint


def test_a_folder_with_a_space_includes_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "my work"
    folder.mkdir()
    (folder / "requirements.txt").write_text("tqdm==4.62.0\n")
    found = take(folder, "dependencies:\n  - pip:\n    - -r requirements.txt\n")
    assert found.requirements == ("tqdm==4.62.0",)
    assert "requirements.txt" in found.files


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ("pytorch=*=*cuda*", "torch"),
        ("tensorflow=2.*=gpu*", "tensorflow==2.*"),
        ("numpy 1.21.* py39*", "numpy==1.21.*"),
        ("numpy>=1.20.*,<1.23.*", "numpy>=1.20,<1.23"),
    ],
)
def test_an_open_version_and_what_is_wanted_of_its_build(
    tmp_path: Path, spec: str, wanted: str
) -> None:
    found = one(tmp_path, spec)
    assert (found.requirements, found.left) == ((wanted,), ())


def test_the_names_of_local_packages_are_known(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/pyproject.toml").write_text('[project]\nname = "own-lib"\nversion = "1"\n')
    found = take(tmp_path, "dependencies:\n  - pip:\n    - -e ./own\n")
    assert found.local == ("own-lib",)
