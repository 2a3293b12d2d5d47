"""Says which line of Python used what: copied into an observed run as its sitecustomize.

Runs in the closure's Python: standard library only, Python 3.9 and later.
"""

from __future__ import annotations

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(_HERE, "asked.json"), encoding="utf-8") as _stream:
    _ASKED = frozenset(json.load(_stream))
_NAMES = frozenset(os.path.basename(path) for path in _ASKED if path.startswith("/"))
_OUT = os.open(os.path.join(_HERE, "frames.jsonl"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _subjects(event: str, arguments: tuple[Any, ...]) -> list[str]:
    """The paths or addresses that an audit event is about."""
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple):
            host, port = address[0], address[1]
            return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
        name = os.fsdecode(address)
        return ["@" + name[1:] if name.startswith("\0") else name]
    if event in ("open", "ctypes.dlopen", "os.listdir", "os.scandir", "os.chdir", "os.exec",
                 "os.posix_spawn", "sqlite3.connect", "os.mkdir", "os.remove", "os.rename",
                 "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod"):  # fmt: skip
        said = list(arguments[:1])
    elif event == "subprocess.Popen":
        said = [arguments[0], arguments[1][0] if isinstance(arguments[1], (list, tuple)) else ""]
    elif event == "import":
        said = list(arguments[1:2])
    else:
        return []
    found: list[str] = []
    for path in said:
        if isinstance(path, (str, bytes, os.PathLike)) and path:
            name = os.fsdecode(path)
            found += [name] if "/" not in name else []
            found += [os.path.abspath(name), os.path.realpath(name)]
    return found


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _EVENTS:
        return
    try:
        subjects = _subjects(event, arguments)
        hits = {each for each in subjects if each in _ASKED}
        bare = [os.path.basename(each) for each in subjects if each in _NAMES]
        hits |= {path for path in _ASKED if os.path.basename(path) in bare}
        if hits:
            frames = []
            frame: Any = sys._getframe(1)
            while frame is not None:
                frames.append([frame.f_code.co_filename, frame.f_lineno])
                frame = frame.f_back
            line = json.dumps({"subjects": sorted(hits), "frames": frames}) + "\n"
            os.write(_OUT, line.encode())
    except Exception:
        pass  # an observer must not change what it observes


_EVENTS = frozenset((
    "socket.connect", "socket.sendto", "open", "ctypes.dlopen", "os.listdir", "os.scandir",
    "os.chdir", "os.exec", "os.posix_spawn", "sqlite3.connect", "os.mkdir", "os.remove",
    "os.rename", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod",
    "subprocess.Popen", "import",
))  # fmt: skip
sys.addaudithook(_watch)
