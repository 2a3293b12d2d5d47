"""flake.lock: pins the flake's one input, nixpkgs, which the Debian base never fetches."""

from __future__ import annotations

import json
from pathlib import Path

from nixrepro.canonical import write_atomic
from nixrepro.errors import LockError

FILE = "flake.lock"
_LOCKED = {
    "lastModified": 1767313136,
    "narHash": "sha256-16KkgfdYqjaeRGBaYsNrhPRRENs0qzkQVUooNHtoy2w=",
    "owner": "NixOS",
    "repo": "nixpkgs",
    "rev": "ac62194c3917d5f474c1a844b6fd6da2db95077d",
    "type": "github",
}
_ORIGINAL = {"owner": "NixOS", "ref": "nixos-25.05", "repo": "nixpkgs", "type": "github"}


def text() -> str:
    """The file, byte for byte as Nix writes it, so that Nix never rewrites it."""
    document = {
        "nodes": {
            "nixpkgs": {"locked": _LOCKED, "original": _ORIGINAL},
            "root": {"inputs": {"nixpkgs": "nixpkgs"}},
        },
        "root": "root",
        "version": 7,
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def ensure(root: Path) -> bool:
    """Write a project's flake.lock where there is none; True where it was written.

    Raises:
        LockError: there is one, and it does not pin nixpkgs by revision and hash.
        OSError: it can't be written.
    """
    path = root / FILE
    if not path.exists():
        write_atomic(path, text().encode())
        return True
    try:
        locked = json.loads(path.read_bytes())["nodes"]["nixpkgs"]["locked"]
        pinned = bool(locked["rev"] and locked["narHash"])
    except (ValueError, KeyError, TypeError):
        pinned = False
    if not pinned:
        hint = f"take {FILE} from version control, or delete it and run `nixrepro lock`"
        raise LockError(f"{FILE} does not pin nixpkgs by revision and hash", hint=hint)
    return False
