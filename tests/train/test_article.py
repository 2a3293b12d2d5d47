"""The plain script that people write: two results under plain Python, one in a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, Closure

SCRIPT = str(ROOT / "examples" / "article" / "train.py")


def weights(events: list[dict[str, Any]]) -> str:
    (end,) = [event for event in events if event["event"] == "fit" and event["phase"] == "end"]
    digest: str = end["weights"]
    return digest


@pytest.fixture(scope="module")
def article(closure: Closure, mnist: dict[str, str]) -> Closure:
    closure.data = {"mnist": mnist}
    return closure


def test_under_plain_python_two_runs_differ(article: Closure, tmp_path: Path) -> None:
    digests = {weights(article.plain(tmp_path / str(place), SCRIPT)) for place in range(2)}
    assert len(digests) == 2


def test_in_a_run_they_agree_to_the_last_bit(article: Closure) -> None:
    done = [article.run("python", SCRIPT)]
    first = article.newest()
    done.append(article.run("python", SCRIPT))
    second = article.newest()
    assert [each.returncode for each in done] == [0, 0], done[0].stderr
    assert done[0].stdout == done[1].stdout
    assert done[0].stdout.startswith("Final accuracy: 0.9")
    assert first["id"] != second["id"]
    assert first["experiment"] == second["experiment"]
    assert len(first["fingerprint"]["weights"]) == 64
    assert first["fingerprint"] == second["fingerprint"]
    assert first["result"]["fits"][0]["epochs"] == second["result"]["fits"][0]["epochs"]
    seeded = {entry["what"]: entry for entry in first["result"]["seeded"]}
    assert seeded.keys() == {"random", "numpy", "tensorflow"}
    assert seeded["tensorflow"]["op_determinism"] is True
    assert seeded["numpy"]["generators"] is True


def test_the_pinned_file_came_and_the_record_says_so(
    article: Closure, mnist: dict[str, str]
) -> None:
    record = article.newest()
    (used,) = record["result"]["data"]
    assert used == {"name": "mnist", "pinned": True, "url": mnist["url"], "sha256": mnist["sha256"]}
    # Keras knows the real MNIST's digest: that this is another file is no secret.
    (differs,) = record["result"]["data-differs"]
    assert differs["actual"] == mnist["sha256"] != differs["expected"]


def test_another_seed_gives_other_weights(article: Closure) -> None:
    before = article.newest()
    article.seed = 7
    try:
        article.run("python", SCRIPT)
    finally:
        article.seed = 42
    after = article.newest()
    assert after["fingerprint"]["weights"] != before["fingerprint"]["weights"]
    assert after["experiment"] != before["experiment"]
