"""Lets many threads share calls that cost about the same for one thing as for ten."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import BoundedSemaphore, Event
from threading import Lock as Mutex
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Given = TypeVar("Given")

# Seconds: far less than a call takes, and enough for those who are just about to ask.
_LINGER = 0.02


class _Ticket(Generic[Asked, Given]):
    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.given: list[Given] = []
        self.error: Exception | None = None
        self.done = Event()


class Together(Generic[Asked, Given]):
    """Collects what threads ask while calls are under way, and asks it in one further call.

    Args:
        call: answers a list, each thing in its place; what it raises, all who asked get.
        calls: how many may be under way at a time.
    """

    def __init__(self, call: Callable[[list[Asked]], Sequence[Given]], calls: int = 2) -> None:
        self._call = call
        self._mutex = Mutex()
        self._turns = BoundedSemaphore(calls)
        self._waiting: list[_Ticket[Asked, Given]] = []

    def __call__(self, asked: Asked) -> Given:
        """The answer for one thing."""
        mine: _Ticket[Asked, Given] = _Ticket(asked)
        with self._mutex:
            self._waiting.append(mine)
        with self._turns:
            # Another thread's call may have taken this one along, and then there is no need.
            if self._is_waiting(mine):
                time.sleep(_LINGER)
                with self._mutex:
                    batch, self._waiting = self._waiting, []
                if batch:
                    self._answer(batch)
        mine.done.wait()
        if mine.error is not None:
            raise mine.error
        return mine.given[0]

    def _is_waiting(self, ticket: _Ticket[Asked, Given]) -> bool:
        with self._mutex:
            return ticket in self._waiting

    def _answer(self, batch: list[_Ticket[Asked, Given]]) -> None:
        try:
            given = self._call([ticket.asked for ticket in batch])
            for ticket, one in zip(batch, given, strict=True):
                ticket.given.append(one)
        except Exception as error:
            for ticket in batch:
                ticket.error = error
        finally:
            for ticket in batch:
                ticket.done.set()
