"""Executables with another loader and other libraries still run, and read what they are told to."""

from __future__ import annotations

import importlib.util
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def elf() -> ModuleType:
    spec = importlib.util.spec_from_file_location("elf", ROOT / "nix/build/elf.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    spec.loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A copy of a dynamic executable that every Debian has."""
    path = tmp_path / "echo"
    path.write_bytes(Path("/bin/echo").read_bytes())
    path.chmod(0o755)
    return path


def loaded(path: Path) -> tuple[list[str], str]:
    """What the loader says of a program: its libraries in their order, and where it looks."""
    variables = {"LD_TRACE_LOADED_OBJECTS": "1", "LD_DEBUG": "libs"}
    done = subprocess.run([path], env=variables, capture_output=True, text=True, check=True)
    libraries = [line.split()[0] for line in done.stdout.splitlines() if "=>" in line]
    folders = re.findall(r"search path=(\S+)\s+\(RPATH from file", done.stderr)
    found = folders[0].split(":")
    # Before each folder itself come its variants for this processor.
    return libraries, ":".join(folder for folder in found if folder.count("/") == 1)


def without_notes(path: Path) -> None:
    """Make what notes it has segments of no known kind: then there is no header to spare."""
    data = bytearray(path.read_bytes())
    (table,), (count,) = struct.unpack_from("<Q", data, 32), struct.unpack_from("<H", data, 56)
    for where in range(table, table + 56 * count, 56):
        if struct.unpack_from("<I", data, where) == (4,):
            struct.pack_into("<I", data, where, 0x6FFFFF00)
    path.write_bytes(data)


@pytest.mark.parametrize("has_notes", [True, False])
def test_a_changed_program_runs(elf: ModuleType, program: Path, has_notes: bool) -> None:
    if not has_notes:
        without_notes(program)
    loader = elf.interpreter(program)
    elf.patch(program, loader, "/nowhere", ["libm.so.6"])
    assert elf.interpreter(program) == loader
    assert subprocess.check_output([program, "still", "here"]) == b"still here\n"
    libraries, folders = loaded(program)
    assert folders == "/nowhere"
    assert libraries[0] == "libm.so.6"
    assert "libc.so.6" in libraries[1:]


@pytest.mark.parametrize("has_notes", [True, False])
def test_it_starts_with_the_loader_that_it_was_given(
    elf: ModuleType, program: Path, tmp_path: Path, has_notes: bool
) -> None:
    if not has_notes:
        without_notes(program)
    loader = tmp_path / ("a-long-name-" * 12) / "loader"
    loader.parent.mkdir()
    elf.patch(program, str(loader), "/nowhere")
    with pytest.raises(FileNotFoundError):
        subprocess.run([program], check=False)
    loader.symlink_to(os.path.realpath(elf.interpreter("/bin/echo")))
    assert subprocess.check_output([program, "x"]) == b"x\n"


def test_changes_add_up(elf: ModuleType, program: Path) -> None:
    loader = elf.interpreter(program)
    elf.patch(program, loader, "/first", ["libm.so.6"])
    elf.patch(program, loader, "/second", ["libm.so.6", "libdl.so.2"], keep=True)
    assert subprocess.check_output([program, "x"]) == b"x\n"
    libraries, folders = loaded(program)
    assert folders == "/first:/second"
    assert libraries.count("libm.so.6") == 1
    elf.patch(program, loader, "/third")
    assert loaded(program)[1] == "/third"
    assert subprocess.check_output([program, "x"]) == b"x\n"


def test_the_same_change_gives_the_same_bytes(elf: ModuleType, program: Path) -> None:
    other = program.with_name("other")
    elf.copy(program, other)
    for path in (program, other):
        elf.patch(path, "/loader", "/libraries", ["libm.so.6"])
    assert program.read_bytes() == other.read_bytes()


def test_a_damaged_program_is_refused_by_name(elf: ModuleType, program: Path) -> None:
    program.write_bytes(program.read_bytes()[:2000])
    with pytest.raises(SystemExit, match="echo: a damaged executable"):
        elf.patch(program, "/loader", "/libraries")


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"\x7fELF\x02\x01", b"\x7fELF\x02\x01" * 20])
def test_what_is_no_executable_asks_for_no_loader(
    elf: ModuleType, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "file").write_bytes(data)
    assert elf.interpreter(tmp_path / "file") == ""
