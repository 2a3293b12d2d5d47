"""The supervisor from outside: output, exit status, variables, and the record it leaves."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nixrepro.runtime import launch

from .conftest import Workshop
from .repositories import call


def test_output_passes_and_is_logged(workshop: Workshop) -> None:
    done = workshop.run("sh", "-c", "echo out; echo err >&2")
    assert done.returncode == 0
    assert done.stdout == "out\n"
    assert done.stderr.startswith("err\n") or "\nerr\n" in done.stderr
    (folder,) = workshop.folders()
    log = (folder / "log.txt").read_bytes()
    assert sorted(log.splitlines()) == [b"err", b"out"]
    said = workshop.record()["files"]["log"]
    assert said == {"file": "log.txt", "size": 8, "sha256": hashlib.sha256(log).hexdigest()}


def test_one_place_for_both_keeps_their_order(workshop: Workshop) -> None:
    script = "for i in 1 2 3 4 5 6 7 8; do echo o$i; echo e$i >&2; done"
    done = subprocess.run(
        workshop.argv("sh", "-c", script, options=("--quiet",)),
        cwd=workshop.project,
        env=workshop.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
    )
    assert done.stdout.decode().split() == [f"{kind}{i}" for i in range(1, 9) for kind in "oe"]


def test_output_comes_while_the_program_runs(workshop: Workshop) -> None:
    process = workshop.start("sh", "-c", "echo first; read line; echo $line", stdin=subprocess.PIPE)
    assert process.stdout is not None and process.stdin is not None
    assert process.stdout.readline() == "first\n"
    process.stdin.write("second\n")
    process.stdin.flush()
    assert process.stdout.readline() == "second\n"
    process.communicate()
    assert process.returncode == 0


def test_megabytes_on_both_ways_out(workshop: Workshop) -> None:
    script = "head -c 3000000 /dev/zero >&2 & head -c 3000000 /dev/zero; wait"
    done = workshop.run("sh", "-c", script, options=("--quiet",))
    assert len(done.stdout) == len(done.stderr) == 3_000_000
    assert workshop.record()["files"]["log"]["size"] == 6_000_000


def test_a_reader_that_goes_away_ends_the_writer(workshop: Workshop) -> None:
    process = workshop.start("sh", "-c", "while :; do echo y; done")
    assert process.stdout is not None
    assert process.stdout.readline() == "y\n"
    process.stdout.close()
    assert process.wait(20) != 0
    process.communicate()
    assert workshop.record()["status"] in ("killed", "failed")


def test_a_process_left_behind_holds_nothing_up(workshop: Workshop) -> None:
    done = workshop.run("sh", "-c", "sleep 30 & echo $!")
    os.kill(int(done.stdout), 9)
    assert done.returncode == 0
    assert workshop.record()["timings"]["wall"] < 10


@pytest.mark.parametrize(
    ("command", "status", "word"),
    [
        (["sh", "-c", "exit 3"], 3, "failed"),
        (["python", "-c", "raise SystemExit(7)"], 7, "failed"),
        (["python", "-c", "1/0"], 1, "failed"),
        (["sh", "-c", "kill -SEGV $$"], 139, "killed"),
        (["sh", "-c", "kill -INT $$"], 130, "interrupted"),
        (["no-such-program"], 127, "failed"),
        (["./data.txt"], 126, "failed"),
        (["./broken"], 126, "failed"),
    ],
)
def test_exit_status_is_kept(
    workshop: Workshop, command: list[str], status: int, word: str
) -> None:
    (workshop.project / "data.txt").write_text("no program")
    (workshop.project / "broken").write_text("#!/no/such/interpreter\n")
    (workshop.project / "broken").chmod(0o755)
    done = workshop.run(*command)
    assert done.returncode == status
    record = workshop.record()
    assert (record["status"], record["exit"]["status"]) == (word, status)
    assert bool(record["exit"]["reason"]) == (status in (126, 127))


def test_variables_are_clean(workshop: Workshop) -> None:
    workshop.settings["variables"]["TF_ENABLE_ONEDNN_OPTS"] = "0"
    done = workshop.run(
        "env",
        options=("--pass", "ALLOWED"),
        LD_LIBRARY_PATH="/nowhere",
        PYTHONHASHSEED="7",
        OMP_NUM_THREADS="3",
        OTHER="x",
        ALLOWED="secret-value",
        HOME="/home/somebody",
        TERM="dumb",
    )
    found = dict(line.split("=", 1) for line in done.stdout.splitlines())
    (folder,) = workshop.folders()
    temporary = found.pop("TMPDIR")
    assert temporary.startswith(str(workshop.temporary))
    for name in ("USER", "LOGNAME", "PWD", "SHLVL", "_"):
        found.pop(name, None)
    assert found == {
        **workshop.environment["variables"],
        **workshop.settings["variables"],
        "HOME": "/home/somebody",
        "TERM": "dumb",
        "ALLOWED": "secret-value",
        "PYTHONHASHSEED": "42",
        "PYTHONNOUSERSITE": "1",
        "KERAS_HOME": f"{temporary}/keras",
        "NIXREPRO_SEED": "42",
        "NIXREPRO_DETERMINISTIC": "1",
        "NIXREPRO_DATA": str(workshop.site.parent / "settings.json"),
        "NIXREPRO_RUN": str(folder),
    }
    settings = workshop.record()["layers"]["settings"]
    assert settings["variables"]["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert list(settings["passed"]) == ["ALLOWED"]
    assert "secret-value" not in (folder / "record.json").read_text()


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PYTHONPATH", "OMP_NUM_THREADS"])
def test_what_changes_numbers_may_not_simply_pass(workshop: Workshop, name: str) -> None:
    done = workshop.run("true", options=("--pass", name))
    assert done.returncode == 2
    assert name in done.stderr and "settings.variables" in done.stderr
    assert workshop.folders() == []


def test_nothing_is_left_in_the_temporary_folder(workshop: Workshop) -> None:
    workshop.run("sh", "-c", "mkdir $TMPDIR/a; echo x > $TMPDIR/a/b")
    assert list(workshop.temporary.iterdir()) == []


def test_the_record_says_everything(workshop: Workshop) -> None:
    workshop.run("sh", "-c", "exit 4", cwd=workshop.project)
    record = workshop.record()
    (folder,) = workshop.folders()
    assert record["id"].startswith(folder.name)
    canonical = json.dumps(record["identity"], sort_keys=True, separators=(",", ":")) + "\n"
    assert record["id"] == hashlib.sha256(canonical.encode()).hexdigest()
    assert list(record["layers"]) == sorted(
        ["hardware", "system", "accelerator", "wheels", "data", "code", "settings"]
    )
    assert record["closure"] == workshop.environment["closure"]
    assert record["environment"]["digest"] == "1" * 64
    assert record["layers"]["settings"]["command"] == ["sh", "-c", "exit 4"]
    assert record["timings"]["peak-memory"] > 100_000
    assert record["layers"]["hardware"]["kernel"]["release"] == os.uname().release
    assert not (folder / "reserve").exists()


def test_equal_runs_are_one_experiment_with_two_ids(workshop: Workshop) -> None:
    for _ in range(2):
        workshop.run("true")
    workshop.run("true", "other")
    records = [json.loads((each / "record.json").read_text()) for each in workshop.folders()]
    assert len({record["id"] for record in records}) == 3
    assert len({record["experiment"] for record in records}) == 2


def test_settings_command_is_the_default(workshop: Workshop) -> None:
    workshop.settings["command"] = ["echo", "trained"]
    assert workshop.run().stdout == "trained\n"


def test_the_project_is_where_the_lock_is(workshop: Workshop) -> None:
    (workshop.project / "nixrepro.lock").write_text("")
    inner = workshop.project / "a" / "b"
    inner.mkdir(parents=True)
    assert workshop.run("pwd", cwd=inner).stdout.strip() == str(inner)
    assert workshop.record()["layers"]["settings"]["folder"] == "a/b"


def test_no_record(workshop: Workshop) -> None:
    done = workshop.run("sh", "-c", "echo hi; exit 3", options=("--no-record",))
    assert (done.stdout, done.stderr, done.returncode) == ("hi\n", "", 3)
    assert not (workshop.project / ".nixrepro").exists()
    assert list(workshop.temporary.iterdir()) == []


def test_summary(workshop: Workshop) -> None:
    call(workshop.project, "init", "-q")
    code = "import nixrepro_runtime as nr; nr.log(accuracy=0.91234)"
    lines = workshop.python(code).stderr.splitlines()
    (folder,) = workshop.folders()
    assert len(lines) == 3
    assert lines[0].startswith("nixrepro: done in ") and lines[0].endswith("accuracy 0.9123")
    assert lines[1] == "nixrepro: environment " + workshop.environment["environment"]
    assert str(folder.relative_to(workshop.project)) in lines[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "can't be read"),
        ("{", "can't be read"),
        ('{"format": 2}', "version"),
        ("{}", "lacks identity, layers, closure"),
    ],
)
def test_bad_environment_file(workshop: Workshop, text: str | None, said: str) -> None:
    argv = workshop.argv("true")
    path = workshop.site.parent / "environment.json"
    path.unlink() if text is None else path.write_text(text)
    done = subprocess.run(argv, cwd=workshop.project, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr and str(path) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--nonsense", "--pass"])
def test_bad_options(workshop: Workshop, option: str) -> None:
    done = subprocess.run(
        [*workshop.argv()[:-1], option], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert option in done.stderr


def test_a_file_where_the_records_should_go(workshop: Workshop) -> None:
    call(workshop.project, "init", "-q")
    (workshop.project / ".nixrepro").write_text("in the way")
    done = workshop.run("sh", "-c", "echo started")
    assert done.returncode == 5
    assert done.stdout == ""
    assert "Nothing was started" in done.stderr and "--no-record" in done.stderr
    assert done.stderr.count("\n") == 1


def test_argument_that_is_no_utf8(workshop: Workshop) -> None:
    done = subprocess.run(
        [*(os.fsencode(word) for word in workshop.argv("test")), b"-n", b"\xff"],
        cwd=workshop.project,
        env=workshop.variables(),
        check=False,
    )
    assert done.returncode == 0
    assert workshop.record()["layers"]["settings"]["command"] == ["test", "-n", "\udcff"]


def test_start_is_fast(workshop: Workshop) -> None:
    """Recording `true` costs little; the bound is wide because the machine may be busy."""
    workshop.run("true", options=("--quiet",))
    assert workshop.record()["timings"]["recording"] < 0.5
    size = (workshop.folders()[0] / "record.json").stat().st_size
    assert size < 20_000


def test_relative_project(workshop: Workshop, tmp_path: Path) -> None:
    done = workshop.run("true", options=("--project", "project"), cwd=tmp_path)
    assert done.returncode == 0
    assert workshop.record()["layers"]["settings"]["folder"] == ".."


def test_the_last_words_are_never_lost(workshop: Workshop) -> None:
    """All that is in the pipe when the program ends passes, however slowly it is read."""
    process = workshop.start("sh", "-c", "sleep 60 & head -c 60000 /dev/zero; echo; echo $!")
    time.sleep(0.5)
    out, _ = process.communicate(timeout=20)
    os.kill(int(out.split()[-1]), 9)
    assert len(out.splitlines()[0]) == 60_000


def test_a_writer_left_behind_holds_nothing_up(workshop: Workshop) -> None:
    done = workshop.run("sh", "-c", "yes & echo $!", options=("--quiet",))
    pid = next(int(word) for word in done.stdout.split() if word != "y")
    assert done.returncode == 0
    assert workshop.record()["timings"]["wall"] < 10
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 9)


def test_nothing_is_said_where_standard_error_was_closed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    launch.say("it")
    assert capsys.readouterr().out == ""


def test_closed_standard_streams(workshop: Workshop) -> None:
    argv = " ".join(map(shlex.quote, workshop.argv("sh", "-c", "echo x; echo y >&2; exit 3")))
    done = subprocess.run(
        ["sh", "-c", f"exec {argv} <&- >&- 2>&-"],
        cwd=workshop.project,
        env=workshop.variables(),
        check=False,
    )
    assert done.returncode == 3
    (folder,) = workshop.folders()
    assert sorted((folder / "log.txt").read_text().split()) == ["x", "y"]


def test_the_folder_is_gone(workshop: Workshop, tmp_path: Path) -> None:
    argv = " ".join(map(shlex.quote, workshop.argv("true")))
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        ["sh", "-c", f"rmdir {gone}; exec {argv}"], cwd=gone, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"is gone" in done.stderr and b"Traceback" not in done.stderr
