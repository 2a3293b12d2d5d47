"""Where two runs part: by steps, by epochs, by weights, by what the program said itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from nixrepro.diff.results import Parting, _by_epochs, compare, parting
from nixrepro.errors import RunError
from nixrepro.record import Record
from nixrepro.runtime.result import gather

from .conftest import Make

HEAD = {
    "part": 1,
    "fit": 1,
    "model": "m",
    "tensors": [["k", "float32", [2]], ["b", "float32", [1]]],
}


def lines(*steps: Any, head: Any = HEAD) -> str:
    return "".join(json.dumps(each) + "\n" for each in [head, *steps])


def run(
    epochs: int = 2, steps: int = 3, *changed: tuple[int, int, int, Any], every: int = 1
) -> str:
    """Lines of a fit; each change is (epoch, step, place in the line, value)."""
    found = []
    for epoch in range(1, epochs + 1):
        for step in range(1, steps + 1):
            line = [1, epoch, step, epoch + step / 8, f"k{epoch}{step}", f"b{epoch}{step}"]
            for where in changed:
                if where[:2] == (epoch, step):
                    line[where[2]] = where[3]
            if step % every == 0:
                found.append(line)
    return lines(*found)


def steps_of(every: int) -> Callable[[dict[str, Any]], None]:
    def edit(document: dict[str, Any]) -> None:
        document["result"]["steps"] = {"every": every}

    return edit


def test_equal_runs_do_not_part(make: Make) -> None:
    a, b = make("a", None, run()), make("b", None, run())
    assert parting(a, b) is None
    found = compare(a, b)
    assert found.same and not found.unknown
    assert found.metrics[0] == ("loss", 0.25, 0.25, 0.0)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (((2, 2, 4, "x"),), "epoch 2, step 2: the weights of k"),
        (((1, 3, 5, "x"), (2, 2, 4, "x")), "epoch 1, step 3: the weights of b"),
        (((2, 1, 4, "x"), (2, 1, 5, "x")), "epoch 2, step 1: the weights of k and 1 more"),
        (((1, 1, 3, "nan"), (1, 1, 4, "x")), "epoch 1, step 1: the loss and 1 of 2 weights"),
        (((1, 2, 3, 9.5),), "epoch 1, step 2: the loss"),
    ],
)
def test_the_first_step_that_differs(make: Make, changed: Any, expected: str) -> None:
    found = parting(make("a", None, run()), make("b", None, run(2, 3, *changed)))
    assert str(found) == expected


def test_values_of_either_side(make: Make) -> None:
    found = parting(make("a", None, run()), make("b", None, run(2, 3, (1, 2, 3, "nan"))))
    assert found == Parting(1, 1, 2, "the loss", "1.25", "nan")


@pytest.mark.parametrize("coarse", ["a", "b"])
def test_runs_that_recorded_other_steps_are_compared_where_both_did(
    make: Make, coarse: str
) -> None:
    fine = "b" if coarse == "a" else "a"
    changes = ((1, 3, 4, "x"), (2, 4, 4, "x"))
    one = make(coarse, steps_of(2), run(2, 4, every=2))
    two = make(fine, steps_of(1), run(2, 4, *changes))
    first, second = (one, two) if coarse == "a" else (two, one)
    found = parting(first, second)
    assert found is not None and str(found) == "epoch 2, step 4: the weights of k"
    assert (found.a, found.b) == (("k24", "x") if coarse == "a" else ("x", "k24"))


def test_half_a_line_of_a_killed_run_is_left_out(make: Make) -> None:
    text = run()
    assert parting(make("a", None, text), make("b", None, text[:-7])) is None


def test_another_number_of_steps(make: Make) -> None:
    found = parting(make("a", None, run(2, 3)), make("b", None, run(2, 2)))
    assert found == Parting(1, 1, 3, "the number of steps", "epoch 1, step 3", "epoch 2, step 1")


def test_another_model(make: Make) -> None:
    head = {**HEAD, "tensors": [["k", "float32", [3]]]}
    found = parting(make("a", None, run()), make("b", None, lines(head=head)))
    assert found is not None
    assert str(found) == "fit 1: the model's tensors"
    assert (found.a, found.b) == ("k float32 [2], b float32 [1]", "k float32 [3]")


def test_a_loop_of_the_programs_own(make: Make) -> None:
    head = {**HEAD, "fit": 0}
    texts = [lines([1, None, 1, 0.5, "x", "y"], [1, None, 2, 0.5, "x", y], head=head) for y in "yz"]
    found = parting(make("a", None, texts[0]), make("b", None, texts[1]))
    assert str(found) == "step 2 of the program's own loop: the weights of b"


def edit_fit(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    return lambda document: change(document["result"]["fits"][0])


@pytest.mark.parametrize(
    ("change", "expected", "values"),
    [
        (lambda fit: fit["epochs"][1].update(accuracy=0.95), "epoch 2: accuracy", ("0.9", "0.95")),
        (
            lambda fit: fit["epochs"][0].update(accuracy=0.1, loss="nan"),
            "epoch 1: loss and 1 more",
            ("0.5", "nan"),
        ),
        (lambda fit: fit["epochs"].pop(), "epoch 2: the number of epochs", ("2", "1")),
        (
            lambda fit: (fit.update(weights="0" * 64), fit["tensors"][1].update(sha256="0" * 64)),
            "fit 1: the weights of b",
            ("7" * 12, "0" * 12),
        ),
    ],
)
def test_by_epochs_where_steps_are_not_known(
    make: Make, change: Any, expected: str, values: tuple[str, str]
) -> None:
    # Only one side has steps: epochs are what both know.
    found = parting(make("a", None, run()), make("b", edit_fit(change)))
    assert found is not None
    assert (str(found), (found.a, found.b)) == (expected, values)


def test_an_earlier_epoch_counts_before_a_later_step(make: Make) -> None:
    change = edit_fit(lambda fit: fit["epochs"][0].update(loss=0.4))
    found = parting(make("a", None, run()), make("b", change, run(2, 3, (2, 1, 3, 1.0))))
    assert str(found) == "epoch 1: loss"


def test_the_step_within_the_epoch_is_what_is_said(make: Make) -> None:
    change = edit_fit(lambda fit: fit["epochs"][1].update(loss=0.4))
    found = parting(make("a", None, run()), make("b", change, run(2, 3, (2, 2, 5, "x"))))
    assert str(found) == "epoch 2, step 2: the weights of b"


def test_fits_after_the_first_are_named(make: Make) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["result"]["fits"] *= 2

    def other(document: dict[str, Any]) -> None:
        edit(document)
        fit = document["result"]["fits"][0]
        changed = {**fit, "epochs": [fit["epochs"][0], {"loss": 9.0, "accuracy": 0.9}]}
        document["result"]["fits"] = [fit, changed]

    assert str(parting(make("a", edit), make("b", other))) == "fit 2, epoch 2: loss"


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("evaluations", [{"metrics": {"loss": 0.31}}], "evaluation 1: loss"),
        ("evaluations", [], "evaluation 1: loss"),
        ("weights", [{"weights": "1" * 64}], "weights taken by the program 1: weights"),
        ("logged", {"reward": {"digest": "1", "last": 3}}, "the logged reward (its digest)"),
        ("fits", [], "fit 1: the number of fits"),
    ],
)
def test_what_else_a_result_holds(make: Make, key: str, value: Any, expected: str) -> None:
    found = parting(make("a"), make("b", lambda document: document["result"].update({key: value})))
    assert str(found) == expected


def logging(make: Make, name: str, *losses: float, damaged: bool = False) -> Record:
    """A run whose program logged a loss after each of its steps, and at the end its speed."""
    told: list[dict[str, Any]] = [
        {"event": "log", "pid": 1, "metrics": {"loss": loss}, "step": step}
        for step, loss in enumerate(losses, 150)
    ]
    told.append({"event": "log", "pid": 1, "metrics": {"a speed": sum(losses)}, "step": None})

    def edit(document: dict[str, Any]) -> None:
        document["result"] = {"logged": gather(told)["logged"]}
        document["fingerprint"]["metrics"] = name * 64

    found = make(name, edit)
    if not damaged:
        text = "".join(json.dumps(each) + "\n" for each in told)
        (found.folder / "events.jsonl").write_text(text)
    return found


def test_of_logged_values_the_first_step_that_differs(make: Make) -> None:
    a, b = logging(make, "a", 0.75, 0.58, 0.5, 0.25), logging(make, "b", 0.75, 0.61, 0.5, 0.25)
    found = parting(a, b)
    # The speed comes before it by name only.
    assert found == Parting(0, None, None, "the logged loss at step 151", "0.58", "0.61")
    results = compare(a, b)
    assert (results.parting, results.values) == (str(found), ("0.58", "0.61"))
    assert not results.same


def test_of_logged_values_that_can_not_be_read_the_digests(make: Make) -> None:
    a, b = logging(make, "a", 0.75, 0.58), logging(make, "b", 0.75, 0.61, damaged=True)
    sums = [each.document["result"]["logged"]["loss"]["digest"][:12] for each in (a, b)]
    found = [each for each in _by_epochs(a, b) if "loss" in each.subject]
    assert found == [Parting(0, None, None, "the logged loss (its digest)", *sums)]


def test_metrics_side_by_side(make: Make) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["result"]["final"] = {"loss": "nan", "accuracy": 0.75, "mae": 2}
        document["fingerprint"]["weights"] = "0" * 64

    found = compare(make("a"), make("b", edit))
    assert found.metrics == (
        ("loss", 0.25, "nan", None),
        ("accuracy", 0.9, 0.75, 0.75 - 0.9),
        ("test_loss", 0.3, None, None),
        ("mae", None, 2, None),
    )
    assert not found.same
    assert found.weights == ("7" * 64, "0" * 64)


def test_another_exit_status_is_another_result(make: Make) -> None:
    found = compare(make("a"), make("b", lambda document: document["exit"].update(status=1)))
    assert not found.same
    assert found.metrics[0] == ("exit status", 0, 1, None)


@pytest.mark.parametrize("text", ["[1\n", '{"a":1}\n', "7\n"])
def test_a_broken_file_of_steps(make: Make, text: str) -> None:
    with pytest.raises(RunError, match=r"steps\.jsonl is broken"):
        parting(make("a", None, run()), make("b", None, text))


def test_unknown_results_are_not_other_ones(make: Make) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["fingerprint"]["weights"] = {"unknown": "no model"}

    found = compare(make("a"), make("b", edit))
    assert found.same
    assert found.unknown == "weights: no model"
    assert compare(make("c"), None).unknown == "only one side is a run"
    assert compare(None, None).unknown == ""
