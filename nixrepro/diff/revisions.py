"""A project as it is at a git revision, and what changed from one tree to another."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from nixrepro import config as configs
from nixrepro import git
from nixrepro import lock as locks
from nixrepro.diff import known
from nixrepro.diff.model import Code, Side, Unknown
from nixrepro.errors import NixreproError
from nixrepro.process import Completed, run

_DIFF = (
    *("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--find-renames"),
    *("--src-prefix=a/", "--dst-prefix=b/"),
)


def commit(root: Path, text: str) -> str:
    """The commit that stands before the colon in REV:PATH; "" where there is none."""
    name = text.partition(":")[0]
    if not name or name.startswith("-"):
        return ""
    done = _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return done.stdout.decode().strip() if done.status == 0 else ""


def side(root: Path, text: str) -> Side:
    """The side of REV: or REV:PATH, where PATH is a project's folder or lock, from the top.

    Raises:
        NixreproError: there is no lock at that revision, or it can't be read.
    """
    found = commit(root, text)
    given = text.partition(":")[2].strip("/")
    place = git.place(root)
    inside = given or (place.inside if place else "")
    name, folder = f"{text} ({found[:12]})", f"{inside}/" if inside else ""
    if given and given.rpartition("/")[2].endswith(".lock"):
        path, folder = given, f"{given.rpartition('/')[0]}/".lstrip("/")
    else:
        path = f"{folder}{locks.FILE}"
    lock = _show(root, found, path)
    if lock is None:
        hint = "name another revision, or the project's folder behind the colon, from the top"
        raise NixreproError(f"there is no {path} at {text}", hint=hint)
    pins = known.inputs(_show(root, found, f"{folder}flake.lock") or "")
    read = known.of_lock(locks.parse(lock, f"{found[:12]}:{path}"), name, pins)
    tree = _git(root, "rev-parse", f"{found}^{{tree}}").stdout.decode().strip()
    unknown = {**read.unknown, "hardware": "a revision says nothing of it"}
    unknown.pop("code")
    facts = {}
    project = _show(root, found, f"{folder}{configs.FILE}")
    if project is None:
        unknown["settings"] = f"there is no {folder}{configs.FILE} at that revision"
    else:
        unknown.pop("settings")
        for key in ("folder", "passed"):
            unknown[f"settings.{key}"] = "only a run knows it"
        facts["settings"] = known.settings_of(configs.parse(project, root))
    return replace(read, kind="revision", code=Code(found, tree), facts=facts, unknown=unknown)


def changes(root: Path, a: Code, b: Code) -> tuple[str, str]:
    """What `git diff` says from one code to another; else an empty text and why.

    What was not committed is put into a temporary index, its objects into a temporary folder.
    """
    objects = _git(root, "rev-parse", "--git-path", "objects")
    top = _git(root, "rev-parse", "--show-toplevel")
    if objects.status != 0 or top.status != 0:
        return "", "the project is in no Git repository that git accepts"
    with tempfile.TemporaryDirectory(prefix="nixrepro-diff-") as scratch:
        env = {
            "GIT_OBJECT_DIRECTORY": scratch,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.path.abspath(
                root / os.fsdecode(objects.stdout.rstrip(b"\n"))
            ),
        }
        folder = Path(os.fsdecode(top.stdout.rstrip(b"\n")))
        trees = []
        for number, code in enumerate((a, b)):
            index = {**env, "GIT_INDEX_FILE": f"{scratch}/index-{number}"}
            tree, reason = _tree(folder, code, index)
            if reason:
                return "", reason
            trees.append(tree)
        done = _git(folder, *_DIFF, *trees, env=env)
        if done.status != 0:
            return "", f"git can't compare the trees: {done.stderr.strip()[:200]}"
        return done.stdout.decode(errors="replace"), ""


def _tree(folder: Path, code: Code, env: Mapping[str, str]) -> tuple[str, str]:
    """A tree that is in the repository, or made there from the commit and the patch."""
    if isinstance(code.tree, Unknown):
        return "", code.tree.reason
    if _git(folder, "cat-file", "-e", f"{code.tree}^{{tree}}").status == 0:
        return code.tree, ""
    base = "--empty" if isinstance(code.commit, Unknown) else code.commit
    if _git(folder, "read-tree", base, env=env).status != 0:
        return "", f"commit {str(code.commit)[:12]} is not in this repository"
    if not code.patch:
        return "", f"tree {code.tree[:12]} is not in this repository"
    done = _git(folder, "apply", "--cached", "--binary", "--whitespace=nowarn", code.patch, env=env)
    if done.status != 0:
        return "", f"{Path(code.patch).name} does not apply to its commit"
    made = _git(folder, "write-tree", env=env).stdout.decode().strip()
    if made != code.tree:
        return "", f"{Path(code.patch).name} and its commit don't give the recorded tree"
    return made, ""


def _show(root: Path, commit: str, path: str) -> str | None:
    done = _git(root, "cat-file", "blob", f"{commit}:{path}")
    return done.stdout.decode(errors="replace") if done.status == 0 else None


def _git(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> Completed:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    # The person's own configuration of Git changes what it prints.
    kept.update(GIT_CONFIG_NOSYSTEM="1", HOME=os.devnull, LC_ALL="C", **(env or {}))
    kept.pop("XDG_CONFIG_HOME", None)
    try:
        return run(["git", "-c", "safe.directory=*", *words], cwd=folder, env=kept)
    except FileNotFoundError:
        return Completed(127, b"", "there is no git")
