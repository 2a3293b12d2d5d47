"""A record as text: what it says of the code."""

from __future__ import annotations

from typing import Any

from nixrepro import record_text

from .diff.conftest import DOCUMENT


def said(shared: bool | None = None, **code: Any) -> list[str]:
    """The code layer's lines."""
    layers = {**DOCUMENT["layers"], "hardware": HARDWARE}
    layers["code"] = {**layers["code"], **code}
    document = {**DOCUMENT, "timings": {}, "layers": layers, "files": {}}
    document["environment"] = {**document["environment"]}
    lines = record_text.lines(document, shared)
    start = next(n for n, line in enumerate(lines) if line.startswith("code "))
    end = next(n for n, line in enumerate(lines) if line.startswith("settings "))
    return [line[record_text.WIDTH :] for line in lines[start:end]]


HARDWARE: dict[str, Any] = {
    "cpu": {
        **dict.fromkeys(("model", "vendor", "architecture", "microcode"), "x"),
        "cores": {"online": 1, "usable": 1},
        "caches": [],
        "flags": [],
    },
    "memory": 1,
    "kernel": {"name": "Linux", "release": "6"},
    "hypervisor": "none",
    "gpu": {"devices": [], "driver": "none"},
}
OLD = [f"commit {'d' * 40}", f"tree {'e' * 40}"]


def test_a_record_of_an_older_version() -> None:
    assert said() == OLD


def test_names() -> None:
    told = said(describe="v1-dirty", remote={"unknown": "the repository has no remote"})
    assert told == [
        OLD[0],
        "describe v1-dirty",
        "remote unknown: the repository has no remote",
        OLD[1],
    ]


def test_submodules_and_pointers() -> None:
    patch = {"file": "code.patch.1", "size": 1500, "sha256": "0" * 64}
    dirty = {"path": "a", "commit": "1" * 40, "dirty": True, "tree": "2" * 40, "patch": patch}
    clean = {"path": "b", "commit": "3" * 40, "dirty": False}
    told = said(submodules=[dirty, clean, {**clean, "missing": True}], lfs=["w.bin"])
    assert told[2:] == [
        f"submodule a at {'1' * 40}, tree {'2' * 40} with uncommitted changes: "
        "code.patch.1 (1.5 kB)",
        f"submodule b at {'3' * 40}",
        f"submodule b at {'3' * 40}, which was not there",
        "w.bin was only the pointer of a file in Git LFS",
    ]


def test_a_commit_that_is_nowhere_else() -> None:
    assert said(shared=True) == said(shared=None) == OLD
    assert said(shared=False)[-1] == (
        "no remote-tracking branch has this commit: it may be here alone"
    )
