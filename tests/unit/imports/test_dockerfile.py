"""A Dockerfile gives base, packages, wheels, variables and command; all else is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro import imports
from nixrepro.errors import ImportFileError
from nixrepro.imports import Imported, docker_image, docker_lines, docker_shell, dockerfile

PEOPLE = Path(__file__).parents[1] / "recorded/imports/people"

SLIM = "FROM python:3.9.7-slim-buster"


def take(folder: Path, *lines: str, image: str = "python:3.11") -> Imported:
    (folder / "Dockerfile").write_text("\n".join((f"FROM {image}", *lines)) + "\n")
    return imports.read(folder / "Dockerfile")


def test_one_as_people_write_it() -> None:
    found = imports.read(PEOPLE / "slim.Dockerfile")
    assert (found.format, found.suite, found.python) == ("Dockerfile", "bullseye", "3.9")
    assert found.packages == ("build-essential", "git", "libhdf5-dev")
    assert found.requirements == ("pandas<1.4,>=1.3", "scikit-learn==1.0.2")
    assert [(pin.name, pin.version, pin.line) for pin in found.pins] == [
        ("scikit-learn", "1.0.2", 17)
    ]
    assert (found.source, found.files) == ("requirements.txt", ("requirements.txt",))
    assert found.command == ("python", "train.py", "--epochs", "3")
    assert found.variables == (
        ("PYTHONUNBUFFERED", "1"),
        ("TF_CPP_MIN_LOG_LEVEL", "2"),
        ("OMP_NUM_THREADS", "4"),
    )
    assert [(left.line, left.text, left.reason) for left in found.left] == [
        (
            1,
            SLIM,
            "buster is none of the suites: bullseye has Python 3.9",
        ),
        (
            1,
            SLIM,
            "bullseye has a Python 3.9 of its own, which need not be 3.9.7",
        ),
        (9, "git=1:2.20.1-2+deb10u3", "the lock pins the version that the suite has"),
        (
            19,
            "curl -sSL https://install.example/tool.sh | bash",
            "is a command that is not run for an environment",
        ),
    ]


def test_the_last_of_several_stages_counts_and_what_it_stands_on() -> None:
    found = imports.read(PEOPLE / "stages.Dockerfile")
    assert (found.suite, found.python) == ("bookworm", "3.11")
    # The builder's wheels are copied; its tools are not.
    assert found.requirements == ("torch==2.1.0", "tqdm")
    assert found.packages == ("graphviz",)
    assert found.command == ("python", "-m", "train.digits")
    assert found.variables == (("TORCH", "2.1.0"),)
    left = {each.text.partition(" h")[0]: each for each in found.left}
    assert left["ENV HF_TOKEN"].reason.startswith("looks like a secret")
    assert left["$EXTRA"].wanted and left["$EXTRA"].line == 18
    assert left["FROM node:20 AS web"].reason == "a stage on which the last one does not stand"
    assert "sha256" in left["ADD"].reason


def test_an_image_that_brings_tensorflow() -> None:
    found = imports.read(PEOPLE / "image.Dockerfile")
    assert found.requirements == ("tensorflow==2.8.0", "numpy==1.21.2")
    assert (found.suite, found.packages) == ("bullseye", ("libgl1",))
    assert found.command == ("bash", "-c", "python train.py && python evaluate.py")
    (lost,) = (left for left in found.left if left.wanted)
    assert (lost.text, lost.reason.split("`")[1]) == (
        "poetry install",
        "nixrepro import poetry.lock",
    )


@pytest.mark.parametrize(
    ("image", "suite", "python"),
    [
        ("python:3.13", "trixie", "3.13"),
        ("python:3.12-slim", "trixie", "3.12"),
        ("python:3.10", "bookworm", "3.10"),
        ("python:3.9-bookworm", "bullseye", "3.9"),
        ("python:3", "trixie", "3.13"),
        ("registry.example:5000/library/python:3.11.4@sha256:ab", "bookworm", "3.11"),
        ("debian:bullseye-slim", "bullseye", "3.9"),
        ("debian:12", "bookworm", "3.11"),
        ("ubuntu:20.04", "bullseye", "3.9"),
        ("nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04", "bookworm", "3.11"),
        ("pytorch/pytorch:2.1.0-cuda12.1-cudnn8-runtime", "bookworm", "3.11"),
        ("example/own:1", "", ""),
        ("continuumio/miniconda3", "", ""),
    ],
)
def test_the_nearest_base_of_an_image(image: str, suite: str, python: str) -> None:
    found = docker_image.read(image)
    assert (found.suite, found.python) == (suite, python)
    exact = ("python:3.13", "debian:bullseye-slim")
    assert bool(found.reasons) == (image not in exact and image != "debian:12")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("pip install a==1 'b>=2' c[d]~=3.1", ("a==1", "b>=2", "c[d]~=3.1")),
        ("pip3.9 install -qU --target /x a", ("a",)),
        ("/usr/bin/python3 -m pip install --no-cache-dir a", ("a",)),
        ("uv pip install --system a", ("a",)),
        ("PIP_NO_CACHE_DIR=1 sudo pip install a", ("a",)),
        ("set -eux; pip install a || exit 1", ("a",)),
        ("pip install a > /dev/null 2>&1 && rm -rf /tmp/x", ("a",)),
        ('["pip", "install", "a"]', ("a",)),
        ('["/bin/bash", "-c", "pip install a && pip install b"]', ("a", "b")),
        ("conda install -y -c conda-forge pytorch=1.10", ("torch==1.10.*",)),
        ("pip install https://u:p@files.example/a-1.0-py3-none-any.whl", ()),
        ("pip install --upgrade pip setuptools wheel", ()),
        ("pip download a", ()),
        ("echo pip install a", ()),
    ],
)
def test_what_a_command_installs(line: str, wanted: tuple[str, ...], tmp_path: Path) -> None:
    found = take(tmp_path, f"RUN {line}")
    assert found.requirements == wanted
    assert any(left.wanted for left in found.left) == ("u:p@" in line)


def test_constraints_and_options_of_pip_are_those_of_a_requirements_file(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/limits.txt").write_text("b<3\n")
    options = "-c /srv/deploy/limits.txt --no-binary a --extra-index-url=https://i.example"
    found = take(tmp_path, f"RUN pip install {options} a")
    assert (found.requirements, found.constraints, found.no_binary) == (("a",), ("b<3",), ("a",))
    (left,) = found.left
    assert (left.line, left.text) == (2, "--extra-index-url https://i.example")


def test_several_requirements_files_become_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a==1\n")
    (tmp_path / "b.txt").write_text("b==2\n")
    found = take(tmp_path, "RUN pip install -r a.txt -rb.txt -r /gone.txt")
    assert (found.source, found.requirements) == ("", ("a==1", "b==2"))
    (left,) = (left for left in found.left if left.wanted)
    assert left.text == "-r /gone.txt"


@pytest.mark.parametrize(
    ("lines", "command"),
    [
        (('CMD ["python", "-m", "a"]',), ("python", "-m", "a")),
        (('ENTRYPOINT ["python"]', 'CMD ["a.py"]'), ("python", "a.py")),
        (("WORKDIR /srv", "WORKDIR app", "CMD /srv/app/run.sh"), ("./run.sh",)),
        (("CMD /usr/bin/python3 train.py",), ("python3", "train.py")),
        (("CMD python train.py $ARGS",), ("bash", "-c", "python train.py $ARGS")),
        (('CMD ["bash"]',), ()),
        (("CMD jupyter notebook",), ()),
        ((), ()),
    ],
)
def test_the_command(lines: tuple[str, ...], command: tuple[str, ...], tmp_path: Path) -> None:
    assert take(tmp_path, *lines).command == command


def test_variables_that_are_no_settings_are_named(tmp_path: Path) -> None:
    found = take(
        tmp_path, "ENV LD_LIBRARY_PATH=/x A='b c' API_KEY=1 PATH=/x B=$C", "ENV OLD way to say it"
    )
    assert found.variables == (("A", "b c"), ("OLD", "way to say it"))
    assert [left.text for left in found.left] == ["ENV LD_LIBRARY_PATH", "ENV API_KEY", "ENV B"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("RUN a\n", "Dockerfile:1: has RUN before the first FROM"),
        ("# nothing\n", "Dockerfile:1: has no FROM, so it is no Dockerfile"),
        ("FROM a\n\nRUM x\n", "Dockerfile:3: is no instruction of a Dockerfile: 'RUM'"),
        ("FROM a\nRUN <<E\nx\n", "Dockerfile:2: begins a here-document that does not end: E"),
        ("FROM a\nENV A='\n", "Dockerfile:2: ENV can't be read: No closing quotation"),
        ("FROM a\nENV A=b c\n", "Dockerfile:2: ENV gives no value to 'c'"),
        ("FROM a b c\n", "Dockerfile:1: names no image: 'a b c'"),
        ("FROM a\nRUN pip install 'b =1'\n", "Dockerfile:2: is no line of a requirements file"),
    ],
)
def test_what_is_malformed_is_said_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(text)
    with pytest.raises(ImportFileError) as caught:
        imports.read(tmp_path / "Dockerfile")
    assert caught.value.message.startswith(message)


def test_variables_are_put_in_as_docker_does() -> None:
    values = {"A": "1", "EMPTY": ""}
    text = r"$A ${A}x ${B:-2} ${EMPTY:-3} ${A:+4} ${EMPTY:+5} $B \$A"
    assert docker_lines.expand(text, values) == r"1 1x 2 3 4  $B \$A"


@given(st.lists(st.text(st.sampled_from("ab '\"\\|&;<>()$`{}\n#="), max_size=30), max_size=4))
def test_no_shell_line_stops_it(lines: list[str]) -> None:
    for line in lines:
        found = docker_shell.commands_in(line)
        assert found is None or all(words for words in found)


@given(st.text(st.sampled_from("FROM aRUN\\\n#<E=$[\"'"), max_size=60))
def test_a_file_is_read_or_refused(text: str) -> None:
    try:
        found = dockerfile.parse(f"FROM a\n{text}", "Dockerfile", Path("/nowhere"))
    except ImportFileError as error:
        assert error.message.startswith("Dockerfile:")
    else:
        assert found.format == "Dockerfile"


def test_a_comment_of_the_shell_installs_nothing(tmp_path: Path) -> None:
    found = take(
        tmp_path,
        "RUN pip install numpy==1.21.2 # what we need",
        'RUN echo "# a header" > notes && pip install pandas',
        "RUN pip install 'x # y' || pip install https://files.example/a-1.tar.gz#egg=a",
        "RUN <<END",
        "pip install scipy # and not this",
        "pip install tqdm",
        "END",
        "RUN pip install dask `# and this too` keras",
    )
    names = [line.partition("@")[0].strip() for line in found.requirements]
    assert names == ["numpy==1.21.2", "pandas", "x", "a", "scipy", "tqdm", "dask", "keras"]


@pytest.mark.parametrize("option", ["-r ", "-r", "-Ur ", "-qUr", "--requirement="])
def test_a_requirements_file_behind_joined_options(tmp_path: Path, option: str) -> None:
    (tmp_path / "needs.txt").write_text("numpy\n")
    found = take(tmp_path, f"RUN pip install {option}needs.txt")
    assert (found.source, found.requirements) == ("needs.txt", ())


def test_an_argument_from_before_the_first_stage(tmp_path: Path) -> None:
    text = (
        "ARG TF=2.8.0\nARG NP=1\nFROM python:3.9\nARG TF\nARG NP=1.21.2\n"
        "RUN pip install tensorflow==$TF numpy==$NP pandas==$PD\n"
    )
    (tmp_path / "Dockerfile").write_text(text)
    found = imports.read(tmp_path / "Dockerfile")
    assert found.requirements == ("tensorflow==2.8.0", "numpy==1.21.2")


def test_an_env_without_an_equals_sign_loses_its_quotes(tmp_path: Path) -> None:
    found = take(tmp_path, 'ENV GREETING "a b"', "ENV OMP_NUM_THREADS 4")
    assert found.variables == (("GREETING", "a b"), ("OMP_NUM_THREADS", "4"))


def test_a_constraints_file_in_a_folder_with_a_space(tmp_path: Path) -> None:
    folder = tmp_path / "my work"
    folder.mkdir()
    (folder / "limits.txt").write_text("numpy<2\n")
    found = take(folder, "RUN pip install -c limits.txt numpy")
    assert (found.requirements, found.constraints) == (("numpy",), ("numpy<2",))
