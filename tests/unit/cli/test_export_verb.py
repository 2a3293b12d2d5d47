"""`nixrepro export` writes a file that says what the lock says, and nothing over it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nixrepro import config as configs
from nixrepro import lock as locks
from nixrepro.cli import verbs
from nixrepro.lock import Artefact, Lock

SHA = "ab" * 32
NUMPY = Artefact(
    "wheels", "numpy", "2.1", "wheel", "", "numpy-2.1-py3-none-any.whl", 1, SHA, "", ""
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["numpy"]\n[tool.nixrepro]\n'
    )
    question = configs.question(configs.load(tmp_path))
    locks.save(tmp_path / "nixrepro.lock", Lock("3.11.2", "2.36", question, (NUMPY,)))
    return tmp_path


def invoke(project: Path, *arguments: str) -> Result:
    words = ["-C", str(project), "export", *arguments]
    return CliRunner().invoke(verbs, words, standalone_mode=False)


@pytest.mark.parametrize("more", [(), ("-o", "-")])
def test_to_standard_output(project: Path, more: tuple[str, ...]) -> None:
    done = invoke(project, "--format", "requirements.txt", *more)
    assert done.stdout.endswith(f"numpy==2.1 \\\n    --hash=sha256:{SHA}\n")
    assert done.stderr == "requirements.txt: 1 distribution\n"


def test_a_files_name_says_its_format_and_what_it_lacks_is_said(project: Path) -> None:
    done = invoke(project, "-o", str(project / "pylock.toml"), "--files", "files/")
    assert done.stdout == ""
    text = (project / "pylock.toml").read_text()
    assert 'path = "files/numpy-2.1-py3-none-any.whl"' in text
    assert "their files are expected in files/" in done.stderr
    # It is made from the lock, so no lock is made from it.
    assert configs.load(project).wheels.source == ""


def test_a_lock_that_answers_something_else_is_said_to(project: Path) -> None:
    (project / "pyproject.toml").write_text('[project]\ndependencies = ["jax"]\n[tool.nixrepro]\n')
    done = invoke(project, "--format", "pylock.toml")
    assert "nixrepro.lock and pyproject.toml differ" in done.stderr


@pytest.mark.parametrize("name", ["requirements.txt", "base.txt"])
def test_what_the_lock_is_made_from_is_not_overwritten(project: Path, name: str) -> None:
    (project / "requirements.txt").write_text("numpy\n-r base.txt\n")
    (project / "base.txt").write_text("scipy\n")
    before = (project / name).read_text()
    with (project / "pyproject.toml").open("a") as stream:
        stream.write('[tool.nixrepro.wheels]\nfrom = "requirements.txt"\n')
    done = invoke(project, "--format", "requirements.txt", "-o", str(project / name))
    assert "is what the lock is made from" in str(done.exception)
    assert (project / name).read_text() == before


@pytest.mark.parametrize("arguments", [(), ("-o", "x.lock"), ("-o", "gone/pylock.toml")])
def test_what_is_no_place_or_format(project: Path, arguments: tuple[str, ...]) -> None:
    assert invoke(project, *arguments).exception is not None
