"""What is not as it was committed: told from git's status, and made a tree and a patch of."""

from __future__ import annotations

import os

from . import STATE, git

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .git import Code

# No untracked file more goes into the patch once it would hold this much of them.
TOGETHER = 50_000_000
# Digesting more than this would delay every start: such files belong into pinned data.
DIGESTED = 500_000_000
TOO_LARGE = {"unknown": "too large to digest at each start: pin it as data or ignore it in Git"}
OWN = f"/{STATE}/"


class Change:
    """One path that differs from the last commit.

    Attributes:
        path: from the top of the work tree.
        untracked: whether git does not know it.
        submodule: whether it is a submodule.
        moved: False for a submodule in which alone something changed.
        ids: of its content as it was committed and as it is staged; empty where git knows none.
        pointer: what Git LFS would commit instead of its content; empty for all other files.
        apart: whether it is left out of tree and patch, being too large to be looked at.
    """

    def __init__(
        self, path: str, *, untracked: bool = False, state: bytes = b"", ids: Iterable[bytes] = ()
    ) -> None:
        self.path = path
        self.untracked = untracked
        self.submodule = state[:1] == b"S"
        self.moved = not self.submodule or state[1:2] == b"C" or state[2:] == b".."
        self.ids = [each.decode("ascii") for each in ids]
        self.pointer = b""
        self.apart = False


def parse(status: bytes) -> list[Change]:
    """The changes that `git status --porcelain=v2 -z` tells, less what is our own."""
    found = []
    for entry in status.split(b"\0"):
        kind = entry[:2]
        if kind == b"? ":
            change = Change(os.fsdecode(entry[2:]), untracked=True)
        elif kind in (b"1 ", b"u "):
            # Of what is merged and in conflict, ours is what was committed.
            fields = entry.split(b" ", 8 if kind == b"1 " else 10)
            ids = fields[6:8] if kind == b"1 " else fields[8:9]
            change = Change(os.fsdecode(fields[-1]), state=fields[2], ids=ids)
        else:
            continue
        if OWN not in f"/{change.path}/":
            found.append(change)
    return found


def patch(
    code: Code,
    facts: dict[str, Any],
    places: tuple[str, str, str],
    changes: list[Change],
    scratch: str,
) -> dict[str, bytes]:
    """Put what changed into a copy of the index, objects aside: its tree is what runs.

    Args:
        code: asks git.
        facts: the layer's, with commit and tree as they were committed.
        places: the work tree's top, git's own folder and that of its objects.
        changes: what is not as it was committed.
        scratch: a folder for the copy.

    Returns:
        The patch under its name, if there is any.
    """
    top, folder, objects = places
    chosen, large = _choose(top, changes)
    facts["large"] += large
    store = os.path.join(scratch, "objects")
    os.mkdir(store)
    index = os.path.join(scratch, "index")
    try:
        with open(os.path.join(folder, "index"), "rb") as old, open(index, "wb") as new:
            new.write(old.read())
            written = os.fstat(old.fileno()).st_mtime_ns
        # By its age git knows which files may have changed since without another size and second.
        os.utime(index, ns=(written, written))
    except FileNotFoundError:
        pass
    env = {
        "GIT_INDEX_FILE": index,
        "GIT_OBJECT_DIRECTORY": store,
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects,
    }
    if not _enter(code, top, chosen, env, scratch):
        facts["tree"] = facts["patch"] = {"unknown": "git refused a changed file"}
        return {}
    base = facts["commit"] if isinstance(facts["commit"], str) else git.EMPTY_TREE
    tree = code.ask_in(top, "write-tree", more=env)
    diff = code.ask_in(
        top, "diff-index", "--cached", "--binary", "--full-index", "--patch", "--no-color",
        "--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=none", base,
        more=env,
    )  # fmt: skip
    status, text = diff.finish()
    wrote, name = tree.finish()
    if status or wrote:
        reason = git.KILLED if min(status, wrote) < 0 else "git can't write down what changed"
        facts["tree"] = facts["patch"] = {"unknown": reason}
        return {}
    facts["tree"] = name.decode().strip()
    if not text:
        return {}
    facts["patch"] = stated(git.PATCH, text)
    return {git.PATCH: text}


def stated(file: str, content: bytes) -> dict[str, Any]:
    """What a record says of a patch that lies beside it."""
    import hashlib

    sha256 = hashlib.sha256(content).hexdigest()
    return {"file": file, "sha256": sha256, "size": len(content)}


def digest(path: str) -> Any:
    """SHA-256 of a file, or why there is none."""
    import hashlib

    found = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                found.update(block)
    except OSError as error:
        return {"unknown": f"it can't be read: {error.strerror}"}
    return found.hexdigest()


def _enter(
    code: Code, top: str, changes: Iterable[Change], env: dict[str, str], scratch: str
) -> bool:
    """Have the copy of the index hold the changes; False where git refuses one."""
    plain: list[bytes] = []
    hidden: list[bytes] = []
    for change in changes:
        if not change.pointer:
            # Git refuses to look at what it knew in a folder that is a link now.
            chosen = hidden if _behind_link(top, change.path) else plain
            chosen.append(os.fsencode(change.path) + b"\0")
    for option, names in (("--force-remove", hidden), ("--remove", plain)):
        words = ["update-index", "--add", "--replace", option, "-z", "--stdin"]
        if names and code.ask_in(top, *words, stdin=b"".join(names), more=env).finish()[0]:
            return False
    entries = b""
    for number, change in enumerate(changes):
        if change.pointer:
            place = os.path.join(scratch, f"pointer-{number}")
            with open(place, "wb") as stream:
                stream.write(change.pointer)
            asked = code.ask_in(top, "hash-object", "-w", "--no-filters", "--", place, more=env)
            name = asked.finish()[1].strip()
            mode = b"100755" if os.access(os.path.join(top, change.path), os.X_OK) else b"100644"
            entries += mode + b" " + name + b"\t" + os.fsencode(change.path) + b"\0"
    words = ["update-index", "--add", "--replace", "-z", "--index-info"]
    return not entries or code.ask_in(top, *words, stdin=entries, more=env).finish()[0] == 0


def _behind_link(top: str, path: str) -> bool:
    """Whether a folder above a path, below the top, is a link."""
    while path := os.path.dirname(path.rstrip("/")):
        if os.path.islink(os.path.join(top, path)):
            return True
    return False


def _choose(top: str, changes: Iterable[Change]) -> tuple[list[Change], list[dict[str, Any]]]:
    """What goes into the patch, and what is too large for that."""
    chosen: list[Change] = []
    large: list[dict[str, Any]] = []
    total = digested = 0
    for change in changes:
        size, path = 0, change.path
        if change.apart:
            continue
        if change.untracked and path.endswith("/"):
            reason = "a Git repository of its own, not a submodule"
            large.append({"path": path, "size": 0, "sha256": {"unknown": reason}})
            continue
        if change.untracked and not change.pointer:
            try:
                size = os.lstat(os.path.join(top, path)).st_size
            except OSError:
                continue
        if size > git.LARGE or total + size > TOGETHER:
            digested += size
            sha256 = digest(os.path.join(top, path)) if digested <= DIGESTED else TOO_LARGE
            large.append({"path": path, "size": size, "sha256": sha256})
        else:
            total += size
            chosen.append(change)
    return chosen, large
