"""Broken and hostile packages and locks: one clear line, and nothing of them in the store."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from nixrepro import lock as locks
from nixrepro.runtime.variables import OWNED

from .conftest import REPOSITORY, Done, Project, call, checked
from .session import PYTHON, Own, one_error

Build = Callable[[str, Path], Done]


def with_artefact(tmp_path: Path, path: Path, kind: str, name: str = "odd") -> Path:
    """This repository's lock with one more artefact, which is put into the store."""
    checked(["nix-store", "--add-fixed", "sha256", path])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    layer = "system" if kind == "deb" else "wheels"
    block = (
        f'\n[[artefact]]\nlayer = "{layer}"\nname = "{name}"\nversion = "1.0"\nkind = "{kind}"\n'
    )
    block += f'file = "{path.name}"\nsize = {path.stat().st_size}\nsha256 = "{digest}"\n'
    lock = tmp_path / "nixrepro.lock"
    lock.write_text((REPOSITORY / "nixrepro.lock").read_text() + block)
    return lock


def wheel(tmp_path: Path, members: dict[str, bytes], *, link: str = "") -> Path:
    path = tmp_path / "odd-1.0-py3-none-any.whl"
    about = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    whole = {
        "odd-1.0.dist-info/WHEEL": about,
        "odd-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n",
        "odd-1.0.dist-info/RECORD": b"",
        **members,
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in whole.items():
            archive.writestr(name, data)
        if link:
            info = zipfile.ZipInfo("odd/link")
            info.external_attr = 0o120777 << 16
            archive.writestr(info, link)
    return path


ODD = '(builtins.head (builtins.filter (a: a.name == "odd") wheels)).path'
ODD_DEB = '(builtins.head (builtins.filter (a: a.name == "odd") base.packages)).path'


def test_a_sound_wheel_installs(library: Build, project: object, tmp_path: Path) -> None:
    members = {"odd/__init__.py": b"x = 1\n", "odd-1.0.data/scripts/odd": b"#!python\nprint(1)\n"}
    done = library(ODD, with_artefact(tmp_path, wheel(tmp_path, members), "wheel"))
    assert done.status == 0, done.err
    out = Path(done.out.strip())
    assert (out / "lib/python3.11/site-packages/odd/__init__.py").read_text() == "x = 1\n"
    assert (out / "bin/odd").stat().st_mode & 0o111


def test_only_the_wheels_own_data_folder_is_one(
    library: Build, project: object, tmp_path: Path
) -> None:
    members = {"weights.data": b"w", "other-2.0.data/purelib/x": b"x"}
    done = library(ODD, with_artefact(tmp_path, wheel(tmp_path, members), "wheel"))
    assert done.status == 0, done.err
    site = Path(done.out.strip()) / "lib/python3.11/site-packages"
    assert (site / "weights.data").read_bytes() == b"w"
    assert (site / "other-2.0.data/purelib/x").read_bytes() == b"x"


@pytest.mark.parametrize("name", ["odd-1.0.data/purelib", "odd-1.0.data/elsewhere/x"])
def test_a_wheel_with_data_for_no_place(
    library: Build, project: object, tmp_path: Path, name: str
) -> None:
    done = library(ODD, with_artefact(tmp_path, wheel(tmp_path, {name: b"x"}), "wheel"))
    assert "odd-1.0-py3-none-any.whl: it has files for" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("name", ["odd-1.0.data/purelib/b.py", "./b.py"])
def test_a_wheel_with_two_files_for_one_place(
    library: Build, project: object, tmp_path: Path, name: str
) -> None:
    members = {"b.py": b"x = 1\n", name: b"x = 2\n"}
    done = library(ODD, with_artefact(tmp_path, wheel(tmp_path, members), "wheel"))
    assert done.status != 0
    assert f"two files in it go to one place: 'b.py' and '{name}'" in done.err


@pytest.mark.parametrize(
    "name", ["../evil", "odd/../../evil", "/evil", "odd-1.0.data/scripts/../../e"]
)
def test_a_wheel_with_a_path_that_climbs_out(
    library: Build, project: object, tmp_path: Path, name: str
) -> None:
    done = library(ODD, with_artefact(tmp_path, wheel(tmp_path, {name: b"x"}), "wheel"))
    assert done.status != 0
    assert "odd-1.0-py3-none-any.whl: a path in it climbs out of its folder" in done.err


def test_a_wheel_with_a_link(library: Build, project: object, tmp_path: Path) -> None:
    path = wheel(tmp_path, {}, link="/etc/passwd")
    done = library(ODD, with_artefact(tmp_path, path, "wheel"))
    assert "it holds a symbolic link, which a wheel must not" in done.err


@pytest.mark.parametrize("keep", [0, 40, -30, -400])
def test_a_truncated_wheel(library: Build, project: object, tmp_path: Path, keep: int) -> None:
    path = wheel(tmp_path, {"odd/data.bin": bytes(range(256)) * 64})
    path.write_bytes(path.read_bytes()[:keep])
    done = library(ODD, with_artefact(tmp_path, path, "wheel"))
    assert done.status != 0
    assert "cut short or damaged" in done.err


def test_a_wheel_with_a_damaged_file(library: Build, project: object, tmp_path: Path) -> None:
    path = wheel(tmp_path, {"odd/data.bin": b"payload-payload-payload"})
    path.write_bytes(path.read_bytes().replace(b"payload-payload", b"payload-xxxxxxx"))
    done = library(ODD, with_artefact(tmp_path, path, "wheel"))
    assert "cut short or damaged" in done.err


# Enough for the faster way to inflate, and a file that is inflated in place.
BIG = {"odd/data.bin": bytes(range(256)) * 20_000, "odd/more.bin": bytes(100_000)}


def packed(tmp_path: Path, how: int) -> Path:
    """A wheel of large files, packed one way."""
    path = wheel(tmp_path, BIG)
    with zipfile.ZipFile(path) as old:
        members = {info.filename: old.read(info) for info in old.infolist()}
    with zipfile.ZipFile(path, "w", how) as new:
        for name, data in members.items():
            new.writestr(name, data)
    return path


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_large_wheel_installs(library: Build, project: object, tmp_path: Path, how: int) -> None:
    done = library(ODD, with_artefact(tmp_path, packed(tmp_path, how), "wheel"))
    assert done.status == 0, done.err
    site = Path(done.out.strip()) / "lib/python3.11/site-packages"
    for name, data in BIG.items():
        assert (site / name).read_bytes() == data


@pytest.mark.parametrize(
    ("signature", "offset", "value"),
    [
        (b"PK\x01\x02", 8, 0x1),  # encrypted
        (b"PK\x01\x02", 10, 97),  # packed some other way
        (b"PK\x01\x02", 16, 0x1234),  # another checksum
        (b"PK\x01\x02", 24, 5_119_999),  # another size: less than there is
        (b"PK\x01\x02", 24, 5_120_001),  # and more
        (b"PK\x03\x04", 0, 0x1234),  # no member where one should be
    ],
)
@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_large_wheel_whose_directory_lies(
    library: Build,
    project: object,
    tmp_path: Path,
    how: int,
    signature: bytes,
    offset: int,
    value: int,
) -> None:
    path = packed(tmp_path, how)
    data = bytearray(path.read_bytes())
    name = data.index(b"odd/data.bin", data.index(signature))
    if signature == b"PK\x01\x02":
        name = data.rindex(b"odd/data.bin")
    start = data.rindex(signature, 0, name)
    width = "<I" if offset >= 16 else "<H"
    struct.pack_into(width, data, start + offset, value)
    path.write_bytes(data)
    done = library(ODD, with_artefact(tmp_path, path, "wheel"))
    assert done.status != 0
    assert "odd-1.0-py3-none-any.whl: cut short or damaged" in done.err


def test_a_large_wheel_with_a_damaged_file(library: Build, project: object, tmp_path: Path) -> None:
    path = packed(tmp_path, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    data[data.index(b"odd/data.bin") + 2000] ^= 0x55
    path.write_bytes(data)
    done = library(ODD, with_artefact(tmp_path, path, "wheel"))
    assert "cut short or damaged" in done.err


def deb(tmp_path: Path, names: list[str]) -> Path:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 1
            archive.addfile(info, io.BytesIO(b"x"))
    path = tmp_path / "odd_1.0_all.deb"
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"", "data.tar.xz": data.getvalue()}
    with path.open("wb") as stream:
        stream.write(b"!<arch>\n")
        for name, body in parts.items():
            stream.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(body):<10}`\n".encode())
            stream.write(body + b"\n" * (len(body) % 2))
    return path


def test_a_sound_deb_unpacks(library: Build, project: object, tmp_path: Path) -> None:
    path = deb(tmp_path, ["./usr/share/odd"])
    done = library(ODD_DEB, with_artefact(tmp_path, path, "deb"))
    assert done.status == 0, done.err
    assert (Path(done.out.strip()) / "usr/share/odd").read_text() == "x"


def test_a_deb_with_a_path_that_climbs_out(library: Build, project: object, tmp_path: Path) -> None:
    path = deb(tmp_path, ["./usr/a", "../../evil"])
    done = library(ODD_DEB, with_artefact(tmp_path, path, "deb"))
    assert done.status != 0
    assert "odd_1.0_all.deb: a path in it climbs out of its folder" in done.err


@pytest.mark.parametrize("keep", [4, 100, -20])
def test_a_truncated_deb(library: Build, project: object, tmp_path: Path, keep: int) -> None:
    path = deb(tmp_path, [f"./usr/share/{number}" for number in range(200)])
    path.write_bytes(path.read_bytes()[:keep])
    done = library(ODD_DEB, with_artefact(tmp_path, path, "deb"))
    assert done.status != 0
    assert "cut short or damaged" in done.err or "not a .deb" in done.err


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('name = "numpy"', 'name = "../numpy"', "not a name"),
        ('name = "numpy"', 'name = "${builtins.currentSystem}"', "not a name"),
        ('name = "numpy"', "name = '\"; exit 1; \"'", "not a name"),
        ('file = "numpy-', 'file = "../../numpy-', "not a file name"),
        ('location = "pool/', 'location = "../pool/', "not a location"),
        ('location = "pool/', 'location = "${builtins.currentSystem}/', "not a location"),
        ('location = "pool/', 'location = "/pool/', "not a location"),
        ('kind = "wheel"', 'kind = "wheel"\npath = "a/b\'c"', "not a path"),
        ('kind = "wheel"', 'kind = "wheel"\npath = "a/./b"', "not a path"),
        ('kind = "wheel"', 'kind = "wheel"\nbuild = ["${x}==1"]', "not what it is built with"),
        ('kind = "wheel"', 'kind = "wheel"\nbuild = "x==1"', "not what it is built with"),
        ('glibc = "2', 'glibc = "${x}2', "no version of glibc"),
        ("version = 1\n", "version = 99\n", "is not 1"),
        ('python = "3', 'python = "x3', "no version of Python"),
    ],
)
def test_a_lock_edited_by_hand(
    library: Build, tmp_path: Path, old: str, new: str, reason: str
) -> None:
    text = (REPOSITORY / "nixrepro.lock").read_text()
    assert old in text
    lock = tmp_path / "nixrepro.lock"
    lock.write_text(text.replace(old, new, 1))
    done = library("builtins.map (a: a.path) wheels", lock)
    assert done.status != 0
    assert reason in done.err
    assert "take it from version control" in done.err or reason == "is not 1"
    with pytest.raises(locks_error()):
        locks.load(lock)


def locks_error() -> type[Exception]:
    from nixrepro.errors import LockError

    return LockError


def test_an_artefact_that_is_not_there_says_so(library: Build, tmp_path: Path) -> None:
    text = (REPOSITORY / "nixrepro.lock").read_text()
    digest = next(a.sha256 for a in locks.parse(text).artefacts if a.name == "six")
    lock = tmp_path / "nixrepro.lock"
    lock.write_text(text.replace(digest, "1" * 64))
    done = library('(builtins.head (builtins.filter (a: a.name == "six") wheels)).path', lock)
    assert done.status != 0
    assert "is not in the store: run `nixrepro fetch`" in done.err


STATED = 'TF_CPP_MIN_LOG_LEVEL = "3"'


def stating(tmp_path: Path, lines: str) -> Own:
    """A project that states these variables beside its own."""
    own = Own.copied(tmp_path / "project")
    path = own.root / "pyproject.toml"
    text = path.read_text()
    assert STATED in text
    path.write_text(text.replace(STATED, f"{STATED}\n{lines}"))
    return own


def test_stated_variables_reach_programs_and_not_the_derivation(
    project: Project, tmp_path: Path
) -> None:
    names = ("name", "system", "builder", "outputs", "args", "NIX_X")
    lines = "".join(f'{name} = "stated"\n' for name in names)
    own = stating(tmp_path, lines + """TZ = "Asia/Tokyo"\nODD = 'a$(b) "c'\n""")
    script = 'echo "$TZ $name $builder $outputs $args $ODD"'
    said = 'Asia/Tokyo stated stated stated stated a$(b) "c\n'
    for argv in (
        ["nix", "develop", "--offline", f"path:{own.root}", "-c", "sh", "-c", script],
        [*PYTHON, "-C", own.root, "run", "--no-record", "--", "sh", "-c", script],
    ):
        done = call(argv, REPOSITORY)
        assert (done.status, done.out) == (0, said), done.err


@pytest.mark.parametrize("name", ["PATH", "OPENSSL_CONF", "NIXREPRO_SEED", "'A;B'"])
def test_the_environments_own_variables_cannot_be_stated(
    project: Project, tmp_path: Path, name: str
) -> None:
    own = stating(tmp_path, f'{name} = "/opt/mine/bin:/usr/bin"\n')
    done = call(["nix", "build", "--offline", "--no-link", f"path:{own.root}#train"])
    assert done.status != 0
    plain = name.strip("'")
    assert f'tool.nixrepro.settings.variables can\'t set "{plain}"' in done.err
    done = own("run", "--no-record", "--", "true")
    assert done.status != 0
    assert plain in one_error(done.err)


def test_the_tool_knows_all_that_the_environment_owns(project: Project) -> None:
    facts = json.loads(project.build("facts").read_text())
    assert set(facts["variables"]) == OWNED | {"LANG", "TZ"}
