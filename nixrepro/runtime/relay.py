"""Passes a program's output through as it comes, and keeps it in the run's log."""

from __future__ import annotations

import _thread
import errno
import os
import select
import sys

from .canonical import small

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BLOCK = 1 << 16
# After the program's end a process that it left behind may still hold its output open: what is in
# the pipe is passed on, and once it was empty for so many milliseconds, or was read more
# often than what it held can have taken, that is all.
GRACE = 100
ROUNDS = 64


class Stream:
    """One way out: where the program writes, where we read, and where it goes."""

    def __init__(self, target: int) -> None:
        """Make a terminal's twin when the target is a terminal, else a pipe.

        Args:
            target: 1 or 2, this process's own.
        """
        self.target = target
        self.terminal = os.isatty(target)
        self.source, self.inner = os.openpty() if self.terminal else os.pipe()
        if self.terminal:
            _make_plain(self.inner)
            resize(self.inner, target)
        for handle in (self.source, self.inner):
            os.set_inheritable(handle, False)


class Relay:
    """Copies standard output and standard error, each to its own, in one thread."""

    def __init__(self, log: str) -> None:
        """Open the log and the ways out.

        Args:
            log: the log's path.

        Raises:
            OSError: the log can't be made.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self.log: int | None = os.open(log, flags, 0o666)
        self.hash: Any = None  # of what is in the log; made with the first block
        self.size = 0
        self.cut = ""
        first = Stream(1)
        # Where both go to one place (2>&1, one terminal), one way keeps their order.
        self.out, self.err = first, first if _same(1, 2) else Stream(2)
        self.streams = [first] if self.err is first else [first, self.err]
        self._wake, self._woken = os.pipe()
        self._finished = _thread.allocate_lock()

    def start(self) -> None:
        """Begin copying; call it in the parent after the program was started."""
        for stream in self.streams:
            os.close(stream.inner)
        self._finished.acquire()
        _thread.start_new_thread(self._run, ())

    def resize(self) -> None:
        """Tell the program's terminal what size the real one has now."""
        for stream in self.streams:
            if stream.terminal:
                resize(stream.source, stream.target)

    def finish(self) -> dict[str, Any]:
        """The program has ended: copy what is left, and say what the log holds."""
        os.write(self._woken, b"x")
        self._finished.acquire()
        if self.log is not None:
            os.close(self.log)
        facts: dict[str, Any] = {"file": "log.txt", "size": self.size}
        facts["sha256"] = self.hash.hexdigest() if self.hash else small(b"")
        if self.cut:
            facts["cut"] = self.cut
        return facts

    def _run(self) -> None:
        try:
            self._copy()
        except Exception as error:
            self.cut = f"{type(error).__name__}: {error}"
        finally:
            self._finished.release()

    def _copy(self) -> None:
        # poll, not select: a file number of 1024 or more must not break it.
        poll = select.poll()
        open_ = {stream.source: stream for stream in self.streams}
        for handle in [*open_, self._wake]:
            poll.register(handle, select.POLLIN)
        ended = False
        late = 0
        while open_:
            ready = poll.poll(GRACE if ended else None)
            if ended and (not ready or late > ROUNDS):
                break
            for handle, _ in ready:
                if handle == self._wake:
                    poll.unregister(handle)
                    ended = True
                elif not self._pass(open_[handle]):
                    poll.unregister(handle)
                    os.close(handle)
                    del open_[handle]
            late += ended

    def _pass(self, stream: Stream) -> bool:
        """Copy one block; whether there may be more."""
        try:
            block = os.read(stream.source, BLOCK)
        except OSError as error:
            if error.errno in (errno.EINTR, errno.EAGAIN):
                return True
            block = b""  # a terminal's other end was closed
        if not block:
            return False
        self._keep(block)
        return put(stream.target, block)

    def _keep(self, block: bytes) -> None:
        if self.log is None:
            return
        try:
            _write(self.log, block)
        except OSError as error:
            # The training goes on; the record says that the log does not.
            self.cut = f"the log ends here: {error.strerror}"
            os.close(self.log)
            self.log = None
            return
        if self.hash is None:
            import hashlib

            self.hash = hashlib.sha256()
        self.hash.update(block)
        self.size += len(block)


def put(target: int, block: bytes) -> bool:
    """Write a block to this process's own output; False when nobody reads it any more."""
    while True:
        try:
            _write(target, block)
            return True
        except BlockingIOError as error:
            # Somebody made the terminal non-blocking: wait for room.
            block = block[error.characters_written :]
            poll = select.poll()
            poll.register(target, select.POLLOUT)
            poll.poll()
        except OSError:
            return False


def _write(target: int, block: bytes) -> None:
    view = memoryview(block)
    done = 0
    while done < len(view):
        try:
            done += os.write(target, view[done:])
        except BlockingIOError as error:
            error.characters_written = done
            raise


def _same(first: int, second: int) -> bool:
    try:
        one, two = os.fstat(first), os.fstat(second)
    except OSError:
        return False
    return (one.st_dev, one.st_ino) == (two.st_dev, two.st_ino)


def resize(handle: int, target: int) -> None:
    """Give one terminal the size of another."""
    import fcntl
    import termios

    try:
        size = fcntl.ioctl(target, termios.TIOCGWINSZ, b"\0" * 8)
        fcntl.ioctl(handle, termios.TIOCSWINSZ, size)
    except OSError:
        print("nixrepro: the terminal does not say its size", file=sys.stderr)


def _make_plain(handle: int) -> None:
    """No output processing on the twin: the real terminal does it, the log keeps line ends."""
    import termios

    modes = termios.tcgetattr(handle)
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(handle, termios.TCSANOW, modes)
