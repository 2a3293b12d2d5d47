"""A run reads and maps nothing of the host, and writes nothing into the store."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from .conftest import Project, call, checked

# Everything else is the host's: the contract of docs/architecture.md.
ALLOWED = ("/nix/store", "/proc", "/sys", "/dev")


def traced(argv: list[str], project: Project, tmp_path: Path) -> list[str]:
    """Every path outside the contract that a program or its children opened or started."""
    trace = tmp_path / "trace"
    watched = "trace=open,openat,openat2,execve,execveat,connect"
    done = call(["strace", "-f", "-qq", "-e", watched, "-o", trace, *argv], project.root)
    assert done.status == 0, done.err
    folders = (*ALLOWED, str(project.root), str(tmp_path), "/tmp/nixrepro-")
    found = []
    for line in trace.read_text(errors="replace").splitlines():
        if "connect(" in line:
            found.append(line)
        match = re.search(r'(?:open\w*|execve\w*)\([^"]*"(/[^"]*)"[^=]*= (?!-1 ENOENT)', line)
        if match and not match[1].startswith(folders):
            found.append(match[1])
    return found


def test_a_training_run_reads_nothing_of_the_host(project: Project, tmp_path: Path) -> None:
    app = project.build("train")
    assert traced([str(app)], project, tmp_path) == []


def test_the_trace_shows_a_program_that_does_read_the_host(
    project: Project, environment: Path, tmp_path: Path
) -> None:
    python = f"{environment}/bin/python"
    argv = [python, "-c", "open('/etc/os-release')"]
    assert traced(argv, project, tmp_path) == ["/etc/os-release"]


def test_compiler_and_tools_read_nothing_of_the_host(
    project: Project, system: Path, tmp_path: Path
) -> None:
    source = tmp_path / "p.cc"
    source.write_text("#include <iostream>\nint main() { std::cout << 42; }\n")
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"SHELL = {system}/bin/sh\n{tmp_path}/p: {source}\n\tg++ -o $@ $<\n\t$@\n")
    variables = json.loads(project.build("facts").read_text())["variables"]
    words = [
        f"{name}={value}"
        for name, value in {**variables, "HOME": "/x", "TMPDIR": str(tmp_path)}.items()
    ]
    argv = [f"{system}/bin/env", "-i", *words, "make", "-f", str(makefile)]
    assert traced(argv, project, tmp_path) == []


def test_python_asks_the_host_for_no_terminal_zone_or_provider(
    project: Project, tmp_path: Path
) -> None:
    facts = json.loads(project.build("facts").read_text())
    variables = [f"{name}={value}" for name, value in facts["variables"].items()]
    program = (
        "import ctypes, ctypes.util, curses, readline, sqlite3, ssl, subprocess, zoneinfo\n"
        "zoneinfo.ZoneInfo('Europe/Paris')\n"
        "assert ctypes.util.find_library('z') == 'libz.so.1'\n"
        "assert ctypes.util.find_library('c') == 'libc.so.6'\n"
        "curses.setupterm('xterm-256color', 2); subprocess.run('true', shell=True, check=True)\n"
        "crypto = ctypes.CDLL('libcrypto.so.3')\n"
        "crypto.OSSL_PROVIDER_load.restype = ctypes.c_void_p\n"
        "assert crypto.OSSL_PROVIDER_load(None, b'legacy')\n"
    )
    python = f"{facts['environment']}/bin/python"
    argv = [f"{facts['system']}/bin/env", "-i", *variables, python, "-c", program]
    assert traced(argv, project, tmp_path) == []


def test_no_object_of_the_host_is_mapped(environment: Path) -> None:
    program = (
        "import tensorflow, sklearn, scipy.linalg, ssl, sqlite3, lzma, bz2, ctypes, readline\n"
        "lines = open('/proc/self/maps').read().splitlines()\n"
        "paths = {line.split(None, 5)[5] for line in lines if len(line.split(None, 5)) == 6}\n"
        "print(*sorted(path for path in paths if '.so' in path), sep='\\n')\n"
    )
    done = call(["env", "-i", f"{environment}/bin/python", "-c", program])
    assert done.status == 0, done.err
    mapped = done.out.split()
    assert any("libtensorflow" in path for path in mapped)
    assert [path for path in mapped if not path.startswith("/nix/store/")] == []


def test_a_missing_library_is_not_taken_from_the_host(environment: Path) -> None:
    host = [path for path in Path("/usr/lib/x86_64-linux-gnu").glob("lib*.so.*") if path.is_file()]
    system = Path(checked(["readlink", "-f", environment / "bin/python"])).parents[1]
    there = {path.name for path in (system / "lib/x86_64-linux-gnu").iterdir()}
    name = next(path.name for path in sorted(host) if path.name not in there)
    program = f"import ctypes; ctypes.CDLL({name!r})"
    done = call([environment / "bin/python", "-c", program])
    assert done.status == 1
    assert "cannot open shared object file" in done.err


def test_the_store_is_unchanged_after_a_run(project: Project, environment: Path) -> None:
    done = project.nixrepro("run", "--no-record", "--", "python", "-c", "import numpy.tests, keras")
    assert done.status == 0, done.err
    argv = ["nix", "store", "verify", "--no-trust", "--recursive", str(environment)]
    done = call(argv)
    assert done.status == 0, done.err
    assert "modified" not in done.err


@pytest.mark.parametrize(
    "name", ["LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "TF_ENABLE_ONEDNN_OPTS"]
)
def test_variables_of_the_host_do_not_pass(
    project: Project, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A value that does no harm to what starts before the supervisor.
    monkeypatch.setenv(name, "")
    program = f"import os; print({name!r} in os.environ)"
    done = project.nixrepro("run", "--no-record", "--", "python", "-c", program)
    assert done.out.strip() == "False", done.err
