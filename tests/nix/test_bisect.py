"""Which of many packages changes the numbers: real locks, real training derivations."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from math import log2
from pathlib import Path
from typing import Any

import pytest

from .conftest import Done, call
from .mixes import Mixes
from .session import one_error, wait_for
from .test_suites import locked

# One value for each of forty distributions; the sum is what the program computes.
SUM = """
import importlib
print(sum(importlib.import_module(f"part{number:02}").value for number in range(40)))
"""
# Two that do not fit unless they are of one version, and two that count only together.
FITTING = """
import sys
import five, four, one, three, two
if one.value != two.value:
    print("one and two do not fit")
    sys.exit(1)
print(3 if three.value == 2 and four.value == 2 else 1)
"""
WORDS = ("bisect", "nixrepro.lock", "b.lock")


def forty(folder: Path, guilty: int = 23) -> Mixes:
    """A project whose locks differ in forty distributions, of which one counts."""
    made = Mixes(folder, SUM)
    names = [f"part{number:02}" for number in range(40)]
    made.lock("nixrepro.lock", [made.package(name, "1", "value = 1") for name in names])
    value = {names[guilty]: 2}
    later = [made.package(name, "2", f"value = {value.get(name, 1)}") for name in names]
    made.lock("b.lock", later)
    return made


def told(done: Done) -> dict[str, Any]:
    assert "Traceback" not in done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def trained(own: Path) -> list[Path]:
    """The trials that are kept."""
    links = (own / ".nixrepro" / "bisect").glob("*/*")
    return [link for link in links if link.is_symlink()]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Mixes, Done]:
    """The forty, and what `nixrepro bisect` says of them the first time."""
    made = forty(tmp_path_factory.mktemp("forty"))
    return made, made.own(*WORDS)


def test_one_guilty_of_forty(searched: tuple[Mixes, Done]) -> None:
    made, done = searched
    assert done.status == 0, done.err
    assert done.out.startswith("part23 1 -> 2 changes the output: with it alone A gives B's")
    assert "The other\n39 change nothing more." in done.out
    assert all(len(line) <= 80 for line in done.out.splitlines())
    assert "Traceback" not in done.err
    (trials,) = re.findall(r"^(\d+) trials in", done.out, re.MULTILINE)
    assert int(trials) <= 3 * log2(40)
    assert len(trained(made.root)) == int(trials)
    # It says what it does, and what is left.
    assert "trials 1 and 2 of at most" in done.err
    assert re.search(r"13 and 26 from B; left: 40 of 40\n.*A's numbers, B's numbers \(", done.err)


def test_again_trains_nothing(searched: tuple[Mixes, Done]) -> None:
    made, _ = searched
    before = {link: link.lstat().st_mtime_ns for link in trained(made.root)}
    done = made.own(*WORDS, "--json", PATH=_without_builds(made.root))
    answer = told(done)
    assert (done.status, answer["state"], answer["fresh"]) == (0, "found", 0)
    (guilty,) = answer["cause"]
    assert answer["units"][guilty]["entries"][0]["name"] == "part23"
    assert answer["taken"] == answer["cause"]
    assert {link: link.lstat().st_mtime_ns for link in trained(made.root)} == before


def _without_builds(root: Path) -> str:
    """A PATH whose nix can't build."""
    folder = root.parent / "refusing"
    folder.mkdir(exist_ok=True)
    (folder / "nix").write_text("#!/bin/sh\necho no nix here >&2; exit 1\n")
    (folder / "nix").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_trials_are_garbage_collectors_roots(searched: tuple[Mixes, Done]) -> None:
    made, _ = searched
    roots = call(["nix-store", "--gc", "--print-roots"]).out
    for link in trained(made.root):
        assert f"{link} -> {os.readlink(link)}" in roots


