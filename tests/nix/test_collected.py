"""What `nixrepro gc` keeps outlives a real garbage collection; what it let go of does not.

The closure is a small one, in a store of its own at a place of its own: its environment is the
machine's Python with the supervisor. All else is as ever: Nix, the roots, the runs, their records.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import NIX_CONFIG, REPOSITORY, Done, call
from .session import PYTHON

FLAKE = r"""
{
  outputs = inputs:
    let
      inherit (builtins) hashString readFile toFile toJSON unsafeDiscardStringContext;
      build = name: text: derivation {
        inherit name;
        system = "x86_64-linux";
        builder = "/bin/bash";
        outputs = [ "out" ];
        # The last is bash: Nix kills a builder that closes its output before it ends.
        args = [ "-euc" "PATH=/bin:/usr/bin; ${text}\n:" ];
      };
      part = build "part" "echo ${hashString "sha256" (readFile ./nixrepro.lock)} > $out";
      environment = build "nixrepro-environment" ''
        mkdir -p $out/bin
        ln -s ${part} $out/part
        cp ${./nix/python} $out/bin/python
        ln -s /bin/true $out/bin
      '';
      said = toFile "facts.json" (toJSON {
        format = 1;
        identity = {
          path = unsafeDiscardStringContext "${environment}";
          digest = hashString "sha256" (unsafeDiscardStringContext "${environment}");
        };
        system = "";
        lock = "";
        layers = { };
        closure = [ ];
        variables.PATH = "/bin";
      });
      facts = build "nixrepro-environment.json" "cp ${said} $out; : ${environment}";
      settings = toFile "nixrepro-settings.json" (toJSON { seed = 1; variables = { }; });
    in
    {
      devShells.x86_64-linux.default = derivation {
        name = "nixrepro-shell";
        system = "x86_64-linux";
        builder = "/bin/bash";
        outputs = [ "out" ];
        NIXREPRO_ROOT = environment;
        NIXREPRO_SYSTEM = environment;
        NIXREPRO_ENVIRONMENT = facts;
        NIXREPRO_SETTINGS = settings;
      };
    };
}
"""
# The supervisor comes from this repository: `-I -m nixrepro_runtime.launch` is left out.
WRAPPER = """#!/bin/sh
shift 3
exec {python} -c 'import sys
sys.path.insert(0, "{site}")
from nixrepro_runtime.launch import main
sys.exit(main())' "$@"
"""


class Small:
    """A project with a small environment for each lock, and the store that has them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.store = folder / "store"
        site = folder / "site"
        site.mkdir()
        (site / "nixrepro_runtime").symlink_to(REPOSITORY / "nixrepro" / "runtime")
        (self.root / "nix").mkdir(parents=True)
        python = self.root / "nix" / "python"
        python.write_text(WRAPPER.format(python=sys.executable, site=site))
        python.chmod(0o755)
        (self.root / "flake.nix").write_text(FLAKE)
        (self.root / "flake.lock").write_text(
            '{"nodes": {"root": {}}, "root": "root", "version": 7}\n'
        )
        (self.root / "pyproject.toml").write_text(
            "[project]\nname = 'small'\nversion = '1'\nrequires-python = '>=3.9'\n"
            "[tool.nixrepro]\n[tool.nixrepro.wheels]\nproject = false\n"
        )
        host = "extra-sandbox-paths = " + " ".join(
            path for path in ("/bin", "/usr", "/lib", "/lib64") if Path(path).exists()
        )
        self.variables = {
            "NIX_REMOTE": "local",
            "NIX_STORE_DIR": str(self.store),
            "NIX_STATE_DIR": str(folder / "state"),
            "NIX_LOG_DIR": str(folder / "log"),
            # Build users are shared by all stores, and Nix kills what it finds of a user.
            "NIX_CONFIG": f"{NIX_CONFIG}\n{host}\nbuild-users-group =",
            "PYTHONPATH": str(REPOSITORY),
        }

    def __call__(self, *words: str | Path) -> Done:
        return call([*PYTHON, *words], self.root, self.variables)

    def run(self, lock: str) -> str:
        """A recorded run with a lock; the environment's store path."""
        self.lock(lock)
        done = self("run", "--", "true")
        assert done.status == 0, done.err
        said = json.loads(self("gc", "--json").out)["kept"]
        (path,) = (item["environment"] for item in said if item["current"])
        assert Path(path, "part").exists()
        return str(path)

    def lock(self, day: str) -> None:
        """A lock that names no artefact: only its date differs."""
        from nixrepro import config as configs
        from nixrepro import lock as locks

        question = configs.question(configs.load(self.root))
        locks.save(self.root / locks.FILE, locks.Lock("3.11.2", "2.36", question, (), day))

    def collect(self) -> None:
        done = call(["nix-collect-garbage"], self.root, self.variables)
        assert done.status == 0, done.err


@pytest.fixture
def small() -> Iterator[Small]:
    # Not in /dev/shm, where the sandbox puts a folder of its own.
    folder = Path(tempfile.mkdtemp(prefix="nixrepro-", dir="/var/tmp")).resolve()
    yield Small(folder)
    for inner, _, _ in os.walk(folder):
        os.chmod(inner, 0o755)  # a store's folders are read-only
    shutil.rmtree(folder)


def there(path: str) -> bool:
    """Whether an environment is in the store with what it needs."""
    return Path(path).exists() and Path(path, "part").exists()


def test_recorded_environments_survive_and_dropped_ones_go(small: Small) -> None:
    first, second, third = (small.run(day) for day in ("2024-01-01", "2024-02-02", "2024-03-03"))
    assert len({first, second, third}) == 3
    small.collect()
    assert all(map(there, (first, second, third)))
    name = Path(second).name.split("-")[0]
    assert small("gc", "--drop", name).status == 0
    assert there(second)  # the store loses nothing yet
    part = Path(second, "part").resolve()
    small.collect()
    assert not Path(second).exists()
    assert not part.exists()
    assert there(first) and there(third)
    # Still listed by no one, though a record names it; and the others still start.
    kept = json.loads(small("gc", "--json").out)["kept"]
    assert {item["environment"] for item in kept} == {first, third}
    assert small.run("2024-01-01") == first
    assert small.run("2024-02-02") == second  # made anew
    small.collect()
    assert there(second)


def test_what_a_run_without_the_tool_recorded_is_kept_once_listed(small: Small) -> None:
    path = small.run("2024-01-01")
    small.run("2024-02-02")
    for link in (small.root / ".nixrepro" / "roots").iterdir():
        if link.name == Path(path).name.split("-")[0]:
            link.unlink()  # as `nix run` leaves it: a record, and no root
    assert small("gc").status == 0
    small.collect()
    assert there(path)


def test_unused_ones_go(small: Small) -> None:
    used = small.run("2024-01-01")
    small.lock("2024-02-02")
    assert small("run", "--no-record", "--", "true").status == 0
    small.lock("2024-03-03")
    assert small("run", "--no-record", "--", "true").status == 0
    kept = json.loads(small("gc", "--json").out)["kept"]
    (unused,) = (item["environment"] for item in kept if not item["runs"] and not item["current"])
    (current,) = (item["environment"] for item in kept if item["current"])
    assert small("gc", "--unused").status == 0
    small.collect()
    assert there(used) and there(current)
    assert not Path(unused).exists()


def test_a_project_that_was_removed_keeps_nothing(small: Small) -> None:
    path = small.run("2024-01-01")
    shutil.rmtree(small.root)
    small.root.mkdir()
    small.collect()
    assert not Path(path).exists()
