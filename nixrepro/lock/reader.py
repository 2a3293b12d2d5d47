"""Reads a lock and believes nothing in it: every name, path and digest has its shape checked."""

from __future__ import annotations

import re
from pathlib import Path

from nixrepro import names
from nixrepro.canonical import digest, write_atomic
from nixrepro.errors import LockError
from nixrepro.lock.model import FILE, LAYERS, VERSION, Artefact, Lock, order
from nixrepro.lock.writer import answer, dumps
from nixrepro.tables import Document, Table

_AGAIN = "take it from version control, or delete it and run `nixrepro lock`"
_BY_HAND = "a lock is not edited by hand: " + _AGAIN
_KINDS: dict[str, dict[str, tuple[str, ...]]] = {
    "system": {"deb": ("", "bootstrap", "observer")},
    "accelerator": {"deb": ("",), "wheel": ("",), "sdist": ("",)},
    "wheels": {"wheel": ("", "build"), "sdist": ("",)},
    "data": {"file": ("",), "folder": ("",)},
}
_SHAPES = {"deb": names.DEB, "wheel": names.WHEEL, "sdist": names.WHEEL, "file": names.DATA}
_SHAPES["folder"] = names.DATA
_MERKLE = re.compile("merkle:[0-9a-f]{64}")
_BUILD = re.compile(f"{names.WHEEL.pattern}=={names.WHEEL_VERSION.pattern}")
_HIGHEST_SIZE = 2**62  # Nix's whole numbers are signed 64-bit


