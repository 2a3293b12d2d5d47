"""Which runs have the same numbers."""

from __future__ import annotations

from typing import Any

import pytest

from nixrepro.explain.numbers import broken, cut, failure, kind, numbers

UNKNOWN = {"unknown": "the program recorded none"}


def document(**more: Any) -> dict[str, Any]:
    return {
        "status": "done",
        "exit": {"status": 0},
        "fingerprint": {"weights": "1" * 64, "metrics": "2" * 64},
        "files": {"log": {"sha256": "3" * 64}},
        **more,
    }


def prints(weights: Any, metrics: Any) -> dict[str, Any]:
    return {"fingerprint": {"weights": weights, "metrics": metrics}}


def test_weights_and_metrics_are_the_numbers() -> None:
    whole = numbers(document())
    assert whole and whole == numbers(document(files={"log": {"sha256": "4" * 64}}))
    assert numbers(document(**prints("4" * 64, "2" * 64))) != whole
    assert numbers(document(**prints("1" * 64, "4" * 64))) != whole
    assert numbers(document(**prints("1" * 64, UNKNOWN))) != whole


def test_where_there_are_none_what_was_said_is() -> None:
    silent = prints(UNKNOWN, UNKNOWN)
    said = numbers(document(**silent))
    assert said and said != numbers(document(**silent, files={"log": {"sha256": "4" * 64}}))
    assert numbers(document(**silent, files={})) == ""


def test_a_log_that_was_cut_is_no_proof() -> None:
    silent = prints(UNKNOWN, UNKNOWN)
    log = {"sha256": "3" * 64, "cut": "the log ends here: No space left on device"}
    shortened = document(**silent, files={"log": log})
    assert numbers(shortened) == "" != numbers(document(**silent))
    assert cut(shortened).endswith("No space left on device")
    # Weights and metrics don't stand in it.
    assert numbers(document(files={"log": log})) == numbers(document())
    failed = {"status": "failed", "exit": {"status": 1}, **silent}
    assert failure(document(**failed), "E: no room") != ""
    assert failure(document(**failed, files={"log": log}), "E: no room") == ""


def test_what_stands_for_the_numbers_is_the_first_that_differs() -> None:
    silent = document(**prints(UNKNOWN, UNKNOWN))
    assert kind(silent, silent) == kind(document(), silent) == "the output"
    assert kind(document(), document()) == "the weights"
    assert kind(document(), document(**prints("1" * 64, "4" * 64))) == "the metrics"
    assert kind(document(), document(**prints("4" * 64, "4" * 64))) == "the weights"
    assert kind(document(), document(exit={"status": 1})) == "the exit status"


def test_a_failed_run_without_numbers_counts_by_all_that_it_said() -> None:
    failed = {"status": "failed", "exit": {"status": 3}, **prints(UNKNOWN, UNKNOWN)}
    other = {**failed, "files": {"log": {"sha256": "4" * 64}}}
    assert broken(document(**failed)) and not broken(document(status="failed"))
    assert numbers(document(**failed)) == numbers(document(**failed)) != ""
    assert numbers(document(**failed)) != numbers(document(**other))


def test_failures_are_told_apart_by_their_last_words() -> None:
    failed = document(status="failed", exit={"status": 1}, **prints(UNKNOWN, UNKNOWN))
    assert failure(failed, "E: /tmp/1/x is gone") == failure(failed, "E: /tmp/2/x is gone")
    assert failure(failed, "E: no such module") != failure(failed, "E: out of memory")
    assert failure(document(), "done") == ""


@pytest.mark.parametrize("status", ["running", "killed", "interrupted"])
def test_what_has_not_ended_by_itself_has_none(status: str) -> None:
    assert numbers(document(status=status)) == ""
