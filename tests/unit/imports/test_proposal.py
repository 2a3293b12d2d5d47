"""What is proposed for a pyproject.toml is what was read, and harms nothing that is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nixrepro import config as configs
from nixrepro import imports
from nixrepro.errors import ConfigError, ImportFileError
from nixrepro.imports import Imported, proposal, stage
from nixrepro.imports.stage import Taken

PEOPLE = Path(__file__).parents[1] / "recorded/imports/people"
OWN = '[project]\nname = "digits"  # mine\ndependencies = ["numpy>=1"]\n'
POETRY = '[tool.poetry.dependencies]\npython = "^3.9"\ntqdm = "*"\n'
POETRY_LOCK = '[[package]]\nname = "tqdm"\nversion = "4.62.3"\n'


def lay(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def take(folder: Path, file: str, *, write: bool = True) -> Taken:
    return stage.take(folder, folder / file, write=write)


def test_a_folder_becomes_a_project_that_is_what_the_dockerfile_was(tmp_path: Path) -> None:
    for name in ("slim.Dockerfile", "requirements.txt"):
        (tmp_path / name).write_text((PEOPLE / name).read_text())
    done = take(tmp_path, "slim.Dockerfile").done
    assert done[0] == "pyproject.toml: new"
    assert (tmp_path / "flake.nix").is_file()
    config = configs.load(tmp_path)
    assert config.base.suite == "bullseye"
    assert {"gcc", "git", "libhdf5-dev"} <= set(config.base.packages)
    assert config.train.command == ("python", "train.py", "--epochs", "3")
    assert dict(config.settings.variables)["OMP_NUM_THREADS"] == "4"
    assert config.wheels.source == "requirements.txt"
    assert set(config.wheels.requirements) == {
        "pandas<1.4,>=1.3",
        "scikit-learn==1.0.2",
        "tensorflow-datasets==4.5.2",
    }


def test_an_own_pyproject_keeps_every_byte(tmp_path: Path) -> None:
    lay(tmp_path, pyproject_toml=OWN)
    (tmp_path / "environment.yml").write_text("dependencies:\n- python=3.9\n- tqdm=4.62\n- git\n")
    take(tmp_path, "environment.yml")
    text = (tmp_path / "pyproject.toml").read_text()
    assert text.startswith(OWN)
    config = configs.load(tmp_path)
    assert config.wheels.requirements == ("numpy>=1", "tqdm==4.62.*")
    assert (config.wheels.groups, config.base.suite) == (("imported",), "bullseye")


def test_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    own = OWN.replace("\n", "\r\n")
    (tmp_path / "pyproject.toml").write_bytes(own.encode())
    lay(tmp_path, requirements_txt="tqdm\n")
    take(tmp_path, "requirements.txt")
    found = (tmp_path / "pyproject.toml").read_bytes()
    assert found.startswith(own.encode())
    assert found.count(b"\n") == found.count(b"\r\n")


def test_dependencies_that_a_build_would_say_are_those_of_the_file(tmp_path: Path) -> None:
    lay(tmp_path, pyproject_toml='[project]\nname = "x"\ndynamic = ["dependencies"]\n')
    lay(tmp_path, requirements_txt="tqdm\n")
    take(tmp_path, "requirements.txt")
    config = configs.load(tmp_path)
    assert (config.wheels.project, config.wheels.requirements) == (False, ("tqdm",))


def test_a_pyproject_that_is_none_is_named(tmp_path: Path) -> None:
    lay(tmp_path, pyproject_toml="tool = 1\n", requirements_txt="tqdm\n")
    with pytest.raises(ConfigError, match=r"pyproject\.toml:1: tool must be a table"):
        take(tmp_path, "requirements.txt")


def test_a_lock_of_poetry_is_read_each_time_from_then_on(tmp_path: Path) -> None:
    lay(tmp_path, pyproject_toml=POETRY, poetry_lock=POETRY_LOCK)
    take(tmp_path, "poetry.lock")
    config = configs.load(tmp_path)
    assert config.wheels.source == "poetry.lock"
    assert config.wheels.requirements == ("tqdm",)
    assert [pin.version for pin in config.wheels.pins] == ["4.62.3"]


def test_the_second_time_there_is_nothing_to_add(tmp_path: Path) -> None:
    lay(tmp_path, pyproject_toml=OWN, requirements_txt="tqdm\n")
    take(tmp_path, "requirements.txt")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = take(tmp_path, "requirements.txt")
    assert (again.done, dict(again.proposal.added), again.proposal.kept) == ((), {}, ())
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_what_is_stated_otherwise_stays_and_is_named(tmp_path: Path) -> None:
    own = (
        f'{OWN}[tool.nixrepro.base]\nsuite = "trixie"\npackages = ["git"]\n'
        '[tool.nixrepro.wheels]\nfrom = ""\n'
    )
    lay(tmp_path, pyproject_toml=own, requirements_txt="tqdm\n")
    run = "RUN apt-get install git make && pip install -r requirements.txt"
    lay(tmp_path, Dockerfile=f"FROM python:3.9\n{run}\nCMD python a.py\n")
    taken = take(tmp_path, "Dockerfile")
    assert taken.proposal.kept == (
        'tool.nixrepro.base.suite stays as it is, and not "bullseye"',
        "tool.nixrepro.base.packages stays as it is, without make",
        'tool.nixrepro.wheels.from stays as it is, and not "requirements.txt"',
    )
    assert taken.done == ("pyproject.toml: tool.nixrepro.train.command added",)
    added = '\n[tool.nixrepro.train]\ncommand = ["python", "a.py"]\n'
    assert (tmp_path / "pyproject.toml").read_text() == own + added


@pytest.mark.parametrize("own", ["", OWN, f"{OWN}[tool.nixrepro]\n"])
def test_a_dry_run_writes_nothing(own: str, tmp_path: Path) -> None:
    lay(tmp_path, requirements_txt="tqdm\n", **({"pyproject_toml": own} if own else {}))
    before = sorted(path.name for path in tmp_path.iterdir())
    taken = take(tmp_path, "requirements.txt", write=False)
    assert 'from = "requirements.txt"' in taken.proposal.text
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    if own:
        assert (tmp_path / "pyproject.toml").read_text() == own


def test_a_table_to_which_no_line_can_be_added_is_the_persons_to_edit(tmp_path: Path) -> None:
    lay(tmp_path, pyproject_toml="tool.nixrepro = {}\n", requirements_txt="tqdm\n")
    with pytest.raises(ConfigError) as caught:
        take(tmp_path, "requirements.txt")
    assert caught.value.details == '[tool.nixrepro.wheels]\nfrom = "requirements.txt"\n'
    assert (tmp_path / "pyproject.toml").read_text() == "tool.nixrepro = {}\n"


def test_a_file_outside_of_the_project_is_refused(tmp_path: Path) -> None:
    lay(tmp_path, requirements_txt="tqdm\n")
    (tmp_path / "project").mkdir()
    with pytest.raises(ImportFileError, match="lies outside of the project"):
        stage.take(tmp_path / "project", tmp_path / "requirements.txt", write=True)


def test_what_is_in_the_way_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    lay(tmp_path, requirements_txt="tqdm\n", flake_nix="{}")
    with pytest.raises(ConfigError, match=r"flake\.nix is there already"):
        take(tmp_path, "requirements.txt")
    assert not (tmp_path / "pyproject.toml").exists()


@pytest.mark.parametrize(
    ("python", "suite"),
    [
        ("3.9", "bullseye"),
        ("3.12", "trixie"),
        (">=3.8,<3.11", "bullseye"),
        (">=3.9", "bookworm"),
        (">=3.12", "trixie"),
        (">=3.6,<3.8", ""),
        ("not a version", ""),
        ("", ""),
    ],
)
def test_the_suite_that_fits_a_python(python: str, suite: str) -> None:
    assert proposal.suite_for(Imported("f", "uv.lock", python=python)) == suite


def test_nothing_is_asked_for_twice() -> None:
    imported = Imported("e.yml", "environment.yml", requirements=("a>=1", "b==2"))
    document: dict[str, Any] = {"project": {"dependencies": ["A >=1"]}, "tool": {"nixrepro": {}}}
    added = dict(proposal.propose(imported, "e.yml", document).added)
    assert added["dependency-groups", "imported"] == ["b==2"]


def test_an_environment_with_hashes_stays_the_file_that_is_read(tmp_path: Path) -> None:
    pinned = f"tqdm==4.62.3 --hash=sha256:{'ab' * 32}"
    lay(tmp_path, environment_yml=f"dependencies:\n- python=3.9\n- pip:\n  - {pinned}\n")
    take(tmp_path, "environment.yml")
    config = configs.load(tmp_path)
    assert (config.wheels.source, config.base.suite) == ("environment.yml", "bullseye")
    assert [pin.hashes for pin in config.wheels.pins] == [("ab" * 32,)]


def test_what_a_list_of_requirements_can_not_say_is_said(tmp_path: Path) -> None:
    lay(tmp_path, a_txt=f"a==1 --hash=sha256:{'ab' * 32}\n-c c.txt\n", b_txt="b\n", c_txt="c<2\n")
    lay(tmp_path, Dockerfile="FROM python:3.11\nRUN pip install -r a.txt -r b.txt\n")
    taken = take(tmp_path, "Dockerfile")
    assert [line.partition(":")[0] for line in taken.proposal.kept] == [
        "can't limit c<2 without asking for it",
        "can't hold the hashes of 1 requirement",
    ]


def test_a_package_of_the_project_is_asked_of_no_index(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    lay(tmp_path / "lab", pyproject_toml='[project]\nname = "lab"\ndependencies = ["idna"]\n')
    lay(tmp_path, uv_lock=(PEOPLE.parent / "uv-0.13.9-local/uv.lock").read_text())
    own = '[project]\nname = "digits"\ndependencies = ["lab", "termcolor==1.1.0"]\n'
    lay(tmp_path, pyproject_toml=own)
    take(tmp_path, "uv.lock")
    wanted = configs.load(tmp_path).wheels.requirements
    names = [line.partition("==")[0].partition(" @")[0] for line in wanted]
    assert names == ["termcolor", "iniconfig", "idna"]


def test_every_file_that_can_be_named_is_one_that_can_be_read() -> None:
    for path in sorted(PEOPLE.parent.rglob("*")):
        if path.is_file() and path.name not in ("pyproject.toml", "Pipfile"):
            assert imports.form(path.name), path


@pytest.mark.parametrize("limit", ["scipy==1.7.0", "numpy==1.21.2", "numpy<1.22"])
def test_what_only_a_constraints_file_pins_is_not_lost(tmp_path: Path, limit: str) -> None:
    (tmp_path / "limits.txt").write_text(f"{limit}\n")
    text = "dependencies:\n  - tqdm=4.62.3=py39_0\n  - pip:\n    - -c limits.txt\n    - numpy\n"
    (tmp_path / "environment.yml").write_text(text)
    (tmp_path / "Dockerfile").write_text(
        "FROM python:3.11\nRUN pip install -c limits.txt numpy tqdm==4.62.3\n"
    )
    added = take(tmp_path, "environment.yml", write=False).proposal.added
    assert added["tool", "nixrepro", "wheels", "from"] == "environment.yml"
    (kept,) = take(tmp_path, "Dockerfile", write=False).proposal.kept
    assert kept.startswith(f"can't limit {limit} without asking for it")
