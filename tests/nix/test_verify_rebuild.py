"""A second build gives the same bytes; where it doesn't, part and file are named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nixrepro.errors import Exit, NixreproError
from nixrepro.nix_store import Store
from nixrepro.verify.rebuild import check_rebuild
from nixrepro.verify.verdict import State, Verdict

from .own_store import OwnStore


def rebuilt(own: OwnStore, *parts: str, root: Path | None = None) -> dict[str, Verdict]:
    said: list[str] = []
    found = check_rebuild(root or own.own.root, own.nix, parts, say=said.append)
    return {verdict.part: verdict for verdict in found}


def test_all_that_the_library_builds_is_reproducible(own_store: OwnStore) -> None:
    (verdict,) = rebuilt(own_store).values()
    assert (verdict.state, verdict.findings) == (State.SAME, ())
    count = int(verdict.compared.split(" store paths")[0].rpartition(" ")[2])
    made = own_store.store.derivations(
        [own_store.outputs[name].derivation for name in ("facts", "settings", "train")]
    )
    assert count == sum(not each.fixed for each in made.values()) > 50


def test_parts_by_their_names(own_store: OwnStore) -> None:
    found = rebuilt(own_store, "six", "cc", "environment", "facts", "wheels")
    assert list(found) == ["six", "cc", "environment", "facts", "wheels"]
    assert {verdict.state for verdict in found.values()} == {State.SAME}
    assert "2 store paths" in found["wheels"].compared


def test_an_unknown_part(own_store: OwnStore) -> None:
    with pytest.raises(NixreproError, match="'sixx' is no part") as caught:
        rebuilt(own_store, "six", "sixx")
    assert caught.value.code == Exit.USAGE
    assert caught.value.hint == "`six` is one"


def test_what_has_no_first_build_is_unknown(own_store: OwnStore) -> None:
    found = rebuilt(own_store, "run", "six")
    assert found["six"].state is State.SAME
    assert found["run"].state is State.UNKNOWN
    assert "`nix build .#run`" in found["run"].findings[0].reason


Changed = Callable[[str], Path]


@pytest.fixture
def changed(own_store: OwnStore, tmp_path: Path) -> Changed:
    """The small project whose runtime is installed by a builder with these lines at its end."""

    def change(lines: str) -> Path:
        root = tmp_path / "project"
        shutil.copytree(own_store.own.root, root)
        builder = root / "nix" / "build" / "runtime.py"
        builder.write_text(builder.read_text() + lines)
        return root

    return change


def realise(store: Store, root: Path) -> str:
    output = store.outputs(root)["facts"]
    done = store.realise([output.derivation])
    assert done.status == 0, done.stderr
    (runtime,) = (p for p in store.requisites([output.path]) if p.endswith("-nixrepro-runtime"))
    return runtime


def test_what_differs_is_named_file_by_file(own_store: OwnStore, changed: Changed) -> None:
    root = changed(
        "import time\n"
        "with open(os.path.join(os.environ['out'], 'when'), 'w') as stream:\n"
        "    stream.write('built at %d' % time.time_ns())\n"
        "os.symlink('/%d' % time.time_ns(), os.path.join(os.environ['out'], 'link'))\n"
    )
    path = realise(own_store.store, root)
    found = rebuilt(own_store, "runtime", "six", root=root)
    assert (found["six"].state, found["runtime"].state) == (State.SAME, State.DIFFERS)
    link, when = found["runtime"].findings
    assert link.subject == when.subject == path
    assert link.reason.startswith("in a second build link links to /")
    assert "in a second build when differs from byte " in when.reason
    store = own_store.root / "nix" / "store"
    assert list(store.glob("*.check")) == []


def test_a_second_build_that_fails_is_no_difference(
    own_store: OwnStore, changed: Changed, tmp_path: Path
) -> None:
    root = changed("if not os.path.exists('/flag'):\n    raise SystemExit('nixrepro: no flag')\n")
    flag = tmp_path / "flag"
    flag.touch()
    config = own_store.variables["NIX_CONFIG"]
    with_flag = Store.of(
        own_store.nix, NIX_CONFIG=f"{config}\nextra-sandbox-paths = /flag={flag}\n"
    )
    realise(with_flag, root)
    found = rebuilt(own_store, "runtime", "cc", root=root)
    assert (found["cc"].state, found["runtime"].state) == (State.SAME, State.UNKNOWN)
    assert "a second build failed" in found["runtime"].findings[0].reason
    assert "no flag" in found["runtime"].findings[0].reason


def test_without_its_artefact_a_part_is_unknown(own_store: OwnStore) -> None:
    artefact = own_store.artefact("six")
    data = artefact.read_bytes()
    assert own_store.nix.delete(f"/nix/store/{artefact.name}")
    try:
        found = rebuilt(own_store, "six", "wrapt")
        assert (found["wrapt"].state, found["six"].state) == (State.SAME, State.UNKNOWN)
        assert "run `nixrepro fetch`" in found["six"].findings[0].reason
    finally:
        file = own_store.root.parent / artefact.name[33:]
        file.write_bytes(data)
        own_store.nix.add_fixed([file])
        file.unlink()
