"""A warning before a run that git can't bring back, and a refusal of one that is to be clean."""

from __future__ import annotations

from pathlib import Path

import pytest

from nixrepro.runtime.git_doubts import some

from .conftest import Workshop
from .repositories import call, repository
from .test_git_lfs import ATTRIBUTES, POINTER

CLEAN = ("--require-clean",)
CANT = "git can't bring this run's code back: "


@pytest.fixture
def project(workshop: Workshop) -> Path:
    call(workshop.project, "init", "-q")
    (workshop.project / ".gitignore").write_text(".nixrepro/\n")
    (workshop.project / "train.py").write_text("print(1)\n")
    call(workshop.project, "add", ".")
    call(workshop.project, "commit", "-qm", "first")
    return workshop.project


def said(workshop: Workshop, *options: str, **more: str) -> tuple[int, list[str]]:
    """Exit status, and what the supervisor says before the program does."""
    done = workshop.run("sh", "-c", "echo program >&2", options=options, **more)
    lines = done.stderr.splitlines()
    return done.returncode, lines[: lines.index("program")] if "program" in lines else lines


def test_nothing_is_said_where_git_has_it_all(workshop: Workshop, project: Path) -> None:
    assert said(workshop) == (0, [])
    assert said(workshop, *CLEAN) == (0, [])
    (project / "train.py").write_text("print(2)\n")
    (project / "new.py").write_text("print(3)\n")
    assert said(workshop) == (0, [])


def test_uncommitted_and_untracked_files_are_refused(workshop: Workshop, project: Path) -> None:
    (project / "train.py").write_text("print(2)\n")
    for name in "abc":
        (project / f"{name}\x1b.py").write_text("")
    status, (line,) = said(workshop, *CLEAN)
    assert status == 2
    assert "not committed: a\\x1b.py, b\\x1b.py, c\\x1b.py and 1 more" in line
    assert "--require-clean" in line and "Nothing was started" in line
    assert not workshop.folders()
    # A variable asks for the same, where a command line is fixed; and without a record too.
    assert said(workshop, NIXREPRO_REQUIRE_CLEAN="1") == (2, [line])
    assert said(workshop, NIXREPRO_REQUIRE_CLEAN="0") == (0, [])
    assert said(workshop, "--no-record", *CLEAN) == (2, [line])
    assert said(workshop, "--quiet", *CLEAN) == (2, [line])


def test_outside_of_git(workshop: Workshop) -> None:
    status, (line,) = said(workshop)
    assert status == 0 and CANT in line and "no Git repository" in line
    assert said(workshop, "--quiet") == (0, [])
    assert said(workshop, "--no-record") == (0, [])
    status, (line,) = said(workshop, *CLEAN)
    assert status == 2 and "no Git repository" in line


def test_nothing_committed_is_not_clean(workshop: Workshop) -> None:
    call(workshop.project, "init", "-q")
    status, (line,) = said(workshop, *CLEAN)
    assert status == 2 and "nothing is committed yet" in line
    assert said(workshop) == (0, [])


def test_an_untracked_file_that_is_too_large(workshop: Workshop, project: Path) -> None:
    (project / "data.csv").write_bytes(b"1" * 5_000_001)
    status, (line,) = said(workshop)
    assert status == 0 and line.endswith(f"{CANT}recorded by digest alone: data.csv")


def test_a_pointer(workshop: Workshop, project: Path) -> None:
    (project / ".gitattributes").write_text(ATTRIBUTES)
    (project / "model.bin").write_text(POINTER)
    call(project, "add", ".")
    call(project, "commit", "-qm", "second")
    status, (line,) = said(workshop)
    assert status == 0 and line.endswith("only a pointer (`git lfs pull`): model.bin")
    assert said(workshop, *CLEAN)[0] == 2


def test_submodules(workshop: Workshop, project: Path, tmp_path: Path) -> None:
    lib = repository(tmp_path / "lib", lib__py="print(1)\n")
    call(project, "submodule", "add", "-q", str(lib), "lib")
    call(project, "commit", "-qm", "second")
    assert said(workshop) == said(workshop, *CLEAN) == (0, [])
    (project / "lib" / "lib.py").write_text("print(2)\n")
    status, (line,) = said(workshop)
    assert status == 0 and line.endswith("not committed in its submodule: lib")
    files = workshop.newest()["files"]["patch of lib"]
    (folder,) = (each for each in workshop.folders() if (each / files["file"]).exists())
    assert b"+print(2)" in (folder / files["file"]).read_bytes()
    status, (line,) = said(workshop, *CLEAN)
    assert status == 2 and "not committed: lib/lib.py" in line
    call(project, "submodule", "deinit", "-q", "--force", "lib")
    status, (line,) = said(workshop)
    assert status == 0 and "git submodule update" in line and line.endswith(": lib")
    assert said(workshop, *CLEAN)[0] == 2


def test_the_first_of_many_names() -> None:
    assert some(["a"]) == "a"
    assert some(["a", "b", "c"]) == "a, b, c"
    assert some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert some(["é\n"]) == "é\\x0a"
