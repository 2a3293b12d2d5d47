"""A run's probe: taken once, kept, and never in the way of the run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from nixrepro.runtime import recording
from nixrepro.runtime.machine_code import placed
from nixrepro.runtime.probe import approximate
from nixrepro.runtime.probe import kept as kept_

from .conftest import Workshop, wait_for

TAKE = {"NIXREPRO_PROBE": "yes"}


def kept(workshop: Workshop) -> list[Path]:
    return sorted((workshop.project / ".nixrepro" / "probes").iterdir())


def slow(workshop: Workshop, seconds: int = 60) -> Path:
    """Make the probe of this workshop take long; what is there once it has begun to."""
    began = workshop.site.parent / "began"
    text = f"""
import os, time
with open({str(began) + ".new"!r}, "w") as stream:
    stream.write(str(os.getpid()))
os.rename(stream.name, {str(began)!r})
time.sleep({seconds})
"""
    (workshop.site / "tensorflow.py").write_text(text)
    return began


def gone(pid: int) -> bool:
    """Whether a process has ended; whoever is to wait for it may be slow to."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def test_the_first_run_takes_it_and_the_next_one_finds_it(workshop: Workshop) -> None:
    assert workshop.run("true", **TAKE).returncode == 0
    (file,) = kept(workshop)
    first = workshop.record()["probe"]
    assert first == json.loads(file.read_bytes())
    assert {"libm.sin", "libm.sinf", "libm.sqrt"} <= set(first["functions"])
    mark = {"digest": "0" * 64, "functions": {}}
    file.write_text(json.dumps(mark))
    # Kept ones are used where none is to be taken, too.
    for more in (TAKE, {"NIXREPRO_PROBE": "no"}):
        assert workshop.run("true", **more).returncode == 0
        assert workshop.newest()["probe"] == mark
    assert kept(workshop) == [file]


