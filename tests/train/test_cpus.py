"""One closure on other CPUs: emulated, the same ones made by vcpu, and portable on all of them.

An emulator computes everything itself: nothing of this machine's CPU is in its results.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from nixrepro.nix import Nix
from nixrepro.realise import Environment
from nixrepro.runtime.numerics import VARIABLES

from .conftest import ROOT
from .cpus import machine

# The names of QEMU and of our tables.
CPUS = {"Haswell": "haswell", "Skylake-Client": "skylake", "EPYC-Milan": "epyc-milan"}
PORTABLE = "x86-64-v3"
# As many as an emulated machine has cores; more would wait for each other there.
THREADS = 2
# Whole machines take three minutes each; `make test-machines` names all of them.
MACHINES = os.environ.get("NIXREPRO_MACHINES", "EPYC-Milan").split()
# A qemu-system-x86_64 that can make CPUID fault, which Debian's can't; `make test-machines` again.
FAULTING = os.environ.get("NIXREPRO_FAULTING_EMULATOR", "")
PROGRAMS = (ROOT / "tests/train/cpus/compute.py", ROOT / "train/digits.py")
# A bit of leaf 1, and leaves, by which an emulator says that it is one; not the CPU's.
HYPERVISOR = 1 << 31
PATIENCE = 2400


@dataclass(frozen=True)
class Tools:
    """Store paths."""

    environment: str
    vcpu: str
    sites: str

    def virtual(self, cpu: str, *options: str) -> list[str]:
        """The words before a command that put it on a virtual CPU."""
        return [self.vcpu, *options, "--exact", "--sites", self.sites, "--cpu", cpu, "--"]

    def command(self, folder: Path | str) -> list[str]:
        """What computes, its programs in a folder."""
        return [f"{self.environment}/bin/python", *(f"{folder}/{file.name}" for file in PROGRAMS)]


@pytest.fixture(scope="module")
def tools(environment: Environment) -> Tools:
    nix = Nix()
    vcpu, sites = nix.build(ROOT, "vcpu"), nix.build(ROOT, "sites")
    return Tools(environment.path, f"{vcpu}/bin/vcpu", sites)


def variables() -> dict[str, str]:
    """As a run has them: seeded, with its threads fixed."""
    seeded = {"NIXREPRO_SEED": "42", "NIXREPRO_DETERMINISTIC": "1", "PYTHONHASHSEED": "42"}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PATH": "/bin", "HOME": "/tmp"}
    return {**seeded, **quiet, **dict.fromkeys(VARIABLES, str(THREADS))}


Numbers = dict[str, str]


def numbers(said: str) -> Numbers:
    found = dict(line.split() for line in said.splitlines())
    assert "model.transformer" in found and "example.weights" in found and "xla.rsqrt" in found
    return found


@dataclass(frozen=True)
class Bench:
    """Computes, each time in a folder of its own."""

    tools: Tools
    folder: Path

    def _place(self, name: str) -> Path:
        place = self.folder / name
        place.mkdir()
        for file in PROGRAMS:
            shutil.copy(file, place)
        return place

    def here(self, name: str, words: list[str]) -> Numbers:
        """On this machine, behind some words."""
        place = self._place(name)
        # An emulator of instructions talks much about what it can't emulate: into a file.
        with (place / "err").open("wb") as talk:
            done = subprocess.run(
                [*words, *self.tools.command(place)],
                cwd=place,
                env=variables(),
                stdout=subprocess.PIPE,
                stderr=talk,
                check=False,
                timeout=PATIENCE,
            )
        assert done.returncode == 0, (place / "err").read_text(errors="replace")[-2000:]
        return numbers(done.stdout.decode())

    def there(self, name: str, cpu: str, words: list[str], emulator: str = "") -> Numbers:
        """On a machine of its own, behind some words."""
        place = self._place(name)
        exports = "\n".join(f"export {name}={value}" for name, value in variables().items())
        command = " ".join([*words, *self.tools.command("/work")])
        done = machine.run(cpu, f"{exports}\n{command}\n", place, emulator or machine.EMULATOR)
        assert done.status == 0, done.err[-2000:]
        return numbers(done.out)


@pytest.fixture(scope="module")
def results(
    tools: Tools, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[str, Future[Numbers]]:
    """All that the tests here compare, computed side by side, what takes longest first."""
    bench = Bench(tools, tmp_path_factory.mktemp("cpus"))
    mine = {item.name for item in request.session.items if item.path == request.path}
    wanted = {name for name in mine if "machine" not in name}
    pool = ThreadPoolExecutor(os.cpu_count())
    request.addfinalizer(lambda: pool.shutdown(cancel_futures=True))
    found = {}
    portable = tools.virtual(PORTABLE)
    for cpu in MACHINES if mine - wanted else []:
        found[f"machine {cpu}"] = pool.submit(bench.there, f"machine-{cpu}", cpu, portable)
    if FAULTING:
        words = tools.virtual("haswell", "--way", "fault")
        options = ("faulting", "Skylake-Client", words, FAULTING)
        found["faulting"] = pool.submit(bench.there, *options)
    for cpu in CPUS if wanted else []:
        emulator = [shutil.which("qemu-x86_64") or "qemu-x86_64", "-cpu", cpu]
        found[f"emulated {cpu}"] = pool.submit(bench.here, f"emulated-{cpu}", emulator)
    found["portable"] = pool.submit(bench.here, "portable", portable)
    for cpu in CPUS.values() if wanted else ["haswell"] if FAULTING else []:
        found[cpu] = pool.submit(bench.here, cpu, tools.virtual(cpu))
    return found


def differing(one: Numbers, other: Numbers) -> list[str]:
    """What is not the same, by name."""
    assert one.keys() == other.keys()
    return [name for name in one if one[name] != other[name]]


@pytest.mark.parametrize(("emulated", "virtual"), CPUS.items())
def test_a_virtual_cpu_computes_what_an_emulated_one_does(
    results: dict[str, Future[Numbers]], emulated: str, virtual: str
) -> None:
    one, other = results[f"emulated {emulated}"].result(), results[virtual].result()
    assert differing(one, other) == []


@pytest.mark.parametrize("cpu", MACHINES)
def test_the_portable_profile_computes_the_same_on_another_machine(
    results: dict[str, Future[Numbers]], cpu: str
) -> None:
    assert differing(results[f"machine {cpu}"].result(), results["portable"].result()) == []


if FAULTING:

    def test_cpuid_that_faults_on_a_machine_gives_what_rewritten_code_gives(
        results: dict[str, Future[Numbers]],
    ) -> None:
        assert differing(results["faulting"].result(), results["haswell"].result()) == []


def test_cpus_differ_where_a_compiler_goes_by_their_name(
    results: dict[str, Future[Numbers]],
) -> None:
    """Of one level, and yet XLA compiles for the one it sees: one table for all is the pin."""
    haswell, skylake, milan = (results[cpu].result() for cpu in CPUS.values())
    assert differing(haswell, skylake) == []
    assert differing(haswell, milan) == ["xla.rsqrt"]


@pytest.mark.parametrize(("emulated", "virtual"), CPUS.items())
def test_a_table_is_what_the_emulator_answers(tools: Tools, emulated: str, virtual: str) -> None:
    words = ["qemu-x86_64", "-cpu", emulated, tools.vcpu, "--show"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    ours = (ROOT / f"nix/vcpu/cpus/{virtual}.cpu").read_text()
    said = subprocess.run(["qemu-x86_64", "--version"], capture_output=True, text=True, check=True)
    version = said.stdout.splitlines()[0]
    assert leaves(done.stdout) == leaves(ours), (
        f"the tables are those of QEMU 7.2; this is {version}"
    )


def leaves(text: str) -> dict[tuple[str, str], tuple[int, ...]]:
    """A table by leaf and subleaf, without zeros, which is what a missing line means."""
    found = {}
    for line in text.splitlines():
        if not line or line.startswith(("#", "4")):
            continue
        leaf, subleaf, *registers = line.split()
        values = [int(value, 16) for value in registers]
        if leaf == "00000001":
            values[2] &= ~HYPERVISOR
        if any(values):
            found[leaf, subleaf] = tuple(values)
    return found
