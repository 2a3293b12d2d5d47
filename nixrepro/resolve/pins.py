"""The versions and hashes that another tool's file fixes, as far as they hold for one Python."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nixrepro.config import Wheels
from nixrepro.errors import ResolveError
from nixrepro.imports.model import Pin
from nixrepro.lock import Artefact


@dataclass(frozen=True)
class Pins:
    """The pins that hold, the other limits beside them, and the file that says so."""

    pins: tuple[Pin, ...] = ()
    constraints: tuple[str, ...] = ()
    source: str = ""

    @classmethod
    def of(cls, wheels: Wheels, python: str) -> Pins:
        """Those of a configuration whose markers hold.

        Args:
            wheels: what is wanted.
            python: full version of the base's Python.
        """
        holding = tuple(pin for pin in wheels.pins if _holds(pin.marker, python))
        return cls(holding, wheels.constraints, wheels.source)

    @property
    def limits(self) -> list[str]:
        """PEP 508 lines that say the same."""
        exact = (
            f"{pin.name} @ {pin.url}" if pin.url else f"{pin.name}=={pin.version}"
            for pin in self.pins
        )
        return [*dict.fromkeys((*exact, *self.constraints))]

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Say of requirements that can't be met that pins may be why."""
        try:
            yield
        except ResolveError as error:
            if self.limits and self.source:
                error.hint = f"{error.hint}; {self.source} pins versions too"
            raise

    def hashes(self, name: str, version: str) -> Collection[str]:
        """The digests that a version of a distribution may have, empty for any."""
        from packaging.utils import canonicalize_version

        # What is pinned to 1.10.0 may be met by a 1.10.0+cpu.
        alike = {canonicalize_version(each) for each in (version, version.partition("+")[0])}
        return {
            digest
            for pin in self.pins
            if pin.name == name and (not pin.version or canonicalize_version(pin.version) in alike)
            for digest in pin.hashes
        }

    def checked(self, artefact: Artefact) -> Artefact:
        """The artefact, if its digest is one that may be.

        Raises:
            ResolveError: it is another one.
        """
        allowed = self.hashes(artefact.name, artefact.version)
        if allowed and artefact.sha256 not in allowed:
            raise ResolveError(
                f"{artefact.file} has sha256 {artefact.sha256}, which is none of those that "
                f"{self.source} names for {artefact.name} {artefact.version}",
                hint="it is another file, or was changed: ask where it comes from",
            )
        return artefact


NONE = Pins()


def _holds(marker: str, python: str) -> bool:
    """Whether a marker is true on Linux on x86-64 with that Python."""
    from packaging.markers import Marker

    return not marker or Marker(marker).evaluate(
        {
            "implementation_name": "cpython",
            "implementation_version": python,
            "os_name": "posix",
            "platform_machine": "x86_64",
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": python,
            "python_version": ".".join(python.split(".")[:2]),
            "sys_platform": "linux",
            "extra": "",
        }
    )
