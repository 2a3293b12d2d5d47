"""Digests the tensors of training steps and writes their lines, in a thread beside the training."""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import json
import math
import os
import queue
import threading
import time

from . import events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE = "steps.jsonl"
# Of a tensor's SHA-256: enough to find where two runs part, and half the file.
DIGITS = 16
# Steps gather for so many seconds: waking a thread for each one would cost the training more.
PAUSE = 0.02
# Bytes and steps that may wait; beyond them the training waits too.
HELD, WAITING = 64 << 20, 1000
PATIENCE = 60.0


class Writer:
    """The one writer of a run's steps; lines are written whole, in the order of the steps."""

    def __init__(self, folder: str) -> None:
        """Open the file for this process alone, as long as it lives.

        Raises:
            BlockingIOError: another process of this run has it.
            OSError: it can't be written.
        """
        path = os.path.join(folder, FILE)
        self.handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with open(path, "rb") as stream:
                # What earlier processes of this run have left.
                self.parts = sum(line.startswith(b"{") for line in stream)
        except OSError:
            os.close(self.handle)
            raise
        self.pid = os.getpid()
        self._ended = False
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._hurry = threading.Event()
        threading.Thread(target=self._work, name="nixrepro-steps", daemon=True).start()
        atexit.register(self.flush)

    def begin(self, head: dict[str, Any]) -> int:
        """Write the line that begins a part; gives the part's number."""
        self.parts += 1
        line = json.dumps({"part": self.parts, **head}, sort_keys=True, separators=(",", ":"))
        self._queue.put(f"{line}\n")
        return self.parts

    def put(self, place: str, loss: Any, tensors: list[Any], size: int) -> None:
        """Hand over a step.

        Args:
            place: how its line begins.
            loss: a number, or what becomes one.
            tensors: nobody may change them later; each can be read as bytes, or by `numpy()`.
            size: bytes of all of them.
        """
        limit = min(WAITING, HELD // size) if size else WAITING
        while self._queue.qsize() > limit:
            self._hurry.set()
            time.sleep(0.001)
        self._queue.put((place, loss, tensors))

    def flush(self) -> None:
        """Wait until all that was handed over is in the file."""
        if os.getpid() == self.pid:
            done = threading.Event()
            self._queue.put(done)
            self._hurry.set()
            done.wait(PATIENCE)

    def _work(self) -> None:
        while True:
            item = self._queue.get()
            self._hurry.wait(PAUSE)
            self._hurry.clear()
            lines: list[str] = []
            waiting = []
            while True:
                if isinstance(item, threading.Event):
                    waiting.append(item)
                elif not self._ended:
                    lines.append(self._line(item))
                item = None  # a weight that is held is copied before its next update
                if self._queue.empty() or len(lines) >= WAITING:
                    break
                item = self._queue.get()
            self._write("".join(lines).encode())
            for event in waiting:
                event.set()

    def _line(self, item: Any) -> str:
        try:
            return item if isinstance(item, str) else line(*item)
        except Exception as error:
            self._ended = True
            events.write("problem", where="steps", message=f"{type(error).__name__}: {error}"[:300])
            return ""

    def _write(self, data: bytes) -> None:
        before = os.fstat(self.handle).st_size
        try:
            if os.write(self.handle, data) == len(data):
                return
        except OSError:
            pass
        # A full disk: no half a line stays, and no gap comes about.
        self._ended = True
        try:  # noqa: SIM105 - contextlib takes longer to import than all of this
            os.truncate(self.handle, before)
        except OSError:
            pass
        events.write("problem", where="steps", message="the disk is full: later steps are lacking")


def line(place: str, loss: Any, tensors: list[Any]) -> str:
    """A step's line: its place, the loss to the last bit, and a digest of each tensor."""
    digests = "".join(f',"{digest(tensor)}"' for tensor in tensors)
    return f"[{place},{number(loss)}{digests}]\n"


def digest(tensor: Any) -> str:
    """The first digits of the SHA-256 of a tensor's bytes."""
    try:
        data = memoryview(tensor)
    except (TypeError, ValueError, RuntimeError, BufferError):
        data = tensor.numpy().tobytes()  # on another device, or of a type that buffers don't know
    return hashlib.sha256(data).hexdigest()[:DIGITS]


def number(value: Any) -> str:
    """A loss as JSON: every bit of a number, "nan", "inf" or "-inf"; null where there is none."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return "null"
    return repr(found) if math.isfinite(found) else f'"{found}"'


def summary(path: str) -> tuple[int, dict[str, Any]]:
    """How many steps a file has, and its name, size and SHA-256.

    Raises:
        OSError: it is missing or can't be read.
    """
    found, size, steps = hashlib.sha256(), 0, 0
    with open(path, "rb") as stream:
        for each in stream:
            found.update(each)
            size += len(each)
            steps += each.startswith(b"[") and each.endswith(b"]\n")
    return steps, {"file": os.path.basename(path), "size": size, "sha256": found.hexdigest()}
