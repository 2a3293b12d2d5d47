"""`nixrepro verify` does the checks that were asked for, and answers people, programs and CI."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import junitparser
import pytest
from click.testing import CliRunner, Result

from nixrepro import keys, record
from nixrepro.cli import verbs
from nixrepro.errors import BuildError, Exit, NixError, NixreproError
from nixrepro.keys import UnusableKey
from nixrepro.record import NoSuchRun
from nixrepro.verify import stage
from nixrepro.verify.asking import ORDER, Asked, Misnamed
from nixrepro.verify.verdict import Finding, State, Verdict

FOUND = Finding("numpy", "was changed", "wheels", "nixrepro.lock", 12)
Answers = dict[str, State | Exception]


class Checks:
    """In place of the real checks: what they answer, and what they were asked."""

    def __init__(self) -> None:
        self.answers: Answers = {}
        self.asked: Asked | None = None
        self.done: list[str] = []

    def __call__(self, root: Path, asked: Asked, say: object) -> dict[str, stage.Check]:
        self.asked = asked
        return {name: self.check(name) for name in ORDER}

    def check(self, name: str) -> Callable[[], tuple[Verdict, ...]]:
        def check() -> tuple[Verdict, ...]:
            self.done.append(name)
            answer = self.answers.get(name, State.SAME)
            if isinstance(answer, Exception):
                raise answer
            findings = () if answer is State.SAME else (FOUND,)
            return (Verdict(name, "part", answer, f"it is {answer}", "9 files", findings),)

        return check


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    checks = Checks()
    monkeypatch.setattr(stage, "_checks", checks)
    monkeypatch.setattr(stage, "_named", lambda root, asked: None)
    for name in ("GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    return checks


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.nixrepro]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(*words: str) -> Result:
    return CliRunner().invoke(verbs, ["verify", *words], standalone_mode=False)


@pytest.mark.parametrize(
    ("words", "done"),
    [
        ("", "lock closure"),
        ("--only lock", "lock"),
        ("--only closure --only lock", "lock closure"),
        ("--repair", "closure"),
        ("--rebuild", "rebuild"),
        ("--rebuild numpy system", "rebuild"),
        ("--trace", "hermetic"),
        ("--trace --rebuild", "hermetic rebuild"),
        ("last", "run"),
        ("last --runs 3 --tolerance 1e-6", "run"),
        ("last --key k.pub", "signature run"),
        ("last --key k.pub --only signature", "signature"),
        ("--only lock --only run last", "lock run"),
    ],
)
def test_only_what_was_asked_for_is_done_and_the_cheap_first(
    checks: Checks, project: Path, words: str, done: str
) -> None:
    assert invoke(*words.split()).return_value == 0
    assert checks.done == done.split()


def test_what_is_asked_reaches_the_checks(checks: Checks, project: Path) -> None:
    invoke("--rebuild", "numpy", "system")
    assert checks.asked == Asked(frozenset({"rebuild"}), parts=("numpy", "system"))
    invoke("--trace", "--", "python", "-c", "1", "--json")
    assert checks.asked == Asked(frozenset({"hermetic"}), words=("python", "-c", "1", "--json"))
    invoke("ab12", "--runs", "3", "--tolerance", "0.5", "--json")
    assert checks.asked == Asked(frozenset({"run"}), run="ab12", runs=3, tolerance=0.5, quiet=True)
    invoke("--repair", "--only", "closure")
    assert checks.asked == Asked(frozenset({"closure"}), repair=True)
    invoke("last", "--key", "k.pub", "--only", "signature")
    assert checks.asked == Asked(frozenset({"signature"}), run="last", key=Path("k.pub"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("a b", "Only one run can be verified, not 2; a command needs --trace"),
        ("--key k", "--key goes with a run"),
        ("--only run", "--only run goes with a run"),
        ("--runs 2", "go with a run"),
        ("--tolerance 0", "go with a run"),
        ("--rebuild --trace numpy", "one by one"),
        ("--repair --only lock", "--repair mends the closure"),
        ("last --key k --only run", "--key asks for `signature`, which --only leaves out"),
        ("--rebuild --only lock", "--rebuild asks for `rebuild`"),
        ("--trace --only lock", "--trace asks for `hermetic`"),
        ("last --only signature", "--only signature needs the public key's file"),
        ("--only files", "files"),
        ("last --runs 0", "0"),
        ("last --tolerance -1", "-1"),
        ("--annotations jenkins", "jenkins"),
    ],
)
def test_what_does_not_go_together(checks: Checks, project: Path, words: str, said: str) -> None:
    done = CliRunner().invoke(verbs, ["verify", *words.split()])
    assert done.exit_code == 2
    assert said in done.stderr
    assert checks.done == []


@pytest.mark.parametrize(
    ("state", "words", "code"),
    [
        (State.SAME, "", 0),
        (State.DIFFERS, "", 1),
        (State.UNKNOWN, "", 1),
        (State.UNKNOWN, "--allow-unknown", 0),
        (State.DIFFERS, "--allow-unknown", 1),
    ],
)
def test_exit_codes(checks: Checks, project: Path, state: State, words: str, code: int) -> None:
    checks.answers["lock"] = state
    assert invoke(*words.split()).return_value == code


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NixError("Nix is not installed", hint="install it"), "Nix is not installed; install it"),
        (BuildError("it could not be built"), "it could not be built"),
        (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied"),
    ],
)
def test_a_check_that_can_t_be_done_is_unknown_and_the_others_are_done(
    checks: Checks, project: Path, error: Exception, reason: str
) -> None:
    checks.answers["lock"] = error
    done = invoke("--json")
    verdicts = json.loads(done.stdout)["verdicts"]
    assert [(each["check"], each["state"]) for each in verdicts] == [
        ("lock", "unknown"),
        ("closure", "same"),
    ]
    assert verdicts[0]["reason"] == reason
    assert done.return_value == 1


def test_a_table_with_findings_below(checks: Checks, project: Path) -> None:
    checks.answers["lock"] = State.DIFFERS
    done = invoke()
    assert done.stdout.splitlines() == [
        "check          answer   why            compared",
        "lock: part     differs  it is differs  9 files",
        "closure: part  same     it is same     9 files",
        "",
        "lock: part",
        "  nixrepro.lock:12: numpy (wheels): was changed",
    ]
    assert done.stderr == "nixrepro verify: 1 same, 1 differs (0.0 s)\n"


def test_json_is_canonical_and_alone_on_standard_output(
    checks: Checks, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    checks.answers["lock"] = State.DIFFERS
    done = invoke("--json")
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["state"] == "differs"
    again = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert done.stdout == again + "\n"
    assert "::error file=nixrepro.lock,line=12," in done.stderr


def test_junit_and_gitlabs_report_are_written(
    checks: Checks, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")
    checks.answers["closure"] = State.UNKNOWN
    invoke("--junit", "reports/verify.xml")
    report = junitparser.JUnitXml.fromfile("reports/verify.xml")
    assert (report.tests, report.errors) == (2, 1)
    (issue,) = json.loads((project / "gl-code-quality-report.json").read_bytes())
    assert issue["location"]["lines"]["begin"] == 12


def test_no_annotations_where_none_are_wanted(
    checks: Checks, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    checks.answers["lock"] = State.DIFFERS
    assert "::" not in invoke("--annotations", "none").output


def test_no_project(checks: Checks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nixrepro.errors import ConfigError

    monkeypatch.chdir(tmp_path)
    done = invoke()
    assert isinstance(done.exception, ConfigError)
    assert checks.done == []


def test_a_run_that_is_not_there_is_no_unknown(project: Path) -> None:
    for words in (["nosuch"], ["last"], ["last", "--only", "lock", "--only", "run"]):
        done = invoke(*words, "--allow-unknown")
        assert isinstance(done.exception, NoSuchRun), done.stdout
        assert done.exception.code == Exit.USAGE
        assert "verdict" not in done.stdout and "nixrepro verify:" not in done.stderr


@pytest.mark.parametrize("text", [None, "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_key_that_is_none_is_said_before_anything_is_done(
    project: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    done: list[str] = []
    monkeypatch.setattr(stage, "attempt", lambda name, check: done.append(name) or ())
    monkeypatch.setattr(record, "find", lambda root, prefix: root)
    if text is not None:
        (project / "k.pub").write_text(text)
    for words in ([], ["--only", "signature", "--allow-unknown"]):
        found = invoke("last", "--key", "k.pub", *words).exception
        assert isinstance(found, UnusableKey)
        assert found.code == Exit.USAGE
        assert done == []


def test_without_the_libraries_for_keys_the_signature_is_unknown(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise NixreproError("signatures need the packages")

    monkeypatch.setattr(keys, "library", missing)
    monkeypatch.setattr(record, "find", lambda root, prefix: root)
    monkeypatch.setattr(record, "load", lambda root, prefix: record.Record(root, {}))
    (project / "k.pub").write_text("a key")
    done = invoke("last", "--key", "k.pub", "--only", "signature")
    assert done.return_value == 1
    assert "unknown  signatures need the packages" in done.stdout


def test_a_part_that_is_none_ends_all(checks: Checks, project: Path) -> None:
    checks.answers["rebuild"] = Misnamed("'typo' is no part that can be rebuilt")
    done = invoke("--rebuild", "typo", "--allow-unknown")
    assert isinstance(done.exception, Misnamed)
    assert done.exception.code == Exit.USAGE


def test_nixs_own_words_are_in_the_reason(checks: Checks, project: Path) -> None:
    checks.answers["lock"] = BuildError(
        "Nix could not build", details="error: undefined x", hint="y"
    )
    (first, _) = json.loads(invoke("--json").stdout)["verdicts"]
    assert first["reason"] == "Nix could not build: undefined x; y"


def test_the_lock_alone_imports_nothing_heavy(project: Path) -> None:
    import subprocess

    program = (
        "import sys; sys.argv = ['nixrepro', 'verify', '--only', 'lock']\n"
        "from nixrepro.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'httpx', 'nixrepro.nix', 'pysequoia', 'nixrepro.run'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
