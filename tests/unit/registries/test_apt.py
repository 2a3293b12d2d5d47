"""Where the Debian archives are, from files as systems really have them."""

from __future__ import annotations

from datetime import date

import pytest

from nixrepro.config import Base
from nixrepro.errors import ConfigError
from nixrepro.registries.apt import Mirrors, find, from_apt

# What a Debian 12 container image ships, hosts replaced.
DEB822 = """Types: deb
# http://snapshot.example/archive/debian/20250520T000000Z
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
# http://snapshot.example/archive/debian-security/20250520T000000Z
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
ONE_LINE = """# deb cdrom:[Debian GNU/Linux 12]/ bookworm main
deb http://ftp.mirror.example/debian/ bookworm main non-free-firmware
deb-src http://source.example/debian/ bookworm main
deb [arch=amd64 signed-by=/x.gpg] http://sec.example/debian-security bookworm-security main # x
deb http://ftp.mirror.example/debian/ bookworm-updates main
"""
OTHERS = """deb https://packages.vendor.example/apt cloud-sdk-bookworm main
deb https://download.vendor.example/linux/debian bookworm stable
deb https://packages.other.example/debian/12/prod bookworm main
deb https://pgdg.example/pub/repos/apt bookworm-pgdg main
"""
MAIN = {"debian": "http://mirror.example/debian"}
BOTH = {**MAIN, "debian-security": "http://mirror.example/debian-security"}


@pytest.fixture
def system(tmp_path):
    """Writes files below a root folder; a name without "/" is one of sources.list.d."""

    def write(**files: str):
        for name, text in files.items():
            folder = (
                tmp_path / "etc/apt" / ("apt.conf.d" if name[0].isdigit() else "sources.list.d")
            )
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return tmp_path

    return lambda files: write(**files)


def test_deb822_sources(system):
    assert from_apt(system({"debian.sources": DEB822})) == BOTH


def test_one_line_sources(system, tmp_path):
    system({})
    (tmp_path / "etc/apt").mkdir(parents=True, exist_ok=True)
    (tmp_path / "etc/apt/sources.list").write_text(ONE_LINE)
    assert from_apt(tmp_path) == {
        "debian": "http://ftp.mirror.example/debian",
        "debian-security": "http://sec.example/debian-security",
    }


@pytest.mark.parametrize("name", ["00-first.list", "zz-last.list"])
def test_archives_of_others_are_passed_over(system, name, tmp_path):
    folder = system({"debian.sources": DEB822}) / "etc/apt/sources.list.d"
    (folder / name).write_text(OTHERS)
    assert from_apt(tmp_path) == BOTH


def test_a_disabled_source_does_not_count(system):
    assert from_apt(system({"debian.sources": "Enabled: no\n" + DEB822})) == {
        "debian-security": BOTH["debian-security"]
    }


def test_a_mirror_list_as_cloud_images_have_it(system, tmp_path):
    text = DEB822.replace(
        "http://mirror.example/debian\n", "mirror+file:///etc/apt/m/debian.list\n"
    )
    system({"debian.sources": text})
    (tmp_path / "etc/apt/m").mkdir()
    (tmp_path / "etc/apt/m/debian.list").write_text("# first\nhttps://mirror.example/debian\n")
    assert from_apt(tmp_path)["debian"] == "https://mirror.example/debian"


def test_a_local_folder_is_a_mirror(system):
    found = from_apt(system({"x.list": "deb [trusted=yes] file:/srv/debian bookworm main\n"}))
    assert found == {"debian": "file:///srv/debian"}


@pytest.mark.parametrize(
    "text", ["", "Types deb\n\n\n", "\x00\xff", "deb\n", "Types: deb\nURIs:\nSuites:\n"]
)
def test_a_file_that_says_nothing_is_no_error(system, text):
    assert from_apt(system({"a.sources": text, "b.list": text})) == {}


def test_without_apt_there_is_nothing(tmp_path):
    assert find(Base(), {}, tmp_path) == Mirrors()


def test_the_project_comes_before_apt_and_the_environment_before_both(system):
    root = system({"debian.sources": DEB822})
    assert find(Base(), {}, root) == Mirrors(BOTH["debian"], BOTH["debian-security"])
    base = Base(mirror="http://own.example/debian/", snapshot="http://days.example/")
    own = find(base, {}, root)
    assert own.debian == "http://own.example/debian"
    assert own.snapshot == "http://days.example"
    variables = {
        "NIXREPRO_DEBIAN_MIRROR": "http://env.example/debian",
        "NIXREPRO_DEBIAN_SECURITY_MIRROR": "http://env.example/sec/",
        "NIXREPRO_DEBIAN_SNAPSHOT": "http://env.example/days",
    }
    assert find(base, variables, root) == Mirrors(
        "http://env.example/debian", "http://env.example/sec", "http://env.example/days"
    )


def test_security_is_looked_for_beside_an_own_mirror(system):
    root = system({"debian.sources": DEB822})
    own = find(Base(mirror="http://own.example/debian/"), {}, root)
    assert own.security == "http://own.example/debian-security"
    own = find(Base(mirror="http://own.example/deb"), {}, root)
    assert own.security == ""


@pytest.mark.parametrize(
    ("files", "expired"),
    [
        ({}, False),
        ({"99x": 'Acquire::Check-Valid-Until "false";\n'}, True),
        ({"99x": 'Acquire { Check-Valid-Until "no"; };\n'}, True),
        ({"99x": '// Acquire::Check-Valid-Until "false";\n'}, False),
        (
            {
                "10x": 'Acquire::Check-Valid-Until "false";',
                "99x": 'Acquire::Check-Valid-Until "true";',
            },
            False,
        ),
    ],
)
def test_apt_may_be_told_to_take_expired_indexes(system, files, expired):
    root = system({"debian.sources": DEB822, **files})
    assert find(Base(), {}, root).expired is expired
    # What apt is told is about apt's mirrors.
    assert find(Base(mirror="http://own.example/debian"), {}, root).expired is False


def test_base_names_the_archive_of_today_and_of_a_day():
    mirrors = Mirrors("http://m.example/debian", "http://m.example/sec", "http://days.example")
    day = date(2022, 3, 1)
    assert mirrors.base("debian") == "http://m.example/debian"
    assert mirrors.base("debian-security") == "http://m.example/sec"
    assert mirrors.base("debian-security", day) == (
        "http://days.example/archive/debian-security/20220302T000000Z"
    )


def test_an_unknown_mirror_says_what_to_set():
    with pytest.raises(ConfigError, match="archive debian-security") as caught:
        Mirrors("http://m.example/debian").base("debian-security")
    assert "tool.nixrepro.base.security-mirror" in caught.value.hint
    assert "NIXREPRO_DEBIAN_SECURITY_MIRROR" in caught.value.hint
