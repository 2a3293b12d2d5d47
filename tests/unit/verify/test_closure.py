"""What the check of a closure says of what it saw, and where it looks."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import pytest

from nixrepro.closure import Closure, StorePath
from nixrepro.derivations import Derivation
from nixrepro.errors import NixError
from nixrepro.nar_pool import Pool
from nixrepro.nix import Nix
from nixrepro.nix_store import Output, Store
from nixrepro.process import Completed
from nixrepro.trees import Change, Kind
from nixrepro.verify import mend
from nixrepro.verify.afresh import _above, _open, _take
from nixrepro.verify.closure import _Check
from nixrepro.verify.closure_verdicts import paths_and_bytes
from nixrepro.verify.display import Display, Silent
from nixrepro.verify.survey import Bad, Survey, _disagreeing
from nixrepro.verify.verdict import State

RECORDED = Path(__file__).parents[1] / "recorded" / "nix-2.8.0"
HASH = "sha256:1ckbsycqzcphiz924d8ijpdj1wi5figv65km5c7mrcj6qk6jg6fq"
ITEMS = [StorePath(f"/nix/store/{'0' * 32}-{name}", HASH, 120) for name in "abc"]
A, B, C = ITEMS
CLOSURE = Closure(tuple(ITEMS))
FACTS = {
    "layers": {"wheels": [{"path": A.path}], "system": [{"path": B.path}]},
    "closure": [
        {"path": item.path, "narHash": item.nar_hash, "narSize": item.nar_size} for item in ITEMS
    ],
}
CHANGES = tuple(Change(f"f{number}", Kind.MISSING, "is missing") for number in range(8))


def test_nothing_wrong() -> None:
    paths, content = paths_and_bytes(Survey(CLOSURE, FACTS, (), ()), {}, {}, [], 1.5)
    assert (paths.part, content.part) == ("paths", "bytes")
    assert paths.state is content.state is State.SAME
    assert "3 store paths" in content.compared
    assert "360 B" in content.compared
    assert "and the environment's facts" in content.compared
    assert (paths.seconds, content.seconds) == (0.0, 1.5)


def test_without_facts_that_is_said() -> None:
    paths, content = paths_and_bytes(Survey(CLOSURE, None, (), ()), {}, {}, [], 0)
    assert "facts" not in paths.compared + content.compared


def test_each_finding_has_its_path_file_and_layer() -> None:
    bad = (Bad(A), Bad(B, missing=True, reason="is not there"), Bad(C, reason="/x: no luck"))
    survey = Survey(CLOSURE, FACTS, (), bad)
    paths, content = paths_and_bytes(survey, {A.path: CHANGES}, {}, [], 0)
    assert paths.state is content.state is State.DIFFERS
    assert [(f.subject, f.layer, f.reason) for f in paths.findings] == [
        (B.path, "system", "is not there")
    ]
    said = [f.reason for f in content.findings if f.subject == A.path]
    assert said == [*(f"f{n} is missing" for n in range(5)), "3 more of its files differ"]
    assert {f.layer for f in content.findings if f.subject == A.path} == {"wheels"}
    assert content.findings[-1].reason == "/x: no luck"
    assert content.reason.startswith("2 of 3 store paths have other bytes: `nixrepro verify --rep")


def test_what_was_mended_is_said_and_what_was_not() -> None:
    seen = {A.path: CHANGES[:1], C.path: "no luck"}
    survey = Survey(CLOSURE, FACTS, (), (Bad(C),))
    mended = [Bad(A), Bad(B, missing=True, reason="is not there")]
    paths, content = paths_and_bytes(survey, seen, {C.path: "its artefact is lost"}, mended, 0)
    assert (paths.state, content.state) == (State.SAME, State.DIFFERS)
    assert paths.reason.endswith(f"; mended: {B.path} (is not there)")
    assert content.reason.endswith(f"; mended: {A.path} (f0 is missing)")
    assert "--repair" not in content.reason
    assert [f.reason for f in content.findings] == [
        "its bytes differ; in which file can't be said: no luck",
        "not mended: its artefact is lost",
    ]


def test_facts_and_database_may_disagree() -> None:
    other = dataclasses.replace(A, nar_hash=HASH.replace("1ck", "0ck"))
    assert _disagreeing(FACTS, CLOSURE) == ()
    assert _disagreeing(None, CLOSURE) == ()
    (changed,) = _disagreeing(FACTS, Closure((other, B, C)))
    assert changed[0] == A.path
    assert other.nar_hash in changed[1]
    assert A.nar_hash in changed[1]
    ((path, reason),) = _disagreeing(FACTS, Closure((A, B)))
    assert path == C.path
    assert "Nix's database does not" in reason
    ((_, reason),) = _disagreeing({**FACTS, "closure": 1}, CLOSURE)
    assert "its facts can't be used" in reason
    survey = Survey(CLOSURE, FACTS, ((C.path, "they part"),), ())
    paths, _ = paths_and_bytes(survey, {}, {}, [], 0)
    assert (paths.state, paths.findings[0].reason) == (State.DIFFERS, "they part")


@pytest.mark.parametrize(
    ("remote", "folder"),
    [
        ("", ""),
        ("auto", ""),
        ("daemon", ""),
        ("local", ""),
        ("unix:///nix/var/nix/daemon-socket/socket", ""),
        ("local?root=/mnt/a", "/mnt/a"),
        ("/mnt/a/", "/mnt/a"),
    ],
)
def test_where_a_store_is(remote: str, folder: str) -> None:
    assert Store(variables={"NIX_REMOTE": remote}).folder() == folder
    assert Store(variables={"NIX_REMOTE": remote}).place(A.path) == folder + A.path


@pytest.mark.parametrize("remote", ["ssh://there", "ssh-ng://there", "file:///cache"])
def test_a_store_elsewhere(remote: str) -> None:
    with pytest.raises(NixError, match="is not on this machine"):
        Store(variables={"NIX_REMOTE": remote}).folder()


def test_what_stands_on_something_unsound() -> None:
    references = {"env": {"env", "wheel", "system"}, "wheel": set[str](), "system": {"libc"}}
    references["libc"] = {"libc"}
    assert _above(references, {"libc"}) == {"libc", "system", "env"}
    assert _above(references, {"elsewhere"}) == {"elsewhere"}
    assert _above(references, set()) == set()


@pytest.mark.parametrize("name", ["repair-untrusted", "repair-denied"])
def test_a_refused_repair_says_who_may(name: str) -> None:
    said = (RECORDED / f"{name}.stderr").read_text()

    def refuses(*_: object, **__: object) -> Completed:
        return Completed(1, b"", said)

    derivation = Derivation(f"{A.path}.drv", A.path, False, (), ())
    download = Derivation(f"{B.path}.drv", B.path, True, (), ())
    known = {A.path: derivation, B.path: download}
    store = Store.of(Nix(refuses))
    wrong = mend.mend(store, known, [A.path, B.path, C.path])
    assert "as root" in wrong[A.path]
    assert f"`nix-store --realise --repair {B.path}.drv`" in wrong[B.path]
    assert wrong[C.path] == "nothing in the lock makes it"


def test_in_a_pipe_progress_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    display = Display("checking")
    display.start(2000)
    for _ in range(100):
        display.advance(20)
    display.done()
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err.startswith("checking: 2.0 kB in ")
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("remote", "group", "own"),
    [("local?root=/mnt/a", True, True), ("", True, False), ("", False, True)],
)
def test_another_store_shares_no_build_users(
    monkeypatch: pytest.MonkeyPatch, remote: str, group: bool, own: bool
) -> None:
    """Nix, done with a build user, kills all that it runs: another store's builder too."""
    asked: list[list[str]] = []

    def notes(argv: list[str], **_: object) -> Completed:
        asked.append(argv)
        return Completed(0, b"", "")

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("nixrepro.nix._has_group", lambda _: group)
    Store(notes, {"NIX_REMOTE": remote}).realise([A.path])
    assert (asked[0][-3:-1] == ["build-users-group", ""]) is own


