"""The code layer's facts: commit, tree and uncommitted patch, by as few git calls as it takes."""

from __future__ import annotations

import os

from . import STATE
from .spawn import Reading, which

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

# An untracked file beyond this goes into the record by its digest only.
LARGE = 5_000_000
# And so does every further one once the patch would hold this much of them.
TOGETHER = 50_000_000
# Digesting more than this would delay every start: such files belong into pinned data.
DIGESTED = 500_000_000
TOO_LARGE = {"unknown": "too large to digest at each start: pin it as data or ignore it in Git"}
OWN = f"/{STATE}/"
KILLED = "git was ended by a signal"
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class Code:
    """Reads the state of a project's working tree; `start` early, `finish` when it is needed."""

    def __init__(
        self, project: str, system: str, env: dict[str, str], mask: Iterable[int] = ()
    ) -> None:
        """Find git: the closure's own before the host's.

        Args:
            project: the project's folder.
            system: the closure's merged system, whose bin/git is used when it has one.
            env: this process's variables.
            mask: the signals that are to be blocked in git.
        """
        self.mask = list(mask)
        self.project = project
        own = os.path.join(system, "bin", "git") if system else ""
        self.git = own if own and os.access(own, os.X_OK) else which("git", env.get("PATH", ""))
        # A hook or `git rebase --exec` sets GIT_DIR and more: of another repository, perhaps.
        self.env = {key: value for key, value in env.items() if not key.startswith("GIT_")}
        self.env.update(GIT_OPTIONAL_LOCKS="0", GIT_LITERAL_PATHSPECS="1", LC_ALL="C")
        # The machine's and the user's configuration of Git are the host's.
        self.env.pop("XDG_CONFIG_HOME", None)
        self.env.update(GIT_CONFIG_NOSYSTEM="1", HOME=os.devnull)
        # Else it looks for the host's translations.
        self.env["GIT_TEXTDOMAINDIR"] = os.path.join(system, "share", "locale")
        self._started: tuple[Reading | None, Reading | None] = (None, None)

    def start(self) -> None:
        """Start the two questions that every run asks."""
        if not self.git:
            return
        try:
            head = self._ask(
                "rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-path", "objects",
                "HEAD", "HEAD^{tree}",
            )  # fmt: skip
            status = self._ask("status", "--porcelain=v1", "-z", "--untracked-files=all",
                               "--no-renames")  # fmt: skip
        except OSError:
            self.git = ""
            return
        self._started = (head, status)

    def tell(self, number: int) -> None:
        """Pass a signal on that may have come before all of git was started."""
        for reading in self._started:
            if reading is not None:
                os.kill(reading.pid, number)

    def finish(self, scratch: str) -> tuple[dict[str, Any], bytes]:
        """The layer's facts and the uncommitted patch (empty when there is none).

        Args:
            scratch: a folder for a copy of the index and the objects of the changed files.
        """
        head, status = self._started
        if head is None or status is None:
            return {"unknown": "there is no git, neither in the closure nor on PATH"}, b""
        asked, said = head.finish()
        code, changed = status.finish()
        if asked < 0 or code < 0:
            return {"unknown": KILLED}, b""
        lines = said.decode("utf-8", "surrogateescape").splitlines()
        if code != 0 or len(lines) < 3:  # noqa: PLR2004
            return {"unknown": "the project's folder is in no Git repository that git accepts"}, b""
        known = len(lines) >= 5 and lines[3] != "HEAD"  # noqa: PLR2004
        facts: dict[str, Any] = {
            "commit": lines[3] if known else {"unknown": "nothing is committed yet"},
            "tree": lines[4] if known else EMPTY_TREE,
            "dirty": False,
            "large": [],
        }
        paths = _paths(changed)
        if not paths:
            return facts, b""
        facts["dirty"] = True
        objects = os.path.normpath(os.path.join(self.project, lines[2]))
        return self._dirty(facts, (lines[0], lines[1], objects), paths, scratch)

    def _dirty(
        self,
        facts: dict[str, Any],
        places: tuple[str, str, str],
        paths: list[tuple[str, bool]],
        scratch: str,
    ) -> tuple[dict[str, Any], bytes]:
        """Put what changed into a copy of the index, objects aside: its tree is what runs."""
        top, folder, objects = places
        chosen, facts["large"] = _choose(top, paths)
        index = os.path.join(scratch, "index")
        store = os.path.join(scratch, "objects")
        os.mkdir(store)
        try:
            with open(os.path.join(folder, "index"), "rb") as old, open(index, "wb") as new:
                new.write(old.read())
        except FileNotFoundError:
            pass
        env = {
            **self.env,
            "GIT_INDEX_FILE": index,
            "GIT_OBJECT_DIRECTORY": store,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects,
        }
        names = b"".join(os.fsencode(name) + b"\0" for name in chosen)
        if names:
            words = ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"]
            code, _ = Reading([self.git, "-C", top, *words], env, names, self.mask).finish()
            if code != 0:
                facts["tree"] = facts["patch"] = {"unknown": "git refused a changed file"}
                return facts, b""
        base = facts["commit"] if isinstance(facts["commit"], str) else EMPTY_TREE
        tree = Reading([self.git, "-C", top, "write-tree"], env, mask=self.mask)
        diff = Reading(
            [self.git, "-C", top, "diff-index", "--cached", "--binary", "--full-index", "--patch",
             "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", base],
            env, mask=self.mask,
        )  # fmt: skip
        code, patch = diff.finish()
        wrote, name = tree.finish()
        if code < 0 or wrote < 0:
            facts["tree"] = facts["patch"] = {"unknown": KILLED}
            return facts, b""
        facts["tree"] = name.decode().strip()
        if patch:
            import hashlib

            facts["patch"] = {
                "file": "code.patch",
                "sha256": hashlib.sha256(patch).hexdigest(),
                "size": len(patch),
            }
        return facts, patch

    def _ask(self, *words: str) -> Reading:
        # Whose folder it is says nothing: the run's own program is of that folder too.
        argv = [self.git, "-C", self.project, "-c", "safe.directory=*", *words]
        return Reading(argv, self.env, mask=self.mask)


def _paths(changed: bytes) -> list[tuple[str, bool]]:
    """Paths, from the top, of `git status -z`; with whether they are untracked."""
    found = []
    for entry in changed.split(b"\0"):
        path = os.fsdecode(entry[3:])
        if path and OWN not in f"/{path}/":
            found.append((path, entry[:2] == b"??"))
    return found


def _choose(top: str, paths: list[tuple[str, bool]]) -> tuple[list[str], list[dict[str, Any]]]:
    chosen: list[str] = []
    large: list[dict[str, Any]] = []
    total = digested = 0
    for path, untracked in paths:
        size = 0
        if untracked and path.endswith("/"):
            reason = "a Git repository of its own, not a submodule"
            large.append({"path": path, "size": 0, "sha256": {"unknown": reason}})
            continue
        if untracked:
            try:
                size = os.lstat(os.path.join(top, path)).st_size
            except OSError:
                continue
        if size > LARGE or total + size > TOGETHER:
            digested += size
            sha256 = _hash(os.path.join(top, path)) if digested <= DIGESTED else TOO_LARGE
            large.append({"path": path, "size": size, "sha256": sha256})
        else:
            total += size
            chosen.append(path)
    return chosen, large


def _hash(path: str) -> Any:
    import hashlib

    found = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                found.update(block)
    except OSError as error:
        return {"unknown": f"it can't be read: {error.strerror}"}
    return found.hexdigest()
