"""Nix asked about itself, by what Nix 2.8.0 really printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from nixrepro.errors import NixError
from nixrepro.nix_settings import Settings
from nixrepro.process import Completed

RECORDED = Path(__file__).parent / "recorded" / "nix-2.8.0"
PING = Completed(0, b"Store URL: local\nVersion: 2.8.0\n", "")
NOBODY = Completed(1, b"", (RECORDED / "no-daemon.stderr").read_text())


class Nix:
    """Answers each command with what is given for its first word that is known."""

    def __init__(self, **answers: Completed) -> None:
        self.answers = answers
        self.asked: list[list[str]] = []

    def __call__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        show: bool = False,
    ) -> Completed:
        self.asked.append(list(argv))
        words = "_".join(argv[1:3]).replace("-", "")
        unknown = Completed(1, b"", f"error: '{argv[1]}' is not a recognised command\n")
        return next((a for name, a in self.answers.items() if words.startswith(name)), unknown)


def test_settings() -> None:
    nix = Nix(showconfig=Completed(0, (RECORDED / "show-config.stdout").read_bytes(), ""))
    found = Settings(nix).settings()
    assert found["build-users-group"] == "nixbld"
    assert found["experimental-features"] == "flakes nix-command"
    assert (found["sandbox"], found["trusted-users"]) == ("true", "root")
    # The option would itself be among them.
    assert nix.asked == [["nix", "show-config"]]


def test_settings_where_the_feature_that_tells_them_is_off() -> None:
    text = (RECORDED / "show-config-disabled.stderr").read_text()
    told = (RECORDED / "show-config.stdout").read_bytes()

    class Off(Nix):
        def __call__(self, argv: Sequence[str], **_: object) -> Completed:
            self.asked.append(list(argv))
            on = "--extra-experimental-features" in argv
            return Completed(0, told, "") if on else Completed(1, b"", text)

    nix = Off()
    assert Settings(nix).settings()["experimental-features"] == "flakes"
    assert nix.asked[-1] == ["nix", "show-config", "--extra-experimental-features", "nix-command"]


def test_settings_where_the_command_has_its_later_name() -> None:
    nix = Nix(config_show=Completed(0, b"sandbox = true\n", ""))
    assert Settings(nix).settings() == {"sandbox": "true"}
    assert [words[1] for words in nix.asked] == ["show-config", "config"]


def test_how_the_store_is_reached() -> None:
    assert Settings(Nix(store_ping=PING)).store_url() == "local"
    later = Completed(0, b"", "Store URL: daemon\nVersion: 2.24.0\nTrusted: 1\n")
    assert Settings(Nix(store_info=later)).store_url() == "daemon"


def test_a_store_that_does_not_answer() -> None:
    with pytest.raises(NixError) as caught:
        Settings(Nix(store_ping=NOBODY, store_info=NOBODY)).store_url()
    assert "cannot connect to socket" in caught.value.details
