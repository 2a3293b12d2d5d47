"""A project with a made-up environment, in which this machine's own Python and shell run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import nixrepro.runtime

ENVIRONMENT = "/nix/store/00000000000000000000000000000000-environment"


class Workshop:
    """Starts the supervisor in a project folder, and reads what it recorded."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.project.mkdir()
        self.site = folder / "site"
        self.site.mkdir()
        (self.site / "nixrepro_runtime").symlink_to(Path(nixrepro.runtime.__path__[0]))
        self.environment: dict[str, Any] = {
            "format": 1,
            "environment": ENVIRONMENT,
            "identity": {"path": ENVIRONMENT, "digest": "1" * 64},
            "system": "",
            "lock": "2" * 64,
            "layers": {
                "system": [{"name": "libc6", "version": "2.36-9", "path": "/nix/store/0-libc6"}],
                "accelerator": [],
                "wheels": [],
                "data": [],
            },
            "closure": [{"path": ENVIRONMENT, "narHash": "sha256:0", "narSize": 5}],
            "variables": {
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
                "LANG": "C.UTF-8",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        }
        self.settings: dict[str, Any] = {
            "seed": 42,
            "deterministic": True,
            # The environment has a .pth line instead.
            "variables": {"PYTHONPATH": str(self.site)},
            "pass": [],
            "command": ["true"],
            "data": {},
        }
        self.temporary = folder / "temporary"
        self.temporary.mkdir()

    def argv(self, *command: str, options: tuple[str, ...] = ()) -> list[str]:
        files = {"environment": self.environment, "settings": self.settings}
        for name, value in files.items():
            # Put in place whole: a supervisor that was started before may be reading it.
            new = self.site.parent / f"{name}.new"
            new.write_text(json.dumps(value))
            new.replace(self.site.parent / f"{name}.json")
        # As `python -m` does it, with the package from elsewhere.
        start = (
            f"import runpy, sys; sys.path.insert(0, {str(self.site)!r}); "
            "runpy.run_module('nixrepro_runtime.launch', run_name='__main__', alter_sys=True)"
        )
        given = [f"--{name}={self.site.parent / name}.json" for name in files]
        return [sys.executable, "-I", "-c", start, *given, *options, "--", *command]

    def variables(self, **more: str) -> dict[str, str]:
        # The caller's Git settings and temporary folder are not the tests'.
        kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        # A probe takes a fifth of a second in each new project; tests of probes take it.
        return {**kept, "TMPDIR": str(self.temporary), "NIXREPRO_PROBE": "no", **more}

    def run(
        self, *command: str, options: tuple[str, ...] = (), cwd: Path | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*command, options=options),
            cwd=cwd or self.project,
            env=self.variables(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def start(
        self, *command: str, more: dict[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        settings: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            self.argv(*command),
            cwd=self.project,
            env=self.variables(**(more or {})),
            text=True,
            **{**settings, **options},
        )

    def python(self, code: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return self.run("python", "-c", f"import nixrepro_runtime.boot\n{code}", **more)

    def folders(self) -> list[Path]:
        found = (self.project / ".nixrepro" / "runs").glob("*/record.json")
        return sorted(path.parent for path in found)

    def record(self) -> dict[str, Any]:
        (folder,) = self.folders()
        found: dict[str, Any] = json.loads((folder / "record.json").read_text())
        return found

    def newest(self) -> dict[str, Any]:
        records = [json.loads((each / "record.json").read_text()) for each in self.folders()]
        found: dict[str, Any] = max(records, key=lambda record: record["started"])
        return found


def wait_for(condition: Any, seconds: float = 20.0) -> None:
    """Wait until something is so, and fail when it never is."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)
