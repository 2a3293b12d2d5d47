"""A run under observation: the training touches nothing of the host, and what does is shown."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nixrepro.cli.entering import enter
from nixrepro.realise import Environment
from nixrepro.verify.hermetic import observe
from nixrepro.verify.verdict import Finding, State, Verdict

from .conftest import REPOSITORY, Project, call
from .observing import outside, pinned
from .session import wait_for


@pytest.fixture(scope="module")
def strace(project: Project) -> Path:
    return pinned(project)


@pytest.fixture(scope="module")
def realised(project: Project) -> Environment:
    return enter(project.root)[1]


class Observing:
    """Observes programs of the project's closure."""

    def __init__(self, root: Path, realised: Environment, strace: Path) -> None:
        self.root = root
        self._environment = realised
        self._strace = strace

    def __call__(self, *words: str) -> dict[str, Verdict]:
        found = observe(self.root, self._environment, words, self._strace)
        return {verdict.part: verdict for verdict in found}

    def program(self, text: str) -> dict[str, Verdict]:
        (self.root / "observed.py").write_text(text)
        return self("python", "observed.py")


@pytest.fixture
def observing(project: Project, realised: Environment, strace: Path) -> Observing:
    return Observing(project.root, realised, strace)


def differing(found: dict[str, Verdict]) -> dict[str, list[Finding]]:
    return {
        part: list(verdict.findings)
        for part, verdict in found.items()
        if verdict.state is not State.SAME
    }


def test_the_training_touches_nothing_of_the_host(observing: Observing) -> None:
    found = observing("python", "train/digits.py")
    assert differing(found) == {}
    counted = {part: int(verdict.compared.split()[0]) for part, verdict in found.items()}
    assert counted["files"] > 1000
    assert counted["objects"] > 50
    assert counted["addresses"] == 0


def test_a_program_that_reads_a_host_file(observing: Observing) -> None:
    found = observing.program("import os\n\nopen('/etc/os-release').read()\n")
    (finding,) = differing(found)["files"]
    assert finding.subject in ("/etc/os-release", "/usr/lib/os-release")
    assert finding.reason == "read by observed.py, line 3"
    assert (finding.layer, finding.file, finding.line) == ("code", "observed.py", 3)
    assert list(differing(found)) == ["files"]


def test_a_program_that_asks_whether_a_host_file_is_there(observing: Observing) -> None:
    found = observing.program("import os\nos.stat('/etc/passwd')\nos.path.exists('/etc/nowhere')\n")
    (finding,) = differing(found)["files"]
    assert finding.subject == "/etc/passwd"
    # No audit event tells of a stat: the object that called is what is known.
    assert (finding.layer, finding.reason.split()[2]) == ("system", "python3.11")


def host_library() -> Path:
    folder = Path("/usr/lib/x86_64-linux-gnu")
    return next(path for path in sorted(folder.glob("libz.so.1*")) if path.is_file())


def test_a_program_that_loads_a_host_library(observing: Observing) -> None:
    library = host_library()
    found = observing.program(f"import ctypes\nctypes.CDLL('{library}')\n")
    (finding,) = differing(found)["objects"]
    assert finding.subject == str(library.resolve())
    assert finding.reason == "loaded as code by observed.py, line 2"
    assert [each.subject for each in differing(found)["files"]] == [str(library.resolve())]


def test_a_program_that_loads_a_host_library_from_its_own_folder(
    observing: Observing, tmp_path: Path
) -> None:
    shutil.copy(host_library(), observing.root / "copied.so")
    try:
        found = observing.program(
            "import ctypes, os, shutil\n"
            "ctypes.CDLL('./copied.so')\n"
            "other = os.environ['TMPDIR'] + '/other.so'\n"
            "shutil.copy('copied.so', other)\n"
            "ctypes.CDLL(other)\n"
        )
    finally:
        (observing.root / "copied.so").unlink()
    findings = differing(found)["objects"]
    assert [finding.subject.rpartition("/")[2] for finding in findings] == ["copied.so", "other.so"]
    assert findings[0].line == 2
    assert list(differing(found)) == ["objects"]


