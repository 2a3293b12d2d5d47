"""Distributions that exist as source are built with the pinned compiler, in the sandbox."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from nixrepro import lock as locks

from .conftest import REPOSITORY, Done, Project, call, checked
from .test_suites import locked

# One with a C extension; one in Python, older than pyproject.toml, of which no wheel exists.
WANTED = """\
[project]
name = "sources"
version = "0"
dependencies = ["markupsafe", "termcolor==1.1.0"]

[tool.nixrepro]
record-urls = false

[tool.nixrepro.wheels]
no-binary = ["markupsafe"]

[tool.nixrepro.base]
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project on this repository's own locked base, realised."""
    root = tmp_path_factory.mktemp("sources")
    shutil.copy(REPOSITORY / "nixrepro.lock", root)
    text = (REPOSITORY / "pyproject.toml").read_text()
    base = re.search(r"^\[tool\.nixrepro\.base\]\n(.*?)\n\n", text, re.M | re.S)
    assert base
    project = locked(root, WANTED + base[1] + "\n")
    done = project.nixrepro("run", "--no-record", "--", "true")
    assert done.status == 0, done.err
    return project


def test_the_base_is_this_repositorys(sources: Project) -> None:
    def debs(root: Path) -> set[str]:
        lock = locks.load(root / "nixrepro.lock")
        return {artefact.file for artefact in lock.artefacts if artefact.kind == "deb"}

    assert debs(sources.root) == debs(REPOSITORY)


def test_an_extension_is_built_with_the_pinned_compiler(sources: Project) -> None:
    program = "import markupsafe._speedups as m; print(m.__file__); print(m._escape_inner('<'))"
    done = sources.nixrepro("run", "--no-record", "--", "python", "-c", program)
    assert done.status == 0, done.err
    path, escaped = done.out.split()
    assert escaped == "&lt;"
    assert path.startswith("/nix/store/")
    lock = locks.load(sources.root / "nixrepro.lock")
    gcc = next(a for a in lock.artefacts if re.fullmatch(r"gcc-\d+", a.name))
    assert f"GCC: (Debian {gcc.version})".encode() in Path(path).read_bytes()


def test_a_source_of_python_alone_is_built(sources: Project) -> None:
    program = "import termcolor; print(termcolor.colored('x', 'red', attrs=['bold']))"
    done = sources.nixrepro("run", "--no-record", "--", "python", "-c", program)
    assert "\x1b[31mx" in done.out, done.err


@pytest.mark.parametrize("name", ["markupsafe", "termcolor"])
def test_a_second_build_gives_the_same_bytes(sources: Project, name: str) -> None:
    environment = sources.build("environment")
    deriver = checked(["nix-store", "--query", "--deriver", environment])
    closure = checked(["nix-store", "--query", "--requisites", deriver]).split()
    (drv,) = (path for path in closure if re.search(rf"-{name}-[\d.]+-built\.drv$", path))
    done = call(["nix-store", "--realise", "--check", drv])
    assert done.status == 0, done.err


def odd(tmp_path: Path, members: dict[str, bytes], link: str = "") -> Path:
    path = tmp_path / "odd-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        if link:
            info = tarfile.TarInfo("odd-1.0/link")
            info.type, info.linkname = tarfile.SYMTYPE, link
            archive.addfile(info)
    return path


Build = Callable[[str, Path], Done]


def built(library: Build, sources: Project, tmp_path: Path, path: Path) -> Done:
    """An attempt to build one more sdist, with the tools that the project's own have."""
    lock = locks.load(sources.root / "nixrepro.lock")
    tools = next(a for a in lock.artefacts if a.name == "termcolor").build
    checked(["nix-store", "--add-fixed", "sha256", path])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    block = '\n[[artefact]]\nlayer = "wheels"\nname = "odd"\nversion = "1.0"\nkind = "sdist"\n'
    block += f'file = "{path.name}"\nsize = {path.stat().st_size}\nsha256 = "{digest}"\n'
    block += f"build = {list(tools)!r}\n"
    own = tmp_path / "nixrepro.lock"
    own.write_text((sources.root / "nixrepro.lock").read_text() + block)
    return library('(builtins.head (builtins.filter (a: a.name == "odd") wheels)).path', own)


SETUP = b'from setuptools import setup\nsetup(name="odd", version="1.0", py_modules=["odd"])\n'
SOUND = {"odd-1.0/setup.py": SETUP, "odd-1.0/odd.py": b"x = 1\n"}


def test_a_sound_source_is_built(library: Build, sources: Project, tmp_path: Path) -> None:
    done = built(library, sources, tmp_path, odd(tmp_path, SOUND, link="odd.py"))
    assert done.status == 0, done.err
    assert list(Path(done.out.strip()).glob("lib/python3.*/site-packages/odd.py"))


@pytest.mark.parametrize("name", ["../evil", "odd-1.0/../../evil", "/evil"])
def test_a_source_with_a_path_that_climbs_out(
    library: Build, sources: Project, tmp_path: Path, name: str
) -> None:
    done = built(library, sources, tmp_path, odd(tmp_path, {**SOUND, name: b"x"}))
    assert done.status != 0
    assert "odd-1.0.tar.gz: a path in it climbs out of its folder" in done.err


@pytest.mark.parametrize("link", ["/etc/passwd", "../../evil"])
def test_a_source_with_a_link_that_leads_out(
    library: Build, sources: Project, tmp_path: Path, link: str
) -> None:
    done = built(library, sources, tmp_path, odd(tmp_path, SOUND, link))
    assert done.status != 0
    assert "odd-1.0.tar.gz: it holds a link or file that leads out of its folder" in done.err


@pytest.mark.parametrize("keep", [0, 20, -30])
def test_a_truncated_source(library: Build, sources: Project, tmp_path: Path, keep: int) -> None:
    path = odd(tmp_path, SOUND)
    path.write_bytes(path.read_bytes()[:keep])
    done = built(library, sources, tmp_path, path)
    assert done.status != 0
    assert "odd-1.0.tar.gz: cut short or damaged" in done.err


def test_a_source_that_does_not_compile_says_so(
    library: Build, sources: Project, tmp_path: Path
) -> None:
    setup = SETUP.replace(b"py_modules", b"ext_modules=[Extension('o', ['o.c'])], py_modules")
    setup = b"from setuptools import Extension\n" + setup
    members = {**SOUND, "odd-1.0/setup.py": setup, "odd-1.0/o.c": b"int f( {\n"}
    done = built(library, sources, tmp_path, odd(tmp_path, members))
    assert done.status != 0
    assert "o.c:1:8: error:" in done.err
