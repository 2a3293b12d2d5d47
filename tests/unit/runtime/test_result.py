"""Events to result and fingerprint, without any process."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nixrepro.runtime import events, result
from nixrepro.runtime.canonical import digest, json_bytes
from nixrepro.runtime.folder import events as read_events
from nixrepro.runtime.wording import chief, headline, seconds

A, B = "a" * 64, "b" * 64


def fit(number: int, model: int, weights: Any = None, pid: int = 1) -> list[dict[str, Any]]:
    common = {"event": "fit", "pid": pid, "fit": number}
    begin = {**common, "phase": "begin", "model": model, "class": "Model", "name": f"m{model}"}
    end = {**common, "phase": "end", "seconds": 0.5, "weights": weights}
    return [begin] if weights is None else [begin, end]


def epoch(number: int, **metrics: float) -> dict[str, Any]:
    return {"event": "epoch", "pid": 1, "fit": number, "epoch": 0, "metrics": metrics}


def test_one_model_is_its_own_fingerprint() -> None:
    found = result.gather([*fit(1, 1, A), *fit(2, 1, B)])
    assert result.fingerprint(found)["weights"] == B


def test_several_models_count_in_the_order_of_their_first_fit() -> None:
    found = result.gather([*fit(1, 1, A), *fit(2, 2, B), *fit(3, 1, B)])
    assert result.fingerprint(found)["weights"] == digest([B, B])
    turned = result.gather([*fit(1, 2, B), *fit(2, 1, A)])
    assert result.fingerprint(turned)["weights"] == digest([B, A])


def test_unknown_weights_stay_unknown() -> None:
    found = result.gather([*fit(1, 1, A), *fit(2, 2, {"unknown": "graph mode"})])
    assert result.fingerprint(found)["weights"] == {"unknown": "graph mode"}
    assert "unknown" in result.fingerprint(result.gather([]))["weights"]
    assert "unknown" in result.fingerprint(result.gather([]))["metrics"]


def test_times_do_not_count() -> None:
    one = [*fit(1, 1, A), epoch(1, loss=0.5)]
    two = [{**event, "seconds": 9.0} if "seconds" in event else event for event in one]
    found = [result.fingerprint(result.gather(events_)) for events_ in (one, two)]
    assert found[0] == found[1]
    other = [*fit(1, 1, A), epoch(1, loss=0.6)]
    assert result.fingerprint(result.gather(other)) != found[0]


def test_fits_of_two_processes_are_two() -> None:
    found = result.gather([*fit(1, 1, A, pid=1), *fit(1, 1, B, pid=2)])
    assert len(found["fits"]) == 2


def test_what_is_seeded_in_each_process_is_said_once() -> None:
    seeded = {"event": "seeded", "what": "random", "seed": 42}
    found = result.gather([{**seeded, "pid": 1}, {**seeded, "pid": 2}])
    assert found["seeded"] == [{"what": "random", "seed": 42}]


@given(st.recursive(st.floats() | st.integers() | st.text() | st.booleans() | st.none(), st.lists))
def test_every_metric_can_be_written(value: Any) -> None:
    said = events.number(value)
    assert json.loads(json_bytes(said)) == said


class Scalar:
    """As numpy's and TensorFlow's scalars: a shape, a float, no index."""

    shape = ()

    def __float__(self) -> float:
        return 0.25


def test_scalars_of_other_libraries() -> None:
    assert events.number(Scalar()) == 0.25


def test_half_a_line_is_left_out(tmp_path: Any) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"event": "log"}\n{"event": "lo')
    assert read_events(str(path)) == [{"event": "log"}]
    assert read_events(str(tmp_path / "none")) == []


def test_wording() -> None:
    assert chief({"loss": 1.0, "test_accuracy": 0.5}) == ("test accuracy", 0.5)
    assert chief({"mine": 3}) == ("mine", 3)
    assert chief({}) == ("", "")
    assert [seconds(each) for each in (0.04, 59.94, 61, 7322)] == [
        "0.0 s", "59.9 s", "1 min 1 s", "2 h 2 min",
    ]  # fmt: skip
    record: dict[str, Any] = {
        "status": "killed",
        "exit": {"status": 137, "signal": "SIGKILL"},
        "timings": {},
        "result": {},
        "fingerprint": {"weights": A},
    }
    assert headline(record) == "killed in 0.0 s by SIGKILL, weights aaaaaaaaaaaa"
