"""Differences of what a real Nix has in its store: store paths, facts, projects and locks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from nixrepro import lock as locks

from .conftest import Done, Project, call, checked, copy_project
from .session import Own, one_error


def add(folder: Path, name: str, **files: str | Path) -> str:
    """Put a folder into the store; its store path."""
    place = folder / name
    shutil.rmtree(place, ignore_errors=True)
    for file, content in files.items():
        path = place / file.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copy(content, path)
        else:
            path.write_text(content)
    return checked(["nix-store", "--add", place]).strip()


def naming(name: str, path: str) -> str:
    """A store path that names another one, and so has it in its closure."""
    expression = f'builtins.toFile "{name}" (builtins.storePath "{path}")'
    return checked(["nix", "eval", "--impure", "--raw", "--offline", "--expr", expression])


def told(done: Done) -> dict[str, Any]:
    assert "Traceback" not in done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


@pytest.fixture(scope="module")
def own(project: Project) -> Own:
    return Own(project.root)


def test_plain_store_paths(own: Own, tmp_path: Path) -> None:
    dependency = add(tmp_path, "inner-1.0", text="a")
    again = add(tmp_path, "inner-1.0", text="b")
    first, second = naming("outer-2.0", dependency), naming("outer-3.0", again)
    done = own("diff", "--json", first, second)
    assert done.status == 1
    changes = told(done)["layers"]["store"]["changes"]
    assert [(each["subject"], each["kind"], each["a"][:3]) for each in changes] == [
        ("inner", "content", changes[0]["a"][:3]),
        ("outer", "changed", "2.0"),
    ]
    assert own("diff", first, first).status == 0
    gone = "/nix/store/" + "0" * 32 + "-gone"
    done = own("diff", first, gone)
    assert done.status == 2 and f"{gone} is not in the store" in one_error(done.err)


def test_shared_objects_that_changed(own: Own, tmp_path: Path, system: Path) -> None:
    library = (system / "lib/x86_64-linux-gnu/libz.so.1").resolve()
    (tmp_path / "changed").write_bytes(library.read_bytes() + b"\0")
    first = add(tmp_path, "zlib-1.0", **{"lib__libz.so.1.2": library})
    second = add(tmp_path, "zlib-1.0", **{"lib__libz.so.1.3": tmp_path / "changed"})
    done = own("diff", "--json", first, second)
    (change,) = told(done)["layers"]["store"]["changes"]
    assert change["kind"] == "content"
    assert change["detail"] == ["libz.so.1"]


def test_the_environment_by_all_its_names(own: Own, environment: Path) -> None:
    from nixrepro.realise import remembered

    realised = remembered(own.root)
    assert realised is not None
    for one, two in ((".", realised.facts), (".", "nixrepro.lock"), (environment, environment)):
        done = own("diff", str(one), str(two))
        assert done.status == 0, done.out + done.err
    # A plain store path knows the same closure as the project's facts.
    done = own("diff", "--json", ".", str(environment))
    layers = told(done)["layers"]
    assert layers["store"]["state"] == "same", layers["store"]


def test_a_run_and_the_project_that_it_ran_in(own: Own, tmp_path: Path) -> None:
    assert own("run", "--", "true").status == 0
    done = own("diff", "--json", "last", ".")
    layers = told(done)["layers"]
    assert {name: part["state"] for name, part in layers.items()} == {
        "hardware": "unknown", "system": "same", "accelerator": "same", "wheels": "same",
        "data": "same", "code": "unknown", "settings": "differs", "store": "same",
    }  # fmt: skip
    assert [each["subject"] for each in layers["settings"]["changes"]] == ["command"]


def test_locks_of_gits_history(tmp_path: Path) -> None:
    own = Own(copy_project(tmp_path / "own"))
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    path = own.root / locks.FILE
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        assert call(["git", *who, *arguments], own.root).status == 0
    lock = locks.load(path)
    kept = tuple(each for each in lock.artefacts if each.name != "zlib1g" or each.role)
    kept = tuple(
        locks.Artefact(**{**vars(each), "dependencies": tuple(
            name for name in each.dependencies if name != "zlib1g" or each.role
        )})
        for each in kept
    )  # fmt: skip
    locks.save(path, locks.Lock(lock.python, lock.glibc, lock.question, kept))
    assert call(["git", *who, "commit", "-qam", "two"], own.root).status == 0
    done = own("diff", "HEAD~1:", "HEAD:")
    assert done.status == 1, done.err
    lines = done.out.splitlines()
    assert lines[2] == "differ in system, code"
    assert lines[4:7] == ["system", "  removed:", next(x for x in lines if "zlib1g" in x)]
    assert len(lines) < 40
    done = own("diff", "HEAD~9:", "HEAD:")
    assert done.status == 2 and "nothing is called 'HEAD~9:'" in one_error(done.err)
