"""The virtual CPU, built in the closure, on this machine's own CPU."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import REPOSITORY, Project, call, checked
from .session import wait_for

CPUS = sorted(path.stem for path in (REPOSITORY / "nix/vcpu/cpus").glob("*.cpu"))
SOURCES = Path(__file__).parent / "vcpu"
ZEROS = " 00000000" * 4
# EAX of leaf 1 of x86-64-v3: family, model and stepping.
HASWELL = "000306c4"


def flags() -> set[str]:
    line = re.search(r"^flags\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    assert line
    return set(line[1].split())


@pytest.fixture(scope="module")
def vcpu(project: Project) -> Path:
    return project.build("vcpu") / "bin/vcpu"


@pytest.fixture(scope="module")
def asks(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("vcpu") / "asks"
    checked([environment / "bin/cc", "-O1", "-o", target, SOURCES / "asks.c", "-lpthread"])
    return target


def table(text: str) -> list[str]:
    """The lines of a table that are not all zeros, which is what a missing one means."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [line for line in lines if not line.endswith(ZEROS)]


@pytest.mark.parametrize("cpu", CPUS)
def test_a_program_sees_just_the_table(vcpu: Path, cpu: str) -> None:
    done = call([vcpu, "--cpu", cpu, "--", vcpu, "--show"])
    wanted = (REPOSITORY / f"nix/vcpu/cpus/{cpu}.cpu").read_text()
    if done.status == 125:
        lacking = set(done.err.rpartition("promises: ")[2].split())
        assert lacking and not lacking & flags()
    else:
        assert table(done.out) == table(wanted)


def test_where_the_machine_can_cpuid_may_fault_instead(vcpu: Path, asks: Path) -> None:
    done = call([vcpu, "--way", "fault", "--cpu", "x86-64-v3", "--", asks])
    if "cpuid_fault" in flags():
        assert [line.split()[1] for line in done.out.splitlines()[2:]] == [HASWELL] * 5
    else:
        said = "vcpu: this machine can't make CPUID fault\n"
        assert (done.status, done.out, done.err) == (125, "", said)


def test_a_table_of_this_machine_changes_nothing(vcpu: Path, tmp_path: Path) -> None:
    shown = checked([vcpu, "--show"])
    own = tmp_path / "own.cpu"
    own.write_text(shown)
    assert checked([vcpu, "--table", own, "--", vcpu, "--show"]) == shown


@pytest.mark.parametrize(
    ("options", "needs"), [("", ""), ("-mavx2", "avx2"), ("-mavx512f", "avx512f")]
)
def test_the_approximate_instructions_are_exact(
    vcpu: Path, environment: Path, tmp_path: Path, options: str, needs: str
) -> None:
    own, forms = tmp_path / "own.cpu", tmp_path / "forms"
    own.write_text(checked([vcpu, "--show"]))
    words = [environment / "bin/cc", "-O1", *options.split(), "-o", forms, SOURCES / "forms.c"]
    checked([*words, "-lm"])
    if needs and needs not in flags():
        assert call([forms]).status == -signal.SIGILL
        return
    assert call([forms]).status != 0, "they are exact on this CPU by themselves"
    done = call([vcpu, "--exact", "--table", own, "--", forms])
    assert (done.status, done.out) == (0, "")


def test_every_thread_child_and_program_is_on_it(vcpu: Path, asks: Path) -> None:
    there = ["self", "bare", "thread", "child", "program"]
    done = call([vcpu, "--cpu", "x86-64-v3", "--", asks])
    assert done.status == 0, done.err
    caught = [f"caught {int(each)}" for each in (signal.SIGSEGV, signal.SIGILL)]
    assert done.out.splitlines() == caught + [f"{name} {HASWELL}" for name in there]
    real = call([asks]).out.splitlines()[2:]
    assert [line.split()[0] for line in real] == there
    assert real[0].split()[1] != HASWELL or "Haswell" in Path("/proc/cpuinfo").read_text()


def test_the_loader_takes_what_the_level_has(vcpu: Path, system: Path) -> None:
    done = call([vcpu, "--cpu", "x86-64-v2", "--", system / "lib64/ld-linux-x86-64.so.2", "--help"])
    assert "x86-64-v2 (supported, searched)" in done.out
    assert "x86-64-v3 (supported" not in done.out


@pytest.mark.parametrize(
    ("command", "status"),
    [("exit 3", 3), ("kill -TERM $$", -15), ("kill -SEGV $$", -11), ("kill -KILL $$", -9)],
)
def test_the_status_is_the_programs_own(vcpu: Path, command: str, status: int) -> None:
    done = call([vcpu, "--cpu", "x86-64-v2", "--", "sh", "-c", command])
    assert done.status == status


def test_a_signal_to_it_is_one_to_the_program(vcpu: Path) -> None:
    script = "trap 'echo got it; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    words = [vcpu, "--cpu", "x86-64-v2", "--", "sh", "-c", script]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGTERM)
        assert child.stdout.read() == "got it\n"
    assert child.returncode == 7


