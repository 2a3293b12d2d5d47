"""Where nothing may be traced: real runs by the libraries' own variables, which take effect."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import REPOSITORY, Project, call, checked, copy_project
from .test_vcpu_tables import PTRACE, REFUSE, filtered

# What each library chose, and digests of what it computes with that.
PROGRAM = """
import ctypes, glob, hashlib, json, math, os, sys
import numpy as np
from numpy._core import _multiarray_umath as core

def digest(data):
    return hashlib.sha256(data).hexdigest()[:12]

(library,) = glob.glob(os.path.dirname(np.__file__) + "/../numpy.libs/libscipy_openblas*")
name = ctypes.CDLL(library).scipy_openblas_get_corename64_
name.restype = ctypes.c_char_p
x = np.linspace(-5, 5, 10001)
square = np.random.default_rng(0).random((300, 300))
libm = [(math.exp(v), math.sin(v), math.pow(abs(v), 1.3), math.atan(v)) for v in x[::10].tolist()]
json.dump({
    "numpy": sorted(each for each in core.__cpu_dispatch__ if core.__cpu_features__[each]),
    "openblas": name().decode(),
    "exp": digest(np.exp(x).tobytes()),
    "sin": digest(np.sin(x.astype("float32")).tobytes()),
    "matmul": digest((square @ square).tobytes()),
    "libm": digest(repr(libm).encode()),
}, sys.stdout)
"""
OPENBLAS = {"x86-64-v2": "Nehalem", "x86-64-v3": "Haswell"}


@pytest.fixture(scope="module")
def portable(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(copy_project(tmp_path_factory.mktemp("weaker")))


def with_cpu(project: Project, numerics: str) -> None:
    file = project.root / "pyproject.toml"
    text = file.read_text().partition("\n[tool.nixrepro.numerics]")[0]
    file.write_text(f"{text}\n[tool.nixrepro.numerics]\n{numerics}\n")


def words(project: Project, *command: str) -> list[str | Path]:
    return [sys.executable, "-m", "nixrepro", "-C", project.root, "run", "--", *command]


def record(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.nixrepro("show", "--json").out)
    return found


@pytest.mark.parametrize("cpu", ["x86-64-v2", "x86-64-v3"])
def test_the_variables_take_effect(portable: Project, tmp_path: Path, cpu: str) -> None:
    with_cpu(portable, 'profile = "portable"\nthreads = 1')
    vcpu = portable.build("vcpu") / "bin/vcpu"
    sites = portable.build("sites")
    own = tmp_path / "own.cpu"
    own.write_text(checked([vcpu, "--show"]))
    with_cpu(portable, f'profile = "portable"\ncpu = "{cpu}"\nthreads = 1')
    done = call(words(portable, "python", "-c", PROGRAM), REPOSITORY)
    assert done.status == 0, done.err
    virtual = json.loads(done.out)
    strong = record(portable)
    assert strong["layers"]["settings"]["numerics"]["by"] == "vcpu"
    # On a virtual CPU that is the real one, and traced by that.
    outer: list[str | Path] = [vcpu, "--sites", sites, "--table", own, "--"]
    done = call([*outer, *words(portable, "python", "-c", PROGRAM)], REPOSITORY)
    assert done.status == 0, done.err
    assert "which is weaker" in done.err
    assert json.loads(done.out) == virtual
    assert virtual["openblas"] == OPENBLAS[cpu]
    weak = record(portable)
    numerics = weak["layers"]["settings"]["numerics"]
    assert numerics["by"] == "variables"
    assert numerics["weaker"].endswith("another program traces this one already: vcpu")
    assert weak["experiment"] != strong["experiment"]
    shown = portable.nixrepro("show").out
    assert "weaker than a virtual CPU: can't trace" in shown
    with_cpu(portable, "threads = 1")
    native = json.loads(call(words(portable, "python", "-c", PROGRAM), REPOSITORY).out)
    assert native != virtual, "this machine's own CPU is such a one"


def test_under_a_filter_that_forbids_it(portable: Project) -> None:
    with_cpu(portable, 'profile = "portable"\ncpu = "x86-64-v2"')
    begun = call(words(portable, "true"), REPOSITORY)  # Nix itself may need what is forbidden
    assert begun.status == 0, begun.err
    done = filtered(words(portable, "true"), PTRACE, REFUSE)
    assert done.returncode == 0, done.stderr
    numerics = record(portable)["layers"]["settings"]["numerics"]
    assert numerics["by"] == "variables"
    assert "Operation not permitted" in numerics["weaker"]


def test_a_run_that_is_on_a_virtual_cpu_itself_records_that_one(portable: Project) -> None:
    with_cpu(portable, "threads = 1")
    vcpu, sites = portable.build("vcpu") / "bin/vcpu", portable.build("sites")
    on: list[str | Path] = [vcpu, "--sites", sites, "--cpu", "x86-64-v2", "--"]
    shown = checked([*on, vcpu, "--show"]).splitlines()
    done = call([*on, *words(portable, "true")], REPOSITORY)
    assert done.status == 0, done.err
    cpu = record(portable)["layers"]["hardware"]["cpu"]
    assert cpu["table"] == shown
    assert cpu["model"] == "x86-64-v2"
    assert "sse4_2" in cpu["flags"] and "avx2" not in cpu["flags"]
    said = portable.nixrepro("show", "--cpu").out
    assert said.startswith("# x86-64-v2, recorded by run ")
    assert said.splitlines()[1:] == shown


def test_the_table_of_a_record_is_a_cpu_to_compute_on(portable: Project) -> None:
    with_cpu(portable, "threads = 1")
    vcpu = portable.build("vcpu") / "bin/vcpu"
    call([vcpu, "--cpu", "x86-64-v2", "--", *words(portable, "true")], REPOSITORY)
    file = portable.root / "lab.cpu"
    file.write_text(portable.nixrepro("show", "--cpu").out)
    with_cpu(portable, 'profile = "portable"\ncpu = "lab.cpu"\nthreads = 1')
    done = call(words(portable, "python", "-c", PROGRAM), REPOSITORY)
    assert done.status == 0, done.err
    assert json.loads(done.out)["openblas"] == "Nehalem"
    first = record(portable)["layers"]["settings"]["numerics"]
    assert (first["cpu"], first["by"]) == ("lab.cpu", "vcpu")
    # Another table is noticed by a warm start.
    table = (REPOSITORY / "nix/vcpu/cpus/x86-64-v3.cpu").read_text()
    file.write_text(table)
    done = call(words(portable, "python", "-c", PROGRAM), REPOSITORY)
    assert done.status == 0, done.err
    assert json.loads(done.out)["openblas"] == "Haswell"
    assert record(portable)["layers"]["settings"]["numerics"]["table"] != first["table"]
