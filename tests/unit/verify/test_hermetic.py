"""What a run may touch, who touched what it may not, and how that is told."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from nixrepro.errors import BuildError
from nixrepro.nix import Nix
from nixrepro.process import Completed
from nixrepro.realise import Environment
from nixrepro.strace import events
from nixrepro.verify.contract import contract, layers
from nixrepro.verify.hermetic import observe, observer, verdicts
from nixrepro.verify.observed import Observed, _with_interpreters, attributed, frames
from nixrepro.verify.uses import Kind, Use, uses
from nixrepro.verify.verdict import State

STACKS = Path(__file__).parents[1] / "recorded" / "strace" / "stacks.trace"
SYSTEM = "/nix/store/00000000000000000000000000000000-nixrepro-system-debian"
NUMPY = "/nix/store/0g1nkscblljlkp20mnlmzs0fp8p2hx3j-numpy-2.4.0"
ZLIB = "/nix/store/m38fynwvz57pp1csicyccigbjfzl1vjb-zlib1g-1.2.13.dfsg-1"
RUNTIME = "/nix/store/n7mak2qsl1k716hv9ygn63xwa29nk4i2-nixrepro-runtime"
OTHER = "/nix/store/w70041sqwzqxydhicvaa3bjr7bzk7xba-elsewhere"
FACTS = {
    "system": SYSTEM,
    "closure": [{"path": path} for path in (SYSTEM, NUMPY, ZLIB, RUNTIME)],
    "layers": {
        "system": [{"name": "zlib1g", "version": "1.2.13", "path": ZLIB}],
        "wheels": [{"name": "numpy", "version": "2.4.0", "path": NUMPY}],
    },
}
ROOT = "/home/ada/project"
TEMPORARY = "/tmp/nixrepro-observed-x"
KNOWN = layers(FACTS, ROOT)


@pytest.mark.parametrize(
    ("kind", "subject", "named", "outside"),
    [
        (Kind.READ, f"{NUMPY}/lib/x.py", False, False),
        (Kind.READ, f"{ROOT}/train.py", False, False),
        (Kind.WRITE, f"{ROOT}/model.keras", False, False),
        (Kind.WRITE, f"{TEMPORARY}/a", False, False),
        (Kind.READ, "/proc/self/maps", False, False),
        (Kind.WRITE, "/dev/shm/sem.x", False, False),
        (Kind.START, f"{ROOT}/tool.sh", False, False),
        (Kind.MAP, f"{ZLIB}/lib/libz.so.1", False, False),
        (Kind.CONNECT, f"{TEMPORARY}/socket", False, False),
        # A folder's name on the way; but not what lies in it.
        (Kind.READ, "/", True, False),
        (Kind.READ, "/home/ada", True, False),
        (Kind.READ, "/nix/store", True, False),
        (Kind.READ, "/home/ada", False, True),
        (Kind.READ, "/home/ada/other", True, True),
        (Kind.READ, "/home/ada/projects", True, True),
        (Kind.READ, "/etc/hostname", False, True),
        (Kind.READ, "/etc/passwd", True, True),
        (Kind.READ, f"{OTHER}/x", False, True),
        (Kind.WRITE, f"{NUMPY}/lib/__pycache__/x.pyc", False, True),
        (Kind.START, "/bin/true", False, True),
        (Kind.MAP, "/usr/lib/libz.so.1", False, True),
        (Kind.MAP, f"{ROOT}/copied.so", False, True),
        (Kind.MAP, f"{TEMPORARY}/copied.so", False, True),
        (Kind.CONNECT, "127.0.0.1:80", False, True),
        (Kind.CONNECT, "@abstract", False, True),
        (Kind.CONNECT, "/run/nscd/socket", False, True),
    ],
)
def test_the_contract(kind: Kind, subject: str, named: bool, outside: bool) -> None:
    allowed = contract(FACTS, (), (ROOT, TEMPORARY))
    assert allowed.outside(Use(kind, subject, "", named=named)) is outside


def test_what_was_not_there_breaks_nothing() -> None:
    allowed = contract(FACTS, (), (ROOT,))
    assert not allowed.outside(Use(Kind.READ, "/etc/nothing", "", found=False))


def test_declared_data_and_a_project_behind_a_link_are_inside(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    allowed = contract(FACTS, (f"{OTHER}/data",), (str(tmp_path / "link"),))
    for path in (f"{OTHER}/data", f"{tmp_path}/link/x", f"{tmp_path}/real/x"):
        assert not allowed.outside(Use(Kind.READ, path, ""))


USE = Use(Kind.READ, "/etc/hostname", f"{SYSTEM}/bin/python3.11")


def test_a_line_of_the_project_did_it() -> None:
    lines = [(f"{SYSTEM}/lib/python3.11/pathlib.py", 9), (f"{ROOT}/src/a.py", 3), ("x.py", 1)]
    place = attributed(USE, lines, (), KNOWN)
    assert (place.layer, place.file, place.line) == ("code", "src/a.py", 3)


def test_a_line_of_a_distribution_did_it() -> None:
    lines = [
        ("<frozen importlib._bootstrap>", 2),
        (f"{RUNTIME}/lib/python3.11/site-packages/nixrepro_runtime/hooks.py", 5),
        (f"{NUMPY}/lib/python3.11/site-packages/numpy/core.py", 7),
        (f"{ROOT}/a.py", 1),
    ]
    place = attributed(USE, lines, (), KNOWN)
    assert (place.layer, place.said) == ("wheels", "core.py of numpy 2.4.0")


def test_a_program_given_by_c_did_it() -> None:
    assert attributed(USE, [("<string>", 1)], (), KNOWN).layer == "code"


def test_an_object_did_it_where_no_line_of_python_did() -> None:
    stack = (f"{SYSTEM}/lib/x86_64-linux-gnu/libc.so.6", f"{ZLIB}/lib/libz.so.1.2.13")
    place = attributed(USE, [], stack, KNOWN)
    assert (place.layer, place.said) == ("system", "libz.so.1.2.13 of zlib1g 1.2.13")


def test_a_recorded_stack_names_who_called_the_c_library() -> None:
    with STACKS.open() as lines:
        stack = next(use.stack for use in uses(events(lines), ROOT) if use.kind is Kind.START)
    place = attributed(USE, [], stack, KNOWN)
    assert place.said == "python3.11 of nixrepro-system-debian"


def test_else_the_program_did_it() -> None:
    assert attributed(USE, [], (), KNOWN).said == "python3.11 of nixrepro-system-debian"
    host = attributed(Use(Kind.READ, "/etc/ld.so.cache", "/bin/true"), [], (), KNOWN)
    assert (host.layer, host.said) == ("", "/bin/true, which is the host's")
    assert attributed(Use(Kind.START, "/bin/true", ""), [], (), KNOWN).said == "the command itself"


def test_half_a_line_of_a_killed_process_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_text('{"subjects": ["/a"], "frames": [["x.py", 3]]}\n{"subjects": ["/b"], "fra\n')
    assert frames(path) == {"/a": [("x.py", 3)]}
    assert frames(tmp_path / "none") == {}


def states(seen: Observed) -> dict[str, State]:
    return {verdict.part: verdict.state for verdict in verdicts(seen, {}, 1.0)}


def test_verdicts_of_a_run_that_touched_nothing() -> None:
    found = verdicts(Observed((), {Kind.READ: 8, Kind.WRITE: 2}, 0), {}, 1.5)
    assert [verdict.part for verdict in found] == ["files", "programs", "objects", "addresses"]
    assert {verdict.state for verdict in found} == {State.SAME}
    assert found[0].compared.startswith("10 files used")
    assert sum(verdict.seconds for verdict in found) == 1.5


def test_a_program_that_failed_proves_nothing_but_what_it_did() -> None:
    assert states(Observed((USE,), {Kind.READ: 1}, 3)) == {
        "files": State.DIFFERS,
        "programs": State.UNKNOWN,
        "objects": State.UNKNOWN,
        "addresses": State.UNKNOWN,
    }


def test_what_nobody_can_see_is_unknown() -> None:
    seen = Observed((USE,), {Kind.READ: 1, Kind.HIDE: 1}, 0)
    assert states(seen)["files"] is State.DIFFERS
    assert states(seen)["addresses"] is State.UNKNOWN


def answering(status: int, said: str) -> Nix:
    """A Nix that gives one answer."""

    def answer(argv: Sequence[str], **_: object) -> Completed:
        asked = argv[0] == "nix"
        return Completed(status if asked else 1, said.encode() if asked else b"", said)

    return Nix(answer)


def test_the_observer_is_the_flakes(tmp_path: Path) -> None:
    said = json.dumps([{"drvPath": f"{OTHER}.drv", "outputs": {"out": OTHER}}])
    assert observer(tmp_path, answering(0, said)) == Path(OTHER) / "bin" / "strace"


def test_a_flake_without_an_observer(tmp_path: Path) -> None:
    # In the words of Nix 2.8.
    said = "error: flake 'path:.' does not provide attribute 'packages.x86_64-linux.observer'"
    with pytest.raises(BuildError, match="has no observer") as raised:
        observer(tmp_path, answering(1, said))
    assert "nixrepro init --update" in raised.value.hint


def test_an_observer_that_can_t_be_built(tmp_path: Path) -> None:
    said = "error: nixrepro: strace_6.1-0.1_amd64.deb is not in the store: run `nixrepro fetch`"
    with pytest.raises(BuildError, match=r"strace_6.1-0.1_amd64.deb is not in the store"):
        observer(tmp_path, answering(1, said))


def environment(tmp_path: Path) -> Environment:
    facts, settings = tmp_path / "facts.json", tmp_path / "settings.json"
    facts.write_text(json.dumps(FACTS))
    settings.write_text(json.dumps({"data": {}}))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to("/bin/true")
    return Environment(str(tmp_path), SYSTEM, str(facts), str(settings), {})


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('echo "$0: ptrace(PTRACE_TRACEME, ...): Operation not permitted" >&2; exit 1', "ptrace("),
        ("exit 7", "status 7"),
        (None, "can't be started"),
    ],
)
def test_a_machine_that_lets_nothing_be_observed(
    tmp_path: Path, body: str | None, why: str
) -> None:
    tool = tmp_path / "strace"
    if body:
        tool.write_text(f"#!/bin/sh\n{body}\n")
        tool.chmod(0o755)
    (verdict,) = observe(tmp_path, environment(tmp_path), ["true"], tool)
    assert verdict.state is State.UNKNOWN
    assert why in verdict.reason


def test_nothing_of_an_observation_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    observe(tmp_path, environment(tmp_path), ["true"], tmp_path / "none")
    assert os.listdir(tmp_path / "tmp") == []


def test_a_link_in_the_project_to_a_program_of_the_host(tmp_path: Path) -> None:
    link = tmp_path / "tool"
    link.symlink_to("/bin/sh")
    started = _with_interpreters([Use(Kind.START, str(link), ""), Use(Kind.READ, str(link), "")])
    allowed = contract(FACTS, (), (str(tmp_path),))
    outside = [use.subject for use in started if allowed.outside(use)]
    assert outside == [os.path.realpath("/bin/sh")]
