"""Git in a repetition's own work tree, which borrows the project's objects and nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from nixrepro import git
from nixrepro.errors import RunError
from nixrepro.process import Completed, Runner

# Nothing that the person has set to happen at a checkout happens here.
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false", "-c", "gc.auto=0")


def is_git_folder(path: Path) -> bool:
    """Whether a folder is what git keeps in `.git`."""
    return (path / "HEAD").is_file() and (path / "objects").is_dir()


class Work:
    """A repository whose work tree is made to hold what a run had."""

    def __init__(self, top: Path, runner: Runner) -> None:
        """Name it; `link` makes it.

        Args:
            top: its folder.
            runner: how to start git.
        """
        self.top = top
        self.runner = runner
        self._variables = {**git.untied(os.environ), "LC_ALL": "C"}

    def link(self, source: Path) -> None:
        """Make it, with the objects of the repository that a folder is in.

        Every object there can be reached, also a commit that no branch has (any more). The folder
        may be a git folder itself, whose work tree may be gone.

        Raises:
            RunError: git fails.
        """
        # Git makes an empty folder where a submodule is to be.
        self.top.mkdir(parents=True, exist_ok=True)
        form, objects, shallow = self._found(source)
        self.git("init", "--quiet", "--template=", f"--object-format={form}")
        folder = self.top / ".git"
        borrowed = folder / "objects" / "info"
        borrowed.mkdir(parents=True, exist_ok=True)
        (borrowed / "alternates").write_bytes(os.fsencode(source.absolute() / objects) + b"\n")
        if (source / shallow).exists():
            shutil.copy(source / shallow, folder / "shallow")

    def _found(self, source: Path) -> tuple[str, str, str]:
        """Of a repository its kind of names, its objects, and where its history is cut."""
        if is_git_folder(source):
            words = ("config", "--file", str(source.absolute() / "config"))
            form = self.ask(*words, "extensions.objectformat").stdout.decode().strip()
            return form or "sha1", "objects", "shallow"
        asked = self.git(
            "rev-parse", "--show-object-format", "--git-path", "objects", "--git-path", "shallow",
            cwd=source,
        )  # fmt: skip
        form, objects, shallow = os.fsdecode(asked).splitlines()
        return form, objects, shallow

    def has(self, commit: str) -> bool:
        """Whether a commit is there."""
        return self.ask("cat-file", "-e", f"{commit}^{{commit}}").status == 0

    def check_out(self, commit: str) -> None:
        """Have a commit's files.

        Raises:
            RunError: git fails.
        """
        self.git("checkout", "--quiet", "--detach", commit)

    def tree_with(self, patch: bytes, commit: str) -> str:
        """The tree of a commit ("" for an empty one) with a patch; the files stay as they are.

        Raises:
            RunError: the patch does not fit.
        """
        self.git("read-tree", commit or "--empty", index="patched")
        self.git("apply", "--cached", "--whitespace=nowarn", "-", stdin=patch, index="patched")
        return self.git("write-tree", index="patched").decode().strip()

    def become(self, tree: str, commit: str, large: int) -> None:
        """Have a tree's files, not committed; new ones are unknown to git as they mostly were.

        Args:
            tree: its name.
            commit: the one checked out, or "".
            large: bytes beyond which a file in a patch was known to git.

        Raises:
            RunError: git fails.
        """
        self.git("read-tree", "--reset", "-u", tree)
        words = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=A")
        if commit:
            new = self.git(*words, commit, tree)
            self.git("reset", "--quiet")
        else:
            new = self.git("ls-tree", "-r", "-z", "--name-only", tree)
            self.git("read-tree", "--empty")
        asked = self.ask("check-ignore", "-z", "--stdin", stdin=new)
        if asked.status > 1:  # 1: none is ignored
            raise RunError(f"`git check-ignore` failed in {self.top}", details=asked.stderr)
        ignored = set(asked.stdout.split(b"\0"))
        known = [
            name
            for name in new.split(b"\0")
            if name and (name in ignored or os.lstat(self.top / os.fsdecode(name)).st_size > large)
        ]
        if known:
            names = b"\0".join(known)
            options = (
                "--intent-to-add",
                "--force",
                "--pathspec-from-file=-",
                "--pathspec-file-nul",
            )
            self.git("--literal-pathspecs", "add", *options, stdin=names)

    def submodules(self, tree: str) -> list[tuple[str, str]]:
        """Paths in a tree that are repositories of their own, each with its commit."""
        found = []
        for entry in self.git("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0"):
            about, _, path = entry.partition(b"\t")
            if about.startswith(b"160000 "):
                found.append((os.fsdecode(path), about.split()[2].decode()))
        return found

    def git(
        self, *words: str, cwd: Path | None = None, stdin: bytes = b"", index: str = ""
    ) -> bytes:
        """What git says.

        Raises:
            RunError: it fails.
        """
        done = self.ask(*words, cwd=cwd, stdin=stdin, index=index)
        if done.status != 0:
            raise RunError(f"`git {words[0]}` failed in {cwd or self.top}", details=done.stderr)
        return done.stdout

    def ask(
        self, *words: str, cwd: Path | None = None, stdin: bytes = b"", index: str = ""
    ) -> Completed:
        """Start git and wait, with an index file of another name than git's own if one is given.

        Raises:
            RunError: there is no git.
        """
        env = dict(self._variables)
        if index:
            env["GIT_INDEX_FILE"] = str(self.top / ".git" / index)
        try:
            return self.runner(["git", *_QUIET, *words], cwd=cwd or self.top, env=env, stdin=stdin)
        except FileNotFoundError:
            raise RunError("git is not installed", hint="install it: `apt install git`") from None
