"""What artefacts state, from the fields that real ones have."""

from __future__ import annotations

import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from nixrepro.errors import FetchError
from nixrepro.lock import Artefact
from nixrepro.mixing import Offer, Stated, Wish, reader
from nixrepro.mixing.stated import DEB, DIST, PYTHON, of_control, of_metadata, own, tagged

from .parts import deb, sdist, wheel

# Of libc-bin 2.36-9+deb12u14 as it is; and what relations may look like.
LIBC_BIN = {"Depends": "libc6 (>> 2.36), libc6 (<< 2.37)", "Breaks": "dh-lua (<< 27+nmu1~)"}
LIBSSL = {
    "Depends": "libc6 (>= 2.38), libzstd1 (>= 1.5.5) | libzstd1:i386, zlib1g (>= 1:1.1.4)",
    "Provides": "libssl3 (= 3.5.4-1), ssl-library",
    "Conflicts": "libssl3",
}
METADATA = """\
Metadata-Version: 2.1
Name: scipy
Version: 1.16.0
Requires-Python: >=3.11
Requires-Dist: numpy<2.6,>=1.25.2
Requires-Dist: pytest; extra == "test"
"""


def test_a_control_files_relations() -> None:
    stated = of_control(deb("libc-bin", "2.36-9"), LIBC_BIN)
    assert stated.needs == ((Wish(DEB, "libc6", ">> 2.36"),), (Wish(DEB, "libc6", "<< 2.37"),))
    assert stated.refuses == (Wish(DEB, "dh-lua", "<< 27+nmu1~"),)
    assert stated.offers == (Offer(DEB, "libc-bin", "2.36-9"),)


def test_what_is_provided_and_what_is_of_another_architecture() -> None:
    stated = of_control(deb("libssl3t64", "3.5.4-1"), LIBSSL)
    assert stated.needs[1] == (
        Wish(DEB, "libzstd1", ">= 1.5.5"),
        Wish(DEB, "libzstd1:i386", ""),
    )
    assert stated.meets(Wish(DEB, "libssl3", ">= 3.0"))
    assert not stated.meets(Wish(DEB, "libssl3", ">= 4"))
    assert stated.meets(Wish(DEB, "ssl-library"))
    # What is provided without a version meets no condition on one.
    assert not stated.meets(Wish(DEB, "ssl-library", ">= 1"))
    assert not stated.meets(Wish(DIST, "libssl3t64"))


def test_debians_order_of_versions() -> None:
    assert Wish(DEB, "x", ">> 1.0~rc1").accepts("1.0")
    assert Wish(DEB, "x", "<< 1:0.1").accepts("9")
    assert not Wish(DEB, "x", "= 1.0-1").accepts("1.0-1+b1")


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("py3-none-any", []),
        ("py2.py3-none-any", []),
        ("cp311-cp311-manylinux_2_27_x86_64", [(PYTHON, "==3.11.*"), (DEB, ">= 2.27")]),
        ("cp39-abi3-manylinux2014_x86_64", [(PYTHON, ">=3.9"), (DEB, ">= 2.17")]),
        ("cp311-cp311-manylinux_2_17_x86_64.manylinux2010_x86_64",
         [(PYTHON, "==3.11.*"), (DEB, ">= 2.12")]),
        ("py3-none-manylinux1_x86_64", [(DEB, ">= 2.5")]),
        ("cp311-cp311-linux_x86_64", [(PYTHON, "==3.11.*")]),
    ],
)  # fmt: skip
def test_what_a_wheels_name_asks_of_the_system(tag: str, expected: list[tuple[str, str]]) -> None:
    found = [(wish.kind, wish.version) for (wish,) in tagged(f"x-1.0-{tag}.whl")]
    assert found == expected


def test_a_wheels_metadata() -> None:
    lines = ["numpy<2.6,>=1.25.2", 'pytest; extra == "test"', "not a requirement!"]
    stated = of_metadata(wheel("scipy", "1.16.0", "numpy"), lines, ">=3.11", ("3.11.2",))
    assert stated.needs[0] == (Wish(DIST, "numpy", "<2.6,>=1.25.2"),)
    assert stated.needs[1:] == ((Wish(PYTHON, "", ">=3.11"),),)
    # An extra that the lock resolved is a need.
    stated = of_metadata(wheel("scipy", "1", "numpy", "pytest"), lines, "", ("3.11.2",))
    assert (Wish(DIST, "pytest", ""),) in stated.needs
    assert Wish(DIST, "numpy", ">=2.0").accepts("2.1.0rc1")
    assert Wish(DIST, "numpy", "no version").accepts("1")


def test_pythons_and_sources() -> None:
    assert own(deb("python3.11", "3.11.2-6+deb12u5")).meets(Wish(PYTHON, "", "==3.11.*"))
    assert not own(deb("python3-minimal", "3.11.2-1")).meets(Wish(PYTHON, "", ""))
    source = replace(sdist("p", "1"), dependencies=("numpy",))
    assert own(source) == Stated(((Wish(DIST, "numpy"),),), (), (Offer(DIST, "p", "1"),))


def archive(path: Path, control: str) -> None:
    """A .deb with a control file and nothing else."""
    text = control.encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as file:
        info = tarfile.TarInfo("./control")
        info.size = len(text)
        file.addfile(info, io.BytesIO(text))
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w:xz").close()
    data = b"!<arch>\n"
    for name, content in (
        ("debian-binary", b"2.0\n"),
        ("control.tar.xz", packed.getvalue()),
        ("data.tar.xz", empty.getvalue()),
    ):
        data += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        data += content + b"\n" * (len(content) % 2)
    path.write_bytes(data)


def test_files_are_read(tmp_path: Path) -> None:
    package, scipy = deb("libc-bin", "2.36-9"), wheel("scipy", "1.16.0", "numpy")
    fields = "".join(f"{name}: {value}\n" for name, value in LIBC_BIN.items())
    archive(tmp_path / package.file, f"Package: libc-bin\nVersion: 2.36-9\n{fields}")
    with zipfile.ZipFile(tmp_path / scipy.file, "w") as file:
        file.writestr("scipy/vendored-1.dist-info/METADATA", "Requires-Dist: six<0\n")
        file.writestr("scipy-1.16.0.dist-info/METADATA", METADATA)
    asked: list[Artefact] = []

    def place(artefact: Artefact) -> Path:
        asked.append(artefact)
        return tmp_path / artefact.file

    read = reader(place, ("3.11.2",))
    assert read(package) == of_control(package, LIBC_BIN)
    assert read(scipy).needs == (
        (Wish(DIST, "numpy", "<2.6,>=1.25.2"),),
        (Wish(PYTHON, "", ">=3.11"),),
    )
    read(package)
    assert asked == [package, scipy]  # each once
    assert read(sdist("p", "1")).needs == ()
    assert len(asked) == 2


@pytest.mark.parametrize("content", [None, b"", b"!<arch>\nnothing", b"PK\x03\x04"])
@pytest.mark.parametrize("artefact", [deb("x", "1"), wheel("x", "1")])
def test_files_that_are_not_there_or_damaged(
    tmp_path: Path, artefact: Artefact, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / artefact.file).write_bytes(content)
    with pytest.raises(FetchError, match=artefact.file) as caught:
        reader(lambda each: tmp_path / each.file, ())(artefact)
    assert caught.value.hint
