"""Which differences between two runs are taken over by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nixrepro.diff.model import CHANGED, Change, Part
from nixrepro.explain import cpus, units
from nixrepro.explain.code import changed, files
from nixrepro.explain.here import Here
from nixrepro.explain.model import Unit
from nixrepro.explain.sides import Side

from .conftest import PLAIN, WIDE, MakeSide, difference

Document = dict[str, Any]
Edit = Callable[[Document], None]


def found(
    a: Side, b: Side, *packages: Unit, here: str = WIDE, lack: str = "", **parts: Part
) -> list[Unit]:
    return list(units.units(a, b, difference(**parts), packages, Here((here,), 2), lack))


def cpu(**facts: Any) -> Edit:
    return lambda document: document["layers"]["hardware"]["cpu"].update(facts)


def setting(**facts: Any) -> Edit:
    return lambda document: document["layers"]["settings"].update(facts)


def test_nothing_differs(side: MakeSide) -> None:
    assert found(side("A"), side("B")) == []


def test_a_cpu_is_one_difference_and_its_table_decides(side: MakeSide) -> None:
    a = side("A", cpu(table=[WIDE], model="X", flags=["avx2", "avx512f"]))
    b = side("B", cpu(table=[PLAIN], model="Y", flags=["avx2"]))
    (unit,) = found(a, b)
    assert (unit.key, unit.blocked, unit.more) == ("hardware.cpu", "", ("-avx512f",))
    assert (unit.old, unit.new) == ("unnamed, AVX-512", "unnamed, AVX2")
    # Another name alone computes nothing.
    assert found(a, side("B", cpu(table=[WIDE], model="Y", flags=["avx2"]))) == []
    (unit,) = found(b, a, here=PLAIN)
    assert unit.blocked == "this machine's CPU lacks avx512f"
    # Where no virtual CPU can be made, only this machine's own CPU can be had.
    assert found(a, b, lack="no gcc")[0].blocked == "no gcc"
    assert found(a, b, here=PLAIN, lack="no gcc")[0].blocked == ""


def test_a_cpu_whose_answers_are_not_recorded_can_not_be_tested(side: MakeSide) -> None:
    (unit,) = found(side("A", cpu(model="X")), side("B", cpu(model="Y", table=[WIDE])))
    assert unit.blocked == "the record of A holds no answers of CPUID"
    assert found(side("A"), side("B", cpu(table=[WIDE]))) == []


def test_with_the_portable_profile_no_cpu_counts(side: MakeSide) -> None:
    numerics = {"profile": "portable", "cpu": "x86-64-v3", "threads": 4}

    def edit(table: str, by: str) -> Edit:
        def both(document: Document) -> None:
            cpu(table=[table], cores={"usable": len(table) % 3 + 1})(document)
            setting(numerics={**numerics, "by": by})(document)

        return both

    one, two = edit(WIDE, "vcpu"), edit(PLAIN + "1", "vcpu")
    assert found(side("A", one), side("B", two)) == []
    # Where the libraries' variables stood in for it, the CPU may still show through.
    weaker = found(side("A", one), side("B", edit(PLAIN, "variables")))
    assert [unit.key for unit in weaker] == ["hardware.cpu", "settings.numerics.by"]
    assert "no program may be traced" in weaker[1].blocked


def test_processors_count_unless_the_threads_are_fixed(side: MakeSide) -> None:
    a, b = side("A", cpu(cores={"usable": 2})), side("B", cpu(cores={"usable": 64}))
    (unit,) = found(a, b)
    assert (unit.key, unit.old, unit.new) == ("hardware.cores", "2", "64")
    assert unit.blocked == "here are 2"
    assert found(b, a)[0].blocked == ""

    def fixed(number: int) -> Edit:
        def edit(document: Document) -> None:
            cpu(cores={"usable": number})(document)
            setting(numerics={"threads": 4})(document)

        return edit

    assert found(side("A", fixed(2)), side("B", fixed(64))) == []


def test_a_gpu_is_said_and_can_not_be_tested(side: MakeSide) -> None:
    def gpu(driver: Any) -> Edit:
        return lambda document: document["layers"]["hardware"].update(gpu={"driver": driver})

    (unit,) = found(side("A", gpu("550")), side("B", gpu("570")))
    assert unit.key == "hardware.gpu" and unit.blocked
    # What is not known is no difference.
    assert found(side("A", gpu("550")), side("B", gpu({"unknown": "no /proc"}))) == []


def test_each_setting_is_a_difference_of_its_own(side: MakeSide) -> None:
    a = side("A", setting(variables={"X": "1", "Y": "2"}, passed={"TOKEN": "1", "GONE": "2"}))
    changed = {
        "seed": 7,
        "command": ["python", "other.py"],
        "variables": {"X": "3", "Z": "4"},
        "numerics": {"profile": "portable", "cpu": "haswell", "threads": 3},
        "passed": {"TOKEN": "2"},
    }
    told = {unit.key: unit for unit in found(a, side("B", setting(**changed)))}
    assert set(told) == {
        "settings.seed", "settings.command", "settings.variables.X", "settings.variables.Y",
        "settings.variables.Z", "settings.numerics", "settings.numerics.threads",
        "settings.passed.TOKEN", "settings.passed.GONE",
    }  # fmt: skip
    assert str(told["settings.seed"]) == "the seed (42 -> 7)"
    assert str(told["settings.variables.Y"]) == "Y (2 -> none)"
    assert {key for key, unit in told.items() if unit.blocked} == {"settings.passed.TOKEN"}


def test_where_vcpu_itself_lies_is_no_setting(side: MakeSide) -> None:
    numerics = {"profile": "portable", "cpu": "haswell", "threads": 3}
    a, b = (
        side(name, setting(numerics={**numerics, "vcpu": f"/nix/store/{name}"})) for name in "AB"
    )
    assert found(a, b) == []


def test_data_is_taken_by_name(side: MakeSide) -> None:
    def data(sha256: str, pinned: bool = True) -> Edit:
        entry = {"name": "mnist", "sha256": sha256 * 64, "pinned": pinned}
        return lambda document: document["layers"].update(data=[entry])

    (unit,) = found(side("A", data("1")), side("B", data("2")))
    assert (unit.key, unit.blocked) == ("data.mnist", "")
    assert str(unit) == f"the data file mnist ({'1' * 12} -> {'2' * 12})"
    (unit,) = found(side("A", data("1", False)), side("B", data("2")))
    assert "from the network" in unit.blocked


def test_without_its_tree_neither_code_nor_packages_can_be_taken(side: MakeSide) -> None:
    def numpy(version: str) -> Edit:
        entry = {"name": "numpy", "version": version, "sha256": version}
        return lambda document: document["layers"].update(wheels=[entry])

    a = side("A", numpy("2.3"))
    b = side("B", numpy("2.4"), lock=None, text="", gap="commit 1 is gone")
    code = Part("code", (Change("tree", CHANGED, "1", "2"),))
    told = found(a, b, code=code)
    assert [(unit.key, str(unit)) for unit in told] == [
        ("wheels", "numpy (2.3 -> 2.4)"),
        ("code", "the code"),
    ]
    assert {unit.blocked for unit in told} == {"B: commit 1 is gone"}


DIFF = """diff --git a/models/nixrepro.lock b/models/nixrepro.lock
--- a/models/nixrepro.lock
+++ b/models/nixrepro.lock
diff --git a/models/pyproject.toml b/models/pyproject.toml
diff --git a/models/old.py b/models/train.py
diff --git a/nix/run.nix b/nix/run.nix
"""


def test_what_only_the_lock_and_the_settings_say_is_no_code(side: MakeSide) -> None:
    assert files(DIFF)[2] == "models/train.py"
    a = side("A", None, inside="models", project="[tool.nixrepro.settings]\nseed = 1\n")
    b = side("B", None, inside="models", project='[project]\nname = "x"\n[tool.nixrepro]\n')
    assert changed(DIFF, a, b) == ("models/train.py", "nix/run.nix")
    # A table of the program's own counts, and so does what can't be read.
    for text in ("[tool.mine]\nrate = 1\n", "half a tab", ""):
        other = side("B", None, inside="models", project=text)
        assert "models/pyproject.toml" in changed(DIFF, a, other)


def test_code_is_named_by_its_files_and_by_who_did_not_commit(side: MakeSide) -> None:
    part = Part("code", (Change("tree", CHANGED, "1", "2"),), text=DIFF)
    (unit,) = found(side("A"), side("B", uncommitted=frozenset({"nix/run.nix"})), code=part)
    assert str(unit).endswith("models/train.py, nix/run.nix [not committed in B])")
    only = DIFF.partition("diff --git a/models/pyproject")[0].replace("models/", "")
    assert found(side("A"), side("B"), code=Part("code", part.changes, text=only)) == []


@pytest.mark.parametrize("lines", [(), (PLAIN,)])
def test_what_this_machine_can_stand_in_for(lines: tuple[str, ...]) -> None:
    assert cpus.barrier((PLAIN,), (WIDE,)) == ""
    assert cpus.barrier(lines, lines) == ""
    assert cpus.barrier((), lines) == ""
    assert cpus.barrier((WIDE,), ()) == "what this machine's CPU answers is not known"


def test_names_that_git_quotes_are_said_as_they_are() -> None:
    assert files('diff --git "a/\\303\\244 \\"x" "b/\\303\\244 \\"x"') == ['ä "x']
    assert files('diff --git "a/a\\tb" "b/a\\tb"') == ["a\tb"]


@pytest.mark.parametrize(
    "broken",
    [
        {"cpu": [1]},
        {"cpu": {"cores": 3, "table": [1], "flags": 7}},
        {"cpu": {"table": ["no answer of CPUID"]}},
    ],
)
def test_a_strangers_record_may_say_anything_of_its_hardware(
    side: MakeSide, broken: dict[str, Any]
) -> None:
    strange = side("B", lambda document: document["layers"].update(hardware=broken))
    assert (strange.table, strange.cores) == ((), 0)
    found(side("A", cpu(model="X", flags=["avx2"])), strange)
    found(strange, side("A", cpu(table=[WIDE])))


def test_data_by_reference_is_taken_where_it_can_be_had(side: MakeSide) -> None:
    def data(digits: str, kind: str = "folder") -> Edit:
        digest = f"md5:{digits * 32}" if kind == "dvc" else f"merkle:{digits * 64}"
        sha256: object = digits * 64 if kind == "folder" else {"unknown": "DVC digests by MD5"}
        entry = {"name": "train", "digest": digest, "sha256": sha256, "pinned": True, "kind": kind}
        return lambda document: document["layers"].update(data=[{**entry, "pin": "x"}])

    for kind, length in (("folder", 12), ("dvc", 12)):
        a, b = side("A", data("1", kind), places={"train": "/x"}), side("B", data("2", kind))
        (unit,) = found(a, b)
        assert unit.blocked == (
            "B had it by reference, and it is neither committed nor there any more"
        )
        assert str(unit) == f"the data file train ({'1' * length} -> {'2' * length})"
    assert found(side("A", data("1")), side("B", data("1"))) == []
    none = side("A", lambda document: document["layers"].update(data=[]))
    (unit,) = found(none, side("B", data("1"), places={"train": "/x"}))
    assert unit.blocked == "only B had it by reference"
    a, b = (side(n, data(d), places={"train": n}) for n, d in (("A", "1"), ("B", "2")))
    (unit,) = found(a, b)
    assert not unit.blocked
