"""`nixrepro init` says what it did, and what to do next."""

from pathlib import Path

from click.testing import CliRunner, Result

from nixrepro.cli import verbs


def invoke(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(verbs, ["-C", str(folder), "init", *arguments], standalone_mode=False)


def test_the_first_time_lists_what_is_new(tmp_path: Path) -> None:
    done = invoke(tmp_path)
    assert done.exit_code == 0
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [
        "pyproject.toml",
        "flake.nix",
        "nix",
        ".gitignore",
    ]
    assert "nixrepro lock" in done.stderr


def test_the_second_time_is_refused_and_update_says_all_is_up_to_date(tmp_path: Path) -> None:
    invoke(tmp_path)
    again = invoke(tmp_path)
    assert "already" in str(again.exception)
    below = tmp_path / "below"
    below.mkdir()
    done = invoke(below, "--update")
    assert (done.stdout, done.stderr) == ("", "flake.nix and nix/ are up to date\n")
