"""What is exported, the tools that read it take, and importing it gives the same pins."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.pylock import Pylock
from packaging.requirements import Requirement
from uv import find_uv_bin

from nixrepro import imports
from nixrepro.exports import FORMATS
from nixrepro.imports import Pin
from nixrepro.lock import Artefact, Lock

Tool = Callable[[Lock, Path], subprocess.CompletedProcess[str]]

names = st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,4})?", fullmatch=True)
versions = st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){1,2}(rc[1-9]|\.post[1-9])?", fullmatch=True)
digests = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)


@st.composite
def artefacts(draw: st.DrawFn) -> Artefact:
    name, version = draw(names), draw(versions)
    kind = draw(st.sampled_from(("wheel", "sdist")))
    plain = name.replace("-", "_")
    file = f"{plain}-{version}" + ("-py3-none-any.whl" if kind == "wheel" else ".tar.gz")
    url = draw(st.sampled_from(("", f"https://files.example/{file}")))
    layer = draw(st.sampled_from(("wheels", "accelerator"))) if kind == "wheel" else "wheels"
    size, sha256 = draw(st.integers(1, 2**40)), draw(digests)
    return Artefact(layer, name, version, kind, "", file, size, sha256, "", "", url)


def lock_of(*found: Artefact, **question: object) -> Lock:
    return Lock("3.11.2", "2.36", {"wheels": question}, found)


def build(name: str, version: str = "1.0") -> Artefact:
    file = f"{name}-{version}-py3-none-any.whl"
    return Artefact("wheels", name, version, "wheel", "", file, 9, "ab" * 32, "", "")


LIBC = Artefact("system", "libc6", "2.36", "deb", "", "libc6.deb", 9, "cd" * 32, "debian", "pool/x")
TOOL = replace(build("setuptools"), role="build")


@pytest.mark.parametrize("form", list(FORMATS))
@given(
    found=st.lists(artefacts(), max_size=6, unique_by=lambda each: each.name), asked=st.booleans()
)
def test_importing_what_was_exported_gives_the_same_pins(
    form: str, found: list[Artefact], asked: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Some are asked for by their URL.
    direct = [each for each in found if each.url] if asked else []
    lines = [f"{each.name} @ {each.url}" for each in direct]
    text = FORMATS[form](lock_of(*found, TOOL, LIBC, requirements=lines), "files")
    path = tmp_path_factory.mktemp("export") / form
    path.write_text(text)
    taken = imports.read(path)
    assert [replace(pin, line=0) for pin in taken.pins] == sorted(
        (
            Pin(
                each.name,
                each.version if each not in direct or form == "pylock.toml" else "",
                hashes=(each.sha256,),
                url=each.url if each in direct else "",
            )
            for each in found
        ),
        key=lambda pin: pin.name,
    )
    assert {Requirement(line).name for line in taken.requirements} == {each.name for each in found}
    built = {each.name for each in found if each.kind == "sdist"}
    assert set(taken.no_binary) == (built if form == "requirements.txt" else set())
    assert not any(left.wanted for left in taken.left)


@given(st.lists(artefacts(), max_size=4, unique_by=lambda each: each.name))
def test_a_pylock_is_what_pep_751_says(found: list[Artefact]) -> None:
    lock = Pylock.from_dict(tomllib.loads(FORMATS["pylock.toml"](lock_of(*found), "wheels")))
    assert [package.name for package in lock.packages] == sorted(each.name for each in found)


@pytest.mark.parametrize("form", list(FORMATS))
def test_a_lock_without_urls_names_no_host(form: str) -> None:
    assert "://" not in FORMATS[form](lock_of(build("a"), build("b")), "wheels")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Lock, Path]:
    """Two real wheels, and the lock that names them."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    found = []
    for name in ("nixrepro_first", "nixrepro_second"):
        file, info = f"{name}-1.0-py3-none-any.whl", f"{name}-1.0.dist-info"
        with zipfile.ZipFile(folder / file, "w") as whole:
            head = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            whole.writestr(f"{name}.py", "")
            whole.writestr(f"{info}/WHEEL", head)
            whole.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
            )
            whole.writestr(f"{info}/RECORD", "")
        content = (folder / file).read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        plain = name.replace("_", "-")
        found.append(
            Artefact("wheels", plain, "1.0", "wheel", "", file, len(content), sha256, "", "")
        )
    python = ".".join(map(str, sys.version_info[:3]))
    return Lock(python, "2.36", {}, tuple(found)), folder


def uv(lock: Lock, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder.parent / "pylock.toml").write_text(FORMATS["pylock.toml"](lock, folder.name))
    target = ["--target", str(folder.parent / "target"), "--python", sys.executable]
    return subprocess.run(
        [find_uv_bin(), "pip", "sync", "--offline", "--no-cache", *target, "pylock.toml"],
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def pip(lock: Lock, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder.parent / "pinned.txt").write_text(FORMATS["requirements.txt"](lock, folder.name))
    looks = ["--isolated", "--no-index", "--find-links", str(folder), "--no-cache-dir"]
    told = ["--require-hashes", "--target", str(folder.parent / "target"), "-r", "pinned.txt"]
    return subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", *looks, *told],
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("tool", [uv, pip])
def test_the_tool_installs_it_and_refuses_another_file(
    tool: object, files: tuple[Lock, Path]
) -> None:
    assert callable(tool)
    lock, folder = files
    done = tool(lock, folder)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (folder.parent / "target").glob("*.py")} == {
        "nixrepro_first.py",
        "nixrepro_second.py",
    }
    shutil.rmtree(folder.parent / "target")
    first, second = lock.artefacts
    other = replace(lock, artefacts=(first, replace(second, sha256="ab" * 32)))
    done = tool(other, folder)
    assert done.returncode != 0
    assert "hash" in done.stderr.lower()
