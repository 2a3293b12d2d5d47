"""Pins data: digests what is at a path or a URL, and writes that into pyproject.toml."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro import git, names
from nixrepro.canonical import write_atomic
from nixrepro.config import FILE, Config, Data, parse, question
from nixrepro.data.declared import entry
from nixrepro.data.tables import Values, with_table
from nixrepro.errors import ConfigError, NixreproError
from nixrepro.process import run
from nixrepro.project import read
from nixrepro.runtime.datasets import places
from nixrepro.runtime.datasets.states import State, look
from nixrepro.urls import public

if TYPE_CHECKING:
    from nixrepro.nix import Nix

Say = Callable[[str], None]


@dataclass(frozen=True)
class Added:
    """What was pinned.

    Args:
        data: as pyproject.toml says it now.
        digest: of what lies there.
        files: how many.
        size: bytes of all of them.
        where: its place on this machine; "" for a URL.
        written: whether pyproject.toml was changed.
        lock: whether the lock does not answer any more.
    """

    data: Data
    digest: str
    files: int
    size: int
    where: str
    written: bool
    lock: bool


def add(
    config: Config,
    name: str,
    target: str,
    *,
    store: bool,
    optional: bool,
    update: bool,
    nix: Nix | None,
    say: Say,
) -> Added:
    """Pin data under a name, or say where pinned data lies on this machine.

    Args:
        config: the project.
        name: of the data.
        target: a path (relative to the current folder), a URL, or "" for where it lies already.
        store: keep it in the store.
        optional: no run needs it.
        update: pin what is there now, though another digest is pinned.
        nix: its store takes what comes from a URL; None for none.
        say: tells the person.

    Raises:
        ConfigError: it can't be pinned so; nothing was written.
        FetchError: the URL gives nothing.
        OSError: the project can't be written.
    """
    if not names.DATA.fullmatch(name):
        raise ConfigError(f"{name!r} is no plain name", hint="use letters, digits, '.', '_', '-'")
    old = next((data for data in config.data if data.name == name), None)
    if names.URL.fullmatch(target):
        wanted, state = Data(name, "", url=target), None
        if public(target) != target:
            say("pyproject.toml, the lock and records get this URL, user name and password with it")
        digest, size = _downloaded(target, nix, say)
    else:
        wanted, where = _placed(config.root, name, target, old, store)
        state = _looked(config.root, wanted, where, say)
        assert state.found is not None
        digest, size = state.found.digest, state.found.size
        if wanted.dvc and not state.same:
            say(
                f"{wanted.dvc} pins {state.pin}, and here is {digest}: bring it back by "
                f"`dvc checkout {wanted.dvc}`, or pin what is here by `dvc add`"
            )
    wanted = _pinned(wanted, digest, store=store, optional=optional, old=old)
    if old is not None and not update and (old.dvc or old.pin) != (wanted.dvc or wanted.pin):
        raise ConfigError(
            f"data {name!r} is pinned as {old.dvc or old.pin}, and this is "
            f"{wanted.dvc or wanted.pin}",
            hint="--update pins what is there now",
        )
    written, lock = _write(config, old, wanted)
    if target and state is not None and not wanted.dvc:
        _link(config.root, name, state.where)
    files = state.found.count if state is not None and state.found is not None else 1
    return Added(wanted, digest, files, size, state.where if state else "", written, lock)


def _placed(root: Path, name: str, target: str, old: Data | None, store: bool) -> tuple[Data, str]:
    """The data by its path in the project, or, where that is elsewhere, its place alone."""
    if not target:
        if old is None or old.url:
            raise ConfigError(f"say where data {name!r} is: a path or a URL")
        return replace(old, sha256="", digest=""), ""
    path = Path(os.path.abspath(target))
    if not os.path.lexists(path):
        raise ConfigError(f"there is no {path}", hint="name a file, a folder or a URL")
    top = Path(os.path.abspath(root))
    if path == top or path in top.parents:
        raise ConfigError(f"{path} has the project itself in it: name what has the data only")
    inside = str(path.relative_to(top)) if path.is_relative_to(top) else ""
    if inside and not names.is_inside(inside):
        raise ConfigError(f"{inside!r} can't stand in pyproject.toml", hint="rename it")
    if inside.endswith(".dvc") and path.is_file():
        return Data(name, "", dvc=inside), ""
    if not inside:
        if store:
            hint = "put it, or a link to it, into the project first"
            raise ConfigError(f"{path} lies outside of the project", hint=hint)
        kept = old.path if old is not None and old.reference else ""
        return Data(name, "", path=kept), str(path)
    return Data(name, "", path=inside), str(path)


def _looked(root: Path, wanted: Data, where: str, say: Say) -> State:
    """What lies there.

    Raises:
        ConfigError: nothing, or nothing that can be digested.
    """
    about = {**entry(wanted), **({"place": where} if where else {})}
    state = look(str(root), wanted.name, about, say=say)
    if state.found is None:
        raise ConfigError(f"data {wanted.name!r} can't be pinned: {state.reason}")
    return state


def _pinned(wanted: Data, digest: str, *, store: bool, optional: bool, old: Data | None) -> Data:
    found = replace(
        wanted,
        store=store or (old is not None and old.store and not wanted.url),
        optional=optional or (old is not None and old.optional),
    )
    if wanted.dvc:
        return replace(found, store=False)
    kind, _, digits = digest.partition(":")
    if kind == "sha256":
        return replace(found, sha256=digits)
    return replace(found, digest=digest)


def _write(config: Config, old: Data | None, new: Data) -> tuple[bool, bool]:
    """Write its table; whether that changed the file, and what a lock must answer."""
    path = config.root / FILE
    values: Values = {
        "url": new.url or None,
        "path": new.path or None,
        "dvc": new.dvc or None,
        "digest": new.pin or None,
        "sha256": None,
        "store": new.store or None,
        "optional": new.optional or None,
    }
    if old is not None and old.pin == new.pin and old.pin.startswith("sha256:"):
        # Said as it was: by sha256 alone.
        text = read(path)
        values |= (
            {} if "digest" in _keys(text, new.name) else {"digest": None, "sha256": old.sha256}
        )
    elif old is not None:
        values["size"] = None
    text = read(path)
    made = with_table(text, new.name, values)
    after = parse(made, config.root)
    if made != text:
        write_atomic(path, made.encode())
    return made != text, question(after)["data"] != question(config)["data"]


def _keys(text: str, name: str) -> set[str]:
    import tomli

    return set(tomli.loads(text)["tool"]["nixrepro"]["data"][name])


def _link(root: Path, name: str, where: str) -> None:
    """Say, for this machine alone, where it lies, unless that is in the project."""
    link = Path(places.link(str(root), name))
    if Path(where).is_relative_to(os.path.abspath(root)):
        link.unlink(missing_ok=True)
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    new = link.with_name(f"{name}.{os.getpid()}.new")
    new.symlink_to(where)
    new.replace(link)


def untracked(root: Path, path: str) -> bool:
    """Whether there is something at a path that git neither knows nor ignores."""
    argv = ["git", "ls-files", "--others", "--exclude-standard", "--directory", "--", path]
    try:
        done = run(argv, cwd=root, env=git.untied(os.environ))
    except FileNotFoundError:
        return False
    return done.status == 0 and bool(done.stdout.strip())


def _downloaded(url: str, nix: Nix | None, say: Say) -> tuple[str, int]:
    """Digest and size of what a URL gives, which the store has then.

    Raises:
        FetchError: it gives nothing.
    """
    import hashlib

    from nixrepro.http import Http
    from nixrepro.lock import store_name
    from nixrepro.resolve.data import file_name

    with _http() as http, tempfile.TemporaryDirectory(prefix="nixrepro-") as scratch:
        assert isinstance(http, Http)
        file = Path(scratch) / store_name(file_name(url))

        def attempt() -> tuple[str, int]:
            hashed, size = hashlib.sha256(), 0
            with http.stream(url) as stream, file.open("wb") as out:
                for chunk in stream.chunks:
                    hashed.update(chunk)
                    out.write(chunk)
                    size += len(chunk)
            return f"sha256:{hashed.hexdigest()}", size

        found = http.persist(attempt)
        os.chmod(file, stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
        try:
            if nix is not None:
                nix.add_fixed([file])
        except NixreproError as error:
            say(f"it is not in the store yet: {error.message}")
    return found


@contextmanager
def _http() -> Iterator[object]:
    from nixrepro.http import Http
    from nixrepro.registries import pip

    settings = pip.read(pip.files(os.environ), os.environ)
    http = Http(cert=settings.cert, proxy=settings.proxy)
    try:
        yield http
    finally:
        http.close()
