"""A small Debian archive, signed with a key of its own and served from this machine."""

from __future__ import annotations

import gzip
import hashlib
import lzma
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pysequoia
import pytest

from nixrepro.config import Base, Config, Settings, Train, Wheels
from nixrepro.http import Http
from nixrepro.registries.apt import Mirrors
from nixrepro.resolve.archive import Archives
from nixrepro.resolve.system import resolve_system

RECORDED = Path(__file__).parents[1] / "recorded/debian"
PACK = {".xz": lzma.compress, ".gz": gzip.compress, "": bytes}


class Key:
    def __init__(self) -> None:
        self.secret = pysequoia.Tsk.generate("Archive <archive@example.org>")
        self.public = bytes(self.secret.extract_certificate())

    def sign(self, text: str) -> bytes:
        clear = pysequoia.SignatureMode.CLEAR
        return bytes(pysequoia.sign(self.secret.signer(), text.encode(), mode=clear))


@pytest.fixture(scope="session")
def key() -> Key:
    return Key()


@pytest.fixture(scope="session")
def other_key() -> Key:
    return Key()


def moment(days: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(days=days), usegmt=True)


class SmallArchive:
    """Writes suites into the server; every argument of `suite` is one way to be wrong."""

    def __init__(self, server, key: Key, cache: Path) -> None:
        self.server = server
        self.key = key
        self.cache = cache

    def suite(
        self,
        name: str,
        packages: str = "",
        *,
        folder: str = "/debian",
        codename: str = "",
        made: str = "",
        until: str = "",
        key: Key | None = None,
        ending: str = ".xz",
        by_hash: bool = True,
        packed: bytes | None = None,
        served: bytes | None = None,
    ) -> str:
        """Publish a suite, and return the path of its signed index."""
        data = PACK[ending](packages.encode()) if packed is None else packed
        digest = hashlib.sha256(data).hexdigest()
        file = f"main/binary-amd64/Packages{ending}"
        lines = [
            "Origin: Debian",
            f"Suite: {codename or name}-alias",
            f"Codename: {codename or name}",
            f"Date: {made or moment(-1)}",
            *([f"Valid-Until: {until}"] if until else []),
            f"Acquire-By-Hash: {'yes' if by_hash else 'no'}",
            "SHA256:",
            f" {digest} {len(data)} {file}",
        ]
        root = f"{folder}/dists/{name}"
        path = f"main/binary-amd64/by-hash/SHA256/{digest}" if by_hash else file
        self.server.files[f"{root}/{path}"] = data if served is None else served
        signed = (key or self.key).sign("\n".join(lines) + "\n")
        self.server.files[f"{root}/InRelease"] = signed
        return f"{root}/InRelease"

    def whole(self, name: str, main: str, updates: str = "", security: str = "") -> None:
        """Publish a suite with its updates and security fixes."""
        self.suite(name, main)
        self.suite(f"{name}-updates", updates)
        self.suite(f"{name}-security", security, folder="/debian-security")

    def mirrors(self, **more) -> Mirrors:
        url = self.server.url
        return Mirrors(f"{url}/debian", f"{url}/debian-security", **more)

    def archives(self, **more) -> Archives:
        more = {"mirrors": self.mirrors(), "keys": self.key.public, "as_of": None, **more}
        return Archives(http=Http(tries=1), cache=self.cache, **more)

    def resolve(self, config: Config, *, keep=None, upgrade=None, as_of=None, **more):
        return resolve_system(
            config,
            http=Http(tries=1),
            mirrors=self.mirrors(**more),
            keep=keep,
            upgrade=upgrade,
            as_of=as_of,
            keys=self.key.public,
            cache=self.cache,
        )


@pytest.fixture
def archive(server, key, tmp_path) -> SmallArchive:
    return SmallArchive(server, key, tmp_path / "cache")


@pytest.fixture
def debian(archive) -> SmallArchive:
    """Real paragraphs of bookworm and, for the C library, of trixie."""

    def text(name: str) -> str:
        return (RECORDED / f"{name}.packages").read_text()

    archive.whole("bookworm", text("bookworm"), text("bookworm-updates"), text("bookworm-security"))
    archive.whole("trixie", text("trixie"))
    return archive


@pytest.fixture
def ask():
    """Makes a configuration that asks for packages."""

    def ask(*packages: str, suite: str = "bookworm", urls: bool = False, **overrides: str):
        return Config(
            root=Path("."),
            name="x",
            requires_python=">=3.9",
            base=Base(suite=suite, packages=packages),
            wheels=Wheels(),
            overrides=tuple(overrides.items()),
            train=Train(),
            settings=Settings(),
            data=(),
            record_urls=urls,
        )

    return ask
