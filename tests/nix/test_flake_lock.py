"""A real Nix takes flake.lock as it is, offline, and would write the same bytes itself."""

import json
import os
from pathlib import Path

import pytest

from nixrepro import flake_lock
from nixrepro.process import run

FLAKE = """\
{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.05";
  outputs = inputs: { answer = 42; };
}
"""


@pytest.fixture
def flake(tmp_path: Path) -> Path:
    folder = tmp_path / "flake"
    folder.mkdir()
    (folder / "flake.nix").write_text(FLAKE)
    flake_lock.ensure(folder)
    run(["git", "init", "-q", str(folder)])
    run(["git", "add", "--intent-to-add", "."], cwd=folder)
    return folder


def nix(flake: Path, *arguments: str) -> str:
    argv = [
        "nix",
        "--extra-experimental-features",
        "nix-command flakes",
        "--offline",
        "--store",
        str(flake.parent / "store"),
        *arguments,
    ]
    env = {**os.environ, "XDG_CACHE_HOME": str(flake.parent / "cache")}
    done = run(argv, cwd=flake, env=env)
    assert done.status == 0, done.stderr
    return done.stdout.decode()


def test_nix_reads_it_offline_and_leaves_it_alone(flake: Path) -> None:
    assert nix(flake, "eval", ".#answer").strip() == "42"
    nix(flake, "flake", "lock")
    assert (flake / "flake.lock").read_text() == flake_lock.text()


def test_nix_writes_the_same_bytes_when_it_must_write(flake: Path) -> None:
    lock = json.loads(flake_lock.text())
    lock["nodes"]["gone"] = lock["nodes"]["nixpkgs"]
    lock["nodes"]["root"]["inputs"]["gone"] = "gone"
    (flake / "flake.lock").write_text(json.dumps(lock))
    nix(flake, "flake", "lock")
    assert (flake / "flake.lock").read_text() == flake_lock.text()
