"""`nixrepro verify` and `nix flake check` agree about what was tampered with."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from nixrepro import config as configs
from nixrepro import lock as locks

from .conftest import Done, Project, call
from .session import PYTHON, Own, unshared


@pytest.fixture
def own(project: Project, tmp_path: Path) -> Own:
    """A copy of the project, which is realised already."""
    shutil.copytree(project.root, tmp_path / "own", ignore=shutil.ignore_patterns(".nixrepro"))
    return Own(tmp_path / "own")


def built(own: Own, check: str) -> Done:
    reference = f"path:{own.root}#checks.x86_64-linux.{check}"
    return call(["nix", "build", "--offline", "--no-link", reference])


def said(own: Own, check: str = "lock") -> str:
    """What a check of the flake that fails says."""
    done = built(own, check)
    assert done.status != 0
    # Nix 2.8 shows the last lines of a failed build, each behind a mark.
    return "\n".join(line.lstrip(" >") for line in done.err.splitlines())


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.alone
def test_a_sound_project_is_the_same_offline(own: Own) -> None:
    # Without a network, the loopback one aside.
    script = 'cd "$1" && exec "$2" -m nixrepro verify --only lock --json'
    begun = time.monotonic()
    done = unshared("net", script, own.root, PYTHON[0], env=own.variables())
    assert done.status == 0, done.out + done.err
    assert time.monotonic() - begun < 2  # the interpreter's start on a busy machine included
    verdicts = json.loads(done.out)["verdicts"]
    assert {each["state"] for each in verdicts} == {"same"}
    assert sum(each["seconds"] for each in verdicts) < 1


@pytest.mark.parametrize("check", ["lock", "facts"])
def test_the_flakes_checks_pass(own: Own, check: str) -> None:
    done = built(own, check)
    assert done.status == 0, done.err


@pytest.mark.alone
def test_flake_check_is_quick_once_it_is_built(own: Own) -> None:
    argv = ["nix", "flake", "check", "--offline", f"path:{own.root}"]
    assert call(argv).status == 0
    begun = time.monotonic()
    assert call(argv).status == 0
    assert time.monotonic() - begun < 5


PINNED = '[tool.nixrepro.wheels]\nfrom = "pins.txt"\nas-of = "2026-01-02"\n'
PORTABLE = '\n[tool.nixrepro.numerics]\nprofile = "portable"\n'


def locked(own: Own, text: str) -> None:
    """A lock whose artefacts stay, and which answers what pyproject.toml says now."""
    (own.root / "pyproject.toml").write_text(text)
    path = own.root / locks.FILE
    question = configs.question(configs.load(own.root))
    locks.save(path, replace(locks.load(path), question=question))


def test_the_profiles_compiler_may_be_there_either_way(own: Own) -> None:
    text = (own.root / "pyproject.toml").read_text()
    without = text.replace('packages = ["gcc", ', "packages = [")
    locked(own, without + PORTABLE)
    for now in (without + PORTABLE, without, text, text + PORTABLE):
        (own.root / "pyproject.toml").write_text(now)
        assert built(own, "lock").status == 0, now
        assert own("verify", "--only", "lock").status == 0, now
    locked(own, without)
    for now in (without + PORTABLE, text):
        (own.root / "pyproject.toml").write_text(now)
        assert "nixrepro.lock: base: nixrepro.lock answers" in said(own)
        assert own("lock", "--check").status == 1


def test_a_file_of_another_tool_says_what_the_flake_can_not_read(own: Own) -> None:
    text = (own.root / "pyproject.toml").read_text()
    edit(own.root / "pyproject.toml", "[tool.nixrepro.wheels]\n", PINNED)
    (own.root / "pins.txt").write_text("scikit-learn==1.7.2 --hash=sha256:" + "0" * 64 + "\n")
    locked(own, (own.root / "pyproject.toml").read_text())
    assert built(own, "lock").status == 0
    edit(own.root / "pyproject.toml", "2026-01-02", "2026-01-03")
    assert "wheels: nixrepro.lock answers" in said(own)
    locked(own, text)
    # Nothing is looked for where the project says so.
    (own.root / "requirements.txt").write_text("six\n")
    edit(
        own.root / "pyproject.toml",
        "[tool.nixrepro.wheels]\n",
        "[tool.nixrepro.wheels]\nfrom = ''\n",
    )
    edit(own.root / "pyproject.toml", '"scikit-learn"]', '"scikit-learn", "pandas"]')
    assert "wheels: nixrepro.lock answers" in said(own)


CHANGES = [
    ('requires-python = ">= 3.11"', 'requires-python = ">= 3.10"', "requires-python"),
    ('"scikit-learn"]', '"scikit-learn", "pandas"]', "wheels"),
    ('packages = ["gcc", ', 'packages = ["gawk", "gcc", ', "base"),
    ("record-urls = false", "record-urls = true", "record-urls"),
    ("optional = true", "optional = false", "data"),
    (
        "[tool.nixrepro.settings]",
        '[tool.nixrepro.overrides]\nlibc6 = "trixie"\n[tool.nixrepro.settings]',
        "overrides",
    ),
]


@pytest.mark.parametrize(("old", "new", "key"), CHANGES)
def test_a_configuration_that_the_lock_does_not_answer(
    own: Own, old: str, new: str, key: str
) -> None:
    edit(own.root / "pyproject.toml", old, new)
    assert f"nixrepro.lock: {key}: nixrepro.lock answers" in said(own)
    done = own("verify", "--only", "lock", "--json")
    assert done.status == 1
    verdict = json.loads(done.out)["verdicts"][0]
    assert (verdict["part"], verdict["state"]) == ("configuration", "differs")
    assert verdict["findings"][0]["subject"].startswith(key)


def test_settings_are_no_question(own: Own) -> None:
    edit(own.root / "pyproject.toml", "seed = 42", "seed = 43")
    assert built(own, "lock").status == 0
    assert own("verify", "--only", "lock").status == 0


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("\nsize = ", "\nsize = 1", "its artefacts are not as they were written"),
        ('requires-python = "', 'requires-python = " ', "its question is not as it was written"),
    ],
)
def test_a_lock_that_was_edited_by_hand(own: Own, old: str, new: str, why: str) -> None:
    edit(own.root / "nixrepro.lock", old, new)
    assert why in said(own)
    done = own("verify", "--only", "lock", "--json")
    assert done.status == 1
    states = {each["part"]: each["state"] for each in json.loads(done.out)["verdicts"]}
    assert states["nixrepro.lock"] == "differs"


def test_what_a_lock_answers_is_asked_alike_by_tool_and_library(own: Own) -> None:
    """Extras, groups in groups and names in several spellings: both ask the same."""
    text = (own.root / "pyproject.toml").read_text()
    text = text.replace('groups = ["train"]', 'groups = ["Dev.Tools"]\nextras = ["More"]')
    text = text.replace("project = false", 'project = true\nno-binary = ["Typing_Extensions"]')
    head, _, tail = text.partition("[dependency-groups]\n")
    head = head.replace(
        "[project.optional-dependencies]\n",
        '[project.optional-dependencies]\nmore = ["nixrepro[other-One]", "six"]\n'
        'other_one = ["certifi"]\n',
    )
    groups = '[dependency-groups]\ndev-tools = ["attrs", { include-group = "TRAIN" }]\n'
    (own.root / "pyproject.toml").write_text(head + groups + tail)
    config = configs.load(own.root)
    assert {"certifi", "attrs", "numpy", "click >= 8.1"} <= set(config.wheels.requirements)
    lock = locks.load(own.root / "nixrepro.lock")
    question = configs.question(config)
    locks.save(own.root / "nixrepro.lock", replace(lock, question=question))
    done = built(own, "lock")
    assert done.status == 0, done.err


def test_a_changed_library_and_a_file_unknown_to_git(own: Own) -> None:
    subprocess.run(["git", "init", "-q"], cwd=own.root, check=True)
    subprocess.run(["git", "add", "."], cwd=own.root, check=True)
    subprocess.run(["git", "rm", "-q", "--cached", "nix/run.nix"], cwd=own.root, check=True)
    edit(own.root / "nix" / "store.nix", "# What every", "# Once, what every")
    done = own("verify", "--only", "lock", "--annotations", "github")
    assert done.status == 1
    assert "::error file=nix/store.nix,line=1," in done.err
    assert "::error file=nix/run.nix," in done.err
