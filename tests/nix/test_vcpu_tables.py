"""Tables of real machines, the preflight, and what a program must not notice of the tracer."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import REPOSITORY, Project, call, checked

APPROXIMATE = """
from nixrepro_runtime.probe import approximate
print(approximate.digest())
"""
ASK = """
import json
from nixrepro_runtime import cpu
print(json.dumps(cpu.table()))
"""
# A library with one function that says a CPU's signature, and a program that loads it by path.
SIGNATURE = """
#include <cpuid.h>
int signature(void) { unsigned a, b, c, d; __cpuid_count(%d, 0, a, b, c, d); return (int)a; }
"""
LOADS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
static unsigned of(const char *path) {
    void *library = dlopen(path, RTLD_NOW);
    if (!library) { fputs(dlerror(), stderr); return 0; }
    unsigned found = (unsigned)((int (*)(void))dlsym(library, "signature"))();
    dlclose(library);
    return found;
}
int main(int count, char **words) {
    printf("%08x\\n", of(words[1]));
    fflush(stdout);
    if (count < 3) return 0;
    rename(words[2], words[1]); /* another file, of the same name, as a compiler makes it */
    printf("%08x\\n", of(words[1]));
    char buffer[65536], name[64];
    int file = open(words[1], O_RDONLY), copy = memfd_create("copy", 0);
    ssize_t size = read(file, buffer, sizeof buffer);
    if (write(copy, buffer, (size_t)size) != size) return 1;
    snprintf(name, sizeof name, "/proc/self/fd/%d", copy);
    printf("%08x\\n", of(name)); /* a file that has no name */
    return 0;
}
"""
HASWELL = "000306c4"
HASWELL_SECOND = "00000001"  # EAX of its leaf 2


@pytest.fixture(scope="module")
def vcpu(project: Project) -> Path:
    return project.build("vcpu") / "bin/vcpu"


def test_the_runtime_asks_as_vcpu_does(project: Project, vcpu: Path, environment: Path) -> None:
    python: list[str | Path] = [environment / "bin/python", "-c", ASK]
    assert json.loads(checked(python)) == checked([vcpu, "--show"]).splitlines()
    sites: list[str | Path] = ["--sites", project.build("sites")]
    for name in ("haswell", "x86-64-v3"):
        on: list[str | Path] = [vcpu, *sites, "--cpu", name, "--"]
        shown = checked([*on, vcpu, "--show"]).splitlines()
        assert json.loads(checked([*on, *python])) == shown


@pytest.mark.alone
def test_it_can_be_had_here_and_asking_takes_no_time(vcpu: Path) -> None:
    words: list[str | Path] = [vcpu, "--can", "--cpu", "x86-64-v2"]
    taken = []
    for _ in range(5):
        begun = time.perf_counter()
        done = call(words)
        taken.append(time.perf_counter() - begun)
        assert (done.status, done.out, done.err) == (0, "", "")
    assert min(taken) < 0.05


def test_under_another_tracer_it_can_not_and_says_why(vcpu: Path) -> None:
    done = call([vcpu, "--cpu", "x86-64-v2", "--", vcpu, "--can", "--cpu", "x86-64-v2"])
    reason = "can't trace a process here: another program traces this one already: vcpu\n"
    assert (done.status, done.out, done.err) == (1, reason, "")
    done = call([vcpu, "--cpu", "x86-64-v2", "--", vcpu, "--cpu", "x86-64-v2", "--", "echo", "no"])
    assert (done.status, done.out, done.err) == (125, "", f"vcpu: {reason}")


def filtered(words: list[str | Path], number: int, action: int) -> subprocess.CompletedProcess[str]:
    """Start a command under a filter of system calls, as a container's is."""

    def install() -> None:
        import ctypes

        def line(code: int, jt: int, jf: int, k: int) -> bytes:
            return struct.pack("=HBBI", code, jt, jf, k)

        program = line(0x20, 0, 0, 0) + line(0x15, 0, 1, number) + line(0x06, 0, 0, action)
        program += line(0x06, 0, 0, 0x7FFF0000)
        kept = ctypes.create_string_buffer(program)
        head = struct.pack("=HxxxxxxQ", 4, ctypes.addressof(kept))
        libc = ctypes.CDLL(None)
        assert libc.prctl(38, 1, 0, 0, 0) == 0
        assert libc.prctl(22, 2, ctypes.create_string_buffer(head)) == 0

    return subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=install,
    )