def load(path: Path) -> Lock:
    """Read a lock file.

    Raises:
        LockError: it is missing or unreadable, or `parse` refuses it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise LockError(f"there is no {path}", hint="run `nixrepro lock` first") from error
    except UnicodeDecodeError as error:
        raise LockError(f"{path.name} is not a nixrepro lock: not UTF-8", hint=_AGAIN) from error
    except OSError as error:
        raise LockError(f"can't read {path}: {error.strerror}") from error
    return parse(text, path.name)


def save(path: Path, lock: Lock) -> None:
    """Write a lock file in one step.

    Raises:
        OSError: it can't be written; the old file is untouched.
    """
    write_atomic(path, dumps(lock).encode())


def parse(text: str, file: str = FILE) -> Lock:
    """Read a lock's text.

    Raises:
        LockError: it is empty, foreign, newer, or says anything that a lock can't say; with the
            line, the key and what to do.
    """
    if not text.strip():
        raise LockError(f"{file} is empty", hint=_AGAIN)
    if text.lstrip().startswith("{"):
        raise LockError(f"{file} is not a nixrepro lock: it is JSON", hint=_AGAIN)
    root = Document(text, file, LockError).parse()
    _check_version(root, file)
    root.only("version", "python", "glibc", "as-of", "digest", "question", "artefact")
    question = root.table("question")
    asked = {key: value for key, value in question.values.items() if key != "digest"}
    if question.string("digest", None) != digest(asked):
        question.fail("digest", "does not fit the rest of the table", _BY_HAND)
    artefacts = [_artefact(table) for table in root.tables("artefact")]
    _check_together(root, artefacts)
    if root.string("digest", None) != answer(artefacts):
        root.fail("digest", "does not fit the artefacts: one was lost, added or changed", _BY_HAND)
    return Lock(
        python=root.string("python", None, names.UPSTREAM, "a version such as 3.11.2"),
        glibc=root.string("glibc", None, names.UPSTREAM, "a version such as 2.36"),
        question=asked,
        artefacts=tuple(sorted(artefacts, key=order)),
        as_of=root.string("as-of", "", names.DATE, "a date such as 2022-03-01"),
    )


def _check_version(root: Table, file: str) -> None:
    version = root.values.get("version")
    if type(version) is not int or "question" not in root:
        raise LockError(f"{file} is not a nixrepro lock: it has no version", hint=_AGAIN)
    if version > VERSION:
        hint = "install a newer nixrepro, or " + _AGAIN
        known = f"this nixrepro reads up to version {VERSION}"
        raise LockError(f"{file} has version {version}; {known}", hint=hint)
    if version < 1:
        root.fail("version", f"can't be {version}", _AGAIN)


def _artefact(table: Table) -> Artefact:
    table.only(
        *("layer", "name", "version", "kind", "role", "file", "size", "sha256", "archive"),
        *("location", "url", "path", "dependencies", "build", "optional", "digest"),
    )
    layer = table.choice("layer", None, LAYERS)
    kind = table.choice("kind", None, tuple(_KINDS[layer]))
    shape = _SHAPES[kind]
    data, deb = layer == "data", kind == "deb"
    versions = names.DEB_VERSION if deb else names.WHEEL_VERSION
    artefact = Artefact(
        layer=layer,
        name=table.string("name", None, shape, "a name that can be used"),
        version=table.string("version", "" if data else None, versions, "a version"),
        kind=kind,
        role=table.choice("role", "", _KINDS[layer][kind]),
        file=table.string("file", None, names.FILE, "a plain file name"),
        size=table.number("size", None, 0 if data else 1, _HIGHEST_SIZE),
        sha256=table.string("sha256", None, names.SHA256, "64 hex digits"),
        archive=table.choice("archive", "", ("debian", "debian-security") if deb else ("",)),
        location=table.string("location"),
        url=table.string("url", "", names.URL, "a URL (http, https or file)"),
        path=table.string("path"),
        dependencies=table.strings("dependencies", shape, "a name that can be used"),
        build=table.strings("build", _BUILD, "of the form name==version"),
        optional=table.flag("optional", False),
        digest=table.string("digest", "", _MERKLE, "merkle: and 64 hex digits"),
    )
    _check_places(table, artefact)
    return artefact


def _check_places(table: Table, artefact: Artefact) -> None:
    location, path = artefact.location, artefact.path
    if artefact.kind == "deb":
        pool = names.is_inside(location) and location.startswith("pool/")
        if not pool or location.rpartition("/")[2] != artefact.file:
            table.fail("location", f"is not where {artefact.file} can be: {location!r}", _BY_HAND)
    elif location:
        table.fail("location", "is for Debian packages only", _BY_HAND)
    if path and not (artefact.layer == "data" and names.is_inside(path)):
        table.fail("path", f"can't be {path!r}", _BY_HAND)
    if artefact.build and artefact.kind != "sdist":
        table.fail("build", "is for sdists only", _BY_HAND)
    if artefact.optional and artefact.layer != "data":
        table.fail("optional", "is for data only", _BY_HAND)
    if artefact.layer == "data" and not (artefact.url or path):
        table.fail("name", "is data with neither url nor path", _BY_HAND)
    if (artefact.kind == "folder") != bool(artefact.digest):
        table.fail("digest", "is for folders of data, and each has one", _BY_HAND)


def _check_together(root: Table, artefacts: list[Artefact]) -> None:
    """Each artefact stands once, and what it names is there."""
    seen: set[tuple[str, str, str, str]] = set()
    groups: dict[tuple[str, str], set[str]] = {}
    builds: set[str] = set()
    for number, artefact in enumerate(artefacts):
        # Two sdists may need two versions of one build tool; an environment holds only one.
        version = artefact.version if artefact.role == "build" else ""
        identity = (artefact.layer, artefact.role, artefact.name, version)
        if identity in seen:
            problem = f"names {artefact.name!r} a second time"
            root.document.fail(("artefact", number, "name"), problem, _BY_HAND)
        seen.add(identity)
        groups.setdefault((artefact.layer, artefact.role), set()).add(artefact.name)
        if artefact.role == "build":
            builds.add(f"{artefact.name}=={artefact.version}")
    for number, artefact in enumerate(artefacts):
        there = groups[artefact.layer, artefact.role]
        if artefact.role == "observer":  # it stands on the environment's own system
            there = there | groups.get((artefact.layer, ""), set())
        for key, wanted, known in (
            ("dependencies", artefact.dependencies, there),
            ("build", artefact.build, builds),
        ):
            lacking = [name for name in wanted if name not in known]
            if lacking:
                problem = f"names {lacking[0]!r}, which the lock does not hold"
                root.document.fail(("artefact", number, key), problem, _BY_HAND)
