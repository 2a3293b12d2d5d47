"""A closure maps nothing of the host; a run writes nothing into the store and takes no variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Project, call, checked


def test_no_object_of_the_host_is_mapped(environment: Path) -> None:
    program = (
        "import tensorflow, sklearn, scipy.linalg, ssl, sqlite3, lzma, bz2, ctypes, readline\n"
        "lines = open('/proc/self/maps').read().splitlines()\n"
        "paths = {line.split(None, 5)[5] for line in lines if len(line.split(None, 5)) == 6}\n"
        "print(*sorted(path for path in paths if '.so' in path), sep='\\n')\n"
    )
    done = call(["env", "-i", f"{environment}/bin/python", "-c", program])
    assert done.status == 0, done.err
    mapped = done.out.split()
    assert any("libtensorflow" in path for path in mapped)
    assert [path for path in mapped if not path.startswith("/nix/store/")] == []


def test_a_missing_library_is_not_taken_from_the_host(environment: Path) -> None:
    host = [path for path in Path("/usr/lib/x86_64-linux-gnu").glob("lib*.so.*") if path.is_file()]
    system = Path(checked(["readlink", "-f", environment / "bin/python"])).parents[1]
    there = {path.name for path in (system / "lib/x86_64-linux-gnu").iterdir()}
    name = next(path.name for path in sorted(host) if path.name not in there)
    program = f"import ctypes; ctypes.CDLL({name!r})"
    done = call([environment / "bin/python", "-c", program])
    assert done.status == 1
    assert "cannot open shared object file" in done.err


def test_the_store_is_unchanged_after_a_run(project: Project, environment: Path) -> None:
    done = project.nixrepro("run", "--no-record", "--", "python", "-c", "import numpy.tests, keras")
    assert done.status == 0, done.err
    argv = ["nix", "store", "verify", "--no-trust", "--recursive", str(environment)]
    done = call(argv)
    assert done.status == 0, done.err
    assert "modified" not in done.err


@pytest.mark.parametrize(
    "name", ["LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "TF_ENABLE_ONEDNN_OPTS"]
)
def test_variables_of_the_host_do_not_pass(
    project: Project, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A value that does no harm to what starts before the supervisor.
    monkeypatch.setenv(name, "")
    program = f"import os; print({name!r} in os.environ)"
    done = project.nixrepro("run", "--no-record", "--", "python", "-c", program)
    assert done.out.strip() == "False", done.err
