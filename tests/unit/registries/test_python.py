"""pip's settings and uv's own answer about its indexes, asked of the real uv."""

from __future__ import annotations

from pathlib import Path

import pytest

from nixrepro.errors import ConfigError
from nixrepro.registries import pip, python

RECORDED = Path(__file__).parents[1] / "recorded"


@pytest.fixture
def home(tmp_path: Path, monkeypatch) -> dict[str, str]:
    """Variables of a person who has configured nothing."""
    monkeypatch.setattr(pip.sys, "prefix", str(tmp_path / "prefix"))
    return {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "XDG_CONFIG_DIRS": str(tmp_path / "xdg"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PIP_CONFIG_FILE": "/dev/null",
    }


def pip_conf(home: dict[str, str], text: str) -> None:
    file = Path(home["HOME"], "pip.conf")
    file.write_text(text, encoding="utf-8")
    home["PIP_CONFIG_FILE"] = str(file)


def settings(home: dict[str, str]) -> pip.PipSettings:
    own = [path for path in pip.files(home, home["HOME"]) if str(path).startswith(home["HOME"])]
    return pip.read(own, home)


def test_recorded_answer_of_uv():
    text = (RECORDED / "uv-0.13.9-indexes.txt").read_text(encoding="utf-8")
    indexes = ("https://mirror.example/simple", "https://pypi.example/simple")
    assert python._parse(text) == (indexes, ("/srv/wheels",))


def test_files_of_pip_weakest_first(home, tmp_path):
    del home["PIP_CONFIG_FILE"]
    found = pip.files(home, str(tmp_path / "venv"))
    assert found == [
        tmp_path / "xdg/pip/pip.conf",
        Path("/etc/pip.conf"),
        tmp_path / ".pip/pip.conf",
        tmp_path / "config/pip/pip.conf",
        tmp_path / "venv/pip.conf",
    ]
    assert pip.files({**home, "PIP_CONFIG_FILE": "/x"}, "/y")[-1] == Path("/x")
    assert pip.files({**home, "PIP_CONFIG_FILE": "/dev/null"}) == []


def test_sections_and_variables_override_as_pip_does(home):
    pip_conf(
        home,
        "[global]\nindex-url = https://a.example\nextra_index_url = https://b.example\n"
        "  https://c.example\ncert = /ca.pem\n[install]\nindex-url = https://d.example\n",
    )
    found = settings(home)
    assert found.index_url == "https://d.example"
    assert found.extra_index_urls == ("https://b.example", "https://c.example")
    assert found.cert == "/ca.pem"
    assert settings({**home, "PIP_INDEX_URL": "https://e.example"}).index_url == "https://e.example"
    assert settings({**home, "PIP_NO_INDEX": "1"}).no_index


def test_a_value_with_a_percent_sign_is_taken_as_it_is(home):
    pip_conf(home, "[global]\nindex-url = https://me:a%40b@a.example/simple\n")
    assert settings(home).index_url == "https://me:a%40b@a.example/simple"


@pytest.mark.parametrize("text", ["index-url = x", "[global\n", "[global]\na\n", "\x00[x]\n"])
def test_a_broken_file_is_named(home, text):
    pip_conf(home, text)
    with pytest.raises(ConfigError, match=r"pip\.conf"):
        settings(home)


def test_the_default_index_is_uv_s_own(home, tmp_path):
    found = python.load(tmp_path, home)
    assert len(found.indexes) == 1
    assert found.indexes[0].startswith("https://")
    assert found.arguments == ()


def test_pip_s_indexes_are_handed_to_uv(home, tmp_path):
    links = tmp_path / "links"
    links.mkdir()
    pip_conf(
        home,
        "[global]\nindex-url = https://a.example/simple\nextra-index-url = https://b.example\n"
        f"find-links = {links} {tmp_path}/gone\n",
    )
    found = python.load(tmp_path, home)
    assert found.indexes == ("https://b.example", "https://a.example/simple")
    assert found.find_links == (str(links),)
    assert found.arguments[:2] == ("--default-index", "https://a.example/simple")


def test_no_index_leaves_the_links_only(home, tmp_path):
    pip_conf(home, f"[global]\nno-index = true\nfind-links = {tmp_path}\n")
    found = python.load(tmp_path, home)
    assert (found.indexes, found.find_links) == ((), (str(tmp_path),))


def test_uv_s_own_settings_come_before_pip_s(home, tmp_path):
    pip_conf(home, "[global]\nindex-url = https://pip.example/simple\n")
    home["UV_DEFAULT_INDEX"] = "https://uv.example/simple"
    found = python.load(tmp_path, home)
    assert found.indexes == ("https://uv.example/simple",)
    assert found.arguments == ()


def test_uv_s_settings_in_the_project_hold(home, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "uv.toml").write_text(
        '[[index]]\nname = "own"\nurl = "https://own.example/simple"\ndefault = true\n',
        encoding="utf-8",
    )
    assert python.load(project, home).indexes == ("https://own.example/simple",)


def test_a_broken_configuration_of_uv_is_told(home, tmp_path):
    (tmp_path / "uv.toml").write_text("index = 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="uv") as caught:
        python.load(tmp_path, home)
    assert "uv.toml" in caught.value.details
