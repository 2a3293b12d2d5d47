"""Binary caches are asked for an environment, and what they have not got is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from nixrepro.errors import RunError
from nixrepro.nix import Nix
from nixrepro.process import Completed
from nixrepro.repeat import caches

PATH = f"/nix/store/{'0' * 32}-nixrepro-environment"
FACTS = f"/nix/store/{'1' * 32}-nixrepro-environment.json"


class Asked:
    """Nix, and what its store has."""

    def __init__(self, *, gives: bool) -> None:
        self.gives, self.there = gives, set[str]()
        self.calls: list[list[str]] = []

    def __call__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        show: bool = False,
    ) -> Completed:
        self.calls.append(list(argv))
        if "--check-validity" in argv:
            lacking = [word for word in argv if word.startswith("/nix") and word not in self.there]
            return Completed(0, "\n".join(lacking).encode(), "")
        if "eval" in argv:
            outputs = f'{{"facts": {{"derivation": "{FACTS}.drv", "path": "{FACTS}"}}}}'
            return Completed(0, outputs.encode(), "")
        if "--realise" in argv:
            if self.gives:
                self.there |= {word for word in argv if word.startswith("/nix/store")}
                return Completed(0, b"", "")
            return Completed(
                1, b"", f"error: path '{PATH}' is required, but no substituter has it\n"
            )
        return Completed(1, b"", "")


def ask(nix: Asked, root: Path, *urls: str, configured: bool = False) -> list[str]:
    said: list[str] = []
    caches.ask(root, PATH, Nix(nix), urls, configured, said.append)
    return said


def test_what_a_cache_has_is_taken_whole(tmp_path: Path) -> None:
    nix = Asked(gives=True)
    assert ask(nix, tmp_path, "https://cache.example/a") == [
        "nixrepro: asking binary caches for the environment"
    ]
    (call,) = (each for each in nix.calls if "--realise" in each)
    assert call[call.index("substituters") + 1] == "https://cache.example/a"
    assert call[-2:] == [PATH, FACTS]
    assert ask(nix, tmp_path, "https://cache.example/a") == []  # it is there


def test_what_no_cache_has_is_told(tmp_path: Path) -> None:
    nix = Asked(gives=False)
    said = ask(nix, tmp_path, "file:///cache", configured=True)
    assert said[-1].startswith("nixrepro: the caches gave no environment, so it is built here: ")
    assert "no substituter has it" in said[-1]
    (call,) = (each for each in nix.calls if "--realise" in each)
    assert call[call.index("extra-substituters") + 1] == "file:///cache"


@pytest.mark.parametrize("url", ["", "-x", "https://a b", "ext::x"])
def test_what_is_no_cache(tmp_path: Path, url: str) -> None:
    with pytest.raises(RunError, match="is no URL of a binary cache"):
        ask(Asked(gives=True), tmp_path, url)
