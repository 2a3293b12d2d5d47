"""What a traced program did with files, programs and addresses."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from nixrepro.strace import FORKS, Event, descriptor, quoted, unescape

_ABSENT = ("ENOENT", "ENOTDIR")
_INTERNET = re.compile(
    r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\("|inet_pton\(AF_INET6, ")([^"]+)"'
)
_UNIX = re.compile(r'sun_path=(@?)"((?:\\.|[^"\\])*)"')
_BOUND = re.compile(r"<(?:TCP|UDP|UDPLITE|SCTP)(?:v6)?:\[(.*?)(?:->.*)?\]>")
# Which arguments of a call name a file; a folder's descriptor stands before the name.
_FIRST = {"execve": (0,), "symlink": (1,), "rename": (0, 1), "link": (0, 1)}
_AT = {
    **dict.fromkeys(("renameat", "renameat2", "linkat"), (1, 3)),
    "symlinkat": (2,),
}
_WITH_FOLDER = re.compile(r".*at2?|newfstatat|statx|name_to_handle_at")
# Which argument of mmap is the descriptor.
_MAPPED = 4
_OPENING = ("open", "openat", "openat2", "creat")
_WRITES = re.compile(
    r"O_(?:WRONLY|RDWR|CREAT)|^(?:creat|mkdir|mknod|unlink|rmdir|rename|link|symlink|chmod|f?chown"
    r"|lchown|utime|futimes|truncate|set|lset|remove|fchmod)"
)


class Kind(StrEnum):
    """What was done with something outside of the process."""

    READ = "read"
    WRITE = "write"
    START = "start"
    MAP = "map"
    CONNECT = "connect"
    HIDE = "hide"


@dataclass(frozen=True)
class Use:
    """One use of a file or an address.

    Args:
        kind: what was done.
        subject: the file's path, links followed where that is known, or the address.
        program: the file that the process was started from; empty where that is not known.
        found: whether there was anything of that name.
        named: only its name was looked up: a folder's on the way to something, say.
        stack: the objects whose code called, the innermost first; empty where not asked for.
    """

    kind: Kind
    subject: str
    program: str
    found: bool = True
    named: bool = False
    stack: tuple[str, ...] = ()


def uses(calls: Iterable[Event], folder: str) -> Iterator[Use]:
    """What the calls did.

    Args:
        calls: in their order.
        folder: in which the first process was started.
    """
    state = _State(folder)
    for event in calls:
        if event.call in FORKS:
            state.fork(event)
        elif event.call in ("bind", "listen"):
            # A port that another one holds already is that one's.
            if not event.result.startswith("-"):
                state.own |= _bound(event)
        else:
            yield from _done(event, state)


def _done(event: Event, state: _State) -> Iterator[Use]:
    program, failed = state.program(event.pid), event.result.startswith(("-", "?"))
    if event.call == "io_uring_setup":
        if not failed:  # what is asked of the kernel through a ring is no call
            yield Use(Kind.HIDE, "io_uring", program, stack=event.stack)
    elif event.call == "mmap":
        if (
            len(event.arguments) > _MAPPED
            and not failed
            and (path := descriptor(event.arguments[_MAPPED]))
        ):
            yield Use(Kind.MAP, path, program, stack=event.stack)
    elif event.call in ("connect", "sendto", "sendmsg", "sendmmsg"):
        for address in _addresses(event):
            if address not in state.own:
                yield Use(Kind.CONNECT, address, program, stack=event.stack)
    else:
        for path in _paths(event, state.folder(event.pid)):
            yield _file(event, path, program)
            if not failed:
                state.enter(event, path)


class _State:
    """The program and the folder of each process, and the addresses that they listen at."""

    def __init__(self, folder: str) -> None:
        self._first = folder
        self._forking = 0
        self._programs: dict[int, str] = {}
        self._folders: dict[int, str] = {}
        self.own: set[str] = set()

    def program(self, pid: int) -> str:
        return self._programs.get(pid, self._programs.get(self._forking, ""))

    def folder(self, pid: int) -> str:
        return self._folders.get(pid, self._folders.get(self._forking, self._first))

    def fork(self, event: Event) -> None:
        self._forking = event.pid
        child = event.result.split(" ")[0]
        if child.isdigit():
            self._programs.setdefault(int(child), self.program(event.pid))
            self._folders.setdefault(int(child), self.folder(event.pid))

    def enter(self, event: Event, path: str) -> None:
        if event.call in ("execve", "execveat"):
            self._programs[event.pid] = path
        elif event.call in ("chdir", "fchdir"):
            self._folders[event.pid] = path


def _file(event: Event, path: str, program: str) -> Use:
    opening, starting = event.call in _OPENING, event.call in ("execve", "execveat")
    kind = Kind.START if starting else Kind.READ
    if not starting and _WRITES.search(f"{event.call}({','.join(event.arguments[1:])}"):
        kind = Kind.WRITE
    found = not any(f" {error} " in f" {event.result} " for error in _ABSENT)
    named = kind is Kind.READ and not opening
    return Use(kind, path, program, found, named, event.stack)


def _paths(event: Event, folder: str) -> Iterator[str]:
    """The files that a call names; an opened one by what the kernel says that it is."""
    if event.call in _OPENING and (path := descriptor(event.result)):
        yield path
        return
    if event.call == "fchdir":
        if event.arguments and (path := descriptor(event.arguments[0])):
            yield path
        return
    with_folder = bool(_WITH_FOLDER.fullmatch(event.call)) and event.call not in ("stat", "lstat")
    places = _AT.get(event.call, (1,)) if with_folder else _FIRST.get(event.call, (0,))
    for place in places:
        if place >= len(event.arguments):  # a line that was cut
            return
        name = quoted(event.arguments[place])
        base = folder
        if with_folder and place:
            base = descriptor(event.arguments[place - 1]) or folder
        if name:
            yield os.path.normpath(os.path.join(base, name))


def _addresses(event: Event) -> Iterator[str]:
    printed = ",".join(event.arguments[1:])
    for port, host in _INTERNET.findall(printed):
        yield spell(host, int(port))
    if unix := _UNIX.search(printed):
        yield unix[1] + unescape(unix[2])


def spell(host: str, port: int) -> str:
    """An address as it is shown: 192.0.2.1:80, [2001:db8::1]:80."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bound(event: Event) -> set[str]:
    """The addresses at which the program itself listens."""
    found = set(_addresses(event))
    for address in _BOUND.findall(event.arguments[0] if event.arguments else ""):
        host, _, port = address.rpartition(":")
        if port.isdigit():
            bare = host.strip("[]")
            found.add(spell(bare, int(port)))
            if bare in ("0.0.0.0", "::"):
                found |= {spell("127.0.0.1", int(port)), spell("::1", int(port))}
    return found
