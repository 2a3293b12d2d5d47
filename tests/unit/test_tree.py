"""What no file of the project may hold: a registry's host, or a path of somebody's machine."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from pip._internal.models.index import PyPI

ROOT = Path(__file__).parents[2]
# Folders that every machine has: their names say nothing about one of them.
COMMON = {"/", "/tmp", "/var/tmp", "/home", "/opt", "/srv", "/mnt", "/build", "/builds", "/usr/src"}


def hosts_in(text: str) -> set[str]:
    """Host names of the URLs in a text, comment lines left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    urls = re.findall(r"https?://[^\s\"'\]]+", "\n".join(lines))
    return {host for url in urls if (host := urlsplit(url).hostname)}


def hosts_of_apt() -> set[str]:
    sources = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    return set().union(*(hosts_in(path.read_text()) for path in sources if path.is_file()))


def hosts_of_pip() -> set[str]:
    """The hosts of pip's own defaults, of its configuration files and of its variables."""
    found = {urlsplit(PyPI.url).hostname or "", PyPI.file_storage_domain}
    home = Path.home()
    for path in (Path("/etc/pip.conf"), home / ".config/pip/pip.conf", home / ".pip/pip.conf"):
        if path.is_file():
            parser = configparser.RawConfigParser(strict=False)
            parser.read(path)
            for section in parser.sections():
                for key, value in parser.items(section):
                    if "index" in key or "links" in key:
                        found |= hosts_in(value)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX"):
        found |= hosts_in(os.environ.get(name, ""))
    return found


def tracked_files() -> list[Path]:
    """Files that git tracks or would track, links left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    paths = [ROOT / os.fsdecode(name) for name in listed.split(b"\0") if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def holding(words: set[str]) -> list[str]:
    """`file: word` for each of the words that a file of the project holds."""
    needles = {word: word.encode() for word in words if word}
    return [
        f"{path.relative_to(ROOT)}: {word}"
        for path in tracked_files()
        for word, needle in needles.items()
        if needle in path.read_bytes()
    ]


def test_files_are_found() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in tracked_files()}
    assert {"Makefile", "tests/unit/test_tree.py"} <= names


def test_no_registry_is_named() -> None:
    hosts = {
        host for host in hosts_of_apt() | hosts_of_pip() if host not in {"localhost", "127.0.0.1"}
    }
    assert len(hosts) >= 2  # pip's own two defaults at the least
    assert holding(hosts) == []


def test_no_path_of_this_machine_is_named() -> None:
    folders = {
        f"{folder}/" for folder in (ROOT, ROOT.parent, Path.home()) if str(folder) not in COMMON
    }
    assert holding(folders) == []


def test_hosts_are_read_from_urls() -> None:
    text = "# http://commented.example/x\nURIs: http://mirror.example/debian https://b.example:8080/y\n"
    assert hosts_in(text) == {"mirror.example", "b.example"}