@pytest.mark.parametrize(
    "change",
    [
        {"deterministic": False},
        {"numerics": {"threads": 3}},
        {"seed": None},
        {"variables": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA"}},
    ],
    ids=str,
)
def test_what_can_change_numbers_has_a_probe_of_its_own(
    workshop: Workshop, change: dict[str, Any]
) -> None:
    workshop.run("true", **TAKE)
    for key, value in change.items():
        old = workshop.settings[key] if key == "variables" else {}
        workshop.settings[key] = {**old, **value} if isinstance(value, dict) else value
    workshop.run("true", **TAKE)
    assert len(kept(workshop)) == 2


def test_what_changes_no_number_has_not(workshop: Workshop) -> None:
    workshop.settings["pass"] = ["TOKEN"]
    workshop.run("true", HOME="/one", TOKEN="a", **TAKE)
    workshop.settings["seed"] = 7
    workshop.run("echo", "other", HOME="/two", TOKEN="b", **TAKE)
    assert len(kept(workshop)) == 1


def test_another_environment_or_cpu_has_a_probe_of_its_own(workshop: Workshop) -> None:
    workshop.run("true", **TAKE)
    workshop.environment["identity"]["digest"] = "3" * 64
    workshop.run("true", **TAKE)
    assert len(kept(workshop)) == 2


def test_a_program_that_failed_waits_for_no_probe(workshop: Workshop) -> None:
    assert workshop.run("false", **TAKE).returncode == 1
    assert "failed" in workshop.record()["probe"]["unknown"]
    assert not (workshop.project / ".nixrepro" / "probes").exists()


def test_none_is_taken_where_it_is_not_wanted(workshop: Workshop) -> None:
    workshop.run("true", options=("--no-record",), **TAKE)
    assert not (workshop.project / ".nixrepro").exists()
    workshop.run("true", NIXREPRO_PROBE="no")
    assert "NIXREPRO_PROBE" in workshop.record()["probe"]["unknown"]
    assert not (workshop.project / ".nixrepro" / "probes").exists()


def test_it_is_no_part_of_the_experiment(workshop: Workshop) -> None:
    workshop.run("true", NIXREPRO_PROBE="no")
    workshop.run("true", **TAKE)
    records = [json.loads((each / "record.json").read_text()) for each in workshop.folders()]
    assert len({json.dumps(record["probe"]) for record in records}) == 2
    assert len({record["experiment"] for record in records}) == 1


@pytest.mark.alone
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_not_the_runs_success(workshop: Workshop, number: int) -> None:
    began = slow(workshop)
    process = workshop.start("true", more=TAKE)
    wait_for(began.exists)
    # The run is whole before its probe is.
    assert workshop.record()["status"] == "done"
    begun = time.monotonic()
    process.send_signal(number)
    process.communicate(timeout=20)
    assert time.monotonic() - begun < 2
    assert gone(int(began.read_text()))
    assert process.returncode == 0
    record = workshop.record()
    assert record["status"] == "done"
    assert record["probe"]["unknown"].endswith(f"{signal.Signals(number).name} came")
    assert not (workshop.project / ".nixrepro" / "probes").exists()
    assert not list(workshop.temporary.iterdir())


def test_a_person_is_told_why_it_takes_a_while(workshop: Workshop) -> None:
    slow(workshop, 1)
    assert workshop.run("true", options=("--quiet",), **TAKE).stderr == ""
    (file,) = kept(workshop)
    file.unlink()
    last = workshop.run("true", **TAKE).stderr.splitlines()[-1]
    assert last.startswith("nixrepro: taking the probe of this environment's arithmetic, once")
    assert "probe" not in workshop.run("true", **TAKE).stderr


def test_a_supervisor_that_is_killed_meanwhile_has_recorded_the_run(workshop: Workshop) -> None:
    began = slow(workshop)
    process = workshop.start("true", more=TAKE)
    wait_for(began.exists)
    process.kill()
    process.communicate()
    wait_for(lambda: gone(int(began.read_text())))
    record = workshop.record()
    assert record["status"] == "done"
    assert record["probe"] == {"unknown": "it is taken when the program has ended"}


def test_a_probe_that_crashes_is_said_once_and_fails_no_run(workshop: Workshop) -> None:
    text = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n"
    (workshop.site / "tensorflow.py").write_text(text)
    for _ in range(2):
        assert workshop.run("true", **TAKE).returncode == 0
        assert "SIGSEGV" in workshop.newest()["probe"]["unknown"]
    # It would crash again: only `nixrepro probe --again` tries.
    (file,) = kept(workshop)
    assert "SIGSEGV" in file.read_text()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "import os, sys; print('no room', file=sys.stderr, flush=True); os._exit(125)",
            "125: no room",
        ),
        ("raise MemoryError", "MemoryError"),
        ("raise OSError(28, 'No space left on device')", "No space left"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    ],
)
def test_what_the_machine_lacked_once_is_not_kept(workshop: Workshop, code: str, said: str) -> None:
    (workshop.site / "tensorflow.py").write_text(f"{code}\n")
    assert workshop.run("true", **TAKE).returncode == 0
    assert said in workshop.record()["probe"]["unknown"]
    assert not (workshop.project / ".nixrepro" / "probes").exists()


def test_a_result_of_somebody_else_is_not_read(workshop: Workshop) -> None:
    """Neither what a program left under that name, nor what a probe left that then failed."""
    text = """
import os, sys
with open(sys.argv[3], "w") as stream:
    stream.write('{"digest": "0", "functions": {}}')
os._exit(3)
"""
    (workshop.site / "tensorflow.py").write_text(text)
    leave = "import pathlib, os; pathlib.Path(os.environ['TMPDIR'], 'probe.json').write_text('[]')"
    assert workshop.run("python", "-c", leave, **TAKE).returncode == 0
    assert "status 3" in workshop.record()["probe"]["unknown"]


def test_a_probe_that_is_no_probe_is_not_kept(workshop: Workshop) -> None:
    text = "import os, sys; open(sys.argv[3], 'w').write('[]'); os._exit(0)\n"
    (workshop.site / "tensorflow.py").write_text(
        text.replace("; os._exit", "; sys.stdout.flush(); os._exit")
    )
    assert workshop.run("true", **TAKE).returncode == 0
    assert "status 0" in workshop.record()["probe"]["unknown"]


