"""The probe of real environments: another C library, another CPU, and what a run pays for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nixrepro.probe import compare

from .conftest import Project, call, copy_project
from .test_suites import OVERRIDE, PROJECT, locked

# Of the functions that glibc 2.41 rounds correctly, those that are probed; its NEWS names them.
ROUNDED = {
    f"libm.{name}f"
    for name in (
        "acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "cosh", "erf", "erfc", "expm1",
        "lgamma", "log10", "log1p", "sinh", "tan", "tanh", "tgamma",
    )
}  # fmt: skip


@pytest.fixture(autouse=True)
def wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIXREPRO_PROBE")


def probe(project: Project, *options: str) -> dict[str, Any]:
    done = project.nixrepro("probe", "--json", *options)
    assert done.status == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    assert [name for name, said in found["functions"].items() if "unknown" in said] == []
    return found


def test_another_c_library_is_told_function_by_function(tmp_path: Path) -> None:
    old = locked(tmp_path / "old", PROJECT.format(suite="bookworm"))
    new = locked(tmp_path / "new", PROJECT.format(suite="bookworm") + OVERRIDE)
    one, two = probe(old), probe(new)
    names = {each.name for each in compare(one, two)}
    assert names >= ROUNDED
    assert {each.library for each in compare(one, two)} == {"libm"}
    for name in ROUNDED:
        assert two["functions"][name]["ulp"] == 0.5
        assert one["functions"][name]["ulp"] > 0.5
    assert "libm.sqrt" not in names

    # A run of it has that probe in its record, and the next one does not take it again.
    done = new.nixrepro("run", "--", "true")
    assert done.status == 0, done.err
    assert "taking the probe" not in done.err
    (file,) = (new.root / ".nixrepro" / "probes").iterdir()
    assert json.loads(new.nixrepro("probe", "last", "--json").out) == two
    assert json.loads(file.read_bytes()) == two
    assert "probe" in new.nixrepro("show", "last").out

    (tmp_path / "old.json").write_text(json.dumps(one))
    done = new.nixrepro("probe", str(tmp_path / "old.json"), "last")
    assert done.status == 1
    assert f"{len(names)} of " in done.out.splitlines()[-1]
    assert max(map(len, done.out.splitlines()[2:])) <= 80
    assert new.nixrepro("probe", "last", "last").status == 0


def test_the_derivation_that_trains_has_none_in_its_output(tmp_path: Path) -> None:
    """Its output is compared bit by bit on other machines."""
    text = PROJECT.format(suite="bookworm") + '\n[tool.nixrepro.train]\ncommand = ["true"]\n'
    project = locked(tmp_path / "project", text)
    outcome = (project.build("run") / "outcome.json").read_text()
    assert "probe" not in outcome and '"status": "done"' in outcome
    done = call(["nix", "build", "--rebuild", "--no-link", f"path:{project.root}#run"])
    assert done.status == 0, done.err


def test_a_virtual_cpu_is_told_by_what_is_computed(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    virtual = Project(copy_project(tmp_path_factory.mktemp("virtual")))
    file = virtual.root / "pyproject.toml"
    stated = '\n[tool.nixrepro.numerics]\nprofile = "portable"\ncpu = "haswell"\nthreads = 2\n'
    file.write_text(file.read_text() + stated)
    native, portable = probe(project), probe(virtual)
    assert portable == probe(virtual, "--again")
    libraries = {name.partition(".")[0] for name in portable["functions"]}
    assert libraries == {"cpu", "libm", "numpy", "blas", "lapack", "eigen", "onednn", "xla"}
    # The approximate instructions were replaced by quotients; and there is no AVX-512.
    assert portable["functions"]["cpu.rcpps"]["ulp"] == 0.5
    assert portable["functions"]["cpu.rsqrtps"]["ulp"] < 2
    assert "cpu.vrcp14ps" not in portable["functions"]
    names = {each.name for each in compare(native, portable)}
    assert {"cpu.rcpps", "cpu.rsqrtps", "eigen.float32.rsqrt", "xla.float32.rsqrt"} <= names
    wide = "cpu.vrcp14ps" in native["functions"]
    assert ("blas.float64.matmul" in names) is wide
    assert ("numpy.float64.exp" in names) is wide
    # The C library has AVX2 and FMA in both.
    assert not [name for name in names if name.startswith("libm.")]