@pytest.fixture
def server() -> Iterator[int]:
    """A port of this machine at which somebody answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def serve() -> None:
            while True:
                try:
                    listening.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def test_a_program_that_connects_to_an_address(observing: Observing, server: int) -> None:
    found = observing.program(f"import socket\nsocket.create_connection(('127.0.0.1', {server}))\n")
    (finding,) = differing(found)["addresses"]
    assert finding.subject == f"127.0.0.1:{server}"
    assert (finding.layer, finding.file, finding.line) == ("code", "observed.py", 2)


def test_a_program_that_connects_to_itself(observing: Observing) -> None:
    found = observing.program(
        "import socket\nlistening = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(listening.getsockname())\n"
        "import multiprocessing as m\nm.Manager().list([1])\n"
    )
    assert differing(found) == {}


def test_a_program_that_starts_a_host_program(observing: Observing) -> None:
    found = observing.program("import subprocess\nsubprocess.run(['/usr/bin/true'])\n")
    (finding,) = differing(found)["programs"]
    assert finding.subject == "/usr/bin/true"
    assert finding.reason == "started by observed.py, line 2"
    assert {finding.layer for finding in differing(found)["files"]} == {""}


def test_a_script_whose_first_line_names_a_host_program(observing: Observing) -> None:
    script = observing.root / "script.sh"
    script.write_text("#!/bin/sh\n:\n")
    script.chmod(0o755)
    (finding,) = differing(observing("./script.sh"))["programs"]
    assert finding.subject == "/bin/sh"
    assert finding.reason == "started by script.sh"


def test_it_runs_in_the_folder_that_it_is_asked_from(
    observing: Observing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(observing.root / "train")
    assert differing(observing("python", "-c", "open('digits.py')")) == {}
    monkeypatch.chdir("/")
    assert differing(observing("python", "-c", "open('train/digits.py')")) == {}


def test_a_program_that_can_do_what_nobody_sees(observing: Observing) -> None:
    found = observing.program(
        "import ctypes\n"
        "ring = ctypes.CDLL(None).syscall(425, 4, ctypes.create_string_buffer(120))\n"
        "raise SystemExit(0 if ring > 2 else 9)\n"
    )
    assert {verdict.state for verdict in found.values()} == {State.UNKNOWN}
    # The kernel may refuse it.
    assert all("io_uring" in each.reason or "status 9" in each.reason for each in found.values())


def test_a_distribution_that_reads_a_host_file(observing: Observing) -> None:
    found = observing.program(
        "import numpy\nnumpy.fromfile('/etc/passwd', dtype='u1')\nnumpy.loadtxt(['1'])\n"
        "numpy.genfromtxt('/etc/debian_version', dtype=str)\n"
    )
    layers = {each.subject: each for each in differing(found)["files"]}
    assert layers["/etc/debian_version"].layer == "wheels"
    assert "numpy" in layers["/etc/debian_version"].reason


def test_a_program_that_fails_proves_nothing(observing: Observing) -> None:
    found = observing("python", "-c", "raise SystemExit(3)")
    assert {verdict.state for verdict in found.values()} == {State.UNKNOWN}
    assert "status 3" in found["files"].reason


def test_where_nothing_may_be_observed(
    project: Project, realised: Environment, strace: Path, tmp_path: Path
) -> None:
    # A process that is observed already can't be observed by another one.
    program = (
        "import sys\nfrom pathlib import Path\nfrom nixrepro.realise import remembered\n"
        "from nixrepro.verify.hermetic import observe\n"
        "root, tool = map(Path, sys.argv[1:])\n"
        "print(*observe(root, remembered(root), ['true'], tool), sep='\\n')\n"
    )
    argv = [strace, "-f", "-qq", "-e", "trace=none", "-o", tmp_path / "trace", sys.executable]
    done = call([*argv, "-c", program, project.root, strace], REPOSITORY)
    assert done.status == 0, done.err
    assert "State.UNKNOWN" in done.out
    assert "Operation not permitted" in done.out
    assert len(done.out.splitlines()) == 1


@pytest.mark.alone
def test_an_observation_that_is_ended_leaves_nothing_running(
    project: Project, realised: Environment, strace: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "started"
    program = (
        "import sys\nfrom pathlib import Path\nfrom nixrepro.realise import remembered\n"
        "from nixrepro.verify.hermetic import observe\n"
        "root, tool, mark = map(Path, sys.argv[1:])\n"
        "words = ['bash', '-c', f'echo $$ > {mark}.new; mv {mark}.new {mark}; sleep 300']\n"
        "observe(root, remembered(root), words, tool)\n"
    )
    argv = [sys.executable, "-c", program, project.root, strace, mark]
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen([str(word) for word in argv], env=env, stderr=subprocess.DEVNULL)
    wait_for(mark.exists)
    pid = int(mark.read_text())
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    wait_for(lambda: not Path(f"/proc/{pid}").exists())
    assert [path.name for path in tmp_path.iterdir()] == ["started"]


def test_the_app_that_trains_and_records_touches_nothing(
    project: Project, realised: Environment, strace: Path, tmp_path: Path
) -> None:
    app = str(project.build("train"))
    temporary = f"TMPDIR={tmp_path}"
    seed = next(path for path in Path(app).read_text().split() if path.endswith("/bin/sh"))
    argv = [f"{Path(seed.removeprefix('#!')).parent}/env", temporary, app]
    found = outside(
        argv, strace, Path(realised.facts), tmp_path, project.root, files=(realised.settings,)
    )
    assert {use.subject for use in found} == {app}


def test_the_trace_shows_a_program_that_does_read_the_host(
    realised: Environment, strace: Path, tmp_path: Path
) -> None:
    argv = [f"{realised.path}/bin/python", "-c", "open('/etc/host.conf')"]
    (use,) = outside(argv, strace, Path(realised.facts), tmp_path)
    assert use.subject == "/etc/host.conf"


def test_compiler_and_tools_touch_nothing_of_the_host(
    realised: Environment, strace: Path, tmp_path: Path
) -> None:
    system = realised.system
    source = tmp_path / "p.cc"
    source.write_text("#include <iostream>\nint main() { std::cout << 42; }\n")
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"SHELL = {system}/bin/sh\n{tmp_path}/p: {source}\n\tg++ -o $@ $<\n\t$@\n")
    variables = json.loads(Path(realised.facts).read_bytes())["variables"]
    words = [
        f"{name}={value}"
        for name, value in {**variables, "HOME": "/x", "TMPDIR": str(tmp_path)}.items()
    ]
    argv = [f"{system}/bin/env", "-i", *words, "make", "-f", str(makefile)]
    found = outside(argv, strace, Path(realised.facts), tmp_path)
    assert [use.subject for use in found if not use.named] == []
    # Make looks whether these folders, built into it, are there.
    assert {use.subject for use in found} <= {"/usr/local/include", "/usr/include"}


def test_python_asks_the_host_for_no_terminal_zone_or_provider(
    realised: Environment, strace: Path, tmp_path: Path
) -> None:
    facts = json.loads(Path(realised.facts).read_bytes())
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
    argv = [f"{facts['system']}/bin/env", "-i", *variables, f"TMPDIR={tmp_path}", python]
    assert outside([*argv, "-c", program], strace, Path(realised.facts), tmp_path) == []