def test_two_cpus_of_one_table_have_a_probe_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under an outer virtual CPU with exact instructions and without."""

    def key() -> str:
        identity = {"identity": {"path": "p", "digest": "1"}}
        facts = {"cpu": {"table": ["0"]}}
        return kept_.Place(
            project="p", environment=identity, settings={}, hardware=facts, env={}, passed=()
        ).key

    before = key()
    assert len(approximate.digest()) == 64
    assert key() == before
    monkeypatch.setattr(
        approximate, "placed", lambda code: placed(code.replace(b"\x0f\x53", b"\x0f\x51"))
    )
    assert key() != before


def test_the_probe_is_recorded_durably(monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[tuple[dict[str, Any], bool]] = []

    class Folder:
        path = "p"

        def save(self, record: dict[str, Any], *, final: bool = False) -> None:
            saved.append((record, final))

    class Probing:
        def take(self, tell: object) -> dict[str, Any]:
            return {"unknown": "why"}

    run = recording.Run.__new__(recording.Run)
    run.folder = Folder()  # type: ignore[assignment]
    run._probe({"id": "1"}, Probing(), True)  # type: ignore[arg-type]
    assert saved == [({"id": "1", "probe": {"unknown": "why"}}, True)]


def test_a_library_that_can_not_be_imported_leaves_the_others(workshop: Workshop) -> None:
    (workshop.site / "tensorflow.py").write_text("raise ImportError('libnothing.so is not there')")
    workshop.run("true", **TAKE)
    functions = workshop.record()["probe"]["functions"]
    assert functions["tensorflow"] == {"unknown": "ImportError: libnothing.so is not there"}
    assert "digest" in functions["libm.exp"]


def test_many_runs_at_once_leave_one_whole_file(workshop: Workshop) -> None:
    workshop.argv("true")
    processes = [workshop.start("true", more=TAKE) for _ in range(4)]
    assert [process.communicate() and process.returncode for process in processes] == [0] * 4
    (file,) = kept(workshop)
    records = [json.loads((each / "record.json").read_text()) for each in workshop.folders()]
    assert [record["probe"] for record in records] == [json.loads(file.read_bytes())] * 4


def test_a_broken_file_is_taken_again(workshop: Workshop) -> None:
    workshop.run("true", **TAKE)
    (file,) = kept(workshop)
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    workshop.run("true", **TAKE)
    assert file.read_bytes() == whole


def test_without_ctypes_it_says_so(workshop: Workshop) -> None:
    broken = workshop.site / "nixrepro_runtime"
    package = broken.resolve()
    broken.unlink()
    broken.mkdir()
    for part in package.iterdir():
        if part.name != "probe":
            (broken / part.name).symlink_to(part)
    (broken / "probe").mkdir()
    for part in (package / "probe").iterdir():
        (broken / "probe" / part.name).symlink_to(part)
    (broken / "probe" / "whole.py").unlink()
    text = "import sys; sys.modules['ctypes'] = None\n"
    whole = (package / "probe" / "whole.py").read_text()
    head, future, rest = whole.partition("from __future__ import annotations\n")
    (broken / "probe" / "whole.py").write_text(head + future + text + rest)
    assert workshop.run("true", **TAKE).returncode == 0
    functions = workshop.record()["probe"]["functions"]
    assert "ctypes" in functions["libm"]["unknown"]


def answer(workshop: Workshop, *options: str) -> subprocess.CompletedProcess[str]:
    """What the module that `nixrepro probe` starts says."""
    argv = workshop.argv("true", options=options)
    argv[argv.index("--") :] = []
    text = argv[3].replace("nixrepro_runtime.launch", "nixrepro_runtime.probe")
    return subprocess.run(
        [*argv[:3], text, *argv[4:]],
        cwd=workshop.project,
        env=workshop.variables(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_verb_and_a_run_share_one_probe(workshop: Workshop) -> None:
    done = answer(workshop)
    assert done.returncode == 0
    (file,) = kept(workshop)
    assert done.stdout == file.read_text()
    file.write_text('{"digest":"0","functions":{}}\n')
    workshop.run("true", **TAKE)
    assert workshop.record()["probe"] == {"digest": "0", "functions": {}}
    assert json.loads(answer(workshop).stdout)["digest"] == "0"
    again = answer(workshop, "--again")
    assert again.stdout == done.stdout == file.read_text()
    assert not list(workshop.temporary.iterdir())


def test_a_folder_that_can_not_be_written_has_a_probe_each_time(workshop: Workshop) -> None:
    (workshop.project / ".nixrepro").mkdir()
    os.symlink("/proc/nowhere", workshop.project / ".nixrepro" / "probes")
    assert json.loads(answer(workshop).stdout)["functions"]
    assert workshop.run("true", **TAKE).returncode == 0
    assert "functions" in workshop.record()["probe"]
