"""Which file stands for a package, from uv's recorded answers and for made-up names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.errors import ResolveError
from nixrepro.resolve import pylock
from nixrepro.resolve.pylock import File, Package

RECORDED = Path(__file__).parents[1] / "recorded"


@pytest.fixture(scope="module")
def packages() -> dict[str, Package]:
    text = (RECORDED / "uv-0.13.9-pylock.toml").read_text(encoding="utf-8")
    return {package.name: package for package in pylock.parse(text)}


def of(*wheels: str, sdist: str = "") -> Package:
    files = tuple(File(name, f"https://files.example.org/{name}", 1, "") for name in wheels)
    source = File(sdist, f"https://files.example.org/{sdist}", 1, "") if sdist else None
    return Package("a", "1", files, source)


def chosen(package: Package, python: str = "3.11.2", glibc: str = "2.36") -> str:
    return pylock.choose(package, python, glibc, ()).file.name


def test_recorded_answer_is_read_whole(packages):
    assert len(packages) == 10
    numpy = packages["numpy"]
    assert numpy.version == "2.4.6"
    assert numpy.wheels[0].size > 10_000_000
    assert len(numpy.wheels[0].sha256) == 64
    assert numpy.sdist is not None
    assert numpy.sdist.name == "numpy-2.4.6.tar.gz"


def test_recorded_choices(packages):
    kinds = {name: pylock.choose(each, "3.11.2", "2.36", ()) for name, each in packages.items()}
    assert kinds["termcolor"].kind == "sdist"
    assert kinds["markupsafe"].kind == "sdist"
    assert kinds["charset-normalizer"].file.name.startswith("charset_normalizer-3.5.2-cp311-cp311-")


def test_no_binary_takes_the_source(packages):
    choice = pylock.choose(packages["numpy"], "3.11.2", "2.36", ["numpy"])
    assert (choice.kind, choice.file.name) == ("sdist", "numpy-2.4.6.tar.gz")


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("a-1-cp311-cp311-manylinux_2_28_x86_64.whl", "a-1-cp311-cp311-manylinux_2_17_x86_64.whl"),
        ("a-1-cp311-cp311-manylinux2014_x86_64.whl", "a-1-cp37-abi3-manylinux_2_28_x86_64.whl"),
        ("a-1-cp37-abi3-manylinux1_x86_64.whl", "a-1-py3-none-any.whl"),
        ("a-1-cp311-none-manylinux2014_x86_64.whl", "a-1-py3-none-manylinux2014_x86_64.whl"),
        ("a-1-py3-none-manylinux2010_x86_64.whl", "a-1-py2.py3-none-any.whl"),
        ("a-1-2-py3-none-any.whl", "a-1-1-py3-none-any.whl"),
        ("a-1-10-py3-none-any.whl", "a-1-9-py3-none-any.whl"),
        ("a-1-cp311-cp311-manylinux_2_36_x86_64.whl", "a-1-cp311-cp311-manylinux_2_37_x86_64.whl"),
        ("a-1-py3-none-any.whl", "a-1-cp312-cp312-manylinux_2_17_x86_64.whl"),
        ("a-1-py3-none-any.whl", "a-1-cp311-cp311-musllinux_1_1_x86_64.whl"),
        ("a-1-py3-none-any.whl", "a-1-cp311-cp311-manylinux_2_17_aarch64.whl"),
        ("a-1-py3-none-any.whl", "a-1-cp311-cp311-win_amd64.whl"),
        ("a-1-py3-none-any.whl", "a-1-cp311-cp311t-manylinux_2_17_x86_64.whl"),
        ("a-1-py3-none-any.whl", "a-1-pp311-pypy311_pp73-manylinux_2_17_x86_64.whl"),
        ("a-1-cp311-cp311-linux_x86_64.whl", "a-1-py3-none-any.whl"),
    ],
)
def test_the_better_wheel_wins_in_either_order(better, worse):
    assert chosen(of(better, worse)) == chosen(of(worse, better)) == better


def test_glibc_and_python_decide():
    both = of("a-1-cp39-cp39-manylinux_2_31_x86_64.whl", "a-1-cp39-cp39-manylinux2014_x86_64.whl")
    assert "2_31" in chosen(both, "3.9.2", "2.31")
    assert "2014" in chosen(both, "3.9.2", "2.30")
    with pytest.raises(ResolveError, match="no wheel"):
        chosen(both, "3.11.2", "2.36")


def test_a_wheel_that_does_not_fit_gives_way_to_the_source():
    assert chosen(of("a-1-cp312-cp312-win32.whl", sdist="a-1.tar.gz")) == "a-1.tar.gz"


def test_a_name_that_is_no_wheel_s_is_passed_over():
    assert chosen(of("a.whl", "a-1-nonsense.whl", "a-1-py3-none-any.whl")) == "a-1-py3-none-any.whl"


def test_the_same_file_on_two_indexes_is_no_trouble():
    twice = of("a-1-py3-none-any.whl", "a-1-py3-none-any.whl")
    assert chosen(twice) == "a-1-py3-none-any.whl"


@pytest.mark.parametrize(
    "entry",
    [
        'vcs = { url = "https://x.example" }',
        'directory = { path = "x" }',
        'archive = { path = "x/a-1.zip" }',
        'archive = { url = "https://x.example/a-1.zip", subdirectory = "x" }',
    ],
)
def test_what_is_neither_on_an_index_nor_at_a_url_is_refused(entry):
    text = f'[[packages]]\nname = "a"\nversion = "1"\n{entry}\n'
    with pytest.raises(ResolveError, match=entry.split()[0]):
        pylock.parse(text)


@pytest.mark.parametrize(("file", "kind"), [("a-1-py3-none-any.whl", "wheel"), ("v1.zip", "sdist")])
def test_the_file_at_a_url_is_the_only_one(file, kind):
    text = f"""[[packages]]
