"""Processes of one's own that digest files side by side."""

from __future__ import annotations

import os
import select
import signal
import struct

from . import Interrupted
from .hashing import TELL, Digests, one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .hashing import Wanted

_PATIENCE = 0.2
_NUMBER = struct.Struct("<I")
_HEAD = struct.Struct("<BQ")  # kind of message; its number of bytes, or those that were read
_READ, _BATCH = range(2)
# A write of so many bytes, or fewer, is whole.
_PIPE = select.PIPE_BUF // _NUMBER.size * _NUMBER.size


class Pool:
    """Workers that each take the next batch from one pipe, and answer by a pipe of their own."""

    def __init__(
        self, files: Sequence[Wanted], batches: Sequence[tuple[int, int]], kind: str, workers: int
    ) -> None:
        self.files = files
        self.batches = batches
        self.kind = kind
        self.takes, self.gives = os.pipe()
        os.set_blocking(self.gives, False)
        self.answers: dict[int, bytearray] = {}
        self.pids: list[int] = []
        try:
            for _ in range(workers):
                self._start()
        except BaseException:
            self._end()
            raise
        os.close(self.takes)
        self.takes = -1

    def _start(self) -> None:
        reads, writes = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(self.gives)
                for other in (reads, *self.answers):
                    os.close(other)
                self._work(writes, parent)
            finally:
                os._exit(0)
        os.close(writes)
        self.answers[reads] = bytearray()
        self.pids.append(pid)

    def _work(self, writes: int, parent: int) -> None:
        """What a worker does, to its end."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process hears it too

        def told(count: int) -> None:
            if os.getppid() != parent:
                os._exit(1)
            _write(writes, _HEAD.pack(_READ, count))

        while word := os.read(self.takes, _NUMBER.size):  # whole ones: they are written so
            (number,) = _NUMBER.unpack(word)
            read = [0]

            def count(more: int, read: list[int] = read) -> None:
                read[0] += more
                if read[0] >= TELL:
                    told(read[0])
                    read[0] = 0

            start, end = self.batches[number]
            records = [one(*self.files[at], self.kind, count) for at in range(start, end)]
            told(read[0])
            payload = word + b"".join(records)
            _write(writes, _HEAD.pack(_BATCH, len(payload)) + payload)

    def collect(
        self, found: Digests, tell: Callable[[int], object], asked: Callable[[], object]
    ) -> None:
        """Hand out all batches, and take what comes."""
        waiting = b"".join(map(_NUMBER.pack, range(len(self.batches))))
        left = len(self.batches)
        poll = select.poll()
        poll.register(self.gives, select.POLLOUT)
        for reads in self.answers:
            poll.register(reads, select.POLLIN)
        try:
            while left:
                if asked():
                    raise Interrupted
                for handle, _ in poll.poll(_PATIENCE * 1000):
                    if handle == self.gives:
                        waiting = waiting[os.write(handle, waiting[:_PIPE]) :]
                        if not waiting:
                            poll.unregister(handle)
                            os.close(self.gives)
                            self.gives = -1
                        continue
                    data = os.read(handle, 1 << 20)
                    if not data:
                        poll.unregister(handle)
                        del self.answers[handle]
                        os.close(handle)
                        if not self.answers:
                            raise OSError(0, "the processes that digest were ended by something")
                        continue
                    left -= self._take(handle, data, found, tell)
        finally:
            self._end()

    def _take(self, handle: int, data: bytes, found: Digests, tell: Callable[[int], object]) -> int:
        """Take what a worker said; how many batches that ends."""
        said = self.answers[handle]
        said += data
        ended = at = 0
        while len(said) - at >= _HEAD.size:
            kind, number = _HEAD.unpack_from(said, at)
            if kind == _READ:
                at += _HEAD.size
                tell(number)
                continue
            if len(said) - at - _HEAD.size < number:
                break
            payload = bytes(said[at + _HEAD.size : at + _HEAD.size + number])
            start, end = self.batches[_NUMBER.unpack_from(payload)[0]]
            width = found.length + 2
            for place in range(end - start):
                where = _NUMBER.size + place * width
                found.put(start + place, payload[where : where + width])
            at += _HEAD.size + number
            ended += 1
        del said[:at]
        return ended

    def _end(self) -> None:
        """Let go of all, workers that are still at it too."""
        for handle in (self.takes, self.gives, *self.answers):
            if handle >= 0:
                os.close(handle)
        self.answers.clear()
        for pid in self.pids:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                continue


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
