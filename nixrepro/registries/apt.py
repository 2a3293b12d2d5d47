"""Where the Debian archives are, read from the project, the environment and apt's own files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro.errors import ConfigError

if TYPE_CHECKING:
    from nixrepro.config import Base

ARCHIVES = ("debian", "debian-security")
VARIABLES = {
    "debian": "NIXREPRO_DEBIAN_MIRROR",
    "debian-security": "NIXREPRO_DEBIAN_SECURITY_MIRROR",
    "snapshot": "NIXREPRO_DEBIAN_SNAPSHOT",
}
_KEYS = {"debian": "mirror", "debian-security": "security-mirror", "snapshot": "snapshot"}
_SUITE = re.compile(
    r"(?P<name>(old){0,2}stable|testing|unstable|sid|bullseye|bookworm|trixie|forky|duke)"
    r"(?P<part>-updates|-security|-backports|-proposed-updates|/updates)?"
)
_STALE = re.compile(r"\bCheck-Valid-Until\s+\"?(?P<value>[A-Za-z0-9]+)\"?\s*;", re.IGNORECASE)


@dataclass(frozen=True)
class Mirrors:
    """Base URLs of the Debian archives, without a closing slash; "" where none is known.

    Args:
        debian: the archive of suites such as bookworm and bookworm-updates.
        security: the archive of suites such as bookworm-security.
        snapshot: a service that keeps the archives of every day.
        expired: take indexes whose Valid-Until has passed, as apt here is told to.
    """

    debian: str = ""
    security: str = ""
    snapshot: str = ""
    expired: bool = False

    def base(self, archive: str, as_of: date | None = None) -> str:
        """The URL under which an archive's `dists` and `pool` lie, now or at the end of a day.

        Raises:
            ConfigError: none is configured; the hint says what to set.
        """
        if as_of is not None:
            if self.snapshot:
                end = as_of + timedelta(days=1)
                return f"{self.snapshot}/archive/{archive}/{end:%Y%m%d}T000000Z"
            raise _unknown("snapshot", f"no snapshot archive is known, to see {as_of} as it was")
        url = self.debian if archive == "debian" else self.security
        if url:
            return url
        raise _unknown(archive, f"no mirror of the archive {archive} is known")


def _unknown(kind: str, message: str) -> ConfigError:
    where = ", or configure apt (/etc/apt/sources.list.d)"
    if kind == "snapshot":
        where = "; a day for the wheels alone is tool.nixrepro.wheels.as-of"
    return ConfigError(
        message,
        hint=f"set tool.nixrepro.base.{_KEYS[kind]} in pyproject.toml to its URL, "
        f"or the variable {VARIABLES[kind]}{where}",
    )


def find(base: Base, environment: Mapping[str, str], root: Path = Path("/")) -> Mirrors:
    """The mirrors to use: those of the environment, else the project's, else apt's.

    Reads files only, and starts nothing; a missing or unreadable apt configuration is none.
    Where only the main archive is named, security is looked for beside it (".../debian" and
    ".../debian-security"), as mirrors have it.
    """
    own = {
        "debian": environment.get(VARIABLES["debian"], "") or base.mirror,
        "debian-security": environment.get(VARIABLES["debian-security"], "")
        or base.security_mirror,
    }
    found = from_apt(root)
    debian = own["debian"] or found.get("debian", "")
    # A mirror of one's own goes with its own security archive, not with apt's.
    security = own["debian-security"] or ("" if own["debian"] else found.get("debian-security", ""))
    debian, security = debian.rstrip("/"), security.rstrip("/")
    if not security and debian.endswith("/debian"):
        security = debian + "-security"
    snapshot = environment.get(VARIABLES["snapshot"], "") or base.snapshot
    return Mirrors(
        debian=debian,
        security=security,
        snapshot=snapshot.rstrip("/"),
        expired=not own["debian"] and _takes_expired(root),
    )


def from_apt(root: Path = Path("/")) -> dict[str, str]:
    """Archive name to base URL, as far as apt's source files name Debian's archives."""
    best: dict[str, tuple[tuple[bool, bool], str]] = {}
    for source in _sources(root / "etc/apt"):
        url = _http(source.uri, root)
        match = _SUITE.fullmatch(source.suite.rstrip("/"))
        if not url or not match or "main" not in source.components:
            continue
        security = match["part"] in ("-security", "/updates")
        archive = "debian-security" if security else "debian"
        # Others publish under Debian's suite names too: prefer what is signed and named as Debian.
        rank = ("debian-archive" in source.signed_by, url.rsplit("/", 1)[-1] == archive)
        if archive not in best or rank > best[archive][0]:
            best[archive] = (rank, url)
    return {archive: url for archive, (_, url) in best.items()}


@dataclass(frozen=True)
class Source:
    """One archive line: a URI, a suite and its components."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str


def _sources(folder: Path) -> Iterator[Source]:
    yield from one_line(_text(folder / "sources.list"))
    try:
        more = sorted((folder / "sources.list.d").iterdir())
    except OSError:
        more = []
    for file in more:
        if file.suffix == ".list":
            yield from one_line(_text(file))
        elif file.suffix == ".sources":
            yield from stanzas(_text(file))


def one_line(text: str) -> Iterator[Source]:
    """The sources of a `.list` file; lines that are not understood are passed over."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<rest>[^#]*)", line)
        words = match["rest"].split() if match else []
        if match and len(words) > 2:  # noqa: PLR2004 (URI, suite, components)
            options = dict(o.split("=", 1) for o in (match["options"] or "").split() if "=" in o)
            yield Source(words[0], words[1], tuple(words[2:]), options.get("signed-by", ""))


def stanzas(text: str) -> Iterator[Source]:
    """The sources of a `.sources` file, each URI with each suite."""
    from debian.deb822 import Deb822

    for stanza in Deb822.iter_paragraphs(text.splitlines(), use_apt_pkg=False):
        fields = {key.lower(): " ".join(str(stanza[key]).split()) for key in stanza}
        if "deb" not in fields.get("types", "").split():
            continue
        if fields.get("enabled", "yes").lower() in ("no", "false", "0", "off", "without"):
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                components = tuple(fields.get("components", "").split())
                yield Source(uri, suite, components, fields.get("signed-by", ""))


def _http(uri: str, root: Path) -> str:
    """The URL apt would ask first, or "" where it is none that can be had here."""
    if uri.startswith("mirror+file:"):  # a file with one mirror a line, as cloud images have
        lines = _text(root / uri.removeprefix("mirror+file:").lstrip("/")).splitlines()
        uri = next((line.split()[0] for line in lines if line.strip()[:4] == "http"), "")
    if uri.startswith("copy:"):  # a local folder, as with file:
        uri = "file:" + uri.removeprefix("copy:")
    if uri.startswith("file:/"):
        uri = "file:///" + uri.removeprefix("file:").lstrip("/")
    return uri.rstrip("/") if uri.startswith(("http://", "https://", "file:///")) else ""


def _takes_expired(root: Path) -> bool:
    """Whether apt is told to take expired indexes: the last word in its files counts."""
    folder = root / "etc/apt"
    try:
        parts = sorted((folder / "apt.conf.d").iterdir())
    except OSError:
        parts = []
    text = "\n".join(_text(file) for file in (*parts, folder / "apt.conf"))
    text = re.sub(r"^\s*(//|#).*$", "", text, flags=re.MULTILINE)
    values = [match["value"].lower() for match in _STALE.finditer(text)]
    return bool(values) and values[-1] in ("false", "no", "0", "off", "without", "disable")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