name = "A"
version = "1"
archive = {{ url = "https://x.example/{file}", hashes = {{ sha256 = "{"ab" * 32}" }} }}
"""
    (package,) = pylock.parse(text)
    assert package.direct
    choice = pylock.choose(package, "3.11.2", "2.36", ())
    assert choice.kind == kind
    assert choice.file == File(file, f"https://x.example/{file}", 0, "ab" * 32)


def pinned(*hashes: str, no_binary: tuple[str, ...] = ()) -> str:
    """The choice among two wheels and an sdist whose digests are 64 times 1, 2 and 3."""
    names = ("a-1-cp311-cp311-manylinux_2_17_x86_64.whl", "a-1-py3-none-any.whl", "a-1.zip")
    files = [File(name, name, 1, str(place) * 64) for place, name in enumerate(names, 1)]
    package = Package("a", "1", tuple(files[:2]), files[2])
    allowed = [digit * 64 for digit in hashes]
    return pylock.choose(package, "3.11.2", "2.36", no_binary, allowed).file.sha256[0]


def test_one_among_the_pinned_hashes_is_chosen():
    assert pinned() == pinned("1", "2", "3") == "1"
    assert pinned("2", "3") == "2"
    assert pinned("3") == "3"
    assert pinned("1", "3", no_binary=("a",)) == "3"
    with pytest.raises(ResolveError, match=r"a 1: no file .* has one of the 2 hashes"):
        pinned("4", "5")
    with pytest.raises(ResolveError, match="hashes that are pinned"):
        pinned("1", no_binary=("a",))


def test_a_file_without_a_known_hash_may_be_chosen_and_is_seen_later():
    package = Package("a", "1", (File("a-1-py3-none-any.whl", "x", 1, ""),), None)
    assert pylock.choose(package, "3.11.2", "2.36", (), ["ab" * 32]).kind == "wheel"


def test_all_are_built_from_source():
    assert pinned(no_binary=(":all:",)) == "3"


def test_files_without_size_hash_or_url_scheme():
    text = '[[packages]]\nname = "A_b"\nversion = "1"\nwheels = [{ path = "/srv/a%2Bb.whl" }]\n'
    (package,) = pylock.parse(text)
    assert package.name == "a-b"
    assert package.wheels == (File("a+b.whl", "file:///srv/a%2Bb.whl", 0, ""),)


def test_recorded_notes_say_who_needs_whom():
    text = (RECORDED / "uv-0.13.9-notes.txt").read_text(encoding="utf-8")
    found = pylock.needs(text)
    assert found["scikit-learn"] == {"joblib", "narwhals", "numpy", "scipy", "threadpoolctl"}
    assert found["scipy"] == {"numpy"}
    assert set(found) == {"joblib", "scikit-learn", "scipy"}


@pytest.mark.parametrize(
    ("line", "needs"),
    [
        ("a[x]==1   # via B_b, -r -", {"b-b": {"a"}}),
        ("a==1", {}),
        ("a==1  # via -c /tmp/x y.txt", {}),
        ("a @ file:///x  # via c", {"c": {"a"}}),
        ("", {}),
    ],
)
def test_notes_of_other_shapes(line, needs):
    assert pylock.needs(line) == needs


_TAG = st.sampled_from(["cp311-cp311", "cp39-abi3", "py3-none", "cp312-cp312", "cp311-cp311t"])
_PLATFORM = st.sampled_from(
    ["any", "manylinux_2_17_x86_64", "manylinux_2_39_x86_64", "linux_x86_64", "win32"]
)


@given(st.lists(st.tuples(_TAG, _PLATFORM), min_size=1), st.randoms())
def test_the_choice_does_not_hang_on_the_order(tags, random):
    names = [f"a-1-{tag}-{platform}.whl" for tag, platform in tags]
    first = chosen(of(*names, sdist="a-1.tar.gz"))
    random.shuffle(names)
    assert chosen(of(*names, sdist="a-1.tar.gz")) == first
    assert not any(bad in first for bad in ("win32", "2_39", "cp312", "cp311t"))