def test_no_signal_is_lost_while_a_program_is_prepared(vcpu: Path) -> None:
    words = [
        vcpu,
        "--cpu",
        "x86-64-v2",
        "--",
        "sh",
        "-c",
        "exec sh -c 'exec sh -c \"exec sleep 60\"'",
    ]
    for milliseconds in range(0, 60, 2):
        with subprocess.Popen(words) as child:
            time.sleep(milliseconds / 1000)
            child.send_signal(signal.SIGTERM)
            assert child.wait(20) == -signal.SIGTERM, milliseconds


class Terminal:
    """A shell with job control on a terminal of its own."""

    def __init__(self) -> None:
        self.child, self.master = pty.fork()
        if self.child == 0:
            os.environ["PS1"] = "$ "
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])

    def until(self, text: str) -> None:
        said, end = "", time.monotonic() + 20
        while text not in said:
            assert time.monotonic() < end, said
            if select.select([self.master], [], [], 1)[0]:
                said += os.read(self.master, 4096).decode(errors="replace")

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def close(self) -> None:
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        os.close(self.master)


def test_it_stops_and_goes_on_as_the_terminal_says(vcpu: Path) -> None:
    terminal = Terminal()
    try:
        terminal.until("$ ")
        # With a trap: a shell that is just starting a program may miss a Ctrl-C, vcpu or not.
        wait = "while :; do sleep 0.05; done"
        script = f"trap \"exit 130\" INT; echo be''gun; read word; echo got $word; {wait}"
        terminal.type(f"{vcpu} --cpu x86-64-v2 -- sh -c '{script}'\n")
        terminal.until("begun")
        terminal.type("\x1a")
        terminal.until("Stopped")
        terminal.type("fg\n")
        terminal.until("sh -c")
        terminal.type("hello\n")
        terminal.until("got hello")
        terminal.type("\x03")
        terminal.until("$ ")
        terminal.type("echo status $?\n")
        terminal.until("status 130")
    finally:
        terminal.close()


def test_a_killed_tracer_takes_the_program_along(vcpu: Path) -> None:
    words = [vcpu, "--cpu", "x86-64-v2", "--", "sh", "-c", "echo $$; exec sleep 60"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        program = int(child.stdout.readline())
        said = Path(f"/proc/{program}/status").read_text()
        tracer = int(re.search(r"^TracerPid:\s*(\d+)$", said, re.M)[1])  # type: ignore[index]
        os.kill(tracer, signal.SIGKILL)
        assert child.wait(20) == -signal.SIGKILL


def tracers(mark: str) -> list[str]:
    """Processes of a vcpu that live, told from others by its environment; one that has ended may
    wait long for a container's first one.
    """
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            said = (process / "stat").read_text()
            ours = mark.encode() in (process / "environ").read_bytes()
            if ours and " (vcpu) " in said and ") Z " not in said:
                found.append(said)
    return found


def test_no_process_stays_behind(vcpu: Path, tmp_path: Path) -> None:
    words = [vcpu, "--cpu", "x86-64-v2", "--", "sh", "-c"]
    mark = {"NIXREPRO_MARK": str(tmp_path)}
    with subprocess.Popen([*words, "read it"], stdin=subprocess.PIPE, env={**os.environ, **mark}):
        wait_for(lambda: tracers(str(tmp_path)))
    assert call([*words, "true"], env=mark).status == 0
    end = time.monotonic() + 20
    while tracers(str(tmp_path)):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_the_cpu_lacks_is_refused(vcpu: Path, tmp_path: Path) -> None:
    level = (REPOSITORY / "nix/vcpu/cpus/x86-64-v3.cpu").read_text()
    # FMA4 and XOP: one maker had them for six years.
    wanted = level.replace("00000000 00000021 20100800", "00000000 00010821 20100800")
    assert wanted != level
    other = tmp_path / "other.cpu"
    other.write_text(wanted)
    done = call([vcpu, "--table", other, "--", "echo", "ran"])
    assert (done.status, done.out) == (125, "")
    assert done.err == "vcpu: this CPU lacks what the table promises: xop fma4\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["--cpu", "nehalen", "--", "true"],
            "no CPU is called nehalen; there are epyc-milan haswell",
        ),
        (["--cpu", "../x", "--", "true"], "no CPU is called ../x"),
        (["--table", "/nowhere", "--", "true"], "/nowhere: No such file or directory"),
    ],
)
def test_a_wrong_name_is_said(vcpu: Path, words: list[str], says: str) -> None:
    done = call([vcpu, *words])
    assert done.status == 125
    assert says in done.err