def test_facts_that_are_not_in_the_store_are_unknown(tmp_path: Path) -> None:
    check = _Check(tmp_path, Store.of(Nix()), Pool(), Silent())
    check._outputs = {"environment": Output("", A.path), "facts": Output("", "/nix/store/x")}
    verdict = check._environment(Survey(CLOSURE, None, (), ()))
    assert verdict.state is State.UNKNOWN
    assert "its facts are not in the store" in verdict.reason
    check._outputs["facts"] = Output("", B.path)  # damaged: the bytes' verdict says so
    assert check._environment(Survey(CLOSURE, None, (), ())).state is State.SAME


def test_removing_a_second_store_leaves_the_files_of_the_first(tmp_path: Path) -> None:
    store, second = tmp_path / "store", tmp_path / "second"
    (store / "lib").mkdir(parents=True)
    (store / "lib" / "x").write_text("x")
    (store / "lib" / "x").chmod(0o444)
    (store / "out").symlink_to(tmp_path)
    for folder in (store / "lib", store):
        folder.chmod(0o555)
    before = tmp_path.stat().st_mode
    _take(store, second / "store")
    assert (second / "store" / "lib" / "x").samefile(store / "lib" / "x")
    _open(str(second))
    # Who owns the folders can remove all that is in them without touching a file's mode.
    modes = [os.stat(path).st_mode & 0o777 for path, _, _ in os.walk(second / "store")]
    assert modes == [0o700, 0o700]
    shutil.rmtree(second)
    assert (store / "lib" / "x").stat().st_mode & 0o777 == 0o444
    assert store.stat().st_mode & 0o777 == 0o555 and tmp_path.stat().st_mode == before
    for folder in (store, store / "lib"):
        folder.chmod(0o755)
