"""A change rebuilds only what stands on it."""

from __future__ import annotations

import json
from pathlib import Path

from nixrepro import lock as locks

from .conftest import REPOSITORY, call


def outputs(lock: Path) -> dict[str, str]:
    """Store paths of a project with another lock, without building them."""
    nix = REPOSITORY / "nix"
    text = f"""
      let
        store = import {nix}/store.nix {{ system = "x86_64-linux"; }};
        lock = import {nix}/lock.nix {lock};
        base = import {nix}/debian.nix {{ inherit store lock; }};
        tree = import {nix}/tree.nix {{ inherit store lock base; }};
        wheels = import {nix}/wheels.nix {{ inherit store lock base tree; }};
        named = map (a: {{ inherit (a) name; value = a.path.outPath; }});
      in builtins.listToAttrs (named base.packages ++ named wheels) // {{
        "the bootstrap" = base.bootstrap.outPath; "the system" = base.system.outPath;
      }}
    """
    done = call(["nix-instantiate", "--eval", "--strict", "--json", "-E", text])
    assert done.status == 0, done.err
    found: dict[str, str] = json.loads(done.out)
    return found


def changed(name: str, role: str, tmp_path: Path) -> set[str]:
    """What gets another store path when one artefact gets another hash."""
    text = (REPOSITORY / "nixrepro.lock").read_text()
    lock = locks.parse(text)
    artefact = next(a for a in lock.artefacts if a.name == name and a.role == role)
    before, after = tmp_path / "before.lock", tmp_path / "after.lock"
    before.write_text(text)
    blocks = text.split("[[artefact]]")
    for number, block in enumerate(blocks):
        is_role = f'role = "{role}"' in block if role else "role = " not in block
        if f'name = "{name}"\n' in block and is_role:
            blocks[number] = block.replace(artefact.sha256, "0" * 64)
    after.write_text("[[artefact]]".join(blocks))
    old, new = outputs(before), outputs(after)
    return {key for key in old if old[key] != new[key]}


def test_another_libc_rebuilds_itself_and_the_system_only(tmp_path: Path) -> None:
    assert changed("libc6", "", tmp_path) == {"libc6", "the system"}


def test_another_wheel_rebuilds_itself_only(tmp_path: Path) -> None:
    assert changed("numpy", "", tmp_path) == {"numpy"}


def test_the_bootstrap_is_what_wheels_stand_on(tmp_path: Path) -> None:
    found = changed("python3.11-minimal", "bootstrap", tmp_path)
    assert {"the bootstrap", "the system", "numpy"} <= found
    assert "libc6" not in found
