"""The code layer's facts: commit, tree and uncommitted patch, by as few git calls as it takes."""

from __future__ import annotations

import os

from .spawn import Reading, which

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .git_changes import Change
    from .git_names import Names

# An untracked file beyond this goes into the record by its digest only.
LARGE = 5_000_000
PATCH = "code.patch"
KILLED = "git was ended by a signal"
# No part of any digest, and a long history takes git a while: no start waits for them.
LATER = {"unknown": "git is asked while the program runs"}
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
# Whose folder it is says nothing: the run's own program is of that folder too. Git LFS is the
# host's, if it is there at all: its files are compared as they are.
_SURE = (
    *("-c", "safe.directory=*"),
    *("-c", "filter.lfs.clean=", "-c", "filter.lfs.process=", "-c", "filter.lfs.required=false"),
)


class Code:
    """Reads the state of a project's working tree; `start` early, `finish` when it is needed.

    Attributes:
        changed: paths, from the top, of what is not as it was committed; known when finished.
        untracked: those of them that git does not know.
    """

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
        self.project = os.path.abspath(project)  # git is asked in other folders, too
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
        self._started: tuple[Reading, ...] = ()
        self.changed: list[str] = []
        self.untracked: list[str] = []
        self._named: tuple[str, str, str] | None = None
        self._names: Names | None = None

    def start(self) -> None:
        """Start the questions that every run asks, side by side."""
        if not self.git:
            return
        try:
            head = self.ask(
                "rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir",
                "--git-path", "objects", "HEAD", "HEAD^{tree}", "--symbolic-full-name", "HEAD",
            )  # fmt: skip
            status = self.ask("status", "--porcelain=v2", "-z", "--untracked-files=all",
                              "--no-renames", "--ignore-submodules=none")  # fmt: skip
            attributes = self.ask("ls-files", "-z", "--full-name", "--",
                                  ":(top,glob)**/.gitattributes", literal=False)  # fmt: skip
        except OSError:
            self.git = ""
            return
        self._started = (head, status, attributes)

    def tell(self, number: int) -> None:
        """Pass a signal on that may have come before all of git was started."""
        for reading in self._started:
            os.kill(reading.pid, number)

    def finish(self, scratch: str) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The layer's facts and the uncommitted patches by their files' names, if there are any.

        Args:
            scratch: a folder for a copy of the index and the objects of the changed files.
        """
        if not self._started:
            return {"unknown": "there is no git, neither in the closure nor on PATH"}, {}
        (asked, said), (code, status), (last, names) = [each.finish() for each in self._started]
        if min(asked, code, last) < 0:
            return {"unknown": KILLED}, {}
        lines = said.decode("utf-8", "surrogateescape").splitlines()
        if len(lines) < 4:  # noqa: PLR2004
            return {"unknown": "the project's folder is in no Git repository that git accepts"}, {}
        if code != 0:
            return {
                "unknown": "git can't look at the project's folder: `git status` says there why"
            }, {}
        known = len(lines) >= 6 and lines[4] != "HEAD"  # noqa: PLR2004
        facts: dict[str, Any] = {
            "commit": lines[4] if known else {"unknown": "nothing is committed yet"},
            "tree": lines[5] if known else EMPTY_TREE,
            "dirty": False,
            "large": [],
            "submodules": [],
            "lfs": [],
            "describe": LATER,
            "remote": LATER,
        }
        top, common, objects = (os.path.join(self.project, lines[n]) for n in (0, 2, 3))
        self._named = (lines[4], lines[-1], common) if known else ("", "", common)
        patches: dict[str, bytes] = {}
        changes: list[Change] = []
        if status:
            from .git_changes import parse

            changes = parse(status)
        modules = os.path.exists(os.path.join(top, ".gitmodules"))
        if modules or any(each.submodule for each in changes):
            from .git_submodules import look

            look(self, top, changes, facts, patches, scratch)
        attributed = [os.fsdecode(name) for name in names.split(b"\0") if name]
        attributed += [each.path for each in changes if each.path.endswith(".gitattributes")]
        if attributed or os.path.exists(os.path.join(lines[1], "info", "attributes")):
            from .git_lfs import look as look_for_lfs

            changes = look_for_lfs(self, (top, lines[1]), attributed, changes, facts)
        if changes:
            from .git_changes import patch

            facts["dirty"] = True
            places = (top, lines[1], os.path.normpath(objects))
            patches.update(patch(self, facts, places, changes, scratch))
        # A submodule's own paths are there already.
        self.changed += [each.path for each in changes if each.moved]
        self.untracked += [each.path for each in changes if each.untracked]
        return facts, patches

    def names(self, *, wait: bool = True) -> dict[str, Any]:
        """What people call the commit: `describe` and `remote`; nothing outside of a repository.

        Args:
            wait: False only has git begin, to be asked again when there is time.
        """
        if self._named is None:
            return {}
        if self._names is None:
            from .git_names import Names

            self._names = Names(self, *self._named)
            self._names.start()
        tracked = len(self.changed) > len(self.untracked)
        return self._names.finish(tracked) if wait else {}

    def judge(self, facts: dict[str, Any], *, clean: bool, quiet: bool) -> None:
        """Warn of code that git could not bring back, or refuse what was to be clean.

        Args:
            facts: what `finish` gave.
            clean: refuse whatever is not committed and complete.
            quiet: say nothing.

        Raises:
            Refused: it was to be clean, and is not.
        """
        told = [facts.get(name) for name in ("large", "submodules", "lfs")]
        if clean or any(told) or None in told or isinstance(facts["tree"], dict):
            from .git_doubts import see

            see(facts, self.changed, clean=clean, quiet=quiet)

    def ask(self, *words: str, stdin: bytes = b"", literal: bool = True) -> Reading:
        """Start git in the project's folder.

        Args:
            words: the command and its arguments.
            stdin: what it reads.
            literal: whether paths mean themselves, whatever characters they have.

        Raises:
            OSError: it can't be started.
        """
        return self.ask_in(self.project, *words, stdin=stdin, literal=literal)

    def ask_in(
        self,
        folder: str,
        *words: str,
        stdin: bytes = b"",
        literal: bool = True,
        more: dict[str, str] | None = None,
    ) -> Reading:
        """The same in another folder, with more variables."""
        env = {**self.env, **(more or {})}
        if not literal:
            del env["GIT_LITERAL_PATHSPECS"]
        return Reading([self.git, "-C", folder, *_SURE, *words], env, stdin, self.mask)
