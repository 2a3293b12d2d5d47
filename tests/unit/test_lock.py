"""A lock has one text for each answer, and nothing that a lock can't say is read from one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro import lock as locks
from nixrepro.canonical import digest
from nixrepro.errors import LockError
from nixrepro.lock import Artefact, Lock, dumps, parse, store_name

QUESTION: dict[str, Any] = {
    "record-urls": True,
    "requires-python": "",
    "base": {"source": "debian", "suite": "bookworm", "packages": ["g++", "gcc"]},
    "overrides": {},
    "wheels": {"requirements": ["numpy>=2"], "no-binary": []},
    "data": {"table.v1": {"sha256": "cc" * 32, "path": "a b.csv"}},
}


def deb(name: str, version: str = "1:2.0~rc1-3+deb12u1", **other: Any) -> Artefact:
    file = f"{name}_{version.partition(':')[2] or version}_amd64.deb"
    place = f"pool/main/{name[0]}/{name}/{file}"
    whole = Artefact(
        "system", name, version, "deb", "", file, 10, digest([name, version]), "debian", place
    )
    return replace(whole, **other)


def wheel(name: str, version: str = "1.0", **other: Any) -> Artefact:
    file = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    sha = digest([name, version])
    whole = Artefact("wheels", name, version, "wheel", "", file, 10, sha, "", "")
    return replace(whole, **other)


SDIST = replace(
    wheel("termcolor", "1.1.0"),
    kind="sdist",
    file="termcolor-1.1.0.tar.gz",
    build=("setuptools==65.0", "wheel==0.40"),
)
DATA = Artefact("data", "table.v1", "", "file", "", "a_b.csv", 0, "cc" * 32, "", "", path="a b.csv")
FOLDER = replace(DATA, name="train", kind="folder", file="train", digest=f"merkle:{'dd' * 32}")
WHOLE = Lock(
    "3.11.2",
    "2.36",
    QUESTION,
    (
        deb("gcc", dependencies=("libc6",)),
        deb("libc6"),
        deb("libc6", role="bootstrap"),
        wheel("numpy", "2.1.0", url="https://files.example/numpy-2.1.0-py3-none-any.whl"),
        SDIST,
        wheel("setuptools", "65.0", role="build"),
        wheel("setuptools", "70.0", role="build"),
        wheel("wheel", "0.40", role="build"),
        DATA,
    ),
    "2022-03-01",
)
TEXT = dumps(WHOLE)

names = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,4})?", fullmatch=True)
plain = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=12).filter(
    lambda text: "\x7f" not in text
)


@st.composite
def any_lock(draw: st.DrawFn) -> Lock:
    found = [deb(name) for name in draw(st.sets(names.filter(lambda n: len(n) > 1), max_size=6))]
    known = [artefact.name for artefact in found]
    if known:
        some = draw(st.lists(st.sampled_from(known), max_size=30))
        found[0] = replace(found[0], dependencies=tuple(some), size=draw(st.integers(1, 2**62)))
    found += [wheel(name) for name in draw(st.sets(names, max_size=6))]
    question = draw(
        st.dictionaries(
            plain.filter(lambda key: key != "digest"),
            plain
            | st.booleans()
            | st.integers(-(2**63), 2**63 - 1)
            | st.lists(plain)
            | st.dictionaries(plain, plain | st.lists(plain, max_size=3), max_size=3),
            max_size=4,
        )
    )
    return Lock("3.11.2", "2.36", question, tuple(sorted(found, key=locks.order)))


@given(any_lock(), st.randoms(use_true_random=False))
def test_a_lock_is_read_back_and_written_as_the_same_bytes(lock: Lock, chance: Any) -> None:
    text = dumps(lock)
    assert parse(text) == lock
    assert dumps(parse(text)) == text
    shuffled = list(lock.artefacts)
    chance.shuffle(shuffled)
    turned = dict(reversed(lock.question.items()))
    assert dumps(replace(lock, artefacts=tuple(shuffled), question=turned)) == text


def test_every_kind_of_artefact_is_read_back() -> None:
    assert parse(TEXT) == replace(WHOLE, artefacts=tuple(sorted(WHOLE.artefacts, key=locks.order)))
    assert dumps(parse(TEXT)) == TEXT


def test_long_lists_stand_one_item_a_line() -> None:
    long = tuple(f"package-{n:02}" for n in range(12))
    lock = replace(WHOLE, artefacts=(deb("gcc", dependencies=long), *map(deb, long)))
    lines = dumps(lock).splitlines()
    assert "dependencies = [" in lines
    assert '    "package-00",' in lines
    assert max(map(len, lines)) <= 100
    assert parse(dumps(lock)).artefacts[0].dependencies == long


def refused(text: str) -> LockError:
    with pytest.raises(LockError) as caught:
        parse(text)
    return caught.value


def edited(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


SHA = digest(["numpy", "2.1.0"])
BY_HAND = [
    ('name = "gcc"', 'name = "../gcc"', "artefact[0].name"),
    ('name = "gcc"', 'name = "g\\"cc"', "artefact[0].name"),
    ('name = "gcc"', "name = 'g${x}'", "artefact[0].name"),
    ('name = "gcc"', 'name = "gcc\\n"', "artefact[0].name"),
    ('name = "gcc"', 'name = ""', "artefact[0].name"),
    ('name = "gcc"', 'name = "libc6"', "a second time"),
    ('name = "numpy"', 'name = "Num_Py"', ".name"),
    ('name = "table.v1"', 'name = "..v1"', ".name"),
    ('version = "2.1.0"', 'version = "2/../../1"', ".version"),
    ('version = "2.1.0"', "version = 2.1", ".version must be a string"),
    ('version = "2.1.0"', 'version = ""', ".version"),
    ('file = "a_b.csv"', 'file = "../a_b.csv"', ".file"),
    ('file = "a_b.csv"', 'file = ".."', ".file"),
    ('file = "a_b.csv"', 'file = "-rf"', ".file"),
    ('file = "a_b.csv"', 'file = "a b.csv"', ".file"),
    ('file = "a_b.csv"', "file = 'a${b}'", ".file"),
    ('path = "a b.csv"\n', 'path = "/etc/passwd"\n', "digest"),
    (SHA, SHA[:-1], ".sha256"),
    (SHA, SHA.upper(), ".sha256"),
    ('archive = "debian"', 'archive = "elsewhere"', ".archive"),
    ('location = "pool/main/g/', 'location = "pool/../../', ".location"),
    ('location = "pool/main/g/', 'location = "/pool/main/g/', ".location"),
    ('location = "pool/main/g/', 'location = "dists/main/g/', ".location"),
    ("_amd64.deb", "_arm64.deb", ".location"),
    ('url = "https://files', 'url = "ssh://files', ".url"),
    ('url = "https://files', 'url = "https://files${x}', ".url"),
    ("size = 10", "size = 0", ".size"),
    ("size = 10", "size = -1", ".size"),
    ("size = 10", "size = 10.0", ".size"),
    ("size = 10", "size = 99999999999999999999", ".size"),
    ('layer = "wheels"', 'layer = "sytem"', "artefact[3].layer"),
    ('kind = "sdist"', 'kind = "deb"', ".kind"),
    ('role = "bootstrap"', 'role = "build"', ".role"),
    ('dependencies = ["libc6"]', 'dependencies = ["libc7"]', "artefact[0].dependencies"),
    ('dependencies = ["libc6"]', 'dependencies = ["../x"]', "artefact[0].dependencies"),
    ('"wheel==0.40"', '"wheel==0.41"', ".build"),
    ('"wheel==0.40"', '"wheel"', ".build"),
    ('suite = "bookworm"', 'suite = "trixie"', "question.digest"),
    ('python = "3.11.2"', 'python = "3.11.2; x"', "python"),
    ('glibc = "2.36"', 'glibc = "new"', "glibc"),
    ('as-of = "2022-03-01"', 'as-of = "yesterday"', "as-of"),
    ("version = 1", "version = 1\nextra = true", "extra is not a known key"),
    ('glibc = "2.36"', 'glibcs = "2.36"', "glibcs"),
    ("size = 10", "sizes = 10", "sizes"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), BY_HAND)
def test_what_was_edited_by_hand_is_refused_with_its_line(old: str, new: str, said: str) -> None:
    text = edited(old, new)
    error = refused(text)
    assert said in error.message
    assert error.message.startswith("nixrepro.lock:")
    number = int(error.message.split(":")[1])
    assert 1 <= number <= len(text.splitlines())


def test_an_observer_names_what_it_stands_on_in_the_environment() -> None:
    own = deb("strace", role="observer", dependencies=("libc6", "libunwind8"))
    with_it = replace(WHOLE, artefacts=(deb("libc6"), own, deb("libunwind8", role="observer")))
    assert parse(dumps(with_it)).artefacts == with_it.artefacts[:1] + tuple(
        sorted(with_it.artefacts[1:], key=lambda each: each.name)
    )
    for lost in (deb("libc6"), deb("libunwind8", role="observer")):
        left = tuple(each for each in with_it.artefacts if each != lost)
        assert "dependencies" in refused(dumps(replace(WHOLE, artefacts=left))).message
    alone = (deb("gcc", dependencies=("libc6",)), deb("libc6", role="observer"))
    assert "dependencies" in refused(dumps(replace(WHOLE, artefacts=alone))).message


@pytest.mark.parametrize(
    "artefact",
    [
        replace(FOLDER, digest=""),
        replace(DATA, digest=FOLDER.digest),
        replace(FOLDER, digest="merkle:x"),
        replace(FOLDER, path=""),
    ],
)
def test_a_folder_has_a_digest_and_a_file_has_none(artefact: Artefact) -> None:
    with pytest.raises(LockError):
        parse(dumps(replace(WHOLE, artefacts=(artefact,))))
    assert parse(dumps(replace(WHOLE, artefacts=(FOLDER,)))).artefacts == (FOLDER,)


def test_the_line_is_the_one_that_was_edited() -> None:
    text = edited('name = "numpy"', 'name = "num/py"')
    number = text.splitlines().index('name = "num/py"') + 1
    assert refused(text).message.startswith(f"nixrepro.lock:{number}: artefact[")


@pytest.mark.parametrize(
    ("artefact", "key"),
    [
        (replace(DATA, path="../a"), "path"),
        (replace(DATA, path="/a"), "path"),
        (replace(DATA, path="a/./b"), "path"),
        (replace(DATA, path="a//b"), "path"),
        (replace(DATA, path="a/${b}"), "path"),
        (replace(DATA, path=""), "name"),
        (replace(DATA, location="pool/a_b.csv"), "location"),
        (replace(DATA, archive="debian"), "archive"),
        (replace(DATA, role="bootstrap"), "role"),
        (wheel("numpy", path="numpy.whl"), "path"),
        (wheel("numpy", build=("wheel==0.40",)), "build"),
        (wheel("numpy", optional=True), "optional"),
        (wheel("numpy", layer="system"), "kind"),
        (deb("gcc", location=""), "location"),
        (deb("gcc", archive=""), "archive"),
    ],
)
def test_what_an_artefact_of_its_kind_cannot_have_is_refused(artefact: Artefact, key: str) -> None:
    tool = wheel("wheel", "0.40", role="build")
    text = dumps(replace(WHOLE, artefacts=(artefact, tool)))
    assert f".{key} " in refused(text).message


dangerous = st.sampled_from(["..", "/", "\\", '"', "'", "${", "}", "\n", "\0", " ", "$(", ";", "`"])


@given(st.text(max_size=5), dangerous, st.text(max_size=5), st.sampled_from(["name", "file"]))
def test_no_name_or_file_can_leave_its_folder_or_a_nix_string(
    before: str, bad: str, after: str, key: str
) -> None:
    value = (before + bad + after).encode("utf-8", "replace").decode()
    if bad == "..":
        value = f"{bad}/{after}".encode("utf-8", "replace").decode()
    changed: dict[str, Any] = {key: value}
    artefact = replace(DATA, **changed)
    refused(dumps(replace(WHOLE, artefacts=(artefact,))))


@given(st.text(max_size=40))
def test_text_that_is_no_lock_is_refused(text: str) -> None:
    refused(text)


@given(st.integers(0, len(TEXT) - 1), st.integers(0, 60))
def test_a_lock_with_a_piece_missing_never_raises_anything_else(at: int, length: int) -> None:
    try:
        parse(TEXT[:at] + TEXT[at + length :])
    except LockError as error:
        assert error.message


def test_an_empty_foreign_newer_or_conflicting_lock_is_called_so() -> None:
    assert "is empty" in refused(" \n").message
    assert "it is JSON" in refused('{"nodes": {}, "version": 7}').message
    assert "no version" in refused('version = 4\n[[package]]\nname = "x"\n').message
    newer = refused(edited("version = 1", "version = 2"))
    assert "version 2" in newer.message
    assert "newer nixrepro" in newer.hint
    assert "can't be 0" in refused(edited("version = 1", "version = 0")).message
    conflict = refused(edited("[question]", "<<<<<<< ours\n[question]"))
    assert "merge conflict" in conflict.hint


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "there is no"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "not UTF-8"),
        (lambda path: path.mkdir(), "can't read"),
    ],
)
def test_a_lock_that_cannot_be_read_is_refused(tmp_path: Path, make: Any, said: str) -> None:
    make(tmp_path / "nixrepro.lock")
    with pytest.raises(LockError, match=said):
        locks.load(tmp_path / "nixrepro.lock")


def test_an_artefact_that_was_lost_is_missed(tmp_path: Path) -> None:
    head, *blocks = (
        (Path(__file__).parents[2] / "nixrepro.lock").read_text().split("\n[[artefact]]")
    )
    kept = [block for block in blocks if 'name = "tensorflow-cpu"' not in block]
    assert len(kept) == len(blocks) - 1
    with pytest.raises(LockError) as caught:
        parse("\n[[artefact]]".join([head, *kept]))
    assert "digest does not fit the artefacts: one was lost, added or changed" in str(caught.value)
    assert "version control" in caught.value.hint


def test_a_lock_is_saved_and_loaded(tmp_path: Path) -> None:
    path = tmp_path / "nixrepro.lock"
    locks.save(path, WHOLE)
    assert path.read_text() == TEXT
    assert locks.load(path) == parse(TEXT)


def test_store_names_are_what_nix_takes() -> None:
    assert store_name("libc6_2.36-9+deb12u14_amd64.deb") == "libc6_2.36-9+deb12u14_amd64.deb"
    assert store_name("a~b%3ac!d e.whl") == "a_b_3ac_d_e.whl"
    assert store_name(".hidden") == "_.hidden"
