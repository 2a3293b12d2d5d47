"""`nixrepro relaunch` and `bundle` answer with an id and a path, and exit as the program did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nixrepro.cli import verbs
from nixrepro.errors import NixreproError
from nixrepro.relaunch import stage

from ..lab import Lab, furnish


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    made = Lab(tmp_path)
    furnish(made, monkeypatch)
    made.commit()
    monkeypatch.setattr("nixrepro.gc.keep_recorded", lambda *_: 0)
    genuine = stage.perform

    def perform(*rest: Any, **more: Any) -> Any:
        # CliRunner has no terminal to show the program's output on.
        return genuine(*rest, **{**more, "show": False})

    monkeypatch.setattr(stage, "perform", perform)
    return made


def invoke(lab: Lab, *arguments: str) -> Result:
    words = ["-C", str(lab.root), *arguments]
    return CliRunner().invoke(verbs, words, standalone_mode=False)


def test_the_new_id_is_the_answer_and_what_changed_is_said(lab: Lab) -> None:
    run = lab.run()
    done = invoke(lab, "relaunch", "last", "--set", "seed=7", "--", "python", "-c", "exit(4)")
    assert done.return_value == 4, done.exception
    assert "changed settings.seed: 42 -> 7" in done.stderr
    assert "changed settings.command: python train.py -> python -c 'exit(4)'" in done.stderr
    (new,) = (
        json.loads(path.read_text())
        for path in (lab.root / ".nixrepro" / "runs").glob("*/record.json")
        if path.parent != run.folder
    )
    assert done.stdout == new["id"] + "\n"
    done = invoke(lab, "relaunch", run.document["id"][:9], "--json")
    assert json.loads(done.stdout)["relaunches"] == run.document["id"]
    listed = invoke(lab, "runs")
    assert f"relaunches {run.document['id'][:12]}" in listed.stdout
    shown = invoke(lab, "show", new["id"])
    assert "changed settings.seed: 42 -> 7" in shown.stdout
    compared = invoke(lab, "diff", run.document["id"][:12], new["id"][:12])
    assert f"relaunches {run.document['id'][:12]}" in compared.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("relaunch", "last", "--set", "sed=1"), "there is no such key"),
        (("relaunch", "ffff"), "no run begins with"),
        (("relaunch", "last", "--fingerprint", "weights"), "--fingerprint takes"),
        (("relaunch", "last", "--substituter", "-x"), "is no URL of a binary cache"),
        (("bundle", "ffff", "-o", "x.tar"), "no run begins with"),
        (("verify", "last", "--only", "bundle"), "goes with a bundle"),
    ],
)
def test_what_is_refused(lab: Lab, words: tuple[str, ...], message: str) -> None:
    if "--substituter" in words:
        from nixrepro.nix import Nix
        from nixrepro.repeat import caches

        with pytest.raises(NixreproError, match=message):
            caches.ask(lab.root, "/nix/store/x", Nix(), ["-x"], False, print)
        return
    lab.run()
    assert message in str(invoke(lab, *words).exception)


def test_help_ends_with_examples(lab: Lab) -> None:
    for verb in ("relaunch", "bundle"):
        help_text = invoke(lab, verb, "--help").stdout
        assert f"nixrepro {verb} " in help_text.rpartition("Examples:")[2]
        assert max(map(len, help_text.splitlines())) <= 80
