"""Pinned data under its name and under its URL; Keras's get_file gets it and never the network."""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from . import events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def pinned() -> dict[str, dict[str, Any]]:
    """What is pinned, by name: its path, its sha256 and perhaps its url."""
    path = os.environ.get("NIXREPRO_DATA")
    if not path:
        return {}
    import json

    with open(path, encoding="utf-8") as stream:
        found = json.load(stream)
    table: dict[str, dict[str, Any]] = found.get("data", {})
    return table


def by_url(url: str) -> tuple[str, dict[str, Any] | None]:
    """Name and entry of what is pinned for a URL, or an empty name and None."""
    for name, entry in pinned().items():
        if entry.get("url") and entry["url"] == url:
            return name, entry
    return "", None


def present(name: str, entry: dict[str, Any]) -> str:
    """The path of pinned data, once it is sure that it is there.

    Raises:
        LookupError: it is optional data that nobody fetched, or not where it is to lie.
    """
    path = str(entry["path"])
    if entry.get("reference"):
        return _referred(name, entry)
    if not os.path.exists(path):
        raise LookupError(
            f"data {name!r} is pinned but was not fetched: run nixrepro fetch --data {name}"
        )
    return path


def _referred(name: str, entry: dict[str, Any]) -> str:
    """The place of data by reference: settled by the supervisor, else looked for in the project."""
    from .datasets.places import absent, place
    from .launch import nearest

    path = place(nearest(os.getcwd()), name, entry)
    if not path or not os.path.exists(path):
        raise LookupError(absent(name, path, entry))
    return path


def pin_files(module: Any) -> None:
    """Make a Keras module's `get_file` and its downloads use what is pinned."""
    get_file = module.get_file
    if getattr(get_file, "nixrepro", False):
        return
    signature = inspect.signature(get_file)

    @functools.wraps(get_file)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        origin = bound.arguments.get("origin")
        name, entry = by_url(str(origin))
        if entry is None:
            return _unpinned(get_file, bound)
        present(name, entry)
        _note_expected(name, entry, bound.arguments)
        events.write("data", name=name, url=str(origin), sha256=entry["sha256"], pinned=True)
        _prepare(entry, bound.arguments, module.__name__.endswith("file_utils"))
        return get_file(*bound.args, **bound.kwargs)

    wrapper.nixrepro = True  # type: ignore[attr-defined]
    module.get_file = wrapper
    if hasattr(module, "urlretrieve"):
        module.urlretrieve = _retrieve(module.urlretrieve)


def _retrieve(original: Any) -> Any:
    @functools.wraps(original)
    def urlretrieve(url: Any, filename: Any = None, *args: Any, **kwargs: Any) -> Any:
        name, entry = by_url(str(url))
        if entry is None or filename is None:
            return original(url, filename, *args, **kwargs)
        _link(present(name, entry), Path(filename))
        return filename, {}

    return urlretrieve


def _prepare(entry: dict[str, Any], arguments: dict[str, Any], modern: bool) -> None:
    """Lay a link to the pinned file where Keras (3 when modern, else 2) looks before it fetches."""
    cache = _cache()
    folder = Path(cache, arguments.get("cache_subdir", "datasets"))
    fname = str(arguments.get("fname") or os.path.basename(urlsplit(str(arguments["origin"])).path))
    folder.mkdir(parents=True, exist_ok=True)
    packed = arguments.get("untar") or arguments.get("extract")
    if modern and packed and (arguments.get("untar") or not os.path.splitext(fname)[1]):
        fname += "_archive"
    elif not modern and arguments.get("untar") and not fname.endswith(".tar.gz"):
        fname += ".tar.gz"
    _link(entry["path"], folder / fname)
    arguments["cache_dir"] = str(cache)
    # The pin is the stronger word, and is checked already; see _note_expected.
    for key in ("file_hash", "md5_hash"):
        arguments.pop(key, None)
    arguments.pop("force_download", None)


def _link(target: str, place: Path) -> None:
    if place.is_dir() or (place.is_symlink() and os.readlink(place) == target):
        return  # unpacked or laid already
    place.unlink(missing_ok=True)
    place.symlink_to(target)


def _cache() -> Path:
    """Where Keras may keep files: the run's own temporary folder, never the home folder's cache."""
    home = os.environ.get("KERAS_HOME")
    if not home:
        import tempfile

        home = os.environ["KERAS_HOME"] = tempfile.mkdtemp(prefix="nixrepro-keras-")
        import atexit

        atexit.register(shutil.rmtree, home, True)
    os.makedirs(home, exist_ok=True)
    return Path(home)


def _note_expected(name: str, entry: dict[str, Any], arguments: dict[str, Any]) -> None:
    expected = arguments.get("file_hash") or arguments.get("md5_hash")
    if not expected:
        return
    expected = str(expected).lower()
    kind = "sha256" if len(expected) == len(entry["sha256"]) else "md5"
    actual = entry["sha256"] if kind == "sha256" else _hash(Path(entry["path"]), kind)
    if actual != expected:
        events.write("data-differs", name=name, kind=kind, expected=expected, actual=actual)
        print(
            f"nixrepro: data {name}: the program expects {kind} {expected[:12]}..., "
            f"pinned is {actual[:12]}...: the pinned file is used",
            file=sys.stderr,
        )


def _unpinned(get_file: Any, bound: inspect.BoundArguments) -> Any:
    """Let it through, but say in the record what came: whoever reads it can then pin it."""
    if bound.arguments.get("cache_dir") is None and os.environ.get("KERAS_HOME"):
        bound.arguments["cache_dir"] = str(_cache())
    result = get_file(*bound.args, **bound.kwargs)
    path = Path(str(result))
    sha256 = _hash(path, "sha256") if path.is_file() else ""
    events.write(
        "data",
        name=path.name,
        url=str(bound.arguments.get("origin")),
        sha256=sha256 or {"unknown": "the program asked for the extracted folder"},
        pinned=False,
    )
    return result


def _hash(path: Path, kind: str) -> str:
    found = hashlib.new(kind)
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()
