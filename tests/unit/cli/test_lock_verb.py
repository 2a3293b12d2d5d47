"""`nixrepro lock` tells what it did to a person, to a pipe and to a program."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nixrepro import config as configs
from nixrepro import lock as locks
from nixrepro import locking
from nixrepro.cli import output, verbs
from nixrepro.lock import Artefact, Lock

PYPROJECT = '[project]\ndependencies = ["numpy"]\n[tool.nixrepro]\n'


def wheel(version: str) -> Artefact:
    file = f"numpy-{version}-py3-none-any.whl"
    sha = version.replace(".", "").ljust(64, "0")
    return Artefact("wheels", "numpy", version, "wheel", "", file, 1, sha, "", "")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    return tmp_path


def invoke(project: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        verbs, ["-C", str(project), "lock", *arguments], standalone_mode=False
    )


def write(project: Path, *artefacts: Artefact) -> Lock:
    lock = Lock("3.11.2", "2.36", configs.question(configs.load(project)), artefacts)
    locks.save(project / "nixrepro.lock", lock)
    return lock


def test_a_lock_that_agrees(project: Path) -> None:
    write(project, wheel("2.1"))
    done = invoke(project, "--check")
    assert done.return_value == 0
    assert done.stdout == "nixrepro.lock and pyproject.toml agree (1 artefacts)\n"
    assert json.loads(invoke(project, "--check", "--json").stdout) == {
        "agrees": True,
        "changes": [],
    }


def test_a_lock_of_an_older_nixrepro_agrees_and_says_what_it_lacks(project: Path) -> None:
    write(project, wheel("2.1"))
    done = invoke(project, "--check")
    assert done.return_value == 0
    assert "nixrepro.lock is of an older nixrepro: `nixrepro lock` adds bash, " in done.stderr
    assert "strace" in done.stderr


def test_a_lock_that_differs_exits_1_and_says_in_what(project: Path) -> None:
    write(project)
    (project / "pyproject.toml").write_text(PYPROJECT.replace("numpy", "scipy"))
    done = invoke(project, "--check")
    assert done.return_value == 1
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["asked", "in", "the", "lock", "now"],
        ["wheels.requirements", "numpy", "-"],
        ["wheels.requirements", "-", "scipy"],
    ]
    assert "run `nixrepro lock`" in done.stderr
    found = invoke(project, "--check", "--json")
    assert found.return_value == 1
    assert json.loads(found.stdout) == {
        "agrees": False,
        "changes": [
            {"key": "wheels.requirements", "old": "numpy", "new": ""},
            {"key": "wheels.requirements", "old": "", "new": "scipy"},
        ],
    }


def test_what_another_tools_file_says_to_no_effect_is_told_when_it_is_locked(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "pyproject.toml").write_text("[tool.nixrepro]\n")
    (project / "requirements.txt").write_text("numpy\n--index-url https://a:b@pypi.example/\n")
    monkeypatch.setattr(locking, "update", lambda *_, **__: locking.Locked(None, write(project)))
    done = invoke(project)
    assert done.exit_code == 0
    assert "requirements.txt:2: --index-url https://pypi.example/: " in done.stderr
    assert "requirements.txt" not in done.stdout
    done = invoke(project, "--check")
    assert (
        done.stdout
        == "nixrepro.lock and pyproject.toml with requirements.txt agree (0 artefacts)\n"
    )
    assert "--index-url" not in done.stderr


def test_checking_writes_nothing(project: Path) -> None:
    write(project)
    before = sorted(project.rglob("*"))
    invoke(project, "--check")
    assert sorted(project.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "upgrade"),
    [
        ([], None),
        (["--upgrade"], frozenset()),
        (["--upgrade", "numpy", "libc6"], frozenset({"numpy", "libc6"})),
        (["--upgrade", "numpy", "--upgrade", "libc6"], frozenset({"numpy", "libc6"})),
    ],
)
def test_what_is_asked_reaches_the_stage_and_its_moves_are_shown(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    upgrade: frozenset[str] | None,
) -> None:
    old, new = (Lock("3.11.2", "2.36", {}, (wheel(version),)) for version in ("2.1", "2.2"))
    asked: dict[str, Any] = {}

    def update(config: configs.Config, **how: Any) -> locking.Locked:
        asked.update(how)
        return locking.Locked(old, new)

    monkeypatch.setattr(locking, "update", update)
    done = invoke(project, *arguments, "--as-of", "2022-03-01")
    assert done.return_value == 0
    assert (asked["upgrade"], str(asked["as_of"])) == (upgrade, "2022-03-01")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["layer", "name", "from", "to"],
        ["wheels", "numpy", "2.1", "2.2"],
    ]
    assert done.stderr == "nixrepro.lock: 1 artefacts, 1 changed\n"
    found = json.loads(invoke(project, "--json").stdout)["changes"]
    assert found == [{"layer": "wheels", "role": "", "name": "numpy", "old": "2.1", "new": "2.2"}]


def test_a_table_in_a_pipe_is_plain_and_on_a_terminal_is_not_markup(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("[red]a[/red]", "b" * 200)]
    output.answer_table(("one", "two"), rows)
    piped = capsys.readouterr().out
    assert piped == f"one           two\n[red]a[/red]  {'b' * 200}\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    output.answer_table(("one", "two"), rows)
    assert "[red]a[/red]" in capsys.readouterr().out