def test_a_damaged_table_is_refused_with_its_line(vcpu: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.cpu"
    bad.write_text("# a table\n00000000  * 0000000d 756e6547 6c65746e\n")
    done = call([vcpu, "--table", bad, "--", "true"])
    assert (done.status, done.err) == (125, f"vcpu: {bad}: line 2 is not a line of a CPU's table\n")


@pytest.mark.parametrize(("program", "status"), [("no-such-program", 127), ("/etc/passwd", 126)])
def test_a_program_that_cannot_start(vcpu: Path, program: str, status: int) -> None:
    done = call([vcpu, "--cpu", "x86-64-v2", "--", program])
    assert done.status == status
    assert program in done.err


def test_it_needs_no_privilege(vcpu: Path) -> None:
    """A user without any, in a name space where there is no other."""
    nobody = ["unshare", "--user", "--map-user=65534", "setpriv", "--no-new-privs"]
    done = call([*nobody, vcpu, "--cpu", "x86-64-v2", "--", vcpu, "--show"])
    assert done.status == 0, done.err
    wanted = (REPOSITORY / "nix/vcpu/cpus/x86-64-v2.cpu").read_text()
    assert table(done.out) == table(wanted)
    capable = call([*nobody, "sh", "-c", "grep CapEff /proc/self/status; id -u"]).out.split()
    assert capable == ["CapEff:", "0000000000000000", "65534"]


def test_it_works_in_nixs_sandbox(vcpu: Path, tmp_path: Path) -> None:
    expression = f"""
      derivation {{
        name = "on-a-virtual-cpu";
        system = "x86_64-linux";
        builder = "${{builtins.storePath "{vcpu.parents[1]}"}}/bin/vcpu";
        args = [ "--cpu" "x86-64-v3" "--" "${{builtins.storePath "{seed()}"}}/bin/sh" "-c"
          "${{builtins.storePath "{vcpu.parents[1]}"}}/bin/vcpu --show > $out" ];
        stamp = "{time.time_ns()}";
      }}
    """
    built = Path(checked(["nix-build", "--no-out-link", "-E", expression]))
    wanted = (REPOSITORY / "nix/vcpu/cpus/x86-64-v3.cpu").read_text()
    assert table(built.read_text()) == table(wanted)
    checked(["nix-store", "--delete", built])


def seed() -> str:
    """The static shell that builders run in."""
    text = f'(import {REPOSITORY}/nix/store.nix {{ system = "x86_64-linux"; }}).seed'
    return checked(["nix-build", "--no-out-link", "-E", text])


def listed(text: str) -> dict[str, list[tuple[str, int]]]:
    """What a list of sites says: (kind, where the instruction itself begins) of each file."""
    found: dict[str, list[tuple[str, int]]] = {}
    for line in text.splitlines():
        kind, first, *rest = line.split(" ")
        if kind == "file":
            path = " ".join(rest)
            found[path] = []
        else:
            found[path].append((kind, int(first, 16) + int(rest[0])))
    return found


@pytest.mark.parametrize("library", ["libcrypto.so.3", "ld-linux-x86-64.so.2", "libgcc_s.so.1"])
def test_it_finds_what_a_disassembler_finds(
    vcpu: Path, system: Path, environment: Path, library: str
) -> None:
    file = (system / "lib/x86_64-linux-gnu" / library).resolve()
    done = checked([system / "bin/objdump", "--disassemble", "--file-offsets", "-w", file])
    listing = re.findall(r"^ +([0-9a-f]+):\t[0-9a-f ]+\t(cpuid|v?r(?:sqrt|cp)[sp]s)\b", done, re.M)
    segments = re.findall(
        r"LOAD +off +0x([0-9a-f]+) vaddr 0x([0-9a-f]+).*\n +filesz 0x([0-9a-f]+)",
        checked([system / "bin/objdump", "--private-headers", file]),
    )

    def offset(address: int) -> int:
        for off, start, size in ((int(a, 16), int(b, 16), int(c, 16)) for a, b, c in segments):
            if start <= address < start + size:
                return address - start + off
        raise AssertionError(address)

    wanted = {offset(int(where, 16)) for where, name in listing if name == "cpuid"}
    (sites,) = listed(checked([vcpu, "--find", file])).values()
    assert {where for kind, where in sites if kind == "c"} == wanted
    assert wanted


def test_the_list_of_the_closure_is_what_it_finds(
    project: Project, vcpu: Path, system: Path
) -> None:
    sites = project.build("sites")
    known = listed(sites.read_text())
    loader = str((system / "lib64/ld-linux-x86-64.so.2").resolve())
    assert listed(checked([vcpu, "--find", loader]))[loader] == known[loader]
    assert any(name.endswith("libtensorflow_cc.so.2") for name in known)
    done = call([vcpu, "--sites", sites, "--cpu", "x86-64-v3", "--", vcpu, "--show"])
    assert done.status == 0, done.err


def test_numpy_sees_no_more_than_the_table(project: Project, vcpu: Path, environment: Path) -> None:
    program = "\n".join(
        [
            "import json",
            "from numpy._core._multiarray_umath import __cpu_features__ as features",
            "print(json.dumps([name for name, on in features.items() if on]))",
        ]
    )
    seen = {}
    for cpu in ("x86-64-v2", "x86-64-v3"):
        words = [vcpu, "--exact", "--sites", project.build("sites"), "--cpu", cpu]
        seen[cpu] = json.loads(checked([*words, "--", environment / "bin/python", "-c", program]))
    assert "SSE42" in seen["x86-64-v2"]
    assert "AVX2" not in seen["x86-64-v2"]
    assert "AVX2" in seen["x86-64-v3"]
    assert not any(name.startswith("AVX512") for name in seen["x86-64-v3"])
