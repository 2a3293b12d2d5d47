"""A run's verdict: the same, within a tolerance, by chance or for a cause, with its reason."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nixrepro import record, repeat
from nixrepro.canonical import digest, json_bytes
from nixrepro.errors import FetchError, NixError, RunError
from nixrepro.nix import Nix
from nixrepro.record import Record
from nixrepro.verify.repeated import check_record, check_run
from nixrepro.verify.verdict import Finding, State, Verdict

from ..lab import Lab, furnish


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    made = Lab(tmp_path)
    furnish(made, monkeypatch)
    return made


def check(
    lab: Lab, run: Record, *, runs: int = 1, tolerance: float | None = None
) -> tuple[Verdict, ...]:
    return check_run(lab.root, run, runs=runs, tolerance=tolerance, nix=Nix(), say=lab.said.append)


def verdict(lab: Lab, run: Record, *, runs: int = 1, tolerance: float | None = None) -> Verdict:
    """The one on the result, of a record that is whole."""
    whole, found = check(lab, run, runs=runs, tolerance=tolerance)
    assert (whole.part, whole.state) == ("record", State.SAME)
    assert found.part == run.document["id"][:12]
    return found


def logs(value: str, lines: str = "") -> str:
    return f"import nixrepro_runtime as nr\n{lines}\nnr.log(loss={value})\n"


def test_the_same_bit_for_bit(lab: Lab) -> None:
    lab.commit()
    run = lab.run()
    found = verdict(lab, run, runs=2)
    assert found.state == State.SAME
    assert found.reason == "each of 2 repetitions computed the same, bit for bit"
    assert found.findings == ()
    made = [line.id[:12] for line in record.runs(lab.root)][:2]
    assert found.compared.endswith(f"with repetitions {made[1]}, {made[0]}")


def test_what_a_run_leaves_in_its_folder_is_not_there_for_the_next(lab: Lab) -> None:
    lab.write("train.py", logs("n", "import os; n = len(os.listdir('.'))\nopen('left', 'w')"))
    lab.commit()
    assert verdict(lab, lab.run(), runs=2).state == State.SAME


CHANCE = {
    "the time": logs("time.time()", "import time"),
    "the random device": logs("int.from_bytes(os.urandom(4), 'big')", "import os"),
    "a process's number": logs("os.getpid()", "import os"),
    "threads": logs(
        "total",
        "import threading, time, random\ntotal = 0.0\ndef add(n):\n    global total\n"
        "    time.sleep(random.SystemRandom().random() / 100)\n    total = total * 0.5 + n\n"
        "t = [threading.Thread(target=add, args=(n,)) for n in range(30)]\n"
        "[x.start() for x in t]; [x.join() for x in t]",
    ),
}


@pytest.mark.parametrize("what", CHANCE)
def test_a_program_that_is_not_deterministic(lab: Lab, what: str) -> None:
    lab.write("train.py", CHANCE[what])
    lab.commit()
    run = lab.run()
    once = verdict(lab, run)
    assert once.state == State.DIFFERS
    assert "computed something else" in once.reason and "--runs 2" in once.reason
    more = verdict(lab, run, runs=5)
    assert more.state == State.DIFFERS
    assert more.reason.startswith("the program is not deterministic")
    assert "loss" in {finding.subject for finding in more.findings}
    # Two that differ say it; the other three would say nothing new.
    assert len(record.runs(lab.root)) == 1 + 1 + 2


def test_a_file_outside_of_git_is_a_cause(lab: Lab) -> None:
    lab.write(".gitignore", ".nixrepro/\nhidden\n")
    lab.write("train.py", logs("os.path.exists('hidden') + 1.5", "import os"))
    lab.write("hidden", "")
    lab.commit()
    run = lab.run()
    found = verdict(lab, run, runs=2)
    assert found.state == State.DIFFERS
    assert found.reason.startswith("2 repetitions agree with each other and not with the record")
    assert "nothing that is recorded differs" in found.reason
    assert found.findings[0] == Finding("loss", "2.5 was recorded, 1.5 came now")


def test_a_repetition_that_fails(lab: Lab) -> None:
    lab.write(".gitignore", ".nixrepro/\nhidden\n")
    lab.write("train.py", logs("1", "open('hidden')"))
    lab.write("hidden", "")
    lab.commit()
    found = verdict(lab, lab.run(), runs=3)
    assert found.state == State.DIFFERS
    newest = record.load(lab.root)
    log = newest.folder / "log.txt"
    assert found.reason == f"the repetition failed with status 1; its output: {log}"
    assert "hidden" in log.read_text()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(1)", "it is recorded as failed, so there is no result to compare with"),
        ("import os; os.kill(os.getpid(), 9)", "it is recorded as killed"),
        ("print('nothing')", "it recorded neither weights nor metrics"),
    ],
)
def test_what_can_not_be_compared_is_not_repeated(lab: Lab, code: str, reason: str) -> None:
    lab.write("train.py", code)
    lab.commit()
    found = verdict(lab, lab.run())
    assert found.state == State.UNKNOWN
    assert found.reason.startswith(reason)
    assert len(record.runs(lab.root)) == 1


def test_a_tampered_record_is_not_repeated(lab: Lab) -> None:
    lab.commit()
    run = lab.run()
    path = run.folder / "record.json"
    path.write_bytes(path.read_bytes().replace(b'"last":0.25', b'"last":0.15'))
    (found,) = check(lab, record.load(lab.root, run.document["id"]))
    assert (found.part, found.state) == ("record", State.DIFFERS)
    assert found.reason.startswith("fingerprint: it is not the digest of the result")
    assert len(record.runs(lab.root)) == 1


def test_a_missing_commit_is_unknown(lab: Lab) -> None:
    lab.commit()
    lab.write("train.py", logs("1"))
    lost = lab.commit()
    run = lab.run()
    lab.git("reset", "--quiet", "--hard", "HEAD~1")
    lab.git("reflog", "expire", "--expire=now", "--all")
    lab.git("gc", "--quiet", "--prune=now")
    found = verdict(lab, run)
    assert found.state == State.UNKNOWN
    assert found.reason.startswith(f"it can't be repeated: commit {lost}")
    assert "git fetch" in found.reason


def test_errors_become_verdicts_but_for_a_missing_nix(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.commit()
    run = lab.run()
    errors: Iterator[Exception] = iter(
        [
            FetchError("data is gone", hint="bring it"),
            repeat.OtherEnvironment("another one", (Finding("/nix/store/x", "why", "wheels"),)),
            NixError("no Nix"),
        ]
    )

    def fail(*_: Any, **__: Any) -> Record:
        raise next(errors)

    monkeypatch.setattr(repeat, "repeat", fail)
    found = verdict(lab, run)
    assert (found.state, found.reason) == (
        State.UNKNOWN,
        "it can't be repeated: data is gone; bring it",
    )
    found = verdict(lab, run)
    assert found.state == State.DIFFERS and found.findings[0].layer == "wheels"
    with pytest.raises(NixError):
        verdict(lab, run)


def altered(run: Record, **logged: float) -> Record:
    """As if it had logged something else: another record, whole in itself but for its files."""
    document = copy.deepcopy(run.document)
    for name, value in logged.items():
        document["result"]["logged"][name].update(last=value, digest=digest([[None, value]]))
    document["fingerprint"]["metrics"] = digest(document["result"]["logged"])
    return Record(run.folder, document)


@pytest.mark.parametrize(
    ("tolerance", "state"), [(None, State.DIFFERS), (0.01, State.DIFFERS), (0.2, State.SAME)]
)
def test_a_tolerance_is_named(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tolerance: float | None, state: State
) -> None:
    lab.write("train.py", logs("1.0"))
    lab.commit()
    run = lab.run()
    again = altered(run, loss=1.1)
    monkeypatch.setattr(repeat, "repeat", lambda *_, **__: again)
    found = verdict(lab, run, tolerance=tolerance)
    assert found.state == state
    assert found.findings[0] == Finding("loss", "1.0 was recorded, 1.1 came now")
    if state == State.SAME:
        assert "within the tolerance of 0.2: metrics are off by up to 0.091" in found.reason
        again.document["fingerprint"]["weights"] = "0" * 64
        assert verdict(lab, run, tolerance=tolerance).reason.endswith("and the weights differ")


# Nine of its ten losses are chance; the last is not.
NINE = "[nr.log(loss=random.random() + 1, step=n) for n in range(9)]"


def test_within_a_tolerance_every_logged_value_counts(lab: Lab) -> None:
    lab.write("train.py", logs("1.0", f"import random\n{NINE}").replace("1.0", "1.0, step=9"))
    lab.commit()
    run = lab.run()
    found = verdict(lab, run, tolerance=1e-3)
    assert found.state == State.DIFFERS
    assert "first in the logged loss at step 0" in found.reason
    assert found.findings[0].subject == "loss at step 0"
    assert found.compared.startswith("10 values of metrics")
    near = verdict(lab, run, tolerance=0.999)
    assert near.state == State.SAME


def test_logged_values_that_are_gone_are_within_no_tolerance(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.write("train.py", logs("random.random() + 1", f"import random\n{NINE}"))
    lab.commit()
    run, again = lab.run(), lab.run()
    monkeypatch.setattr(repeat, "repeat", lambda *_, **__: again)
    assert verdict(lab, run, tolerance=0.999).state == State.SAME
    (again.folder / "events.jsonl").unlink()
    found = verdict(lab, run, tolerance=0.999)
    assert found.state == State.DIFFERS
    assert found.findings[0].subject == "loss (its digest)"


def test_of_a_whole_record_it_is_said_what_was_checked(lab: Lab) -> None:
    """Hardware and timings are under no digest."""
    lab.commit()
    run = lab.run()
    path = run.folder / "record.json"
    document = json.loads(path.read_bytes())
    document["timings"]["wall"] = 1e9
    path.write_bytes(json_bytes(document))
    found = check_record(record.load(lab.root, run.document["id"]))
    assert (found.state, found.reason) == (State.SAME, "its id, digests and files fit")


def test_a_tolerance_says_nothing_where_there_are_no_metrics(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.write("train.py", logs("1.0"))
    lab.commit()
    run = lab.run()
    for each in (run, again := copy.deepcopy(run)):
        each.document["result"].clear()
    run.document["fingerprint"], again.document["fingerprint"] = {"weights": "0"}, {"weights": "1"}
    monkeypatch.setattr(repeat, "repeat", lambda *_, **__: again)
    monkeypatch.setattr(repeat, "check", lambda *_: ())
    assert verdict(lab, run, tolerance=0.5).state == State.DIFFERS


def test_layers_between_then_and_now_are_named(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.write("train.py", logs("1.0"))
    lab.commit()
    run = lab.run()
    again = altered(run, loss=1.1)
    again.document["layers"]["hardware"]["cpu"]["model"] = "Another"
    monkeypatch.setattr(repeat, "repeat", lambda *_, **__: again)
    assert "between then and now differ: hardware (cpu.model)" in verdict(lab, run).reason


def test_a_record_of_before_this_tool_repeated_anything(lab: Lab) -> None:
    """As 0.1 wrote it: no `repeats`, no steps; the same format, which is all that counts."""
    lab.commit()
    run = lab.run()
    document = json.loads((run.folder / "record.json").read_bytes())
    assert document["format"] == 1 and "repeats" not in document
    assert verdict(lab, run).state == State.SAME


def test_a_later_format_is_refused(lab: Lab) -> None:
    lab.commit()
    run = lab.run()
    (run.folder / "record.json").write_bytes(json_bytes({**run.document, "format": 2}))
    with pytest.raises(RunError, match="later nixrepro"):
        record.load(lab.root, run.document["id"])


def test_weights_that_could_not_be_digested_are_not_called_the_same(lab: Lab) -> None:
    lab.commit()
    run = lab.run("python", "-c", logs("1", "nr.weights(5)"))
    assert "unknown" in run.document["fingerprint"]["weights"]
    found = verdict(lab, run)
    assert found.state == State.SAME
    assert "bit for bit, but not all weights are known (" in found.reason


def test_what_is_weaker_than_its_profile_is_said_with_the_reason(lab: Lab, tmp_path: Path) -> None:
    vcpu = tmp_path / "made" / "bin" / "vcpu"
    vcpu.parent.mkdir(parents=True)
    vcpu.write_text("#!/bin/sh\necho nothing may be traced here\nexit 1\n")
    vcpu.chmod(0o755)
    stated = {"profile": "portable", "cpu": "x86-64-v3", "threads": 2}
    lab.settings["numerics"] = {**stated, "vcpu": str(vcpu), "sites": "/sites"}
    (tmp_path / "made" / "share" / "vcpu").mkdir(parents=True)
    table = "00000000  * 0000000d 756e6547 6c65746e 49656e69\n"
    (tmp_path / "made" / "share" / "vcpu" / "x86-64-v3.cpu").write_text(table)
    lab.commit()
    found = verdict(lab, lab.run())
    assert found.state == State.SAME
    assert "weaker than the profile asks" in found.reason
    assert found.reason.endswith(": nothing may be traced here")
