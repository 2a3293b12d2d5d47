"""Which of several derivations failed, and why, by what Nix says and keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nixrepro.bisect.builds import Built, build, failures, last_word
from nixrepro.errors import BuildError
from nixrepro.nix_store import Store
from nixrepro.process import Completed

RECORDED = Path(__file__).parents[1] / "recorded" / "nix-2.8.0" / "keep-going.stderr"
# In the recorded build: what could not be compiled, what failed, what was killed, what needed it.
PART, FAILED, KILLED, NEEDING = (
    f"/nix/store/{name}.drv"
    for name in (
        "2pavjbl6874ry74k0imn6qyn4sban9sm-part-1.0",
        "fprl68y7vnmqx92jxx11yi47242h671a-nixrepro-run",
        "4ri3qc9bmjqyz3llaq6hxc94x2n93hm6-nixrepro-run",
        "s4gbq4p8fpxrlgdl48irp94ividb0xxr-nixrepro-run",
    )
)
FINE = "/nix/store/9gf31dn0fllwx6gvr2iv71nbyclgsn1r-nixrepro-run.drv"
LOG = (
    "one and two do not fit\nnixrepro: failed in 0.1 s\nnixrepro: environment /nix/store/x\n"
    "nixrepro: record 0123 in .nixrepro/runs/0123/record.json\n"
)


@dataclass
class Answers:
    """Answers as Nix did; what was asked is kept."""

    stderr: str
    there: Sequence[str]
    asked: list[list[str]] = field(default_factory=list)

    def __call__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        show: bool = False,
    ) -> Completed:
        words = list(argv)
        self.asked.append(words)
        if "build" in words:
            told = [{"drvPath": path, "outputs": {"out": made(path)}} for path in DERIVATIONS]
            return Completed(0, json.dumps(told).encode(), "")
        if "--check-validity" in words:
            lacking = [word for word in words if word.startswith("/") and word not in self.there]
            return Completed(0, "\n".join(lacking).encode(), "")
        if "--read-log" in words:
            logs = {FAILED: LOG, PART: "cc -c x\ncannot compile\n"}
            text = logs.get(words[-1], "")
            return Completed(0 if text else 1, text.encode(), "")
        if "--requisites" in words:
            return Completed(0, f"{PART}\n{words[-1]}\n".encode(), "")
        return Completed(100 if self.stderr else 0, b"", self.stderr)


DERIVATIONS = (FINE, FAILED, KILLED, NEEDING)


def made(path: str) -> str:
    return path.removesuffix(".drv").replace("/store/", "/store/out")


def test_each_failure_has_its_own_reason(tmp_path: Path) -> None:
    answers = Answers(RECORDED.read_text(), [made(FINE)])
    found = build(tmp_path, ["0", "1", "2", "3"], Store(answers))
    assert found == [
        Built(made(FINE)),
        Built(made(FAILED), "the program failed: one and two do not fit"),
        Built(made(KILLED), "the program failed: it said nothing"),
        Built(made(NEEDING), "part-1.0 could not be built: cannot compile"),
    ]
    # All of them in one call of Nix each, so that it builds side by side.
    evaluated, realised, *_ = answers.asked
    assert [w for w in evaluated if "#" in w] == [f"path:./{number}#run" for number in range(4)]
    assert "--keep-going" in realised and realised[-4:] == sorted(DERIVATIONS)


def test_where_it_is_built_and_what_is_taken_from_caches_is_for_nixs_settings(
    tmp_path: Path,
) -> None:
    answers = Answers("", [made(path) for path in DERIVATIONS])
    build(tmp_path, list("0123"), Store(answers))
    (words,) = (words for words in answers.asked if "--realise" in words)
    assert words[words.index("--max-jobs") + 1] == "auto"
    others = {"--builders", "builders", "--offline", "substitute", "substituters", "--store"}
    assert not others.intersection(words)


def test_what_is_there_is_there_whatever_was_said(tmp_path: Path) -> None:
    answers = Answers("warning: something\n", [made(path) for path in DERIVATIONS])
    assert all(not one.reason for one in build(tmp_path, list("0123"), Store(answers)))


@pytest.mark.parametrize(
    "stderr",
    ["error: cannot connect to socket\n", RECORDED.read_text() + "No space left on device"],
)
def test_what_is_no_builders_fault_is_no_outcome(tmp_path: Path, stderr: str) -> None:
    with pytest.raises(BuildError):
        build(tmp_path, list("0123"), Store(Answers(stderr, [])))


def test_what_nix_says_of_failures() -> None:
    assert failures(RECORDED.read_text()) == {PART, FAILED, KILLED}
    later = f"error: Cannot build '{PART}'.\n       Reason: builder failed with exit code 3.\n"
    assert failures(later) == {PART}
    # What stands on it did not fail itself, nor did what ran too long or found no builder.
    others = ("1 dependency failed.", "timed out after 5 seconds", "required system or feature")
    later += "".join(
        f"error: Cannot build '{NEEDING}'.\n       Reason: {other}\n" for other in others
    )
    assert failures(later) == {PART}
    assert failures(later.replace("Reason", "Reason\x1b[0m")) == {PART}


def test_the_last_word_is_the_programs() -> None:
    assert last_word(LOG) == "one and two do not fit"
    assert last_word("\x1b[35;1mred\x1b[0m\n\n") == "red"
    assert last_word("nixrepro: done\n") == last_word("") == "it said nothing"
