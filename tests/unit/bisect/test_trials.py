"""Trials within a bound, and the locks' own ones a second time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nixrepro.bisect import trials as module
from nixrepro.bisect.builds import Built
from nixrepro.bisect.trials import Trials
from nixrepro.delta import Enough, Outcome
from nixrepro.errors import BuildError
from nixrepro.mixing import Entry, Unit
from nixrepro.nix import Nix
from nixrepro.nix_store import Output, Store
from nixrepro.process import Completed

from ..mixing.parts import deb, lock

NAMES = ("bash", "sed", "tar")
A, B = (lock(*(deb(name, version) for name in NAMES)) for version in "12")
UNITS = tuple(
    Unit((n,), "system", (Entry("system", n, "", (deb(n, "1"),), (deb(n, "2"),)),), frozenset())
    for n in NAMES
)
NONE, ALL = frozenset[int](), frozenset(range(3))
DIFFERS = "error: derivation '{}' may not be deterministic: output '/nix/store/x' differs"


@dataclass(frozen=True)
class Fake(Store):
    """Has outcomes in a folder; a program's numbers are whether its lock has sed 2."""

    top: Path = Path()
    second: str = ""  # what Nix says of a second build
    asked: list[int] = field(default_factory=list)

    def place(self, path: str) -> str:
        return f"{self.top}{path}"

    def instantiate(self, folder: Path, names: Sequence[str], output: str) -> list[Output]:
        texts = [(folder / name / "nixrepro.lock").read_text() for name in names]
        return [Output(f"/nix/store/{abs(hash(text))}.drv", self.outcome(text)) for text in texts]

    def outcome(self, text: str) -> str:
        path = f"/out{abs(hash(text))}"
        found = Path(self.place(path))
        found.mkdir(exist_ok=True)
        said = "new" if "sed_2" in text else "old"
        document = {"status": "done", "fingerprint": {}, "output": said}
        (found / "outcome.json").write_text(json.dumps(document))
        return path

    def add_root(self, link: Path, path: str) -> None:
        link.symlink_to(path)

    def build_again(self, derivations: Iterable[str]) -> Completed:
        found = list(derivations)
        self.asked.append(len(found))
        said = "\n".join(self.second.format(each) for each in found)
        return Completed(100 if said.strip() else 0, b"", said)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    def built(folder: Path, names: Sequence[str], store: Store) -> list[Built]:
        return [Built(each.path) for each in store.instantiate(folder, names, "run")]

    monkeypatch.setattr(module, "build", built)
    for name in ("base", "scratch", "kept", "store"):
        (tmp_path / name).mkdir()
    return Fake(Nix().runner, {}, tmp_path / "store")


def trials(store: Fake, limit: int | None = None) -> Trials:
    base, scratch, kept = (store.top.parent / name for name in ("base", "scratch", "kept"))
    return Trials(A, B, UNITS, base, scratch, kept, store, limit)


def test_a_bound_of_one_goes_on_by_one_each_time(store: Fake) -> None:
    with pytest.raises(Enough):
        trials(store, 1)([NONE, ALL])
    one = trials(store, 1)
    assert one([NONE, ALL]) == [Outcome.A, Outcome.B] and one.fresh == 1
    # A second training counts too.
    for made in (1, 2):
        one = trials(store, 1)
        one([NONE, ALL])
        if made == 1:
            with pytest.raises(Enough):
                one.doubted()
        else:
            one.doubted()
        assert one.fresh == 0 and store.asked == [1] * made
        with pytest.raises(Enough):
            one([frozenset({1}), frozenset({2})])
        assert one.fresh == 0
    one = trials(store, 1)
    one([NONE, ALL])
    one.doubted()
    with pytest.raises(Enough):
        one([frozenset({1}), frozenset({2})])
    assert one.fresh == 1 and frozenset({1}) in one.found


def test_a_bound_of_none_trains_nothing(store: Fake) -> None:
    with pytest.raises(Enough):
        trials(store, 0)([NONE, ALL])
    assert list((store.top.parent / "kept").iterdir()) == []
    assert trials(store, 0).allowed([NONE, ALL]) == ()
    assert trials(store, 1).allowed([NONE, ALL]) == (NONE,)
    assert trials(store).allowed([NONE, ALL]) == (NONE, ALL)


def test_what_is_known_is_no_training(store: Fake) -> None:
    trials(store)([ALL])
    told: list[Sequence[Outcome]] = []
    one = trials(store, 0)
    one.tell = lambda outcomes, seconds: told.append(outcomes)
    assert one.allowed([NONE, ALL]) == (ALL,)
    with pytest.raises(Enough):
        one([NONE, ALL])
    assert told == [[Outcome.B]]


def second(store: Fake, said: str) -> Fake:
    return Fake(store.runner, {}, store.top, said, store.asked)


def test_a_program_that_gives_the_same_again_is_asked_once(store: Fake) -> None:
    for _ in range(2):
        one = trials(store)
        one([NONE, ALL])
        one.doubted()
        assert store.asked == [2] and not one.unstable


@pytest.mark.parametrize("said", [DIFFERS, "error: builder for '{}' failed with exit code 1"])
def test_a_program_that_differs_from_itself(store: Fake, said: str) -> None:
    for _ in range(2):  # it is known from then on
        one = trials(second(store, said))
        one([NONE, ALL])
        with pytest.raises(Enough):
            one.doubted()
        assert one.unstable == [NONE, ALL]
    assert store.asked == [2]


def test_what_nix_could_not_build_again_says_nothing(store: Fake) -> None:
    one = trials(second(store, "error: Cannot build '{}'.\n Reason: 1 dependency failed."))
    one([NONE, ALL])
    with pytest.raises(BuildError):
        one.doubted()
    assert not one.unstable and not (store.top.parent / "kept" / "again.json").exists()


def test_other_bytes_with_the_same_numbers_are_the_same(store: Fake) -> None:
    one = trials(second(store, DIFFERS))
    one([NONE, ALL])
    for path in list(store.top.iterdir()):
        path.with_name(f"{path.name}.check").mkdir()
        text = (path / "outcome.json").read_text()
        (store.top / f"{path.name}.check" / "outcome.json").write_text(text.replace("{", "{ "))
    one.doubted()
    assert store.asked == [2] and not one.unstable


def test_the_same_numbers_are_not_asked_again(store: Fake) -> None:
    few = (UNITS[0], UNITS[2])
    places = (store.top.parent / name for name in ("base", "scratch", "kept"))
    one = Trials(A, B, few, *places, store)
    assert one([NONE, frozenset({0, 1})]) == [Outcome.A, Outcome.A]
    one.doubted()
    assert store.asked == []
