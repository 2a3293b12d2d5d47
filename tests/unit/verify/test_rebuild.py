"""What Nix says of a second build is understood, and parts are found by their names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nixrepro import lock as locks
from nixrepro.derivations import Derivation
from nixrepro.errors import NixreproError
from nixrepro.nix_store import Store
from nixrepro.process import Completed
from nixrepro.verify.asking import Misnamed
from nixrepro.verify.parts import choose, name_parts
from nixrepro.verify.rebuild import read
from nixrepro.verify.scope import built_once
from nixrepro.verify.waiting import waiting

ROOT = Path(__file__).parents[3]
RECORDED = Path(__file__).parents[1] / "recorded" / "nix-2.8.0"
GOOD = "/nix/store/44k9p6lg08waj3yx0zwcnh65rv3m4imq-good.drv"
TOP = "/nix/store/hzrh077c9j0ga1ymhwc9a8pvl2aq6hds-top.drv"
SEED = "/nix/store/hv5fa2zfyy3l6s66i77p04r61y9ggvg7-nixrepro-seed.drv"
TIME = "/nix/store/wkvmgw34mifc952mbq798186ixs99h6z-time.drv"
FAILS = "/nix/store/4f3j5spd083yc0jckm232k7387r8iycf-fails.drv"
OTHER = "/nix/store/08p66wxjfhf0b7qv6lqc24bg6486hfcq-other.drv"


@pytest.mark.parametrize("status", [108, 1])
def test_same_differing_and_failed_are_told_apart(status: int) -> None:
    """By the words: the status is 1 for all of it where a daemon builds."""
    done = Completed(status, b"", (RECORDED / "check.stderr").read_text())
    found = read(done, [GOOD, TOP, SEED, TIME, FAILS, OTHER])
    assert found.same == {GOOD, TOP, SEED}
    assert found.differing == {TIME}
    assert found.failed == {FAILS}


def test_all_are_the_same() -> None:
    assert read(Completed(0, b"", ""), [GOOD, TOP]).same == {GOOD, TOP}


def test_where_nix_says_nothing_nothing_is_known() -> None:
    found = read(Completed(1, b"", "error: no luck\n"), [GOOD, TOP])
    assert not found.same | found.differing | found.failed


def derivation(name: str, *, fixed: bool = False) -> Derivation:
    path = f"/nix/store/{'0' * 32}-{name}"
    return Derivation(f"{path}.drv", path, fixed, (), ())


NAMES = [
    "nixrepro-seed",
    "nixrepro-bootstrap-python3.11.2",
    "nixrepro-system-debian",
    "nixrepro-cc",
    "nixrepro-runtime",
    "nixrepro-environment",
    "nixrepro-environment.json",
    "nixrepro-settings.json",
    "nixrepro-train",
    "nixrepro-run",
]


@pytest.fixture
def parts() -> dict[str, list[Derivation]]:
    lock = locks.load(ROOT / locks.FILE)
    version = {a.name: a.version for a in lock.artefacts if not a.role}
    zlib = version["zlib1g"].partition(":")[2]  # its epoch is no part of the name
    modules = version["libpython3.11-stdlib"]
    names = [*NAMES, f"zlib1g-{zlib}", f"numpy-{version['numpy']}", "six-1.0-of-nobody"]
    names += [f"libpython3.11-stdlib-{modules}", f"libpython3.11-stdlib-{modules}-bytecode"]
    known = [derivation(name) for name in names]
    return name_parts(lock, [*known, derivation("some.deb", fixed=True)])


def names(derivations: list[Derivation]) -> set[str]:
    return {each.name for each in derivations}


def test_parts_have_names(parts: dict[str, list[Derivation]]) -> None:
    for name in ("seed", "bootstrap", "cc", "runtime", "environment", "facts", "run", "zlib1g"):
        assert len(parts[name]) == 1, name
    assert len(parts["libpython3.11-stdlib"]) == 2
    assert len(parts["wheels"]) == 1
    assert {"nixrepro-system-debian", "nixrepro-cc", "nixrepro-seed"} <= names(parts["system"])
    assert len(parts["system"]) == 7
    assert "some.deb" not in parts


def test_all_but_the_training_where_none_is_named(parts: dict[str, list[Derivation]]) -> None:
    (every,) = choose(parts, ()).values()
    assert {"nixrepro-facts", "nixrepro-run"} & names(every) == set()
    assert {*NAMES} - names(every) == {"nixrepro-run"}
    assert "six-1.0-of-nobody" in names(every)
    assert len(every) == 14


def test_a_name_is_normalised(parts: dict[str, list[Derivation]]) -> None:
    assert list(choose(parts, ("NumPy",))) == ["numpy"]


def test_an_unknown_name(parts: dict[str, list[Derivation]]) -> None:
    with pytest.raises(NixreproError, match="'nunpy' is no part") as caught:
        choose(parts, ("nunpy",))
    assert caught.value.hint == "`numpy` is one"
    with pytest.raises(Misnamed) as caught:
        choose({"libzstd1": [], "gast": [], "environment": []}, ("last",))
    assert caught.value.hint == "a package, a wheel, a layer or `environment` is"


def test_what_nobody_built_beside_the_environment_is_left_out() -> None:
    """But what the environment stands on is not: that it is gone must be said."""
    made = {name: derivation(name) for name in ("lib", "env", "file", "train", "sites")}
    made["env"] = replace(made["env"], inputs=(made["lib"].path,))
    made["train"] = replace(made["train"], inputs=(made["env"].path, made["file"].path))
    known = {each.output: each for each in made.values()}
    built = [made["env"].output, made["file"].output, made["sites"].output]

    def answers(argv: list[str], **_: object) -> Completed:
        asked = argv[argv.index("--print-invalid") + 1 :]
        gone = "\n".join(path for path in asked if path not in built)
        return Completed(0, gone.encode(), "")

    found = built_once(Store(answers), known, made["env"].output, list(known.values()))
    assert names(found) == {"lib", "env", "file", "sites"}


def test_on_a_terminal_a_second_build_shows_that_it_goes_on(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with waiting("building", show=False):
        pass
    assert capfd.readouterr() == ("", "")
    with waiting("building", show=True):
        pass
    told = capfd.readouterr()
    assert "building" in told.err and told.out == ""