def test_an_outcome_that_is_in_the_store_is_not_trained_again(searched: tuple[Mixes, Done]) -> None:
    """As after a kill between the end of a training and the link that keeps it."""
    made, _ = searched

    def registered() -> dict[str, int]:
        paths = sorted(os.readlink(link) for link in trained(made.root))
        told = json.loads(call(["nix", "path-info", "--offline", "--json", *paths]).out)
        return {entry["path"]: entry["registrationTime"] for entry in told}

    before = registered()
    for link in trained(made.root):
        link.unlink()
    assert made.own(*WORDS).status == 0
    assert registered() == before


def test_the_other_way_round_shares_both_ends(searched: tuple[Mixes, Done]) -> None:
    """B to A: the same forty, another tree of the same files, so nothing is wheel by wheel new."""
    made, _ = searched
    done = made.own("bisect", "b.lock", "nixrepro.lock", "--max-trials", "0")
    assert done.status == 1
    assert done.out.startswith("Nothing is known yet")


def test_it_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    made = forty(tmp_path, guilty=4)
    # Two for the locks, two for these again.
    done = made.own(*WORDS, "--max-trials", "6")
    assert done.status == 1, done.err
    assert "Not found yet: it is among 13 of 40: part00, part01" in done.out
    assert len(trained(made.root)) == 4
    process = made.own.start(*WORDS)
    wait_for(lambda: len(trained(made.root)) > 4 or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = {link: link.lstat().st_mtime_ns for link in trained(made.root)}
    assert len(kept) > 4
    answer = told(made.own(*WORDS, "--json"))
    assert answer["state"] == "found"
    assert answer["units"][answer["cause"][0]]["entries"][0]["name"] == "part04"
    assert answer["fresh"] <= len(answer["trials"]) - len(kept)
    now = {link: link.lstat().st_mtime_ns for link in trained(made.root)}
    assert {link: now[link] for link in kept} == kept
    # What the killed one left is gone.
    assert [each.name for each in (made.root / ".nixrepro" / "repeats").iterdir()] == ["lock"]


def started_with(word: str) -> list[str]:
    """The processes, of whatever name space, whose command has a word."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if word.encode() in path.read_bytes().split(b"\0"):
                found.append(path.parent.name)
    return found


@pytest.mark.alone
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_asks_it_to_end_ends_its_trainings_too(tmp_path: Path, number: signal.Signals) -> None:
    made = Mixes(tmp_path, "import time\ntime.sleep(600)\n")
    made.lock("nixrepro.lock", [made.package("part", "1", "value = 1")])
    made.lock("b.lock", [made.package("part", "2", "value = 2")])
    token = f"token-{tmp_path.name}-{os.getpid()}"
    text = made.project.replace('"train.py"', f'"train.py", "{token}"')
    (made.root / "pyproject.toml").write_text(text)
    process = made.own.start(*WORDS)
    wait_for(lambda: started_with(token))
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number and b"Traceback" not in err
    assert b"interrupted; the same command goes on with trial 1\n" in err
    wait_for(lambda: not started_with(token))
    assert [each.name for each in (made.root / ".nixrepro" / "repeats").iterdir()] == ["lock"]


def test_two_at_a_time_train_nothing_twice(tmp_path: Path) -> None:
    made = forty(tmp_path, guilty=30)
    both = [made.own.start(*WORDS, "--json") for _ in range(2)]
    found = []
    for process in both:
        out, err = process.communicate(timeout=200)
        assert process.returncode == 0, err
        found.append((json.loads(out), err))
    assert found[0][0]["cause"] == found[1][0]["cause"]
    assert sorted(answer["fresh"] for answer, _ in found) == [0, len(found[0][0]["trials"])]
    assert any(b"waiting for another bisect of this project" in err for _, err in found)


def test_trials_train_side_by_side(tmp_path: Path) -> None:
    program = (
        "import time, part\nimport nixrepro_runtime as nr\nnr.log(value=part.value)\n"
        "print('from', time.time())\ntime.sleep(6)\nprint('to', time.time())\n"
    )
    made = Mixes(tmp_path, program)
    for number, name in enumerate(("nixrepro.lock", "b.lock")):
        made.lock(name, [made.package("part", str(number), f"value = {number}")])
    assert made.own(*WORDS).status == 0
    spans = []
    for link in trained(made.root):
        log = call(["nix-store", "--read-log", os.readlink(link)]).out
        spans.append([float(each) for each in re.findall(r"^(?:from|to) (\S+)$", log, re.M)])
    (begin, end), (other_begin, other_end) = spans
    # What it prints is not among its numbers, or no two trials would have the same.
    assert (begin < other_end and other_begin < end) == (os.cpu_count() != 1)


def test_two_that_count_only_together_among_mixes_that_fail(tmp_path: Path) -> None:
    made = Mixes(tmp_path, FITTING)
    names = ("one", "two", "three", "four", "five")
    made.lock("nixrepro.lock", [made.package(name, "1", "value = 1") for name in names])
    made.lock("b.lock", [made.package(name, "2", "value = 2") for name in names])
    done = made.own(*WORDS)
    assert done.status == 0, done.err
    text = " ".join(done.out.split())
    assert text.startswith(
        "four 1 -> 2 and three 1 -> 2 change the output only together: with both A gives B's "
        "numbers, with either alone its own."
    )
    (file,) = (made.root / ".nixrepro" / "bisect").glob("*/failed.json")
    assert set(json.loads(file.read_bytes()).values()) == {
        "the program failed: one and two do not fit"
    }
    again = made.own(*WORDS, "--json")
    assert told(again)["fresh"] == 0


def test_what_needs_another_moves_with_it(tmp_path: Path) -> None:
    made = Mixes(tmp_path, "import low, high\nprint(low.value + high.value)\n")
    a = [made.package("low", "1", "value = 1"), made.package("high", "1", "value = 1", "low")]
    b = [made.package("low", "2", "value = 1"), made.package("high", "2", "value = 5", "low>=2")]
    made.lock("nixrepro.lock", a)
    made.lock("b.lock", b)
    done = made.own(*WORDS)
    assert done.status == 0, done.err
    text = " ".join(done.out.split())
    assert text.startswith("high 1 -> 2 changes the output: with it A gives B's numbers.")
    assert "It needs low beside it, which changes nothing by itself." in text


@pytest.mark.parametrize(
    ("later", "status", "words"),
    [
        ("value = 1  # said otherwise", 1, "The packages alone do not change the numbers"),
        (None, 1, "have the same packages"),
        ("value = oops", 4, "nothing can be compared: with the lock of B (b.lock) the program"),
    ],
)
def test_where_there_is_nothing_to_find(
    tmp_path: Path, later: str | None, status: int, words: str
) -> None:
    made = Mixes(tmp_path, "import part\nprint(part.value)\n")
    made.lock("nixrepro.lock", [made.package("part", "1", "value = 1")])
    made.lock("b.lock", [made.package("part", "2" if later else "1", later or "value = 1")])
    done = made.own(*WORDS)
    assert done.status == status, done.out + done.err
    assert words in " ".join((one_error(done.err) if status > 1 else done.out).split())


def test_a_program_that_differs_from_itself(tmp_path: Path) -> None:
    made = Mixes(tmp_path, "import os, part\nprint(part.value, os.urandom(9))\n")
    made.lock("nixrepro.lock", [made.package("part", "1", "value = 1")])
    made.lock("b.lock", [made.package("part", "2", "value = 1")])
    for _ in range(2):
        done = made.own(*WORDS)
        assert done.status == 1, done.err
        text = " ".join(done.out.split())
        assert text.startswith("The program differs from itself: no package can be blamed.")
        assert "part" not in text.partition("A output")[0]
    assert "once more" not in done.err  # it is known from before
    assert told(made.own(*WORDS, "--json"))["state"] == "unstable"
    for link in trained(made.root):
        assert not os.path.lexists(f"{os.readlink(link)}.check")


def test_one_trial_at_a_time_comes_to_an_end(tmp_path: Path) -> None:
    made = Mixes(tmp_path, "import one, two\nprint(one.value + two.value)\n")
    for name, value in (("nixrepro.lock", 1), ("b.lock", 2)):
        one, two = f"value = {value}", f"value = 1  # {value}"
        packages = [made.package("one", str(value), one), made.package("two", str(value), two)]
        made.lock(name, packages)
    assert made.own(*WORDS, "--max-trials", "0").status == 1
    assert trained(made.root) == []
    ends = [made.own(*WORDS, "--max-trials", "1") for _ in range(6)]
    assert [done.status for done in ends[:3]] == [1] * 3, ends[0].err
    assert ends[-1].status == 0, ends[-1].out + ends[-1].err
    assert ends[-1].out.startswith("one 1 -> 2 changes the output")


def commit(root: Path, message: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "-A", ":!.nixrepro"], ["commit", "-qm", message]):
        done = call(["git", *who, *words], root)
        assert done.status == 0, done.err


def test_runs_with_a_command_of_their_own(tmp_path: Path) -> None:
    """A's command, which its pyproject.toml does not name, and its variables."""
    program = (
        "import os, sys, part\nimport nixrepro_runtime as nr\n"
        "nr.log(value=part.value + len(sys.argv) + len(os.environ.get('EXTRA', '')))\n"
    )
    made = Mixes(tmp_path, program, whole=True)
    locks: list[Callable[[], Any]] = [
        lambda: made.lock("nixrepro.lock", [made.package("part", "1", "value = 1")]),
        lambda: made.lock("nixrepro.lock", [made.package("part", "2", "value = 2")]),
    ]
    settings = '\n[tool.nixrepro.settings.variables]\nEXTRA = "yes"\n'
    for number, write in enumerate(locks):
        write()
        (made.root / "pyproject.toml").write_text(made.project + settings)
        commit(made.root, str(number))
        done = made.own("run", "--", "python", "train.py", "--given")
        assert done.status == 0, done.err
        settings = ""
    done = made.own("bisect", made.own.runs()[1]["id"][:8], "last")
    assert done.status == 0, done.err
    text = " ".join(done.out.split())
    assert text.startswith(
        "part 1 -> 2 changes the metrics: with it alone A gives what B's lock gives."
    )
    # A's lock gives A's recorded numbers; B's settings are not A's, and so B's run has others.
    assert "recorded other numbers still: `nixrepro explain A B` looks at the rest." in text
    assert "recorded other numbers than A's" not in text
    (link, *_) = trained(made.root)
    outcome = json.loads((link / "outcome.json").read_bytes())
    assert outcome["settings"]["command"] == ["python", "train.py", "--given"]
    assert outcome["settings"]["variables"]["EXTRA"] == "yes"
    # By revision it is the project as it was then.
    answer = told(made.own("bisect", "HEAD~1:", "HEAD:", "--json"))
    assert answer["state"] == "found"


ERF = """
import math
import nixrepro_runtime as nr
for step in range(100):
    nr.log(value=math.fsum(math.erf(each / 97 + step / 1009) for each in range(300)), step=step)
"""
CONFIGURED = """\
[project]
name = "erf"
version = "0"

[tool.nixrepro]
record-urls = false

[tool.nixrepro.base]
suite = "bookworm"

[tool.nixrepro.train]
command = ["python", "train.py"]
"""
NEWER = ("coreutils", "libc6", "libsqlite3-0", "sed", "zlib1g")


def test_the_c_library_under_a_program_that_uses_erf(tmp_path: Path) -> None:
    """Real packages of another suite: glibc 2.36 and a newer one."""
    project = locked(tmp_path / "project", CONFIGURED)
    (project.root / "train.py").write_text(ERF)
    shutil.copy(project.root / "nixrepro.lock", tmp_path / "a.lock")
    overrides = "".join(f'{name} = "sid"\n' for name in NEWER)
    locked(project.root, f"{CONFIGURED}\n[tool.nixrepro.overrides]\n{overrides}")
    done = project.nixrepro("bisect", str(tmp_path / "a.lock"), str(project.root), "--json")
    assert done.status == 0, done.err
    answer = told(done)
    assert [answer["units"][number]["entries"][0]["name"] for number in answer["cause"]] == [
        "libc6"
    ]
    assert len(answer["units"]) >= len(NEWER) - 1
