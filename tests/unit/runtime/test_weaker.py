"""Where nothing may be traced: the libraries' own variables, made from the table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nixrepro.runtime import cpu, numerics, weaker
from nixrepro.runtime.variables import clean

from .conftest import Workshop

LIBRARY = Path(__file__).parents[3] / "nix" / "vcpu" / "cpus"


def layers(**versions: str) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {"system": [], "wheels": []}
    for name, version in versions.items():
        layer = "system" if name == "libc6" else "wheels"
        found[layer].append({"name": name.replace("_", "-"), "version": version})
    return found


def made(name: str, stated: Mapping[str, str] | None = None, **versions: str) -> dict[str, str]:
    lines = cpu.parse((LIBRARY / f"{name}.cpu").read_text())
    return weaker.variables(lines, layers(**versions), stated or {})


WHOLE = {"libc6": "2.36-9+deb12u14", "numpy": "2.4.6", "tensorflow_cpu": "2.21.0"}


def test_each_library_is_told_in_its_own_words() -> None:
    assert made("x86-64-v3", None, **WHOLE) == {
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA4,-AVX512F,-AVX512CD,-AVX512BW,-AVX512DQ,"
        "-AVX512VL,-AVX512ER,-AVX512PF",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
        "OPENBLAS_CORETYPE": "Haswell",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    }


@pytest.mark.parametrize(
    ("name", "core", "isa", "xla"),
    [
        ("x86-64-v2", "Nehalem", "SSE41", "SSE4_2"),
        ("haswell", "Haswell", "AVX2", "AVX2"),
        ("x86-64-v4", "SkylakeX", "AVX512_CORE", "AVX512"),
        ("epyc-milan", "Zen", "AVX2", "AVX2"),
    ],
)
def test_levels_and_makers(name: str, core: str, isa: str, xla: str) -> None:
    found = made(name, None, **WHOLE)
    assert found["OPENBLAS_CORETYPE"] == core
    assert found["ONEDNN_MAX_CPU_ISA"] == isa
    assert found["XLA_FLAGS"] == f"--xla_cpu_max_isa={xla}"


def test_numpy_has_other_names_by_version() -> None:
    def off(version: str) -> list[str]:
        return made("x86-64-v3", None, numpy=version)["NPY_DISABLE_CPU_FEATURES"].split()

    old = ["AVX512F", "AVX512CD", "AVX512_KNL", "AVX512_KNM", "AVX512_SKX", "AVX512_CLX"]
    assert off("1.21.2") == off("2.2.6") == [*old, "AVX512_CNL", "AVX512_ICL"]
    assert off("2.3.5") == [*old, "AVX512_CNL", "AVX512_ICL", "AVX512_SPR"]
    assert off("2.4.0rc1") == ["X86_V4", "AVX512_ICL", "AVX512_SPR"]
    assert "NPY_DISABLE_CPU_FEATURES" not in made("x86-64-v3")


def test_glibc_had_other_names_before_2_33() -> None:
    new, old = (made("x86-64-v2", None, libc6=v)["GLIBC_TUNABLES"] for v in ("2.36-9", "2.31-13"))
    assert "-AVX2" in new and "_Usable" not in new
    assert "-AVX2_Usable" in old.split(",") and "-FMA_Usable" in old.split(",")


def test_a_flag_that_xla_does_not_know_would_end_the_program() -> None:
    assert "XLA_FLAGS" not in made("x86-64-v3", tensorflow="2.18.1")
    assert "XLA_FLAGS" in made("x86-64-v3", tensorflow="2.19.0")
    assert "XLA_FLAGS" in made("x86-64-v3", jaxlib="0.5.0")
    assert "TF_ENABLE_ONEDNN_OPTS" not in made("x86-64-v3", jaxlib="0.5.0")
    assert "XLA_FLAGS" not in made("x86-64-v3", tensorflow="2.18.1", jaxlib="0.5.0")
    assert "XLA_FLAGS" not in made("x86-64-v3", tensorflow="2.19.0", jaxlib="0.4.30")
    assert "XLA_FLAGS" in made("x86-64-v3", tensorflow="2.19.0", jaxlib="0.5.0")


def test_what_the_project_states_stays() -> None:
    stated = {
        "GLIBC_TUNABLES": "glibc.malloc.check=1", "XLA_FLAGS": "--xla_dump_to=x",
        "OPENBLAS_CORETYPE": "Zen", "OTHER": "1",
    }  # fmt: skip
    found = made("x86-64-v3", stated, **WHOLE)
    assert found["GLIBC_TUNABLES"].endswith("-AVX512PF:glibc.malloc.check=1")
    assert found["XLA_FLAGS"] == "--xla_cpu_max_isa=AVX2 --xla_dump_to=x"
    assert found["OPENBLAS_CORETYPE"] == "Zen"
    assert "OTHER" not in found


def test_what_a_project_states_rules_out_what_would_fight_it() -> None:
    found = made(
        "x86-64-v3", {"NPY_ENABLE_CPU_FEATURES": "AVX2", "DNNL_MAX_CPU_ISA": "AVX"}, **WHOLE
    )
    assert not found.keys() & {"NPY_DISABLE_CPU_FEATURES", "ONEDNN_MAX_CPU_ISA"}
    empty = made("x86-64-v3", {"NPY_ENABLE_CPU_FEATURES": "", "DNNL_MAX_CPU_ISA": ""}, **WHOLE)
    assert empty.keys() >= {"NPY_DISABLE_CPU_FEATURES", "ONEDNN_MAX_CPU_ISA"}


def test_a_tunable_is_named_once_since_the_last_one_wins() -> None:
    stated = (
        "glibc.cpu.hwcaps=-ERMS:glibc.malloc.check=1:glibc.cpu.hwcaps=-FMA,Prefer_No_VZEROUPPER"
    )
    found = made("x86-64-v3", {"GLIBC_TUNABLES": stated}, **WHOLE)["GLIBC_TUNABLES"]
    caps, check = found.split(":")
    assert caps.startswith("glibc.cpu.hwcaps=-FMA4,")
    assert caps.endswith(",-AVX512PF,-FMA,Prefer_No_VZEROUPPER") and "ERMS" not in caps
    assert check == "glibc.malloc.check=1"


class Asked:
    """What `vcpu --can` said."""

    def __init__(self, status: int, said: bytes = b"") -> None:
        self.said = status, said

    def finish(self) -> tuple[int, bytes]:
        return self.said


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "share" / "vcpu").mkdir(parents=True)
    text = (LIBRARY / "x86-64-v3.cpu").read_text()
    (tmp_path / "share" / "vcpu" / "x86-64-v3.cpu").write_text(text)
    stated = {"profile": "portable", "cpu": "x86-64-v3", "threads": 2}
    return {"numerics": {**stated, "vcpu": f"{tmp_path}/bin/vcpu", "sites": "/sites"}}


def settle(settings: dict[str, Any], asked: Asked | None) -> dict[str, Any]:
    return numerics.settled(settings, asked, layers(**WHOLE))  # type: ignore[arg-type]


def test_where_it_can_be_had_nothing_changes(settings: dict[str, Any]) -> None:
    assert settle(settings, None) is settings
    assert settle(settings, Asked(0)) is settings
    assert numerics.warning(settings) == ""
    recorded = numerics.recorded(settings)
    assert recorded["by"] == "vcpu" and "weaker" not in recorded


def test_a_cpu_that_lacks_what_is_promised_is_left_to_vcpu_to_refuse(
    settings: dict[str, Any],
) -> None:
    found = settle(settings, Asked(125, b""))
    assert numerics.started(found, "/bin/a", ["a"])[0] == settings["numerics"]["vcpu"]


def test_where_nothing_may_be_traced_variables_stand_in(settings: dict[str, Any]) -> None:
    found = settle(settings, Asked(1, b"can't trace a process here: why\n"))
    assert numerics.started(found, "/bin/a", ["a", "b"]) == ("/bin/a", ["a", "b"])
    recorded = numerics.recorded(found)
    assert recorded["by"] == "variables"
    assert recorded["weaker"] == "can't trace a process here: why"
    assert (recorded["cpu"], recorded["threads"]) == ("x86-64-v3", 2)
    assert "vcpu" not in recorded
    assert "why" in numerics.warning(found) and "x86-64-v3" in numerics.warning(found)
    given = clean(host={}, base={}, settings=found, passed=(), folder="", data="/d", temporary="/t")
    assert given["OPENBLAS_CORETYPE"] == recorded["variables"]["OPENBLAS_CORETYPE"] == "Haswell"
    assert given["OMP_NUM_THREADS"] == "2"


def test_a_vcpu_that_is_not_there_is_asked_in_vain(settings: dict[str, Any]) -> None:
    assert numerics.ask({}) is None
    assert numerics.ask(settings) is None


def test_a_table_of_another_machine(settings: dict[str, Any], tmp_path: Path) -> None:
    """As in a trial on another machine's CPU: no fixed threads, no --exact."""
    table = tmp_path / "other.cpu"
    table.write_text((LIBRARY / "haswell.cpu").read_text())
    vcpu = settings["numerics"]["vcpu"]
    stated = {"profile": "native", "table": str(table), "vcpu": vcpu, "sites": "/sites"}
    path, words = numerics.started({"numerics": stated}, "/bin/a", ["a", "b"])
    assert [path, *words[1:]] == [
        vcpu, "--sites", "/sites", "--table", str(table), "--", "/bin/a", "b",
    ]  # fmt: skip
    assert numerics.threads({"numerics": stated}) == {}
    assert numerics.recorded({"numerics": stated}) == {
        "profile": "native",
        "table": cpu.digest(cpu.parse(table.read_text())),
        "by": "vcpu",
        "vcpu": str(tmp_path),
    }
    found = settle({"numerics": stated}, Asked(1, b"why"))
    assert numerics.recorded(found)["variables"]["OPENBLAS_CORETYPE"] == "Haswell"
    table.unlink()
    assert "unknown" in numerics.recorded({"numerics": stated})["table"]


