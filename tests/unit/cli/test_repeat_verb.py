"""`nixrepro repeat` answers with the new run's id, and exits as the program did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from nixrepro import repeat as package
from nixrepro.cli import verbs
from nixrepro.record import Record

from ..lab import Lab, furnish


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    made = Lab(tmp_path)
    furnish(made, monkeypatch)
    made.commit()
    return made


def invoke(lab: Lab, *arguments: str) -> Result:
    words = ["-C", str(lab.root), "repeat", *arguments]
    return CliRunner().invoke(verbs, words, standalone_mode=False)


def repeated(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Repeat without a terminal, which CliRunner has none of; what it was called with."""
    called: list[dict[str, Any]] = []
    genuine = package.repeat

    def repeat(root: Path, record: Record, *rest: Any, **more: Any) -> Record:
        called.append({"root": root, "run": record.document["id"], **more})
        return genuine(root, record, *rest, **{**more, "show": False})

    monkeypatch.setattr(package, "repeat", repeat)
    return called


def test_the_new_id_is_the_answer(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    called = repeated(lab, monkeypatch)
    first, second = lab.run(), lab.run("python", "-c", "raise SystemExit(4)")
    done = invoke(lab)
    newest = max((lab.root / ".nixrepro" / "runs").glob("*/record.json"), key=_started)
    assert done.stdout == json.loads(newest.read_text())["id"] + "\n"
    assert done.return_value == 4
    assert "failed in" in done.stderr and "with status 4" in done.stderr
    assert called[0]["run"] == second.document["id"]
    assert (called[0]["show"], called[0]["steps"]) == (True, None)

    done = invoke(lab, first.document["id"][:8], "--json", "--fingerprint", "steps:5")
    assert done.return_value == 0
    assert json.loads(done.stdout)["repeats"] == first.document["id"]
    assert called[1]["steps"] == 5


def _started(path: Path) -> str:
    return str(json.loads(path.read_text())["started"])


def test_a_run_that_is_not_there(lab: Lab) -> None:
    assert "nothing ran yet" in str(invoke(lab).exception)
    wrong = invoke(lab, "--fingerprint", "steps:0").exception
    assert isinstance(wrong, click.UsageError)
    assert "--fingerprint takes steps or steps:N" in str(wrong)


def test_a_record_that_was_edited_is_not_repeated(lab: Lab) -> None:
    run = lab.run()
    document = json.loads((run.folder / "record.json").read_text())
    document["layers"]["settings"]["command"] = ["touch", "made"]
    (run.folder / "record.json").write_text(json.dumps(document))
    assert "is not as it was recorded, and is not repeated" in str(invoke(lab).exception)
    assert len(list((lab.root / ".nixrepro" / "runs").glob("*/record.json"))) == 1
