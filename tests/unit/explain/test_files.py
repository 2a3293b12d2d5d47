"""Files that Nix has collected are fetched before packages are taken apart."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nixrepro import fetch
from nixrepro.errors import FetchError
from nixrepro.explain import files
from nixrepro.lock import Artefact, Lock
from nixrepro.nix import Nix

from .conftest import MakeSide, wheel


class Away(Nix):
    """A store whose files lie in a folder of the test's own."""

    folder: Path

    def store_path(self, name: str, sha256: str) -> str:
        return str(self.folder / f"{sha256[:8]}-{name}")


@pytest.fixture
def nix(tmp_path: Path) -> Nix:
    made = Away()
    object.__setattr__(made, "folder", tmp_path)
    return made


def put(nix: Nix, artefact: Artefact, *needed: str) -> None:
    """Have a wheel in the store that states some needs."""
    lines = [f"Requires-Dist: {each}" for each in needed]
    text = "\n".join(["Metadata-Version: 2.1", f"Name: {artefact.name}", *lines, ""])
    with zipfile.ZipFile(nix.store_path(artefact.file, artefact.sha256), "w") as archive:
        archive.writestr(f"{artefact.name}-{artefact.version}.dist-info/METADATA", text)


def app(version: str, digit: str) -> Artefact:
    return replace(wheel("app", version, digit), dependencies=("base",))


OLD = (app("1.0", "1"), wheel("base", "1.0", "2"))
NEW = (app("2.0", "3"), wheel("base", "2.0", "4"))
PROJECT = "[tool.nixrepro]\n"
Bring = Callable[..., None]


@pytest.fixture
def learn(side: MakeSide, nix: Nix, tmp_path: Path) -> Callable[..., Any]:
    def call(**more: Any) -> Any:
        a, b = side("A", None, *OLD, project=PROJECT), side("B", None, *NEW, project=PROJECT)
        return files.learn(tmp_path, a, b, nix, more.pop("say", lambda _: None), **more)

    return call


def brings(nix: Nix, monkeypatch: pytest.MonkeyPatch, *having: str) -> list[list[str]]:
    """Some packages can be fetched; which were asked for, call by call."""
    asked: list[list[str]] = []

    def bring(config: Any, lock: Lock, store: Nix) -> None:
        asked.append([f"{each.name} {each.version}" for each in lock.artefacts])
        for each in lock.artefacts:
            if each.name not in having:
                raise FetchError(f"{each.file} can't be had", hint="look elsewhere")
            put(store, each, *(["base>=2"] if each.version == "2.0" and each.name == "app" else []))

    monkeypatch.setattr(fetch, "bring", bring)
    return asked


def test_what_the_store_has_no_more_is_fetched_and_read(
    learn: Callable[..., Any], nix: Nix, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(nix, OLD[0])
    put(nix, OLD[1])
    asked = brings(nix, monkeypatch, "app", "base")
    said: list[str] = []
    found, unread = learn(fetch=True, say=said.append)
    assert asked == [["app 2.0", "base 2.0"]]
    assert said == ["nixrepro: fetching 2 files that the store has no more"]
    assert unread == ""
    # Only the file says that the new app needs the new base.
    (needing,) = (part for part in found.parts if "app" in part.names)
    assert needing.needs or "base" in needing.names


def test_without_trials_nothing_is_fetched(
    learn: Callable[..., Any], nix: Nix, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = brings(nix, monkeypatch, "app", "base")
    found, unread = learn(fetch=False)
    assert asked == [] and len(found.parts) == 2
    assert "(app, base): their files are not in the store" in unread


def test_what_can_not_be_fetched_is_said(
    learn: Callable[..., Any], nix: Nix, monkeypatch: pytest.MonkeyPatch
) -> None:
    for artefact in (*OLD, NEW[0]):
        put(nix, artefact)
    asked = brings(nix, monkeypatch)
    found, unread = learn(fetch=True)
    assert asked == [["base 2.0"]]  # once, and no other
    assert found.parts
    assert unread == (
        "what these need is known by the locks alone (base): base-2.0-py3-none-any.whl can't be had"
    )


def test_a_file_that_can_not_be_read_is_not_fetched_for_ever(
    learn: Callable[..., Any], nix: Nix, monkeypatch: pytest.MonkeyPatch
) -> None:
    for artefact in (*OLD, *NEW):
        Path(nix.store_path(artefact.file, artefact.sha256)).write_text("broken")
    monkeypatch.setattr(fetch, "bring", lambda *_: None)
    assert learn(fetch=True)[1].endswith("their files can't be read")
