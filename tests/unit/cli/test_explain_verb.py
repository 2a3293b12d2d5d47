"""`nixrepro explain` answers with text or JSON, and exits with 1 where the cause was not shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nixrepro import explain as package
from nixrepro.cli import verbs
from nixrepro.explain.model import Explanation, State
from nixrepro.lock import dumps

from ..diff.conftest import lock
from ..explain.conftest import difference
from ..lab import Lab, furnish


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    made = Lab(tmp_path)
    furnish(made, monkeypatch)
    made.write("nixrepro.lock", dumps(lock()))
    made.write("train.py", "import nixrepro_runtime as nr\nnr.log(loss=nr.seed)\n")
    made.commit()
    return made


def invoke(lab: Lab, *arguments: str) -> Result:
    words = ["-C", str(lab.root), "explain", *arguments]
    return CliRunner().invoke(verbs, words, standalone_mode=False)


def test_text_json_and_exit_codes(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIXREPRO_PROBE", "no")
    first = lab.run().document["id"][:12]
    lab.settings["seed"] = 43
    second = lab.run()
    done = invoke(lab, "--no-run", first, "last")
    assert done.return_value == 1
    assert "1. the seed (42 -> 43)" in done.stdout

    # As a colleague would send it.
    path = str(second.folder / "record.json")
    done = invoke(lab, first, path)
    assert done.return_value == 0
    assert "because of the seed (42 -> 43)" in " ".join(done.stdout.split())
    assert "trial 2 of at most 4: B again" in done.stderr
    told = json.loads(invoke(lab, "--json", first, path).stdout)
    assert (told["state"], told["cause"]) == ("explained", ["settings.seed"])
    assert invoke(lab, first, first).return_value == 0


@pytest.mark.parametrize("state", list(State))
def test_it_exits_with_0_only_where_nothing_is_left_open(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    asked: list[dict[str, Any]] = []

    def explain(*_: Any, **more: Any) -> Explanation:
        asked.append(more)
        return Explanation(difference(), "the weights", False, state, reason="why")

    monkeypatch.setattr(package, "explain", explain)
    lab.run()
    good = {"same", "agree", "harmless", "explained"}
    assert invoke(lab, "--trials", "3", "last", "last").return_value == int(state.value not in good)
    assert (asked[0]["most"], asked[0]["run"]) == (3, True)
