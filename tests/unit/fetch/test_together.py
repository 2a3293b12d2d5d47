"""Calls that threads share."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from nixrepro.fetch.together import Together


def test_each_gets_its_own_answer_and_calls_are_fewer_than_threads():
    sizes: list[int] = []
    first = threading.Event()

    def call(asked: list[int]) -> list[int]:
        sizes.append(len(asked))
        first.wait(0.2)
        return [number * number for number in asked]

    together = Together(call, calls=1)
    with ThreadPoolExecutor(30) as pool:
        assert list(pool.map(together, range(30))) == [number * number for number in range(30)]
    assert sum(sizes) == 30
    assert len(sizes) < 15


def test_no_more_calls_at_a_time_than_allowed():
    running, most = [], []

    def call(asked: list[int]) -> list[int]:
        running.append(1)
        most.append(len(running))
        threading.Event().wait(0.01)
        running.pop()
        return asked

    together = Together(call, calls=2)
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(together, range(100)))
    assert max(most) <= 2


def test_an_error_reaches_all_who_asked_and_nobody_hangs():
    def call(asked: list[int]) -> list[int]:
        raise OSError("full")

    together = Together(call)
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(together, number) for number in range(8)]
        for job in jobs:
            with pytest.raises(OSError, match="full"):
                job.result(timeout=5)


def test_an_answer_too_short_is_an_error():
    with pytest.raises(ValueError, match="shorter"):
        Together(lambda asked: [])(1)
