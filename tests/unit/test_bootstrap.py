"""tools/bootstrap on machines that lack things, played by stand-in programs on its own PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAIN = "sh dirname mktemp rm tail cat sha256sum env printf sed uname mkdir chmod touch"


class Machine:
    """A checkout and a PATH that holds plain Unix programs and what a test adds."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "checkout"
        self.bin = folder / "bin"
        self.calls = folder / "calls"
        (self.checkout / "tools").mkdir(parents=True)
        self.bin.mkdir()
        self.calls.touch()
        shutil.copy(ROOT / "tools/bootstrap", self.checkout / "tools/bootstrap")
        (self.checkout / "pyproject.toml").write_text("[project]\n")
        for name in PLAIN.split():
            found = shutil.which(name)
            assert found is not None
            (self.bin / name).symlink_to(found)
        self.has("id", 'if [ "${1:-}" = -u ]; then echo 1000; else echo you; fi')

    def has(self, name: str, script: str) -> None:
        """Put a program on the PATH; its arguments go to the list of calls."""
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.calls}\n{script}\n')
        path.chmod(0o755)

    def is_root(self) -> None:
        self.has("id", 'if [ "${1:-}" = -u ]; then echo 0; else echo root; fi')

    def has_python(self, *, venv: bool = True, version: str = "3.11") -> None:
        """A Python whose `-m venv` makes a folder with a Python and a pip that works."""
        inner = f"""\
#!/bin/sh
echo "venv-python $*" >>{self.calls}
[ -f "{self.checkout}/pip-fails" ] && [ "${{2:-}}" = pip ] && echo "no such library" && exit 1
exit 0
"""
        old = "exit 1" if version < "3.11" else "exit 0"
        self.has(
            "python3",
            f"""\
case "$*" in
    *version_info\\ \\<*) {old} ;;
    *'import ensurepip'*) [ -f {self.bin}/has-venv ] || exit 1 ;;
    *python%d*) echo python{version} ;;
    '-m venv .venv')
        mkdir -p .venv/bin
        cat >.venv/bin/python <<'PYTHON'
{inner}PYTHON
        chmod +x .venv/bin/python ;;
esac
""",
        )
        if venv:
            (self.bin / "has-venv").touch()

    def run(self, *arguments: str, first: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.checkout / "tools/bootstrap", *arguments],
            env={
                "PATH": f"{first}:{self.bin}" if first else str(self.bin),
                "TMPDIR": str(self.checkout.parent),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def called(self, program: str) -> list[str]:
        lines = self.calls.read_text().splitlines()
        return [line for line in lines if line.split()[0] == program]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_tool_is_installed_once(machine: Machine) -> None:
    machine.has_python()
    first = machine.run("tool")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == "setup: installing nixrepro and its libraries into .venv\n"
    second = machine.run("tool")
    assert (second.returncode, second.stdout) == (0, "")
    pip = [line for line in machine.called("venv-python") if "pip install" in line]
    assert len(pip) == 1
    assert pip[0].endswith("--editable .")


def test_a_changed_pyproject_installs_again(machine: Machine) -> None:
    machine.has_python()
    machine.run("tool")
    (machine.checkout / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    assert "installing nixrepro" in machine.run("tool").stdout


def test_what_the_tests_need_includes_the_tool(machine: Machine) -> None:
    machine.has_python()
    machine.run("tool")
    assert "installing" in machine.run("dev").stdout
    assert machine.run("tool").stdout == ""


def test_a_venv_whose_python_is_gone_is_made_anew(machine: Machine) -> None:
    machine.has_python()
    machine.run("tool")
    (machine.checkout / ".venv/bin/python").unlink()
    assert "installing" in machine.run("tool").stdout


def test_the_venv_is_not_made_by_its_own_python(machine: Machine) -> None:
    machine.has_python()
    machine.run("tool")
    (machine.checkout / ".venv/bin/python3").symlink_to("python")
    (machine.checkout / ".venv/.installed").unlink()
    done = machine.run("tool", first=machine.checkout / ".venv/bin")
    assert (done.returncode, done.stderr) == (0, "")
    assert len([call for call in machine.called("python3") if "-m venv" in call]) == 2


def test_a_failing_pip_is_shown_and_leaves_no_stamp(machine: Machine) -> None:
    machine.has_python()
    (machine.checkout / "pip-fails").touch()
    failed = machine.run("tool")
    assert failed.returncode == 6
    assert "no such library" in failed.stderr
    (machine.checkout / "pip-fails").unlink()
    assert "installing" in machine.run("tool").stdout


def test_an_old_python_is_refused_in_one_sentence(machine: Machine) -> None:
    machine.has_python(version="3.09")
    refused = machine.run("tool")
    assert refused.returncode == 2
    assert refused.stderr.startswith("setup: Python 3.11 or later is missing")
    assert refused.stderr.count("\n") == 1


def test_no_venv_module_and_no_root(machine: Machine) -> None:
    machine.has_python(venv=False)
    machine.has("apt-get", "exit 0")
    refused = machine.run("tool")
    assert refused.returncode == 2
    assert "apt-get install python3.11-venv" in refused.stderr
    assert machine.called("apt-get") == []


def test_no_venv_module_and_stale_package_lists(machine: Machine) -> None:
    machine.is_root()
    machine.has_python(venv=False)
    updated = machine.checkout / "updated"
    machine.has(
        "apt-get",
        f'case "$*" in *update) touch {updated} ;; *) echo NOISE; [ -f {updated} ] ;; esac',
    )
    done = machine.run("tool")
    assert (done.returncode, done.stderr) == (0, "")
    assert "NOISE" not in done.stdout
    verbs = [
        ("update" if call.endswith("update") else "install") for call in machine.called("apt-get")
    ]
    assert verbs == ["install", "update", "install"]


def test_an_apt_that_fails_is_shown(machine: Machine) -> None:
    machine.is_root()
    machine.has_python(venv=False)
    machine.has("apt-get", "echo 'E: the archive is gone'; exit 100")
    failed = machine.run("tool")
    assert failed.returncode == 6
    assert "E: the archive is gone" in failed.stderr
    assert failed.stderr.splitlines()[-1].startswith("setup: could not install python3.11-venv")


def test_no_nix_and_no_way_to_install_it(machine: Machine) -> None:
    refused = machine.run("nix")
    assert refused.returncode == 3
    assert refused.stderr.startswith("setup: Nix is missing: run 'apt-get install nix-bin' as root")
    assert refused.stderr.count("\n") == 1


def test_root_gets_nix_from_debian(machine: Machine) -> None:
    machine.is_root()
    machine.has("getent", "exit 2")
    machine.has("groupadd", "exit 0")
    machine.has("useradd", "exit 0")
    machine.has(
        "apt-get", f"printf '#!/bin/sh\\nexit 0\\n' >{machine.bin}/nix; chmod +x {machine.bin}/nix"
    )
    done = machine.run("nix")
    assert (done.returncode, done.stdout) == (0, "setup: installing Nix (nix-bin)\n")
    assert machine.called("apt-get")[0].endswith("install --no-install-recommends nix-bin")
    assert machine.called("groupadd") == ["groupadd --system nixbld"]
    assert [call.split()[-1] for call in machine.called("useradd")] == [
        f"nixbld{number}" for number in range(1, 11)
    ]
    assert machine.run("nix").stdout == ""


def test_a_nix_that_refuses_this_user(machine: Machine) -> None:
    machine.has("nix", "echo 'error: creating directory: Permission denied' >&2; exit 1")
    refused = machine.run("nix")
    assert refused.returncode == 3
    assert "Permission denied" in refused.stderr
    assert "nix-users" in refused.stderr


@pytest.mark.parametrize(
    ("distribution", "package", "fetched"),
    [
        ("linux-image-amd64", "linux-image-6.1.0-40-amd64", ["linux-image-6.1.0-40-amd64"]),
        (
            "linux-image-generic",
            "linux-image-6.8.0-31-generic",
            ["linux-image-6.8.0-31-generic", "linux-modules-6.8.0-31-generic"],
        ),
    ],
)
def test_a_kernel_for_other_machines(
    machine: Machine, distribution: str, package: str, fetched: list[str]
) -> None:
    """Also where apt speaks another language, and where one of its archives is gone."""
    machine.is_root()
    for name in ("ls", "mv", "head"):
        (machine.bin / name).symlink_to(str(shutil.which(name)))
    for name in ("qemu-x86_64", "qemu-system-x86_64"):
        machine.has(name, "exit 0")
    updated = machine.checkout / "updated"
    says = f"""
[ "$2" = {distribution} ] && [ -f {updated} ] || exit 100
[ "${{LC_ALL:-}}" = C ] && echo "  Depends: {package}" || echo "  Hängt ab von: {package}"
"""
    machine.has("apt-cache", says)
    machine.has(
        "apt-get",
        f"""
case "$*" in
    *update) touch {updated}; echo 'E: an archive is gone'; exit 100 ;;
    *extra*) exit 100 ;;
    *download*) echo >"$3.deb" ;;
esac""",
    )
    machine.has(
        "dpkg-deb",
        'mkdir -p boot; [ $# = 3 ] || exit 2; echo >"boot/vmlinuz-$(printf %s "$2" | tail -c 4)"',
    )
    done = machine.run("machines")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"setup: fetching a kernel for emulated machines ({package})\n"
    got = [call.split()[-2] for call in machine.called("dpkg-deb")]
    assert got == [f"./{name}.deb" for name in fetched]
    assert machine.run("machines").stdout == ""


def test_no_apt_and_all_that_machines_need_is_said_at_once(machine: Machine) -> None:
    (machine.bin / "ls").symlink_to(str(shutil.which("ls")))
    machine.is_root()
    refused = machine.run("machines")
    assert refused.returncode == 2
    lacking = "qemu-x86_64, qemu-system-x86_64, a kernel, which make gets by apt alone"
    assert refused.stderr.startswith(f"setup: tests on emulated CPUs lack {lacking}: install QEMU")
    assert f"into {machine.checkout}/.venv/kernel (boot/vmlinuz-RELEASE" in refused.stderr
    assert refused.stderr.count("\n") == 1
    machine.has("qemu-x86_64", "exit 0")
    machine.has("qemu-system-x86_64", "exit 0")
    assert "CPUs lack a kernel, which" in machine.run("machines").stderr
    boot = machine.checkout / ".venv" / "kernel" / "boot"
    boot.mkdir(parents=True)
    (boot / "vmlinuz-6.1").touch()
    done = machine.run("machines")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_apt_and_a_package_of_debian(machine: Machine) -> None:
    machine.is_root()
    refused = machine.run("system", "mmdebstrap", "apt-utils")
    assert refused.returncode == 2
    assert "what Debian calls mmdebstrap apt-utils; install it with this" in refused.stderr


def test_another_machine_is_refused(machine: Machine) -> None:
    machine.has("uname", "echo Linux aarch64")
    refused = machine.run("tool")
    assert refused.returncode == 2
    assert "this is Linux aarch64" in refused.stderr


@pytest.mark.parametrize(
    ("output", "status", "expected"),
    [
        ("collected 2\n==== 2 passed in 0.01s ====", 0, 0),
        ("==== 1 failed, 2 passed in 0.01s ====", 1, 1),
        ("==== 2 skipped in 0.01s ====", 0, 1),
        ("==== no tests ran in 0.01s ====", 0, 1),
        ("", 0, 1),
    ],
)
def test_ci_believes_only_tests_that_ran(
    tmp_path: Path, output: str, status: int, expected: int
) -> None:
    checkout = tmp_path / "checkout"
    (checkout / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", checkout / ".ci/run")
    subprocess.run(["git", "init", "-q", checkout], check=True)
    programs = tmp_path / "bin"
    programs.mkdir()
    make = programs / "make"
    make.write_text(f"#!/bin/sh\n[ $1 = lint ] && exit 0\ncat <<'E'\n{output}\nE\nexit {status}\n")
    make.chmod(0o755)
    done = subprocess.run(
        [checkout / ".ci/run"],
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expected
    if "passed" in output:
        assert done.stdout.splitlines()[-1] == output.splitlines()[-1]


def test_ci_fails_when_a_test_leaves_a_file(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", checkout / ".ci/run")
    subprocess.run(["git", "init", "-q", checkout], check=True)
    (tmp_path / "bin").mkdir()
    make = tmp_path / "bin/make"
    make.write_text("#!/bin/sh\ntouch litter\necho '1 passed in 0.01s'\n")
    make.chmod(0o755)
    done = subprocess.run(
        [checkout / ".ci/run"],
        env={**os.environ, "PATH": f"{make.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "litter" in done.stderr


def test_every_target_of_the_makefile_is_listed() -> None:
    done = subprocess.run(
        ["make", "-s", "-C", ROOT],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    listed = [line.split()[1] for line in done.stdout.splitlines()]
    wanted = "help setup train test test-unit test-nix test-train test-machines lint bench clean"
    assert " ".join(listed) == wanted
