"""What people call the commit that runs: its description by tags, and where it is shared."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .git import Code
    from .spawn import Reading

# As many of a commit's digits in each clone, however many commits it has.
_DIGITS = 12
_ASKED = r"^(remote\..*\.url|branch\..*\.remote)$"
_BRANCH = "refs/heads/"
# The user by whose name such servers are asked; all others may say who somebody is.
_SERVICE = "git"
_SCHEMES = ("file", "ftp", "ftps", "git", "git+ssh", "http", "https", "ssh", "ssh+git")
_UNREADABLE = {"unknown": "the remote's URL can't be read, and may hold a secret"}


class Names:
    """Asks for both; `start` when there is time, `finish` when they are needed."""

    def __init__(self, code: Code, commit: str, branch: str, common: str) -> None:
        """Ask nothing yet.

        Args:
            code: asks git.
            commit: the commit that runs; "" where nothing is committed.
            branch: the full name of the branch that is checked out; "" or HEAD for none.
            common: git's folder that all work trees of the repository share.
        """
        self.code = code
        self.commit = commit
        self.branch = branch[len(_BRANCH) :] if branch.startswith(_BRANCH) else ""
        self.common = common
        self._settings: dict[str, list[str]] | None = None
        self._config: Reading | None = None
        self._describe: Reading | None = None
        self._found: dict[str, Any] = {}

    def start(self) -> None:
        """Have git begin, as far as its own files do not answer at once."""
        try:
            self._settings = plain_settings(os.path.join(self.common, "config"))
            if self._settings is None:
                self._config = self.code.ask("config", "-z", "--get-regexp", _ASKED)
            if self.commit and tagged(self.common):
                words = ("describe", "--tags", f"--abbrev={_DIGITS}", "--always", self.commit)
                self._describe = self.code.ask(*words)
        except OSError as error:
            why = {"unknown": f"git can't be started: {error.strerror}"}
            self._found = {"describe": why, "remote": why}

    def finish(self, tracked: bool) -> dict[str, Any]:
        """Both.

        Args:
            tracked: whether a file that git knows is not as it was committed.
        """
        if not self._found:
            settings = self._settings
            if self._config is not None:
                settings = told_settings(self._config.finish()[1])
            self._found["remote"] = remote(settings or {}, self.branch)
            name: Any = self.commit[:_DIGITS]
            if self._describe is not None:
                status, said = self._describe.finish()
                if status == 0:
                    name = said.decode("utf-8", "backslashreplace").strip()
            dirty = "-dirty" if tracked else ""
            nothing = {"unknown": "nothing is committed yet"}
            self._found["describe"] = name + dirty if self.commit else nothing
        return self._found


def tagged(common: str) -> bool:
    """Whether a repository has tags, as far as can be seen without git: then it has to be asked."""
    try:
        with os.scandir(os.path.join(common, "refs", "tags")) as entries:
            if any(True for _ in entries):
                return True
    except OSError:
        return True  # kept in another way
    try:
        with open(os.path.join(common, "packed-refs"), "rb") as stream:
            return b" refs/tags/" in stream.read()
    except FileNotFoundError:
        return False


def plain_settings(path: str) -> dict[str, list[str]] | None:
    """Remotes' URLs and branches' remotes in a configuration file without anything special in it.

    Returns:
        None where only git itself can tell.
    """
    found: dict[str, list[str]] = {}
    section = ""
    try:
        with open(path, encoding="utf-8") as stream:
            lines = [line.strip() for line in stream]
    except FileNotFoundError:
        return found
    except (OSError, ValueError):
        return None
    for line in lines:
        if line.startswith("["):
            kind, _, name = line[1:-1].partition(" ")
            plain = name.startswith('"') and name.endswith('"') and not set(name[1:-1]) & set('"\\')
            if not line.endswith("]") or kind.lower().startswith("include") or (name and not plain):
                return None
            section = f"{kind.lower()}.{name[1:-1]}." if name else ""
        elif section.startswith(("remote.", "branch.")):
            key, equals, value = line.partition("=")
            if set(value) & set('"\\#;') or line.endswith("\\"):
                return None
            if equals and key.strip().lower() in ("url", "remote"):
                found.setdefault(section + key.strip().lower(), []).append(value.strip())
    return found


def told_settings(said: bytes) -> dict[str, list[str]]:
    """The same, as `git config -z` tells it."""
    found: dict[str, list[str]] = {}
    for entry in said.decode("utf-8", "backslashreplace").split("\0"):
        key, _, value = entry.partition("\n")
        if key:
            found.setdefault(key, []).append(value)
    return found


def remote(settings: dict[str, list[str]], branch: str) -> Any:
    """The URL of the remote that a branch follows, else of `origin`, else of the only one.

    Args:
        settings: `remote.NAME.url` and `branch.NAME.remote`, each with all its values.
        branch: "" for none.
    """
    urls = {
        key[len("remote.") : -len(".url")]: values[0]  # git fetches from the first
        for key, values in settings.items()
        if key.startswith("remote.") and key.endswith(".url")
    }
    follows = settings.get(f"branch.{branch}.remote", [""])[-1]
    if follows and follows != "." and follows not in urls:
        return public(follows)  # a branch may name a URL itself
    only = next(iter(urls)) if len(urls) == 1 else ""
    for name in (follows, "origin", only):
        if name in urls:
            return public(urls[name])
    if urls:
        return {"unknown": "there are several remotes, and the branch follows none of them"}
    return {"unknown": "the repository has no remote"}


def public(url: str) -> Any:
    """A remote's URL without what may be a secret: users but `git` over SSH, passwords, queries."""
    helper, colons, rest = url.partition("::")
    if colons and helper.replace("-", "").isalnum():
        if helper == "ext":
            return {"unknown": "the remote is a command, which may hold a secret"}
        if "@" in rest and "://" not in rest:
            return _UNREADABLE
        inner = public(rest)
        return f"{helper}::{inner}" if isinstance(inner, str) else inner
    scheme, slashes, rest = url.partition("://")
    if slashes:
        place, slash, path = _plain(rest).partition("/")
        user, _, host = place.rpartition("@")
        name, colon, port = host.rpartition(":") if _ported(host) else (host, "", "")
        # A password with a slash or the like in it: where the host begins can't be told.
        doubtful = "@" in path if user else colon and "@" in rest
        # Of another scheme its name may be a user's, and the rest a password.
        doubtful = doubtful or ("@" in rest and scheme not in _SCHEMES)
        if doubtful or (colon and not port.isdigit()):
            return _UNREADABLE
        if "ssh" in scheme and user.partition(":")[0] == _SERVICE:
            name = f"{_SERVICE}@{name}"
        return f"{scheme}://{name}{colon}{port}{slash}{path}"
    if ":" not in url.partition("/")[0]:
        return url  # a folder
    # As scp has it: USER@HOST:PATH.
    place, slash, path = _plain(url).partition("/")
    user, at, host = place.rpartition("@")
    if "@" in path or ("@" in url and not at):
        return _UNREADABLE
    name = f"{_SERVICE}@" if user.partition(":")[0] == _SERVICE else ""
    return f"{name}{host}{slash}{path}"


def _plain(text: str) -> str:
    """A part of a URL less its query and fragment."""
    return text.partition("?")[0].partition("#")[0]


def _ported(host: str) -> bool:
    """Whether a colon stands outside of the brackets of an IPv6 address."""
    return ":" in host.rpartition("]")[2]
