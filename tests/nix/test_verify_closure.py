"""A changed, missing or foreign byte in the store is found, named with its file, and mended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from nixrepro.nar import hash_path
from nixrepro.verify.closure import check_closure
from nixrepro.verify.display import Silent
from nixrepro.verify.verdict import Finding, State, Verdict, worst

from .conftest import REPOSITORY, checked
from .own_store import OwnStore, opened, remove, write


def check(own: OwnStore, *, repair: bool = False) -> dict[str, Verdict]:
    verdicts = check_closure(own.own.root, own.nix, repair=repair, progress=Silent())
    return {verdict.part: verdict for verdict in verdicts}


def findings(verdicts: dict[str, Verdict]) -> list[Finding]:
    return [finding for verdict in verdicts.values() for finding in verdict.findings]


@contextmanager
def harmed(own: OwnStore, part: str) -> Iterator[Path]:
    """Where a part of the environment lies; what is done to it there is undone at the end."""
    place, kept = own.place(part), own.root.parent / f"kept-{part}"
    checked(["cp", "-a", place, kept])
    try:
        yield place
    finally:
        if os.path.lexists(place):
            remove(place)
        checked(["mv", kept, place])


def test_a_sound_closure(own_store: OwnStore) -> None:
    verdicts = check(own_store)
    assert [(v.part, v.state) for v in verdicts.values()] == [
        ("environment", State.SAME),
        ("paths", State.SAME),
        ("bytes", State.SAME),
    ]
    assert own_store.outputs["environment"].path in verdicts["environment"].reason
    assert "and the environment's facts" in verdicts["bytes"].compared


def change_a_byte(place: Path) -> str:
    (file,) = place.rglob("six.py")
    data = bytearray(file.read_bytes())
    data[1000] ^= 1
    write(file, bytes(data))
    return f"{file.relative_to(place)} differs from byte 1000 on"


def shorten_a_file(place: Path) -> str:
    (file,) = place.rglob("six.py")
    write(file, file.read_bytes()[:100])
    return "differs from byte 100 on, and has 100 bytes instead of"


def remove_a_file(place: Path) -> str:
    (file,) = place.rglob("six.py")
    remove(file)
    return f"{file.relative_to(place)} is missing"


def add_a_file(place: Path) -> str:
    (file,) = place.rglob("six.py")
    write(file.parent / "seven.py", b"7\n")
    return f"{file.relative_to(place).parent}/seven.py is one too many"


def change_a_mode(place: Path) -> str:
    (file,) = place.rglob("six.py")
    file.chmod(0o555)
    return f"{file.relative_to(place)} is executable"


def retarget_a_link(place: Path) -> str:
    link = place / "bin" / "python3"
    old = os.readlink(link)
    with opened(link.parent):
        link.unlink()
        link.symlink_to("/usr/bin/python3")
    return f"bin/python3 links to /usr/bin/python3 instead of {old}"


def change_a_program(place: Path) -> str:
    program = place / "bin" / "bash"
    data = bytearray(program.read_bytes())
    data[-1] ^= 1
    write(program, bytes(data))
    return f"bin/bash differs from byte {len(data) - 1} on"


def change_a_zone(place: Path) -> str:
    file = place / "usr/share/zoneinfo/Europe/Paris"
    write(file, file.read_bytes() + b"\n")
    return "usr/share/zoneinfo/Europe/Paris differs from byte"


def change_the_facts(place: Path) -> str:
    write(place, place.read_bytes().replace(b'"lock":"', b'"lock":"0'))
    return "it differs from byte"


HARMS = [
    ("six", change_a_byte, "wheels"),
    ("six", shorten_a_file, "wheels"),
    ("six", remove_a_file, "wheels"),
    ("six", add_a_file, "wheels"),
    ("six", change_a_mode, "wheels"),
    ("environment", retarget_a_link, ""),
    ("system", change_a_program, ""),
    ("tzdata", change_a_zone, "system"),
    ("facts", change_the_facts, ""),
]


@pytest.mark.parametrize(("part", "harm", "layer"), HARMS)
def test_damage_is_named_with_path_and_file(
    own_store: OwnStore, part: str, harm: Callable[[Path], str], layer: str
) -> None:
    path = own_store.path(part)
    with harmed(own_store, part) as place:
        said = harm(place)
        verdicts = check(own_store)
    assert verdicts["bytes"].state is State.DIFFERS
    assert verdicts["paths"].state is State.SAME
    (finding,) = findings(verdicts)
    assert (finding.subject, finding.layer) == (path, layer)
    assert said in finding.reason
    assert "--repair" in verdicts["bytes"].reason


@pytest.mark.parametrize("part", ["system", "six"])
def test_a_missing_path_is_named(own_store: OwnStore, part: str) -> None:
    path = own_store.path(part)
    with harmed(own_store, part) as place:
        remove(place)
        verdicts = check(own_store)
    (finding,) = findings(verdicts)
    assert (finding.subject, finding.reason) == (path, "is not there")
    assert verdicts["paths"].state is State.DIFFERS
    assert verdicts["bytes"].state is State.SAME


def test_all_kinds_are_mended_at_once(own_store: OwnStore) -> None:
    parts = [(part, harm) for part, harm, _ in HARMS if harm is not change_the_facts]
    said = {}
    with ExitStack() as stack:
        for part in ("six", "environment", "system", "tzdata", "wrapt", "facts"):
            stack.enter_context(harmed(own_store, part))
        for part, harm in (parts[0], *parts[5:]):
            said[own_store.path(part)] = harm(own_store.place(part))
        gone = own_store.path("wrapt")
        remove(own_store.place("wrapt"))
        facts = own_store.path("facts")
        said[facts] = change_the_facts(own_store.root / facts[1:])
        found = {finding.subject: finding.reason for finding in findings(check(own_store))}
        assert found.pop(gone) == "is not there"
        assert found.keys() == said.keys()
        for path, words in said.items():
            assert words in found[path]

        mended = check(own_store, repair=True)
        assert worst(mended.values()) is State.SAME, mended
        for path, words in said.items():
            assert f"{path} ({words}" in mended["bytes"].reason
        assert gone in mended["paths"].reason
        assert worst(check(own_store).values()) is State.SAME


@contextmanager
def without(own: OwnStore, artefact: Path) -> Iterator[bytes]:
    """The bytes of an artefact, which may be lost from the store and is put back at the end."""
    data = artefact.read_bytes()
    try:
        yield data
    finally:
        own.nix.delete(f"/nix/store/{artefact.name}")
        file = own.root.parent / artefact.name[33:]
        file.write_bytes(data)
        own.nix.add_fixed([file])
        file.unlink()


def test_without_its_artefact_nothing_is_mended_and_nothing_is_worse(own_store: OwnStore) -> None:
    artefact = own_store.artefact("six")
    with harmed(own_store, "six") as place, without(own_store, artefact):
        change_a_byte(place)
        damaged = hash_path(place)
        assert own_store.nix.delete(f"/nix/store/{artefact.name}")
        (finding,) = findings(check(own_store))
        assert "which file can't be said" in finding.reason
        assert "is not in the store" in finding.reason
        verdicts = check(own_store, repair=True)
        assert worst(verdicts.values()) is State.DIFFERS
        reasons = " ".join(finding.reason for finding in findings(verdicts))
        assert f"not mended: its artefact {artefact.name[33:]} is not in the store" in reasons
        assert "nixrepro fetch" in reasons
        assert hash_path(place) == damaged


def test_a_damaged_artefact_is_taken_out_so_that_a_fetch_brings_it(own_store: OwnStore) -> None:
    artefact = own_store.artefact("six")
    with harmed(own_store, "six") as place, without(own_store, artefact) as data:
        change_a_byte(place)
        write(artefact, data[:-1] + b"?")
        reasons = " ".join(finding.reason for finding in findings(check(own_store, repair=True)))
        assert "was damaged too and was taken out" in reasons
        assert not artefact.exists()


def test_what_is_not_realised_is_unknown(own_store: OwnStore, tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(own_store.own.root, root)
    runtime = root / "nixrepro" / "runtime" / "boot.py"
    runtime.write_text(runtime.read_text() + "# another\n")
    (verdict,) = check_closure(root, own_store.nix, repair=False, progress=Silent())
    assert (verdict.part, verdict.state) == ("environment", State.UNKNOWN)
    assert "nixrepro run -- true" in verdict.reason


def test_a_lock_that_cannot_be_evaluated_is_unknown(own_store: OwnStore, tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(own_store.own.root, root)
    (root / "nixrepro.lock").write_text("version = 99\n")
    (verdict,) = check_closure(root, own_store.nix, repair=False, progress=Silent())
    assert verdict.state is State.UNKNOWN
    assert "nixrepro.lock" in verdict.reason


PROGRAM = """
import sys, threading
from pathlib import Path
from nixrepro.nix import Nix
from nixrepro.nar import hash_path
from nixrepro.verify.closure import check_closure
from nixrepro.verify.display import Silent
class Slow(Silent):
    def advance(self, count):
        print("going", flush=True)
        threading.Event().wait(60)
try:
    check_closure(Path(sys.argv[1]), Nix(), repair=False, progress=Slow())
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_an_interrupted_check_leaves_nothing(own_store: OwnStore, tmp_path: Path) -> None:
    env = {**os.environ, **own_store.variables, "PYTHONPATH": str(REPOSITORY)}
    env["TMPDIR"] = str(tmp_path)
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, own_store.own.root],
        env=env,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout
    assert child.stdout.readline() == b"going\n"
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=20) == 130
    child.stdout.close()
    end = time.monotonic() + 5
    while group_lives(child.pid):
        assert time.monotonic() < end, "a process that hashes is left"
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
