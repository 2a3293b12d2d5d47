"""Shows on a terminal that something goes on, of which nobody knows how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def waiting(what: str, *, show: bool) -> Iterator[None]:
    """Show on standard error what is done and for how long already; nothing is left of it.

    Args:
        what: such as "building".
        show: whether there is somebody to see it.
    """
    if not show:
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        shown.add_task(what, total=None)
        yield
