"""Tables of CPUID: asked of this machine, read from files, and compared with what vcpu knows."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from nixrepro.runtime import cpu, cpu_features, host

LIBRARY = Path(__file__).parents[3] / "nix" / "vcpu"
REGISTERS = {"a": 0, "b": 1, "c": 2, "d": 3}
FEATURE = re.compile(r'\{ (0x[0-9a-f]+|\d+), (\d), \'([abcd])\', (\d+), "(\w+)" \}')


def lines(name: str) -> list[str]:
    return cpu.parse((LIBRARY / "cpus" / f"{name}.cpu").read_text())


def own() -> list[str]:
    found = cpu.table()
    assert isinstance(found, list), found
    return found


def test_this_machine_answers_as_the_kernel_says() -> None:
    first = host._first_processor(host.read("/", "proc/cpuinfo", 16384) or "")
    found = own()
    assert cpu.vendor(found) == first["vendor_id"]
    assert cpu.named(found) == first["model name"]
    said = [first[key] for key in ("cpu family", "model", "stepping")]
    assert [str(number) for number in cpu.signature(found)] == said
    flags = set(first["flags"].split())
    assert flags & cpu.known() <= cpu.features(found)
    assert len(flags & cpu.features(found)) > 30


def test_a_table_is_the_same_on_every_core() -> None:
    usable, seen = os.sched_getaffinity(0), set()
    try:
        for core in usable:
            os.sched_setaffinity(0, {core})
            seen.add(tuple(own()))
    finally:
        os.sched_setaffinity(0, usable)
    assert len(seen) == 1


def test_the_lowest_core_is_asked_and_then_all_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    usable, seen = os.sched_getaffinity(0), set()
    ask = cpu._ask()

    def asking(leaf: int, subleaf: int) -> cpu_features.Answers:
        seen.add(tuple(os.sched_getaffinity(0)))
        return ask(leaf, subleaf)

    monkeypatch.setattr(cpu, "_ask", lambda: asking)
    own()
    assert seen == {(min(usable),)}
    assert os.sched_getaffinity(0) == usable

    def refuse(pid: int, cores: set[int]) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    assert own()


def test_of_a_hypervisor_only_the_name_is_in_a_table() -> None:
    def ask(leaf: int, subleaf: int) -> cpu_features.Answers:
        answers = {0: (1, 0, 0, 0), 1: (0, 0, 1 << 31, 0), 0x40000000: (0x40000005, 1, 2, 3)}
        return answers.get(leaf, (7, 7, 7, 7))

    assert list(cpu._lines(ask))[2:] == ["40000000  * 40000005 00000001 00000002 00000003"]


def test_it_is_taken_quickly() -> None:
    def once() -> float:
        begun = time.perf_counter()
        own()
        return time.perf_counter() - begun

    assert min(once() for _ in range(5)) < 0.01


def test_what_is_printed_is_read_again() -> None:
    found = own()
    assert cpu.parse("# a machine\n\n" + "\n".join(found) + "  # the end\n") == found
    assert cpu.digest(found) == cpu.digest(iter(found)) != cpu.digest(found[1:])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("# nothing\n", 1),
        ("00000000  * 0000000d 756e6547 6c65746e\n", 1),
        ("\n00000000  * 0000000d 756e6547 6c65746e 49656e69 0\n", 2),
        ("00000000  * 0000000d 756e6547 6c65746e 4965xe69\n", 1),
        ("00000000  * 0000000d 756e6547 6c65746e 149656e69\n", 1),
        ("* 0 0000000d 756e6547 6c65746e 49656e69\n", 1),
        ("0 0 0 0 0 0\n0 0 0 0 0 *\n", 2),
    ],
)
def test_a_bad_line_is_named(text: str, line: int) -> None:
    with pytest.raises(ValueError) as caught:
        cpu.parse(text)
    assert caught.value.args == (line,)


def test_the_list_of_features_is_that_of_vcpu() -> None:
    """vcpu refuses by its own list, in C; two lists that differ would promise two things."""
    theirs = FEATURE.findall((LIBRARY / "table.c").read_text())
    assert len(theirs) > 80
    ours = [
        (leaf, subleaf, register, bit, name)
        for leaf, subleaf, register, names in cpu_features._BITS
        for bit, name in enumerate(names.split())
        if name in cpu_features._PROMISES.split()
    ]
    said = [(int(a, 0), int(b), REGISTERS[c], int(d), name) for a, b, c, d, name in theirs]
    assert sorted(ours) == sorted(said)
    assert len(cpu_features._PROMISES.split()) == len(said)


def test_levels_promise_what_they_are_defined_by() -> None:
    """Source: the x86-64 psABI, "Micro-Architecture Levels"."""
    level = {name: cpu.features(lines(name)) for name in ("x86-64-v2", "x86-64-v3", "x86-64-v4")}
    added = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "osxsave"}
    assert level["x86-64-v3"] - level["x86-64-v2"] - {"xsave"} <= added
    more = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
    assert level["x86-64-v4"] - level["x86-64-v3"] == more


def test_what_another_cpu_lacks() -> None:
    assert cpu.lacking(lines("x86-64-v3"), lines("x86-64-v4")) == []
    assert cpu.lacking(lines("x86-64-v4"), lines("haswell")) == [
        "avx512f", "avx512dq", "avx512cd", "avx512bw", "avx512vl",
    ]  # fmt: skip
    assert "sse4a" in cpu.lacking(lines("epyc-milan"), lines("haswell"))


def test_names_and_caches_of_tables() -> None:
    haswell = lines("haswell")
    assert cpu.named(haswell) == "Intel Core Processor (Haswell)"
    assert (cpu.vendor(haswell), cpu.signature(haswell)) == ("GenuineIntel", (6, 60, 4))
    assert cpu.named(["00000000  * 0000000d 756e6547 6c65746e 49656e69"]) == ""
    milan = cpu.caches(lines("epyc-milan"))
    assert [(each["level"], each["type"], each["size"]) for each in milan] == [
        (1, "Data", "32K"), (1, "Instruction", "32K"), (2, "Unified", "512K"),
        (3, "Unified", "32768K"),
    ]  # fmt: skip


def test_the_hardware_layer_is_what_cpuid_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where this process runs on a virtual CPU: /proc/cpuinfo is the real one's still."""
    monkeypatch.setattr(cpu, "table", lambda: lines("haswell"))
    facts = host.facts()["cpu"]
    assert facts["model"] == "Intel Core Processor (Haswell)"
    assert (facts["vendor"], facts["family"], facts["number"]) == ("GenuineIntel", "6", "60")
    assert facts["table"] == lines("haswell")
    assert "avx2" in facts["flags"]
    assert not [flag for flag in facts["flags"] if flag.startswith("avx512")]
    assert "virtual" in facts["microcode"]["unknown"]
    assert facts["caches"][0]["size"] == "32K"


def test_without_proc_a_cpu_is_not_taken_for_a_virtual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = host.read

    def read(root: str, path: str, limit: int = 4096) -> str | None:
        return None if path == "proc/cpuinfo" else genuine(root, path, limit)

    monkeypatch.setattr(host, "read", read)
    facts = host.facts()["cpu"]
    assert "virtual" not in str(facts["microcode"])
    assert facts["vendor"] == cpu.vendor(own())


def test_without_cpuid_the_kernels_word_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "table", lambda: {"unknown": "why"})
    before = host._first_processor(host.read("/", "proc/cpuinfo", 16384) or "")
    facts = host.facts()["cpu"]
    assert facts["table"] == {"unknown": "why"}
    assert facts["vendor"] == before["vendor_id"]


def test_a_machine_of_another_kind_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    other = os.uname_result(("Linux", "host", "6.1", "#1", "aarch64"))
    monkeypatch.setattr(os, "uname", lambda: other)
    assert cpu.table() == {"unknown": "a aarch64 has no CPUID"}


def test_memory_that_may_not_be_code_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(cpu, "_ask", refuse)
    found = cpu.table()
    assert isinstance(found, dict) and "Permission denied" in found["unknown"]
