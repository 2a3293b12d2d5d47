"""Nix is asked in its own words, and its answers and complaints, recorded, are understood."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

import pytest

from nixrepro import nix as nix_module
from nixrepro.complaints import in_words
from nixrepro.errors import BuildError, Exit, FetchError, NixError
from nixrepro.nix import Nix, store_path
from nixrepro.nix_store import Store
from nixrepro.process import Completed, run

RECORDED = Path(__file__).parent / "recorded" / "nix-2.8.0"
ABSENT = "/nix/store/08p66wxjfhf0b7qv6lqc24bg6486hfcq-x"
WHEEL = "/nix/store/x519pdmzbykhyvym2c05iwdj1rj8kc3q-six-1.17.0-py2.py3-none-any.whl"


def recorded(name: str) -> str:
    return (RECORDED / name).read_text()


class Played:
    """A runner that gives recorded answers, and keeps what was asked; git is the real one."""

    def __init__(self, stdout: str = "", stderr: str = "", status: int = 0) -> None:
        self.answer = Completed(status, stdout.encode(), stderr)
        self.asked: list[list[str]] = []
        self.cwd: Path | None = None

    def __call__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        show: bool = False,
    ) -> Completed:
        if argv[0] == "git":
            return run(argv, cwd=cwd)
        self.asked.append(list(argv))
        self.cwd = cwd
        return self.answer

    @property
    def reference(self) -> str:
        """The flake that was last asked for, without its attribute."""
        flake, _, attribute = self.asked[-1][-1].partition("#")
        assert attribute == "default"
        return flake


@pytest.mark.parametrize("line", recorded("fixed-paths.txt").splitlines())
def test_store_paths_are_those_that_nix_gives(line: str) -> None:
    name, sha256, path = line.split()
    assert store_path(name, sha256) == path
    assert Nix(Played()).store_path(name, sha256) == path


@pytest.mark.parametrize(
    ("said", "version"),
    [
        (recorded("version.stdout"), (2, 8, 0)),
        ("nix (Nix) 2.26.3\n", (2, 26, 3)),
        ("nix (Nix) 2.34.8\n", (2, 34, 8)),
        ("nix (Nix) 2.35.0pre20260101_0a1b2c3\n", (2, 35, 0)),
        ("nix (Nix) 2.9\n", (2, 9, 0)),
        ("nix (Lix, like Nix) 2.91.1\n", (2, 91, 1)),
        ("nix (Determinate Nix 3.6.2) 2.29.0\n", (2, 29, 0)),
    ],
)
def test_versions(said: str, version: tuple[int, ...]) -> None:
    assert Nix(Played(said)).version() == version


def test_a_nix_that_is_too_old() -> None:
    with pytest.raises(NixError, match=r"Nix 2\.3\.16 is too old") as caught:
        Nix(Played("nix (Nix) 2.3.16\n")).version()
    assert caught.value.code == Exit.NO_NIX
    assert "2.8 or later" in caught.value.hint


@pytest.mark.parametrize(
    "played", [Played("GNU nix\n"), Played(), Played("nix (Nix) 2.8.0", "no libnixmain.so", 127)]
)
def test_a_program_that_is_no_whole_nix(played: Played) -> None:
    with pytest.raises(NixError, match="names no version") as caught:
        Nix(played).version()
    assert caught.value.details == played.answer.stderr


def test_no_nix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(nix_module, "_ELSEWHERE", str(tmp_path / "absent"))
    for ask in (Nix().version, lambda: Nix().valid([ABSENT]), lambda: Nix().closure_size(ABSENT)):
        with pytest.raises(NixError, match="Nix is not installed") as caught:
            ask()
        assert caught.value.code == Exit.NO_NIX
        assert "apt-get install nix-bin" in caught.value.hint


def test_a_nix_outside_the_path_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "nix"
    program.write_text("#!/bin/sh\necho 'nix (Nix) 2.18.1'\n")
    program.chmod(0o755)
    monkeypatch.setattr(nix_module, "_ELSEWHERE", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    assert Nix().version() == (2, 18, 1)


def test_what_is_valid() -> None:
    nix = Nix(Played(ABSENT + "\n"))
    assert nix.valid([ABSENT, WHEEL]) == {WHEEL}


def test_nothing_is_asked_about_nothing() -> None:
    played = Played()
    assert Nix(played).valid([]) == set()
    assert played.asked == []


@pytest.mark.parametrize(
    ("name", "said"), [("no-daemon.stderr", "connect"), ("not-permitted.stderr", "Permission")]
)
def test_a_store_that_refuses(name: str, said: str) -> None:
    nix = Nix(Played("", recorded(name), 1))
    asks = [
        lambda: nix.valid([ABSENT]),
        lambda: nix.add_fixed([Path("file")]),
        lambda: nix.add_root(Path("link"), ABSENT),
        lambda: nix.closure_size(ABSENT),
        lambda: nix.joint_size([ABSENT]),
    ]
    for ask in asks:
        with pytest.raises(NixError, match="store can't be used") as caught:
            ask()
        assert said in caught.value.details
        assert "daemon" in caught.value.hint


def test_files_are_added_and_sizes_read() -> None:
    played = Played(WHEEL + "\n")
    assert Nix(played).add_fixed([Path("/a/six.whl")]) == [WHEEL]
    assert played.asked == [["nix-store", "--add-fixed", "sha256", "/a/six.whl"]]
    assert Nix(Played(recorded("closure-size.stdout"))).closure_size(WHEEL) == 87808
    played = Played(recorded("joint-size.stdout"))
    assert Nix(played).joint_size([ABSENT, WHEEL]) == 255928 + 68800
    assert played.asked[0][-2:] == [ABSENT, WHEEL]


@pytest.mark.parametrize(
    "said",
    [
        "error: writing to file: No space left on device\n",
        "error: writing to file: Disk quota exceeded\n",
        "error: executing SQLite statement: database or disk is full (in '/nix/var/nix/db')\n",
    ],
)
def test_a_store_without_room(said: str) -> None:
    nix = Nix(Played("", said, 1))
    with pytest.raises(FetchError, match="its disk is full") as full:
        nix.add_fixed([Path("file")])
    with pytest.raises(NixError) as unusable:
        nix.valid([ABSENT])
    with pytest.raises(BuildError) as unbuilt:
        nix.shell_variables(Path("/"), Path("/profile"))
    for caught in (full, unusable, unbuilt):
        assert "make room on the disk of /nix" in caught.value.hint


def test_a_path_is_taken_out_of_the_store_or_said_to_stay() -> None:
    played = Played()
    assert Nix(played).delete(WHEEL)
    assert played.asked == [["nix-store", "--delete", WHEEL]]
    assert not Nix(Played("", "error: cannot delete path since it is still alive", 1)).delete(WHEEL)


def test_the_shell_leaves_the_persons_own_variables_alone(tmp_path: Path) -> None:
    played = Played(recorded("print-dev-env.stdout"))
    found = Nix(played).shell_variables(tmp_path, tmp_path / "profile")
    everything = json.loads(recorded("print-dev-env.stdout"))["variables"]
    assert found["PATH"] == everything["PATH"]["value"]
    assert found["PYTHONHASHSEED"] == "42"
    assert found["NIXREPRO_ENVIRONMENT"].startswith("/nix/store/")
    # HOME is /homeless-shelter in a build, TMPDIR its own folder, TZ and TERM not the person's.
    exported = {name for name, entry in everything.items() if entry["type"] == "exported"}
    own = {"HOME", "NIX_LOG_FD", "SHELL", "SSL_CERT_FILE", "TERM", "TMPDIR", "TZ"}
    assert own < exported
    assert set(found) == exported - own
    assert "TZDIR" in found
    profile = played.asked[0].index("--profile")
    assert played.asked[0][profile + 1] == str(tmp_path / "profile")


def failure(name: str, status: int = 1) -> BuildError:
    nix = Nix(Played("", recorded(name) if name else "", status))
    with pytest.raises(BuildError) as caught:
        nix.shell_variables(Path("/"), Path("/profile"))
    assert caught.value.code == Exit.BUILD
    return caught.value


def test_an_artefact_that_is_missing() -> None:
    error = failure("missing-artefact.stderr")
    assert error.message == "six-1.17.0-py2.py3-none-any.whl is not in the store"
    assert "nixrepro fetch" in error.hint


def test_what_a_builder_says_comes_first_and_its_log_is_named() -> None:
    error = failure("damaged-wheel.stderr", 100)
    reason = "six-1.17.0-py2.py3-none-any.whl: cut short or damaged: it is no zip archive"
    assert error.message == f"Nix could not build the environment: {reason}"
    assert "failed with exit code 1" in error.details
    drv = "/nix/store/xjvm39qzw9h247k9rqlnmp4vdc5479ba-six-1.17.0.drv"
    assert error.hint == f"`nix log {drv}` shows all that the builder said"


def test_a_lock_that_the_library_refuses() -> None:
    error = failure("lock-refused.stderr")
    assert 'artefact "../six": not a name; run `nixrepro lock`' in error.message
    assert error.hint == ""


def test_an_error_in_the_flake() -> None:
    error = failure("type-error.stderr")
    assert error.message == "Nix could not build the environment"
    assert "cannot coerce a set to a string" in error.details
    assert "correct what Nix names" in error.hint
    assert "nix log" not in error.hint
    reason = "Nix could not build the environment: cannot coerce a set to a string"
    assert in_words(error).startswith(f"{reason} (at nix/shell.nix:12); correct what Nix names")


def test_a_reason_that_is_known_needs_no_words_of_nix() -> None:
    error = failure("damaged-wheel.stderr", 100)
    assert in_words(error) == error.said


def test_a_daemon_that_is_gone_meanwhile() -> None:
    assert "daemon runs" in failure("no-daemon.stderr").hint


def test_a_container_that_forbids_the_sandbox() -> None:
    error = failure("no-sandbox.stderr")
    assert "cloning builder process: Operation not permitted" in error.details
    assert "namespaces" in error.hint


def test_what_nix_said_to_the_terminal_is_not_said_again() -> None:
    error = failure("")
    assert (error.message, error.details, error.hint) == (
        "Nix could not build the environment",
        "",
        "",
    )


def reference(flake: Path) -> str:
    played = Played(recorded("print-dev-env.stdout"))
    Nix(played).shell_variables(flake, flake / "profile")
    assert played.cwd == flake
    return played.reference


def test_outside_git_the_folder_itself_is_the_flake(tmp_path: Path) -> None:
    assert reference(tmp_path) == "path:."


def test_in_git_the_work_tree_is(tmp_path: Path) -> None:
    run(["git", "init", "-q", str(tmp_path)])
    assert reference(tmp_path) == f"git+file://{tmp_path}"
    inner = tmp_path / "a" / "b c#?ü"
    inner.mkdir(parents=True)
    top, _, folder = reference(inner).partition("?dir=")
    assert top == f"git+file://{tmp_path}"
    assert unquote(folder) == "a/b c#?ü"
    assert not set(folder) & set(" #?ü")


def test_a_clone_without_its_history_is_taken(tmp_path: Path) -> None:
    run(["git", "init", "-q", str(tmp_path)])
    (tmp_path / ".git" / "shallow").write_text("0" * 40 + "\n")
    assert reference(tmp_path) == f"git+file://{tmp_path}?shallow=1"
    (tmp_path / "a").mkdir()
    assert reference(tmp_path / "a") == f"git+file://{tmp_path}?shallow=1&dir=a"


@pytest.mark.parametrize("name", ["a b", "a#b", "a?b", "a%20b", "a&b", "a\\b", 'a"b', "ü"])
def test_a_work_tree_that_no_url_can_name_is_taken_as_a_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    run(["git", "init", "-q", str(folder)])
    assert reference(folder) == "path:."


@pytest.mark.parametrize(("user", "group", "sandboxed"), [(0, True, True), (1000, True, False)])
def test_root_says_how_to_build_and_others_leave_it_to_the_daemon(
    monkeypatch: pytest.MonkeyPatch, user: int, group: bool, sandboxed: bool
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setattr(nix_module, "_has_group", lambda name: group)
    played = Played(recorded("closure-size.stdout"))
    Nix(played).closure_size(WHEEL)
    assert ("sandbox-fallback" in played.asked[0]) == sandboxed
    assert "build-users-group" not in played.asked[0]


def test_root_without_build_users_builds_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(nix_module, "_has_group", lambda name: False)
    played = Played(recorded("closure-size.stdout"))
    Nix(played).closure_size(WHEEL)
    place = played.asked[0].index("build-users-group")
    assert played.asked[0][place - 1 : place + 2] == ["--option", "build-users-group", ""]


def test_a_list_of_paths_of_another_shape_is_an_error_with_words() -> None:
    with pytest.raises(NixError, match="dump-db` says can't be read"):
        Store(Played("no path\n")).registered(["/nix/store/x"])
    assert Store(Played("never asked")).registered([]) == ()