def test_a_portable_table_wins_over_a_name(settings: dict[str, Any]) -> None:
    settings["numerics"]["table"] = "/store/lab.cpu"
    settings["numerics"]["cpu"] = "cpus/lab.cpu"
    _, words = numerics.started(settings, "/bin/a", ["a"])
    assert words[1:6] == ["--exact", "--sites", "/sites", "--table", "/store/lab.cpu"]


@pytest.fixture
def vcpu(tmp_path: Path) -> Path:
    """One that says what the file `says` has it say, and else starts what it is given."""
    file = tmp_path / "made" / "bin" / "vcpu"
    file.parent.mkdir(parents=True)
    (tmp_path / "made" / "share").mkdir()
    (tmp_path / "made" / "share" / "vcpu").symlink_to(LIBRARY)
    file.write_text(
        '#!/bin/sh\nif [ "$1" = --can ]; then cat "$0.says"; exit "$(cat "$0.status")"; fi\n'
        'while [ "$1" != -- ]; do shift; done; shift; ON=vcpu exec "$@"\n'
    )
    file.chmod(0o755)
    return file


@pytest.mark.parametrize(
    ("status", "says", "out"),
    [
        ("0", "", "vcpu \n"),
        ("1", "nothing may be traced here\n", " Haswell\n"),
        ("125", "", "vcpu \n"),
    ],
)
def test_a_run_is_settled_before_it_is_recorded(
    workshop: Workshop, vcpu: Path, status: str, says: str, out: str
) -> None:
    Path(f"{vcpu}.status").write_text(status)
    Path(f"{vcpu}.says").write_text(says)
    stated = {"profile": "portable", "cpu": "x86-64-v3", "threads": 2, "sites": "/sites"}
    workshop.settings["numerics"] = {**stated, "vcpu": str(vcpu)}
    done = workshop.run("sh", "-c", 'echo "$ON $OPENBLAS_CORETYPE"')
    assert (done.returncode, done.stdout) == (0, out), done.stderr
    assert ("nothing may be traced here" in done.stderr) == (status == "1")
    (path,) = workshop.project.glob(".nixrepro/runs/*/record.json")
    recorded = json.loads(path.read_text())["layers"]["settings"]["numerics"]
    assert recorded["by"] == ("variables" if status == "1" else "vcpu")
    assert recorded.get("weaker", "") == says.strip()
