"""Reads what strace writes: every call of a program and its children, with what it gave."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

# Every call that takes a file's name; what makes processes, sockets, rings; what maps files.
CALLS = (
    "%file,fchdir,mmap,clone,clone3,fork,vfork,connect,bind,listen,sendto,sendmsg,sendmmsg,"
    "io_uring_setup"
)
FORKS = ("clone", "clone3", "fork", "vfork")
_TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"(?:\.\.\.)?'  # a text, perhaps cut
    r"|(?<=[\dD])<(?:[^<>\\]|\\.|<[^<>]*>)*>"  # what a descriptor is, beside its number
    r"|[(\[{]|[)\]}]|,|[^\"<(\[{)\]},]+|<"
)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_PLAIN = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}
_LINE = re.compile(r"(\d+) +(?:<\.\.\. (\w+) resumed>)?(.*)", re.DOTALL)
_FRAME = re.compile(r" > (.+?)\((.*)\) \[0x[0-9a-f]+\]")
_DESCRIPTOR = re.compile(r"(?:\d+|AT_FDCWD)<(.*)>", re.DOTALL)


@dataclass(frozen=True)
class Event:
    """One call: the process, its name, its arguments as printed, what it gave, who called it."""

    pid: int
    call: str
    arguments: tuple[str, ...]
    result: str
    stack: tuple[str, ...] = ()


def events(lines: Iterable[str]) -> Iterator[Event]:
    """The calls in a trace made with `-f`; one that was cut in two is joined."""
    begun: dict[int, str] = {}
    last: Event | None = None
    for line in lines:
        if frame := _FRAME.match(line):
            if last:
                last = replace(last, stack=(*last.stack, frame[1]))
            continue
        match = _LINE.fullmatch(line.rstrip("\n"))
        if not match:
            continue
        pid, resumed, text = int(match[1]), match[2], match[3]
        if text.endswith("<unfinished ...>"):
            begun[pid] = text.removesuffix("<unfinished ...>").rstrip(" ")
            if text.partition("(")[0] in FORKS:  # the child may speak before its parent does
                if last:
                    yield last
                last = Event(pid, text.partition("(")[0], (), "?")
            continue
        if resumed:
            start = begun.pop(pid, "")
            # A name that the call got before it was cut stays as it is: no comma is lost.
            text = start + text if start else ""
        if last:
            yield last
        last = _event(pid, text)
    if last:
        yield last


def _event(pid: int, text: str) -> Event | None:
    call, opened, _ = text.partition("(")
    if not opened or not call.isidentifier():  # a signal, an exit
        return None
    if call == "mmap" and ("MAP_ANON" in text or "PROT_EXEC" not in text):
        return Event(pid, call, (), "")
    parts, depth, at = [""], 0, len(call)
    for token in _TOKEN.finditer(text, at):
        piece, at = token.group(), token.end()
        depth += (piece in ("(", "[", "{")) - (piece in (")", "]", "}"))
        if depth == 0:
            break
        if depth == 1 and piece == ",":
            parts.append("")
        elif depth > 1 or piece != "(":
            parts[-1] += piece
    result = text[at:].strip().removeprefix("=").strip()
    return Event(pid, call, tuple(part.strip() for part in parts), result)


def descriptor(printed: str) -> str:
    """The file behind a descriptor, or "" where it is none: a pipe, a socket, memory."""
    match = _DESCRIPTOR.match(printed)
    if not match:
        return ""
    path = re.sub(r"<(?:char|block) [^<>]*>$", "", match[1])
    return unescape(path) if path.startswith("/") and not path.startswith("/memfd:") else ""


def quoted(printed: str) -> str:
    match = re.match(r'"((?:\\.|[^"\\])*)"', printed, re.DOTALL)
    return unescape(match[1]) if match else ""


def unescape(printed: str) -> str:
    """What a text that strace printed stands for."""

    def byte(match: re.Match[bytes]) -> bytes:
        text = match[1]
        return bytes([int(text, 8) & 255]) if text[:1] in b"01234567" else _PLAIN.get(text, text)

    return os.fsdecode(_ESCAPE.sub(byte, os.fsencode(printed)))
