"""The numerics profile: what is started, with how many threads, and what the record says of it."""

from __future__ import annotations

import re
from pathlib import Path

from nixrepro.runtime import numerics
from nixrepro.runtime.variables import clean

REPOSITORY = Path(__file__).parents[3]
STATED = {
    "profile": "portable",
    "cpu": "x86-64-v3",
    "threads": 4,
    "vcpu": "/nix/store/v-vcpu/bin/vcpu",
    "sites": "/nix/store/s-sites",
}
PORTABLE = {"numerics": STATED}


def variables(settings: dict[str, object]) -> dict[str, str]:
    return clean(
        host={}, base={}, settings=settings, passed=(), folder="", data="/d", temporary="/t"
    )


def test_by_itself_the_machine_decides_all() -> None:
    assert numerics.started({}, "/bin/python", ["python", "a.py"]) == (
        "/bin/python",
        ["python", "a.py"],
    )
    assert numerics.recorded({}) == {}
    assert not set(numerics.VARIABLES) & set(variables({}))


def test_portable_starts_the_program_on_the_virtual_cpu() -> None:
    path, words = numerics.started(PORTABLE, "/bin/python", ["python", "a.py", "--epochs"])
    assert path == words[0]
    assert words[:6] == [
        STATED["vcpu"], "--exact", "--sites", STATED["sites"], "--cpu", "x86-64-v3",
    ]  # fmt: skip
    assert words[6:] == ["--", "/bin/python", "a.py", "--epochs"]


def test_threads_are_fixed_in_both_profiles() -> None:
    for settings in (PORTABLE, {"numerics": {"profile": "native", "threads": 4}}):
        found = variables(settings)
        assert {name: found[name] for name in numerics.VARIABLES} == dict.fromkeys(
            numerics.VARIABLES, "4"
        )


def test_the_project_may_state_another_number_for_one() -> None:
    found = variables({**PORTABLE, "variables": {"OMP_NUM_THREADS": "2"}})
    assert (found["OMP_NUM_THREADS"], found["OPENBLAS_NUM_THREADS"]) == ("2", "4")


def test_the_record_names_profile_table_threads_and_the_virtual_cpu() -> None:
    assert numerics.recorded(PORTABLE) == {
        "profile": "portable",
        "cpu": "x86-64-v3",
        "threads": 4,
        "by": "vcpu",
        "vcpu": "/nix/store/v-vcpu",
    }
    native = {"numerics": {"profile": "native", "threads": 2}}
    assert numerics.recorded(native) == {"threads": 2}


def test_the_tables_are_those_of_the_library() -> None:
    found = sorted(path.stem for path in (REPOSITORY / "nix/vcpu/cpus").glob("*.cpu"))
    assert list(numerics.CPUS) == found


def test_the_library_has_the_same_defaults() -> None:
    text = (REPOSITORY / "nix/settings.nix").read_text()
    assert re.findall(r"stated\.threads or (\d+)", text) == [str(numerics.THREADS)]
    assert re.findall(r'stated\.cpu or "([^"]+)"', text) == ["x86-64-v3"]
