"""Starts small programs and reads what they say, several side by side; lighter than subprocess."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Reading:
    """A program started with its standard output kept in memory and its standard error dropped."""

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        stdin: bytes = b"",
        mask: Iterable[int] = (),
    ) -> None:
        """Start it.

        Args:
            argv: the program's path and its arguments.
            env: all its variables.
            stdin: what it reads; handed over in a file that has no name.
            mask: the signals blocked in it; not the caller's, which would keep Ctrl-C from it.

        Raises:
            OSError: it can't be started.
        """
        self.output, writes = os.pipe()
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        given = nothing
        try:
            if stdin:
                given = os.memfd_create("stdin")
                os.write(given, stdin)
                os.lseek(given, 0, os.SEEK_SET)
            self.pid = os.posix_spawn(
                argv[0],
                list(argv),
                dict(env),
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, given, 0),
                    (os.POSIX_SPAWN_DUP2, writes, 1),
                    (os.POSIX_SPAWN_DUP2, nothing, 2),
                ],
                setsigmask=mask,
            )
        except OSError:
            os.close(self.output)
            raise
        finally:
            os.close(writes)
            os.close(nothing)
            if given != nothing:
                os.close(given)

    def finish(self) -> tuple[int, bytes]:
        """Wait: the exit status (negative for a signal) and all that it wrote."""
        parts = []
        while True:
            part = os.read(self.output, 1 << 16)
            if not part:
                break
            parts.append(part)
        os.close(self.output)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status), b"".join(parts)


def which(name: str, path: str) -> str:
    """The executable file that a name means along a PATH, or an empty text."""
    if "/" in name:
        return name if os.access(name, os.X_OK) and os.path.isfile(name) else ""
    for folder in path.split(os.pathsep):
        place = os.path.join(folder or ".", name)
        if os.access(place, os.X_OK) and os.path.isfile(place):
            return place
    return ""
