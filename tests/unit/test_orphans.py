"""What a child leaves behind ends where this is asked to end, and is left alone where it isn't."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nixrepro import orphans

# It ends at once, and leaves one behind that hears no SIGTERM, with a child of its own.
LEAVES = """
(trap "" TERM; echo $BASHPID > inner.new; mv inner.new inner; sleep 60; sleep 60) &
while [ ! -e inner ]; do sleep 0.01; done
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def leave(folder: Path) -> int:
    subprocess.run(["bash", "-c", LEAVES], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return int((folder / "inner").read_text())


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_who_is_asked_to_end_ends_what_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    monkeypatch.setattr(orphans, "_PATIENCE", 0.3)
    with subprocess.Popen(["sleep", "60"]) as other:
        with pytest.raises(error), orphans.ended():
            left = leave(tmp_path)
            assert left in orphans.children()
            raise error
        assert not alive(left)
        assert other.poll() is None  # of before, and none of it
        other.kill()


def test_what_was_left_by_a_program_that_ended_goes_on(tmp_path: Path) -> None:
    with orphans.ended():
        left = leave(tmp_path)
    assert alive(left)
    subprocess.run(["pkill", "-KILL", "-P", str(left)], check=False)
    subprocess.run(["kill", "-KILL", str(left)], check=False)
