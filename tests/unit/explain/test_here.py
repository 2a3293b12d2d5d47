"""What of this machine a trial's numbers may rest on."""

from __future__ import annotations

import ctypes
import os

import pytest

from nixrepro.explain import here
from nixrepro.runtime import gpu


def test_this_machine_is_seen_as_a_record_would_say_it() -> None:
    found = here.look()
    assert found.cores == len(os.sched_getaffinity(0))
    assert found.gpu == gpu.facts()
    assert found == here.look()


@pytest.mark.parametrize(("answer", "can"), [(0, True), (-1, False)])
def test_tracing_is_tried_and_nothing_is_left_of_it(
    monkeypatch: pytest.MonkeyPatch, answer: int, can: bool
) -> None:
    asked = []

    class Library:
        def ptrace(self, request: int, child: int, *_: object) -> int:
            os.kill(child, 0)  # it is there
            asked.append((request, child))
            return answer

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Library())
    assert here.traceable() is can
    ((_, child),) = asked
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
