"""A requirements.txt means here what it means to pip, or it is said why not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro import imports
from nixrepro.errors import ImportFileError
from nixrepro.imports import Imported, Pin, requirements

RECORDED = Path(__file__).parents[1] / "recorded/imports"
A, B = "ab" * 32, "cd" * 32


def lay(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_txt", ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "requirements.txt"


def take(folder: Path, text: str, **more: str) -> Imported:
    return imports.read(lay(folder, requirements_txt=text, **more))


def refused(folder: Path, text: str, **more: str) -> str:
    with pytest.raises(ImportFileError) as caught:
        take(folder, text, **more)
    return caught.value.message


def test_the_four_lines_that_people_have(tmp_path: Path) -> None:
    lines = ("tensorflow==2.8.0", "numpy==1.21.2", "pandas==1.3.4", "scikit-learn==1.0.2")
    found = take(tmp_path, "\n".join(lines) + "\n")
    assert found.requirements == lines
    assert [(pin.name, pin.version, pin.line) for pin in found.pins] == [
        ("numpy", "1.21.2", 2),
        ("pandas", "1.3.4", 3),
        ("scikit-learn", "1.0.2", 4),
        ("tensorflow", "2.8.0", 1),
    ]
    assert found.left == ()


def test_a_recorded_file_with_hashes_is_read_whole() -> None:
    found = imports.read(RECORDED / "uv-0.13.9-requirements.txt")
    text = (RECORDED / "uv-0.13.9-requirements.txt").read_text()
    assert len(found.pins) == len(found.requirements) == text.count("==")
    assert sum(len(pin.hashes) for pin in found.pins) == text.count("--hash=sha256:")
    (termcolor,) = [pin for pin in found.pins if pin.name == "termcolor"]
    line = text.splitlines()[termcolor.line - 1]
    assert line.startswith("termcolor==1.1.0")
    assert termcolor.hashes == ("1d6d69ce66211143803fbc56652b41d73b4a400a2891d7bf7a1cdf4c02de613b",)


def test_extras_markers_and_spellings(tmp_path: Path) -> None:
    found = take(
        tmp_path,
        "\ufeff# a comment\n\n"
        "Foo_Bar[b,a] >= 1.0 , <2 ; python_version < '3.10'  # why\n"
        "zope.interface==5.*\n"
        "exact \\\n  == 1.0\n",
    )
    assert found.requirements == (
        'Foo_Bar[a,b]<2,>=1.0; python_version < "3.10"',
        "zope.interface==5.*",
        "exact==1.0",
    )
    assert found.pins == (Pin("exact", "1.0", line=5),)


def test_hashes_of_continued_lines_are_kept(tmp_path: Path) -> None:
    text = f"a==1 \\\n    --hash=sha256:{B} \\\n    --hash sha256:{A.upper()}\nb==2\n"
    found = take(tmp_path, text)
    assert [pin.hashes for pin in found.pins] == [(A, B), ()]
    assert found.requirements == ("a==1", "b==2")


def test_what_is_included_is_read_from_where_it_lies(tmp_path: Path) -> None:
    found = take(
        tmp_path,
        "-r requirements/base.txt\n-c limits.txt\nmodel\n",
        requirements__base_txt=f"-r more.txt\nbase==1 --hash=sha256:{A}\n",
        requirements__more_txt="more>=2\n",
        limits_txt=f"array<3\nhelper[x]==4 --hash=sha256:{B}\n",
    )
    assert found.requirements == ("more>=2", "base==1", "model")
    assert found.constraints == ("array<3",)
    assert {pin.name: pin.hashes for pin in found.pins} == {"base": (A,), "helper": (B,)}
    assert found.files == ("requirements/base.txt", "requirements/more.txt", "limits.txt")


def test_a_wish_in_a_constraints_file_is_none_but_for_what_it_requires(tmp_path: Path) -> None:
    files = {"limits_txt": "-r more.txt\n-e .\nb==2\n", "more_txt": "a==1\n"}
    found = take(tmp_path, "-c limits.txt\n", **files)
    assert found.requirements == ("a==1",)
    assert [pin.name for pin in found.pins] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "requirement", "hashes"),
    [
        (
            "https://files.example/Foo_Bar-1.0-py3-none-any.whl",
            "Foo-Bar @ https://files.example/Foo_Bar-1.0-py3-none-any.whl",
            (),
        ),
        (
            f"foo[x] @ https://files.example/a/foo-1.0.tar.gz#sha256={A} ; os_name == 'posix'",
            "foo[x] @ https://files.example/a/foo-1.0.tar.gz",
            (A,),
        ),
        (
            f"https://files.example/archive/v1.zip#egg=foo --hash=sha256:{A}",
            "foo @ https://files.example/archive/v1.zip",
            (A,),
        ),
        (
            "https://files.example/foo-1.0.tar.gz",
            "foo @ https://files.example/foo-1.0.tar.gz",
            (),
        ),
    ],
)
def test_a_url_of_a_file(
    tmp_path: Path, line: str, requirement: str, hashes: tuple[str, ...]
) -> None:
    found = take(tmp_path, line + "\n")
    assert found.left == ()
    assert found.requirements[0].partition(" ;")[0] == requirement
    (pin,) = found.pins
    assert (pin.url, pin.hashes) == (requirement.partition(" @ ")[2], hashes)
    assert pin.marker == ('os_name == "posix"' if "os_name" in line else "")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("-e git+https://git.example/cocoapi#egg=pycocotools&subdirectory=PythonAPI", "repository"),
        ("foo @ git+ssh://git@git.example/foo.git@abc", "a repository has no one file"),
        ("hg+https://hg.example/foo#egg=foo", "repository"),
        ("ftp://files.example/foo-1.0.tar.gz", "ftp is no way"),
        ("https://files.example/archive/v1.zip", "NAME @ URL"),
        ("https://files.example/f.zip#egg=foo&subdirectory=x", "in a folder of its archive"),
        ("foo @ https://me:secret@files.example/foo-1.0.tar.gz", "user name"),
        ("foo @ https://files.example/foo-1.0.tar.gz#sha256=12", "the sha256 in its URL is none"),
        ("./dist/foo-1.0-py3-none-any.whl", "find-links"),
        ("./absent", "no such file or folder"),
        ("-e ../beside", "outside of the project"),
        ("-e ./setup", "without running it"),
        ("-r https://files.example/more.txt", "keep a copy"),
    ],
)
def test_what_can_not_be_locked_is_left_with_its_reason(
    tmp_path: Path, line: str, reason: str
) -> None:
    root = tmp_path / "project"
    lay(root, dist__x="", setup__x="")
    (root / "dist/foo-1.0-py3-none-any.whl").touch()
    (root / "setup/setup.py").touch()
    (tmp_path / "beside").mkdir()
    found = take(root, f"numpy\n{line}\n")
    assert found.requirements == ("numpy",)
    (left,) = found.left
    assert (left.line, left.wanted, left.file) == (2, True, "requirements.txt")
    assert reason in left.reason
    assert "secret" not in left.text


def test_a_local_package_brings_what_it_needs(tmp_path: Path) -> None:
    found = take(
        tmp_path,
        "-e file:.\n-e ./sub[Extra]\n./old\n",
        **{
            "pyproject.toml": '[project]\nname = "me"\ndependencies = ["six"]\n',
            "src__me__x": "",
            "sub__pyproject.toml": '[project]\nname = "Sub"\ndependencies = ["attrs", "me>=1"]\n'
            '[project.optional-dependencies]\nextra = ["tomli", "sub[more]"]\nmore = ["click"]\n'
            'other = ["never"]\n',
            "old__setup.cfg": "[metadata]\nname = old\n[options]\ninstall_requires =\n"
            "    rich>1  # why\n    sub\n",
        },
    )
    # Not what others call the same: `me` and `sub` are the project's own.
    assert found.requirements == ("six", "attrs", "tomli", "click", "rich>1")
    assert found.folders == ("src", "sub", "old")
    assert found.local == ("me", "old", "sub")
    assert found.files == ("pyproject.toml", "sub/pyproject.toml", "old/setup.cfg")
    assert found.left == ()


def test_options_that_change_nothing_are_said_without_secrets(tmp_path: Path) -> None:
    found = take(
        tmp_path,
        "--index-url https://me:secret@pypi.example/simple\n"
        "--extra-index-url=https://other.example/simple --trusted-host other.example\n"
        "-f https://files.example/torch.html\n"
        "--pre\n--prefer-binary\n--require-hashes\n--only-binary :all:\n"
        "foo==1 --global-option=--quiet\n"
        "bar==1 --config-settings KEY=1\n",
    )
    assert found.requirements == ("foo==1", "bar==1")
    said = sorted((each.line, each.text) for each in found.left)
    assert said == [
        (1, "--index-url https://pypi.example/simple"),
        (2, "--extra-index-url https://other.example/simple"),
        (2, "--trusted-host other.example"),
        (3, "--find-links https://files.example/torch.html"),
        (4, "--pre"),
        (7, "--only-binary :all:"),
        (8, "foo==1"),
        (9, "--config-settings"),
    ]
    assert not any(each.wanted for each in found.left)


def test_what_is_built_from_source(tmp_path: Path) -> None:
    assert take(tmp_path, "--no-binary Foo_Bar,b --no-binary=c\n").no_binary == (
        "b",
        "c",
        "foo-bar",
    )
    assert take(tmp_path, "--no-binary a\n--no-binary :none:\n").no_binary == ()
    assert take(tmp_path, "--no-binary :all:\n").no_binary == (":all:",)


def test_variables_are_put_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINOR", "4")
    text = "--index-url https://${TOKEN}@pypi.example/\npandas==1.3.${MINOR}\nx==${minor}1\n"
    assert take(tmp_path, text.replace("x==${minor}1\n", "")).requirements == ("pandas==1.3.4",)
    assert "requirements.txt:3: " in refused(tmp_path, text)
    monkeypatch.delenv("MINOR")
    assert "requirements.txt:2: the variable MINOR is not set" in refused(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\nnumpy=>1\n", "requirements.txt:2: is no line of a requirements file"),
        ("--frobnicate\n", "requirements.txt:1: is no line of a requirements file: no such option"),
        ("a==1 --hash=sha256:12\n", "requirements.txt:1: is no SHA-256: '12'"),
        ("a==1 --hash=md5:12\n", "requirements.txt:1: only SHA-256"),
        (f"\na>=1 --hash=sha256:{A}\n", "requirements.txt:2: a has hashes, and no version"),
        ("-r absent.txt\n", "requirements.txt:1: -r absent.txt: there is no such file"),
        ("-r requirements.txt\n", "requirements.txt:1: -r requirements.txt includes itself"),
        ("\n-r sub/more.txt\n", "sub/more.txt:1: -c ../requirements.txt includes itself"),
        ("-e ./bad\n", "bad/pyproject.toml:1: not valid TOML"),
    ],
)
def test_what_is_malformed_is_refused_with_file_line_and_reason(
    tmp_path: Path, text: str, said: str
) -> None:
    more = {"sub__more_txt": "-c ../requirements.txt\n", "bad__pyproject.toml": "[x\n"}
    assert said in refused(tmp_path, text, **more)


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"requirements\.txt: there is no such file"):
        imports.read(tmp_path / "requirements.txt")
    (tmp_path / "requirements.txt").write_bytes(b"a\n\xff\xfe\n")
    with pytest.raises(ImportFileError, match=r"requirements\.txt:2: is not UTF-8"):
        imports.read(tmp_path / "requirements.txt")
    (tmp_path / "x.csv").touch()
    with pytest.raises(ImportFileError, match=r"x\.csv: is of no format") as caught:
        imports.read(tmp_path / "x.csv")
    assert "poetry.lock" in caught.value.hint


_LINE = st.tuples(
    st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True),
    st.lists(st.integers(0, 99), min_size=1, max_size=3),
    st.lists(st.binary(min_size=1, max_size=4), max_size=3),
)


@given(st.lists(_LINE, max_size=6, unique_by=lambda line: line[0]), st.booleans())
def test_whatever_is_pinned_is_found_where_it_stands(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[tuple[str, list[int], list[bytes]]],
    folded: bool,
) -> None:
    text, expected = "", {}
    for name, version, seeds in lines:
        number = text.count("\n") + 1
        digests = sorted({hashlib.sha256(seed).hexdigest() for seed in seeds})
        spelled = ".".join(map(str, version))
        expected[name] = Pin(name, spelled, hashes=tuple(digests), line=number)
        gap = " \\\n  " if folded else " "
        text += gap.join([f"{name}=={spelled}", *(f"--hash=sha256:{each}" for each in digests)])
        text += "\n"
    path = tmp_path_factory.mktemp("made") / "requirements.txt"
    path.write_text(text)
    found = requirements.read(path, "requirements.txt", environ={})
    assert {pin.name: pin for pin in found.pins} == expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_what_powershell_writes_is_read(tmp_path: Path, encoding: str) -> None:
    text = "numpy==1.21.2\r\npandas==1.3.4\r\n"
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (tmp_path / "requirements.txt").write_bytes((mark + text).encode(encoding))
    found = imports.read(tmp_path / "requirements.txt")
    assert found.requirements == ("numpy==1.21.2", "pandas==1.3.4")
    assert [pin.line for pin in found.pins] == [1, 2]


def test_what_pip_freeze_says_of_what_conda_built_is_named(tmp_path: Path) -> None:
    (left,) = take(tmp_path, "certifi @ file:///nowhere/conda-bld/certifi_16/work\n").left
    assert left.wanted and left.text.startswith("certifi @ file:")
    assert left.reason.endswith("; write certifi==VERSION, as `pip list --format=freeze` has it")


def test_a_wheel_in_a_folder_is_said_as_it_is_written(tmp_path: Path) -> None:
    (left,) = take(tmp_path, "./wheels/model-1.0-py3-none-any.whl\n").left
    assert (left.text, left.reason) == (
        "./wheels/model-1.0-py3-none-any.whl",
        "there is no such file or folder",
    )


def test_a_list_of_conda_s_own_is_refused_with_what_to_do(tmp_path: Path) -> None:
    for line in ("_libgcc_mutex=0.1=main", "numpy=1.21.2=py39h20f2e39_0", "numpy=1.21.2"):
        with pytest.raises(ImportFileError) as caught:
            take(tmp_path, f"# platform: linux-64\n{line}\n")
        assert caught.value.message.startswith("requirements.txt:2: ")
        assert "conda env export" in caught.value.hint
    with pytest.raises(ImportFileError) as caught:
        take(tmp_path, "numpy 1.21.2\n")
    assert caught.value.hint == ""


def test_an_option_of_pip_alone_is_said_as_it_is_spelled(tmp_path: Path) -> None:
    (left,) = take(tmp_path, "--use-feature=fast-deps\nnumpy\n").left
    assert (left.text, left.reason) == (
        "--use-feature fast-deps",
        "it is an option of pip alone",
    )
