"""What a text means: a run, a lock, a git revision, a store path, an environment; or an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nixrepro import lock as locks
from nixrepro.diff import difference, find
from nixrepro.diff import sides as module
from nixrepro.diff.model import Side
from nixrepro.errors import NixreproError
from nixrepro.nix import Nix
from nixrepro.process import Completed

from .conftest import DOCUMENT, Make, deb, git, lock

PYPROJECT = """
[project]
name = "a"
version = "0"
[tool.nixrepro.settings]
seed = 7
[tool.nixrepro.settings.variables]
A = "1"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in a repository; two commits, of which the second has another libc6 and seed."""
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text(".nixrepro/\n")
    (tmp_path / "train.py").write_text("print(1)\n")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    locks.save(tmp_path / locks.FILE, lock(deb("libc6", "2.36"), deb("bash", "5.2")))
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    locks.save(tmp_path / locks.FILE, lock(deb("libc6", "2.37"), deb("bash", "5.2")))
    (tmp_path / "pyproject.toml").write_text(PYPROJECT.replace("7", "8"))
    (tmp_path / "train.py").write_text("print(2)\n")
    git(tmp_path, "commit", "-qam", "two")
    return tmp_path


def changes(root: Path, a: Side, b: Side) -> dict[str, list[tuple[Any, ...]]]:
    found = difference(root, a, b)
    return {
        part.layer: [(each.subject, each.old, each.new) for each in part.changes]
        for part in found.parts
        if part.changes
    }


def error(root: Path, text: str) -> str:
    with pytest.raises(NixreproError) as caught:
        find(root, text)
    return f"{caught.value.message}; {caught.value.hint}"


def test_two_revisions(project: Path) -> None:
    a, b = find(project, "HEAD~1:"), find(project, "HEAD:")
    assert (a.kind, a.name) == ("revision", f"HEAD~1: ({git(project, 'rev-parse', 'HEAD~1')[:12]})")
    found = changes(project, a, b)
    assert found["system"] == [("libc6", "2.36", "2.37")]
    assert found["settings"] == [("seed", 7, 8)]
    code = next(part for part in difference(project, a, b).parts if part.layer == "code")
    assert "-print(1)\n+print(2)\n" in code.text
    assert "diff --git a/nixrepro.lock b/nixrepro.lock" in code.text


def test_a_revision_with_a_path_behind_the_colon(project: Path) -> None:
    inner = project / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text(PYPROJECT)
    locks.save(inner / locks.FILE, lock(deb("libc6", "2.41")))
    git(project, "add", ".")
    git(project, "commit", "-qm", "three")
    for text in ("HEAD:inner", "HEAD:inner/", "HEAD:inner/nixrepro.lock"):
        assert changes(project, find(project, "HEAD:"), find(project, text))["system"] == [
            ("bash", "5.2", None),
            ("libc6", "2.37", "2.41"),
        ]
    # From inside of the inner project its own lock is meant.
    assert find(inner, "HEAD:").packages == find(project, "HEAD:inner").packages
    assert "there is no inner/nixrepro.lock at HEAD~1:inner" in error(project, "HEAD~1:inner")


def test_a_lock_against_its_revision(project: Path) -> None:
    locks.save(project / locks.FILE, lock(deb("libc6", "2.37", "b" * 64), deb("bash", "5.2")))
    found = changes(project, find(project, "HEAD:"), find(project, "nixrepro.lock"))
    assert found == {"system": [("libc6", "a" * 12, "b" * 12)]}


def test_runs_by_every_name(project: Path, make: Make) -> None:
    first = make("ab")
    second = make("cd", lambda document: document.update(started="2026-04-01T10:00:00.000000Z"))
    assert find(project, "last").name == "run cdcdcdcdcdcd"
    for text in ("abab", "ABAB", str(first.folder), str(first.folder / "record.json")):
        assert find(project, text).name == "run abababababab"
    assert find(project, f"./{second.folder.relative_to(project)}").record == second


def test_a_record_that_was_carried_elsewhere(project: Path, make: Make, tmp_path: Path) -> None:
    folder = make().folder.rename(tmp_path / "carried")
    assert find(project, "carried").name == "run aaaaaaaaaaaa"
    assert find(project, "carried/record.json").record is not None
    assert folder.is_dir()


def test_code_of_runs_as_git_says_it(project: Path, make: Make) -> None:
    head, tree = git(project, "rev-parse", "HEAD", "HEAD^{tree}").split()
    clean = make("a", lambda d: d["layers"]["code"].update(commit=head, tree=tree))
    (project / "train.py").write_text("print(3)\n")
    (project / "new.py").write_text("new = True\n")
    git(project, "add", "-A")
    patch = git(project, "diff", "--cached", "--binary", "--full-index") + "\n"
    dirty = git(project, "write-tree")
    # Its objects are gone, as are those that only a run's own folder had.
    git(project, "reset", "-q", "--hard")
    git(project, "gc", "-q", "--prune=now")

    def edit(document: dict[str, Any]) -> None:
        made = {"file": "code.patch", "sha256": "", "size": 1}
        document["layers"]["code"].update(commit=head, tree=dirty, dirty=True, patch=made)

    run = make("b", edit)
    (run.folder / "code.patch").write_text(patch)
    a, b = (find(project, each.document["id"][:8]) for each in (clean, run))
    code = next(part for part in difference(project, a, b).parts if part.layer == "code")
    assert code.unknown == ()
    assert "-print(2)\n+print(3)\n" in code.text and "+new = True\n" in code.text
    assert git(project, "status", "--short") == ""
    back = next(part for part in difference(project, b, a).parts if part.layer == "code")
    assert "-new = True\n" in back.text
    # A patch that was changed, and one that is gone.
    (run.folder / "code.patch").write_text(patch.replace("print(3)", "print(4)"))
    code = next(part for part in difference(project, a, b).parts if part.layer == "code")
    assert code.text == "" and code.changes
    assert code.unknown == (("git diff", "code.patch and its commit don't give the recorded tree"),)
    (run.folder / "code.patch").unlink()
    code = next(part for part in difference(project, a, b).parts if part.layer == "code")
    assert code.unknown == (("git diff", "code.patch does not apply to its commit"),)


def test_a_commit_that_is_not_there(project: Path, make: Make) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["layers"]["code"].update(tree="f" * 40)

    found = difference(
        project, *(find(project, make(*each).document["id"][:8]) for each in (("a",), ("b", edit)))
    )
    code = next(part for part in found.parts if part.layer == "code")
    assert [each.subject for each in code.changes] == ["tree"]
    assert code.unknown == (("git diff", f"commit {'d' * 12} is not in this repository"),)


def test_a_projects_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    side = find(project, ".")
    assert side.kind == "environment"
    assert side.unknown["store"] == "it is not realised as it is now"
    assert side.facts["settings"]["seed"] == 8
    facts = project / "facts.json"
    facts.write_text(json.dumps({"layers": DOCUMENT["layers"], "closure": DOCUMENT["closure"]}))
    realised = type("Environment", (), {"facts": str(facts)})()
    monkeypatch.setattr("nixrepro.realise.remembered", lambda _: realised)
    side = find(project, ".")
    assert [each.nar_hash for each in side.packages["system"]] == [f"sha256:{'0' * 52}"]
    assert side.closure is not None and len(side.closure.paths) == 3
    assert side.facts["settings"]["variables.A"] == "1"


def test_facts_in_the_store(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = project / "store"
    store.mkdir()
    (store / "e.json").write_text(
        json.dumps({"layers": DOCUMENT["layers"], "closure": DOCUMENT["closure"]})
    )
    monkeypatch.setattr(module, "_STORE", f"{store.resolve()}/")
    side = find(project, str(store / "e.json"))
    assert side.kind == "environment" and side.packages["wheels"][0].name == "numpy"
    (store / "e.json").write_text(json.dumps({"layers": {"system": 1}, "closure": []}))
    find(project, str(store / "e.json"))
    (store / "e.json").write_text(json.dumps({"layers": 1, "closure": []}))
    assert "holds no facts of an environment" in error(project, str(store / "e.json"))


def test_a_path_that_the_store_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/nix/store/{'0' * 32}-x"

    def answers(argv: list[str], **_: object) -> Completed:
        if "--print-invalid" in argv:
            return Completed(0, path.encode(), "")
        return Completed(1, b"", f"error: path '{path}' is not valid")

    for each in (path, f"{path}/bin", "/nix/store/.links"):
        with pytest.raises(NixreproError, match="is not in the store: Nix does not know it"):
            module._stored(each, Nix(answers))


def test_one_clear_error(project: Path, make: Make) -> None:
    ways = "give a run (`last`, or the start of its id), a lock file, a git revision with a colon"
    for text in ("nonsense", "", "HEAD~9", "-x:", "nowhere:", "abc", "./nowhere"):
        assert error(project, text).startswith(f"nothing is called {text!r} here")
        assert ways in error(project, text)
    assert error(project, "HEAD~1").endswith("; for the git revision write HEAD~1:")
    assert "is not in the store; realise" in error(project, "/nix/store/" + "0" * 32 + "-x")
    (project / "empty").mkdir()
    assert "empty is no project" in error(project, "empty")
    assert "is not a nixrepro lock" in error(project, "pyproject.toml")
    make("ab")
    make("ac")
    assert "2 runs begin with 'a'" in error(project, "a")
    (project / "ab").mkdir()
    assert "'ab' is a run and a file or folder; for the file or folder write ./ab" in error(
        project, "ab"
    )
    assert "is no project" in error(project, "./ab")
    (project / "HEAD:").write_text("")
    assert "is a file or folder and a git revision" in error(project, "HEAD:")


def test_a_record_of_another_shape(project: Path, make: Make) -> None:
    make("ab", lambda document: document["layers"].update(system=[{"version": "1"}]))
    assert "record.json can't be compared: KeyError: 'name'; restore it" in error(project, "ab")


def test_a_folder_outside_of_any_repository(tmp_path: Path, make: Make) -> None:
    assert "nothing is called 'HEAD:'" in error(tmp_path, "HEAD:")
    other = make("b", lambda document: document["layers"]["code"].update(tree="f" * 40))
    found = difference(
        tmp_path, *(find(tmp_path, each.document["id"][:8]) for each in (make(), other))
    )
    (code,) = (part for part in found.parts if part.layer == "code")
    assert code.unknown[0][1] == "the project is in no Git repository that git accepts"


def test_a_name_that_git_would_take_for_an_option(project: Path, make: Make) -> None:
    victim = project / "victim"
    victim.write_text("precious")
    make(
        "ab", lambda document: document["layers"]["code"].update(commit=f"--index-output={victim}")
    )
    assert "is no name of a commit or tree" in error(project, "ab")


def test_a_record_that_is_none(project: Path, make: Make) -> None:
    """Whatever its name: which file, what is wrong with it, and nobody is told to delete it."""
    whole = (make().folder / "record.json").read_text()
    broken = {"cut": whole[: len(whole) // 2], "list": "[]", "lacking": '{"format": 1}'}
    for name, text in broken.items():
        for file in (project / f"{name}.json", project / name / "record.json"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
            said = error(project, str(file))
            assert str(file) in said and "restore it" in said
            assert "delete" not in said and "remove" not in said and "lock" not in said
    (project / "copied").write_text(whole)
    assert find(project, "copied").name == "run aaaaaaaaaaaa"


def test_a_run_folder_that_was_copied_beside_the_others(project: Path, make: Make) -> None:
    folder = make().folder
    folder.rename(folder.parent / "copy of it")
    assert find(project, str(folder.parent / "copy of it")).name == "run aaaaaaaaaaaa"


def test_who_wants_runs_is_told_of_runs(project: Path) -> None:
    for text in ("zzzz", "HEAD"):
        with pytest.raises(NixreproError) as caught:
            find(project, text, runs=True)
        assert "revision" not in f"{caught.value.message}{caught.value.hint}"
        assert "`nixrepro runs`" in caught.value.hint
