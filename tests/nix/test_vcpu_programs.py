"""The virtual CPU under programs that start others, make code, catch faults and control jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import Project, call, checked
from .session import Terminal

SOURCES = Path(__file__).parent / "vcpu"
CPU = "x86-64-v2"
# EAX of its leaf 1: family, model and stepping.
NEHALEM = "000106a3"


@pytest.fixture(scope="module")
def vcpu(project: Project) -> list[str | Path]:
    return [project.build("vcpu") / "bin/vcpu", "--cpu", CPU, "--"]


@pytest.fixture(scope="module")
def programs(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs of `vcpu/`."""
    folder = tmp_path_factory.mktemp("programs")
    cc = [environment / "bin/cc", "-O1"]
    checked([*cc, "-o", folder / "children", SOURCES / "children.c"])
    checked([*cc, "-static", "-o", folder / "static", SOURCES / "children.c"])
    checked([*cc, "-o", folder / "codes", SOURCES / "codes.c", "-ldl"])
    checked([*cc, "-shared", "-fPIC", "-o", folder / "late.so", SOURCES / "late.c"])
    return folder


@pytest.mark.parametrize("name", ["children", "static"])
def test_however_a_program_is_started_it_is_on_it(
    vcpu: list[str | Path], programs: Path, name: str
) -> None:
    done = call([*vcpu, programs / name])
    assert done.status == 5, done.err
    said = dict(line.split(" ", 1) for line in done.out.splitlines())
    assert said.pop("many") == "200"
    assert said.pop("ptrace") == "Operation not permitted"
    ways = ["fork", "vfork", "spawn", "clone3", "chain", "orphan"]
    assert said == dict.fromkeys(ways, NEHALEM)


def test_code_that_comes_late_is_on_it(vcpu: list[str | Path], programs: Path) -> None:
    """Made at run time, or loaded; and the program's own handler of faults works as ever."""
    words = [programs / "codes", programs / "late.so"]
    kinds = ["made", "tight", "library"]
    done = call([*vcpu, *words])
    assert done.status == 0, done.err
    assert done.out.splitlines() == ["faults 1", *(f"{kind} {NEHALEM}" for kind in kinds)]
    assert NEHALEM not in checked(words)


def test_no_program_gains_rights_by_its_file(vcpu: list[str | Path]) -> None:
    words = ["sh", "-c", "grep NoNewPrivs /proc/self/status"]
    assert checked([*vcpu, *words]).split() == ["NoNewPrivs:", "1"]


def test_a_stopped_program_stays_so_until_it_is_told_to_go_on(vcpu: list[str | Path]) -> None:
    script = "echo ready; while :; do sleep 0.02; done"
    words = [str(word) for word in [*vcpu, "sh", "-c", script]]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
        for _ in range(5):
            child.send_signal(signal.SIGSTOP)
            assert os.waitpid(child.pid, os.WUNTRACED)[1] >> 8 == signal.SIGSTOP
            time.sleep(0.05)
            assert state(child.pid) in "Tt"
            child.send_signal(signal.SIGCONT)
            os.waitpid(child.pid, os.WCONTINUED)
        child.kill()
    assert child.returncode == -signal.SIGKILL


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


def test_a_shell_on_it_controls_its_jobs(vcpu: list[str | Path], tmp_path: Path) -> None:
    words = [*vcpu, "bash", "--norc", "--noprofile", "-i"]
    session = Terminal(words, tmp_path, {"PS1": "> "})
    session.wait("> ")
    session.press("sleep 60\n")
    session.wait("sleep 60")
    time.sleep(0.3)
    session.press("\x1a")
    session.wait("Stopped")
    session.press("bg; jobs\n")
    session.wait("Running")
    session.press("fg\n")
    session.wait("sleep 60")
    time.sleep(0.3)
    session.press("\x03")
    session.wait("> ")
    session.press("echo status $?\n")
    session.wait("status 130")
    session.press("sleep 60 & kill -9 %1; wait %1; echo status $?\n")
    session.wait("status 137")
    session.press("exit 4\n")
    assert session.end() == 4


def test_an_observer_in_it_is_refused(vcpu: list[str | Path], project: Project) -> None:
    """A process has one tracer: what is under vcpu can't be watched or debugged by another."""
    strace = project.build("observer") / "bin/strace"
    done = call([*vcpu, strace, "-f", "-o", "/dev/null", "true"])
    assert done.status != 0
    assert "Operation not permitted" in done.err