PTRACE, SECCOMP = 101, 317
REFUSE, KILL = 0x00050001, 0x80000000


@pytest.mark.parametrize(
    ("action", "says"), [(REFUSE, "Operation not permitted"), (KILL, "the tracer was ended")]
)
def test_where_a_filter_forbids_it(vcpu: Path, action: int, says: str) -> None:
    done = filtered([vcpu, "--can", "--cpu", "x86-64-v2"], PTRACE, action)
    assert done.returncode == 1
    assert done.stdout.startswith("can't trace a process here: ") and says in done.stdout
    assert done.stdout.count("\n") == 1 and done.stderr == ""


def test_what_the_cpu_lacks_is_not_a_matter_of_tracing(vcpu: Path, tmp_path: Path) -> None:
    level = (REPOSITORY / "nix/vcpu/cpus/x86-64-v3.cpu").read_text()
    other = tmp_path / "other.cpu"
    other.write_text(level.replace("00000000 00000021 20100800", "00000000 00010821 20100800"))
    done = call([vcpu, "--can", "--table", other])
    assert (done.status, done.out) == (125, "")
    assert done.err == "vcpu: this CPU lacks what the table promises: xop fma4\n"


def test_a_process_that_is_left_behind_keeps_no_pipe_open(vcpu: Path) -> None:
    script = "sleep 20 >/dev/null 2>&1 </dev/null & echo begun"
    begun = time.monotonic()
    words = [str(vcpu), "--cpu", "x86-64-v2", "--", "sh", "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "begun\n")
    assert time.monotonic() - begun < 10


def test_files_that_are_written_anew_or_have_no_name(
    vcpu: Path, environment: Path, tmp_path: Path
) -> None:
    for leaf in (1, 2):
        source = tmp_path / f"{leaf}.c"
        source.write_text(SIGNATURE % leaf)
        checked([environment / "bin/cc", "-shared", "-fPIC", "-o", tmp_path / f"{leaf}.so", source])
    (tmp_path / "loads.c").write_text(LOADS)
    loads = tmp_path / "loads"
    checked([environment / "bin/cc", "-o", loads, tmp_path / "loads.c", "-ldl"])
    words = [loads, tmp_path / "1.so", tmp_path / "2.so"]
    assert checked([vcpu, "--cpu", "haswell", "--", *words]).split() == [
        HASWELL, HASWELL_SECOND, HASWELL_SECOND,
    ]  # fmt: skip


def test_a_long_comment_is_no_line_of_a_table(vcpu: Path, tmp_path: Path) -> None:
    shown = checked([vcpu, "--show"])
    own = tmp_path / "own.cpu"
    for length in (252, 253, 254, 255, 600):
        comment = "#" + "x" * length
        own.write_text(f"{comment} 00000000  * 00000000 00000000 00000000 00000000\n{shown}")
        assert checked([vcpu, "--table", own, "--", vcpu, "--show"]) == shown
        own.write_text(f"{comment}\n{shown}{comment}")
        assert checked([vcpu, "--table", own, "--", vcpu, "--show"]) == shown


def test_cpus_of_one_table_are_told_apart(vcpu: Path, environment: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.cpu"
    own.write_text(checked([vcpu, "--show"]))
    python: list[str | Path] = [environment / "bin/python", "-c", APPROXIMATE]
    plain = checked(python)
    assert len(plain) == 64
    assert checked([vcpu, "--table", own, "--", *python]) == plain
    exact = checked([vcpu, "--exact", "--table", own, "--", *python])
    assert len(exact) == 64 and exact != plain


def old(folder: Path) -> tuple[Path, int]:
    """A 32-bit program that ends with status 7, and the status that it has here."""
    # exit(7) by the 32-bit system call.
    code = bytes.fromhex("b801000000bb07000000cd80")
    kind = b"\x7fELF\x01\x01\x01"
    numbers = (2, 3, 1, 0x08048054, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    head = struct.pack("<16sHHIIIIIHHHHHH", kind, *numbers)
    part = struct.pack("<8I", 1, 0, 0x08048000, 0x08048000, 84 + 12, 84 + 12, 5, 4096)
    program = folder / "old"
    program.write_bytes(head + part + code)
    program.chmod(0o755)
    try:
        alone = subprocess.run([program], check=False).returncode
    except OSError:
        alone = 126  # a kernel that starts none
    return program, alone


def test_a_32_bit_program_is_not_let_go_on_the_real_cpu(vcpu: Path, tmp_path: Path) -> None:
    program, alone = old(tmp_path)
    done = call([vcpu, "--cpu", "x86-64-v2", "--", program])
    if alone == 7:
        assert done.status == -signal.SIGKILL
        assert "32-bit" in done.err
    else:
        assert done.status == 126


@pytest.mark.parametrize("state", ["closed", "full", "open"])
def test_what_is_said_of_a_program_holds_no_other_up(
    vcpu: Path, tmp_path: Path, state: str
) -> None:
    """Nor does it end the others: its standard error may be a pipe that nobody reads any more."""
    program, alone = old(tmp_path)
    reads, writes = os.pipe()
    if state == "closed":
        os.close(reads)
    elif state == "full":
        os.set_blocking(writes, False)
        with pytest.raises(BlockingIOError):
            while True:
                os.write(writes, bytes(4096))
        os.set_blocking(writes, True)
    # The outer shell says "Killed", and must have another place for it.
    script = f"exec 9>&2 2>/dev/null; sh -c 'exec {program} 2>&9'; echo after $?"
    words = [vcpu, "--cpu", "x86-64-v2", "--", "sh", "-c", script]
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=writes, text=True, timeout=30, check=False
    )
    os.close(writes)
    if state == "open":
        with open(reads, "rb") as stream:
            assert (b"32-bit" in stream.read()) == (alone == 7)
    elif state == "full":
        os.close(reads)
    assert done.stdout.strip() == f"after {137 if alone == 7 else 126}"
    assert done.returncode == 0


def test_the_tracer_holds_nothing_of_the_programs(vcpu: Path, tmp_path: Path) -> None:
    """Nothing that the program has open is open in its tracer."""
    reads, writes = os.pipe()
    script = "echo begun; exec sleep 60"
    words = [str(vcpu), "--cpu", "x86-64-v2", "--", "sh", "-c", script]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, pass_fds=[writes]) as child:
        os.close(writes)
        assert child.stdout
        child.stdout.readline()
        said = Path(f"/proc/{child.pid}/status").read_text()
        tracer = next(line.split()[1] for line in said.splitlines() if "TracerPid" in line)
        assert tracer != "0"
        held = {os.readlink(path) for path in Path(f"/proc/{tracer}/fd").iterdir()}
        assert not [name for name in held if "pipe" in name or str(tmp_path) in name]
        child.kill()
    os.close(reads)


def test_a_table_of_the_project_is_in_the_flake(tmp_path: Path) -> None:
    """The settings name a file of the store, which a build's sandbox has too."""
    from .conftest import copy_project

    project = Project(copy_project(tmp_path))
    (tmp_path / "cpus").mkdir()
    text = (REPOSITORY / "nix/vcpu/cpus/haswell.cpu").read_text()
    (tmp_path / "cpus/lab.cpu").write_text(text)
    file = tmp_path / "pyproject.toml"
    own = '\n[tool.nixrepro.numerics]\nprofile = "portable"\ncpu = "cpus/lab.cpu"\n'
    file.write_text(file.read_text() + own)
    built = project.build("settings")
    stated = json.loads(built.read_text())["numerics"]
    assert stated["cpu"] == "cpus/lab.cpu"
    assert stated["table"].startswith("/nix/store/")
    assert Path(stated["table"]).read_text() == text
