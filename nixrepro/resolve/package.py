"""One binary package of a Debian index, and the relations it states to others."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from nixrepro import names
from nixrepro.errors import ResolveError

ARCHITECTURE = "amd64"
_ARCHITECTURES = {"any", "amd64", "linux-any", "any-amd64", "linux-amd64", "native", "all"}


@dataclass(frozen=True)
class Relation:
    """A package name, with a condition on its version where `operator` is not ""."""

    name: str
    operator: str = ""
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.operator} {self.version})" if self.operator else self.name

    def accepts(self, version: str) -> bool:
        """Whether a version meets the condition."""
        if not self.operator:
            return True
        order = compare(version, self.version)
        return {
            "<<": order < 0,
            "<=": order <= 0,
            "=": order == 0,
            ">=": order >= 0,
            ">>": order > 0,
        }.get(self.operator, False)


Alternatives = tuple[Relation, ...]


@dataclass(frozen=True, eq=False)
class Package:
    """A binary package; two are the same when they are the same object.

    Args:
        group: the suite it is offered by; a suite's updates and security count as that suite.
        archive: "debian" or "debian-security".
        location: path of the file below the archive's base URL.
        size: bytes.
        needs: Depends and Pre-Depends, each a choice of alternatives.
        provides: virtual packages; with operator "=" where a version is provided.
        refuses: Conflicts and Breaks.
        priority: 0 (required) to 4 (extra).
    """

    name: str
    version: str
    group: str
    archive: str = ""
    source: str = ""
    location: str = ""
    size: int = 0
    sha256: str = ""
    needs: tuple[Alternatives, ...] = ()
    provides: tuple[Relation, ...] = ()
    refuses: tuple[Relation, ...] = field(default=())
    priority: int = 3

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.group})"

    def meets(self, relation: Relation) -> bool:
        """Whether this package satisfies a relation, by its name or by what it provides."""
        if relation.name == self.name and relation.accepts(self.version):
            return True
        for given in self.provides:
            # A provision without a version meets no condition on one.
            fits = not relation.operator or (given.operator and relation.accepts(given.version))
            if given.name == relation.name and fits:
                return True
        return False


@lru_cache(maxsize=65536)
def compare(first: str, second: str) -> int:
    """Debian's order of versions: below, at or above 0."""
    from debian.debian_support import NativeVersion

    a, b = NativeVersion(first), NativeVersion(second)
    return (a > b) - (a < b)


def parse(paragraph: bytes, group: str, archive: str) -> Package:
    """Read one paragraph of a Packages index.

    Raises:
        ResolveError: a field is missing or holds what no field of its kind may hold.
    """
    from debian.deb822 import Packages

    fields = Packages(paragraph.decode("utf-8", "replace"))
    name = str(fields.get("Package", ""))
    try:
        version, location = str(fields["Version"]), str(fields["Filename"])
        size, sha256 = int(fields["Size"]), str(fields["SHA256"]).lower()
    except (KeyError, ValueError) as error:
        raise _broken(name, group, f"{type(error).__name__} {error}") from None
    for pattern, value in (
        (names.DEB, name),
        (names.DEB_VERSION, version),
        (names.FILE, location.rpartition("/")[2]),
        (names.SHA256, sha256),
    ):
        if not pattern.fullmatch(value):
            raise _broken(name, group, f"{value!r} can't be used")
    if not names.is_inside(location):
        raise _broken(name, group, f"its path {location!r} leads out of the archive")
    source = str(fields.get("Source", name)).split(" ", 1)[0]
    priorities = ("required", "important", "standard", "optional", "extra")
    priority = str(fields.get("Priority", "optional"))
    return Package(
        name=name,
        version=version,
        group=group,
        archive=archive,
        source=source,
        location=location,
        size=size,
        sha256=sha256,
        needs=(*relations(fields.get("Pre-Depends")), *relations(fields.get("Depends"))),
        provides=_flat(relations(fields.get("Provides"))),
        refuses=_flat((*relations(fields.get("Conflicts")), *relations(fields.get("Breaks")))),
        priority=priorities.index(priority) if priority in priorities else 3,
    )


def relations(text: Any) -> tuple[Alternatives, ...]:
    """Read a relation field such as Depends, as it is for this architecture; None is empty."""
    from debian.deb822 import PkgRelation

    # An empty part, as behind a trailing comma, states nothing.
    parts = [part for part in str(text or "").split(",") if part.strip()]
    choices: list[Alternatives] = []
    for group in PkgRelation.parse_relations(",".join(parts)) if parts else ():
        here = [entry for entry in group if _applies(entry)]
        if not here:  # the whole choice is for other architectures
            continue
        choices.append(tuple(_relation(entry) for entry in here))
    return tuple(choices)


def _relation(entry: Any) -> Relation:
    qualifier = entry.get("archqual")
    # A package of another architecture is none of ours: keep the name apart, it can't be met.
    foreign = qualifier and qualifier not in _ARCHITECTURES
    name = f"{entry['name']}:{qualifier}" if foreign else str(entry["name"])
    operator, version = entry.get("version") or ("", "")
    return Relation(name, {"<": "<=", ">": ">="}.get(operator, operator), version)


def _applies(entry: Any) -> bool:
    limits = entry.get("arch") or []
    if not limits:
        return True
    named = any(limit.arch in _ARCHITECTURES for limit in limits)
    return named if limits[0].enabled else not named


def _flat(choices: tuple[Alternatives, ...]) -> tuple[Relation, ...]:
    return tuple(relation for choice in choices for relation in choice)


def _broken(name: str, group: str, reason: str) -> ResolveError:
    return ResolveError(
        f"the index of {group} describes the package {name or '(no name)'} badly: {reason}",
        hint="try again later or with another mirror",
    )
