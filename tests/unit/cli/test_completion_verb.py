"""Tab in a shell: in bash for real, and by what zsh and fish ask of the same command."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from nixrepro.cli import VERBS
from nixrepro.process import run

from ..runtime.conftest import Workshop

SHELLS = ("bash", "zsh", "fish")
HERE = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def ask(folder: Path, line: str, shell: str = "fish") -> list[str]:
    """What the command offers for a line's last word, as the shell's own script asks for it."""
    words = line.split(" ")
    if shell == "fish":
        asked = {"COMP_WORDS": line, "COMP_CWORD": words[-1]}
    else:
        asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    env = {**HERE, **asked, "_NIXREPRO_COMPLETE": f"{shell}_complete"}
    done = run([sys.executable, "-m", "nixrepro"], cwd=folder, env=env)
    assert done.stderr == ""
    return [line for line in done.stdout.decode().splitlines() if line]


def plain(lines: list[str]) -> list[str]:
    """Only the words that fish is offered."""
    return [line.removeprefix("plain,").partition("\t")[0] for line in lines]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with three runs, a lock and data."""
    workshop = Workshop(tmp_path)
    (workshop.project / "pyproject.toml").write_text(
        '[tool.nixrepro.data.mnist]\nurl = "https://data.example/mnist.npz"\n'
        '[tool.nixrepro.data.moby]\npath = "moby.txt"\n'
    )
    (workshop.project / "nixrepro.lock").write_text('[[artefact]]\nname = "numpy"\n')
    for script in ("exit 0", "exit 3", "exit 0"):
        workshop.run("sh", "-c", script)
    return workshop.project


def newest(project: Path) -> list[str]:
    folders = (project / ".nixrepro" / "runs").glob("*/record.json")
    found = sorted(folders, key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [path.parent.name[:12] for path in found]


def test_verbs(tmp_path: Path) -> None:
    offered = ask(tmp_path, "nixrepro ")
    assert plain(offered) == list(VERBS)
    assert all("\t" in line for line in offered), "each says what it is for"
    assert "plain,show\tone run's record, layer by layer" in offered
    assert plain(ask(tmp_path, "nixrepro ru")) == ["run", "runs"]
    assert plain(ask(tmp_path, "nixrepro -C /tmp do")) == ["doctor"]


def test_options_and_what_they_take(tmp_path: Path) -> None:
    assert "--require-clean" in plain(ask(tmp_path, "nixrepro train --re"))
    assert plain(ask(tmp_path, "nixrepro completion z")) == ["zsh"]
    assert plain(ask(tmp_path, "nixrepro verify --annotations git")) == ["github", "gitlab"]
    assert plain(ask(tmp_path, "nixrepro run --fingerprint st")) == ["steps", "steps:10"]


def test_runs_newest_first_with_when_and_how_they_ended(project: Path) -> None:
    ids = newest(project)
    assert len(ids) == 3
    for verb in ("show", "diff", "verify"):
        assert plain(ask(project, f"nixrepro {verb} ")) == ["last", *ids]
    assert plain(ask(project, f"nixrepro diff last {ids[2][:6]}")) == [ids[2]]
    said = ask(project, "nixrepro show ")[2]
    assert " failed: sh -c exit 3" in said
    assert time.strftime("%Y-%m-%d") in said
    zsh = ask(project, "nixrepro show ", "zsh")
    assert zsh[:2] == ["plain", "last"] and zsh[4] == ids[0]


def test_what_is_no_run_may_be_a_file(project: Path) -> None:
    assert ask(project, "nixrepro show ./") == ["file,./"]
    assert ask(project, "nixrepro run -- python tr") == ["file,tr"]
    assert ask(project.parent, "nixrepro show ") == ["file,"]


def test_data_packages_and_layers(project: Path) -> None:
    assert ask(project, "nixrepro fetch --data m") == [
        "plain,mnist\thttps://data.example/mnist.npz",
        "plain,moby\tmoby.txt",
    ]
    assert plain(ask(project, "nixrepro data verify mn")) == ["mnist"]
    assert plain(ask(project, "nixrepro lock --upgrade nu")) == ["numpy"]
    assert plain(ask(project, "nixrepro verify --rebuild ")) == [
        *("system", "accelerator", "wheels", "data", "environment", "run", "numpy"),
    ]
    outside = f"nixrepro -C {project} lock --upgrade nu"
    assert plain(ask(project.parent, outside)) == ["numpy"]


@pytest.mark.parametrize("text", ["[tool.nixrepro", "[tool.nixrepro]\ndata = 3\n", "\xff"])
def test_broken_files_offer_nothing(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(text, encoding="latin-1")
    assert ask(project, "nixrepro fetch --data m") == []


def test_in_bash(project: Path) -> None:
    script = """
        eval "$(nixrepro completion bash)"
        complete -p nixrepro
        tab() {
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
            _nixrepro_completion nixrepro
            printf '%s\\n' "${COMPREPLY[*]}"
        }
        tab nixrepro sh
        tab nixrepro show ''
        tab nixrepro fetch --data mo
    """
    done = run(["bash", "--norc", "-c", script], cwd=project, env=HERE)
    assert done.stderr == ""
    registered, verbs, runs, data = done.stdout.decode().splitlines()
    assert "_nixrepro_completion nixrepro" in registered
    assert (verbs, data) == ("shell show", "moby")
    assert runs.split() == ["last", *newest(project)]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_the_shells(shell: str, tmp_path: Path) -> None:
    done = run([sys.executable, "-m", "nixrepro", "completion", shell], cwd=tmp_path)
    script = done.stdout.decode()
    assert f"_NIXREPRO_COMPLETE={shell}_complete" in script
    assert ("--keep-order" in script) == (shell == "fish")
    # Else fish cuts what it is told at its first comma.
    assert ("string split --max 1" in script) == (shell == "fish")
    assert (done.status, done.stderr) == (0, "")


def test_nothing_heavy_is_imported_for_a_tab(project: Path) -> None:
    env = {**HERE, "COMP_WORDS": "nixrepro show ", "COMP_CWORD": "", "PYTHONPROFILEIMPORTTIME": "1"}
    env["_NIXREPRO_COMPLETE"] = "fish_complete"
    said = run([sys.executable, "-m", "nixrepro"], cwd=project, env=env).stderr
    imported = {line.rpartition("|")[2].strip() for line in said.splitlines()}
    assert "click.shell_completion" in imported
    heavy = {"httpx", "rich", "debian", "pysequoia", "packaging", "cryptography", "subprocess"}
    assert imported & heavy == set()
