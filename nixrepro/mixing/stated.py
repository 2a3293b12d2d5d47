"""What an artefact says that it needs beside it, refuses and offers, as its own metadata has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nixrepro.lock import Artefact
from nixrepro.names import UPSTREAM, normalise
from nixrepro.resolve.package import Relation, relations

DEB, DIST, PYTHON = "deb", "dist", "python"


@dataclass(frozen=True)
class Wish:
    """Something that another artefact has to be.

    Args:
        kind: `DEB`, `DIST`, or `PYTHON` for the interpreter itself.
        name: of the package or distribution; "" for the interpreter.
        version: a condition: Debian's, such as ">= 2.34", else specifiers of Python packaging.
    """

    kind: str
    name: str
    version: str = ""

    def accepts(self, version: str) -> bool:
        """Whether a version meets the condition."""
        if not self.version:
            return True
        if self.kind == DEB:
            operator, _, wanted = self.version.partition(" ")
            return bool(version) and Relation(self.name, operator, wanted).accepts(version)
        from packaging.specifiers import InvalidSpecifier, SpecifierSet
        from packaging.version import InvalidVersion

        try:
            return SpecifierSet(self.version).contains(version, prereleases=True)
        except (InvalidSpecifier, InvalidVersion):
            return True  # what can't be read holds nothing together


@dataclass(frozen=True)
class Offer:
    """Something that an artefact is: under its own name, or one that it provides."""

    kind: str
    name: str
    version: str = ""


@dataclass(frozen=True)
class Stated:
    """What one artefact states.

    Args:
        needs: what must be there, each a choice of alternatives.
        refuses: what must not.
        offers: what it is itself.
    """

    needs: tuple[tuple[Wish, ...], ...] = ()
    refuses: tuple[Wish, ...] = ()
    offers: tuple[Offer, ...] = ()

    def meets(self, wish: Wish) -> bool:
        """Whether it is what is wished for."""
        return any(
            offer.kind == wish.kind and offer.name == wish.name and wish.accepts(offer.version)
            for offer in self.offers
        )


def own(artefact: Artefact) -> Stated:
    """What the lock alone knows: its name, and the names that it needs."""
    kind = DEB if artefact.kind == "deb" else DIST
    offers = [Offer(kind, artefact.name, artefact.version)]
    if kind == DEB and _is_python(artefact.name):
        offers.append(Offer(PYTHON, "", _upstream(artefact.version)))
    needs = tuple((Wish(kind, name),) for name in artefact.dependencies)
    return Stated(needs, (), tuple(offers) if artefact.layer != "data" else ())


def of_control(artefact: Artefact, fields: dict[str, Any]) -> Stated:
    """What a Debian package's control file states.

    Args:
        artefact: the package.
        fields: of the control file.
    """
    needs = (*relations(fields.get("Pre-Depends")), *relations(fields.get("Depends")))
    refuses = (*relations(fields.get("Conflicts")), *relations(fields.get("Breaks")))
    provides = [each for choice in relations(fields.get("Provides")) for each in choice]
    return Stated(
        tuple(tuple(_wish(each) for each in choice) for choice in needs),
        tuple(_wish(each) for choice in refuses for each in choice),
        (*own(artefact).offers, *(Offer(DEB, each.name, each.version) for each in provides)),
    )


def of_metadata(
    artefact: Artefact, required: Iterable[str], python: str, pythons: tuple[str, ...]
) -> Stated:
    """What a wheel's METADATA and name state.

    Args:
        artefact: the wheel; its lock says which of the requirements hold in this environment.
        required: its lines Requires-Dist.
        python: its Requires-Python, or "".
        pythons: the versions of Python that it may be used with.
    """
    needs = [*_required(artefact, required, pythons), *tagged(artefact.file)]
    if python:
        needs.append((Wish(PYTHON, "", python),))
    return Stated(tuple(needs), (), own(artefact).offers)


def _required(
    artefact: Artefact, lines: Iterable[str], pythons: tuple[str, ...]
) -> Iterable[tuple[Wish, ...]]:
    from packaging.requirements import InvalidRequirement, Requirement

    for line in lines:
        try:
            asked = Requirement(line)
        except InvalidRequirement:
            continue
        name = normalise(asked.name)
        # The extras that were asked for, and all other conditions, are decided in the lock.
        if name not in artefact.dependencies:
            continue
        if asked.marker is None or "extra" in str(asked.marker) or _holds(asked.marker, pythons):
            yield (Wish(DIST, name, str(asked.specifier)),)


def _holds(marker: Any, pythons: tuple[str, ...]) -> bool:
    def holds(python: str) -> bool:
        minor = ".".join(python.split(".")[:2])
        return bool(marker.evaluate({"python_version": minor, "python_full_version": python}))

    return any(map(holds, pythons))


def tagged(file: str) -> list[tuple[Wish, ...]]:
    """What a wheel's name asks of the system: a Python, and a C library that is new enough."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        tags = parse_wheel_filename(file)[3]
    except InvalidWheelFilename:
        return []
    pythons = {_interpreter(tag.interpreter, tag.abi) for tag in tags}
    libraries = sorted({found for tag in tags if (found := _glibc(tag.platform))})
    needs = []
    if pythons and None not in pythons:
        needs.append(tuple(sorted((wish for wish in pythons if wish), key=str)))
    if libraries:
        oldest = ".".join(map(str, libraries[0]))
        needs.append((Wish(DEB, "libc6", f">= {oldest}"),))
    return needs


def _interpreter(name: str, abi: str) -> Wish | None:
    """The interpreter of a tag; None for any."""
    digits = name.removeprefix("cp")
    if digits == name or not digits.isdigit() or len(digits) == 1:
        return None
    version = f"{digits[0]}.{digits[1:]}"
    return Wish(PYTHON, "", f">={version}" if abi == "abi3" else f"=={version}.*")


def _glibc(platform: str) -> tuple[int, int] | None:
    """The glibc that a platform tag asks for; None for none."""
    old = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
    name, _, rest = platform.partition("_")
    if name in old:
        return old[name]
    parts = rest.split("_")
    if name == "manylinux" and parts[0].isdigit() and parts[1].isdigit():
        return int(parts[0]), int(parts[1])
    return None


def _wish(relation: Relation) -> Wish:
    condition = f"{relation.operator} {relation.version}" if relation.operator else ""
    return Wish(DEB, relation.name, condition)


def _is_python(name: str) -> bool:
    first, _, rest = name.partition(".")
    return first == "python3" and rest.isdigit()


def _upstream(version: str) -> str:
    found = UPSTREAM.match(version.rpartition(":")[2])
    return found[0] if found else ""
