"""The stories that docs/stories.md tells, with the C library and with numpy as the cause."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .conftest import REPOSITORY, Project
from .session import Own
from .test_suites import locked

PROJECT = """\
[project]
name = "story"
version = "0"
dependencies = [{wheels}]

[tool.nixrepro]
record-urls = false

[tool.nixrepro.base]
suite = "bookworm"
"""


class Story:
    """A program of examples/stories in a project of its own, with one lock after the other."""

    def __init__(self, root: Path, program: str) -> None:
        self.own = Own(root)
        self.project = Project(root)
        root.mkdir()
        shutil.copy(REPOSITORY / "examples" / "stories" / program, root / "train.py")
        (root / ".gitignore").write_text(".nixrepro/\n")
        self.git("init", "--quiet")

    def git(self, *words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@mirror.example")
        command = ["git", *who, *words]
        subprocess.run(command, cwd=self.own.root, check=True, capture_output=True)

    def run(self, text: str) -> str:
        """Lock, commit and train; the run's id."""
        locked(self.own.root, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "locked anew")
        done = self.own("train", NIXREPRO_PROBE="yes")
        assert done.status == 0, done.err
        return str(self.own.runs()[0]["id"])

    def explain(self, a: str, b: str) -> dict[str, Any]:
        done = self.own("explain", "--json", a, b)
        assert done.status == 0, done.err
        found: dict[str, Any] = json.loads(done.out)
        return found


def test_another_glibc_under_a_program_that_uses_erf(tmp_path: Path) -> None:
    story = Story(tmp_path / "story", "exams.py")
    text = PROJECT.format(wheels="")
    runs = story.run(text), story.run(text + '\n[tool.nixrepro.overrides]\nlibc6 = "sid"\n')
    found = story.explain(*runs)
    assert (found["state"], found["cause"]) == ("explained", ["system.libc6"])
    # What the C library of sid needs comes along, and is shown to change nothing.
    assert all(each.startswith("system.") for each in found["harmless"])

    done = story.own("probe", *runs)
    assert done.status == 1
    assert "libm.erf " in done.out and "libm.sqrt " not in done.out

    done = story.own("bisect", *runs)
    assert done.status == 0, done.err
    assert done.out.startswith("libc6 2.36")


def test_another_numpy(tmp_path: Path) -> None:
    story = Story(tmp_path / "story", "plane.py")
    runs = [story.run(PROJECT.format(wheels=f'"numpy=={each}"')) for each in ("2.2.6", "2.3.5")]
    found = story.explain(*runs)
    assert (found["state"], found["cause"]) == ("explained", ["wheels.numpy"])
    assert found["harmless"] == []
    done = story.own("probe", *runs)
    assert done.status == 1
    assert "numpy.float32.sum " in done.out and "libm." not in done.out
