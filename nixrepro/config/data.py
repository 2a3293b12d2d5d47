"""Reads the tables of pinned data."""

from __future__ import annotations

import re

from nixrepro import names
from nixrepro.config.model import Data
from nixrepro.runtime import STATE
from nixrepro.runtime.datasets import MERKLE, SHA256
from nixrepro.tables import Table

_DIGEST = re.compile(f"({SHA256}|{MERKLE})[0-9a-f]{{64}}")
_RELATIVE = "give it relative to the project's folder, without '..' and quotes"
_KEYS = ("url", "path", "digest", "sha256", "size", "optional", "store", "dvc")


def read_all(tables: Table) -> tuple[Data, ...]:
    """All of `[tool.nixrepro.data]`.

    Raises:
        ConfigError: with the key's full name and its line.
    """
    found: dict[str, Data] = {}
    for data in (_data(tables, name) for name in sorted(tables)):
        if data.url in found:
            first = found[data.url].name
            tables.table(data.name).fail("url", f"is that of data.{first} too: {data.url}")
        found[data.url or data.name] = data
    return tuple(found.values())


def _data(tables: Table, name: str) -> Data:
    if not names.DATA.fullmatch(name):
        tables.fail(name, "is not a plain name", "use letters, digits, '.', '_' and '-'")
    table = tables.table(name)
    table.only(*_KEYS)
    data = Data(
        name=name,
        sha256=table.string("sha256", "", names.SHA256, "64 hex digits in lower case"),
        url=table.string("url", "", names.URL, "a URL (http, https or file)"),
        path=_inside(table, "path"),
        size=table.number("size", None, 0, 2**62) if "size" in table else None,
        optional=table.flag("optional", False),
        digest=table.string(
            "digest", "", _DIGEST, "sha256: (of a file) or merkle: (of a folder) and 64 hex digits"
        ),
        store=table.flag("store", False),
        dvc=_inside(table, "dvc"),
    )
    _check(tables, table, data)
    if data.digest.startswith(SHA256):
        return Data(**{**vars(data), "sha256": data.digest.removeprefix(SHA256), "digest": ""})
    return data


def _inside(table: Table, key: str) -> str:
    path = table.string(key)
    if path and (not names.is_inside(path) or path.split("/")[0] == STATE):
        table.fail(key, f"leaves the project's folder or can't be a path: {path!r}", _RELATIVE)
    return path


def _check(tables: Table, table: Table, data: Data) -> None:
    pins = [key for key in ("sha256", "digest", "dvc") if getattr(data, key)]
    if not pins:
        hint = f"`nixrepro data add {data.name} PATH` writes its digest"
        tables.fail(data.name, "lacks the key 'digest'", hint)
    if len(pins) > 1:
        table.fail(pins[1], f"says again what {pins[0]} says", "keep one of them")
    if data.dvc:
        for key in ("url", "path", "store", "size"):
            if key in table:
                table.fail(key, "does not go with dvc: the .dvc file says where the data lies")
        if not data.dvc.endswith(".dvc"):
            table.fail("dvc", f"is no .dvc file: {data.dvc!r}")
    if data.url and data.digest.startswith(MERKLE):
        table.fail("digest", "is that of a folder, and a URL gives a file", "state its sha256:")
    if data.url and "store" in table and not data.store:
        table.fail("store", "can't be false: what comes from a URL is kept in the store")
    if data.store and not data.url and not data.path:
        tables.fail(data.name, "needs a url or a path")
