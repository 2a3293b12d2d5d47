"""Keeps the probe of an environment on a machine, so that it is taken once and not in each run."""

from __future__ import annotations

import os

from .. import STATE, numerics
from ..canonical import digest, json_bytes, write_atomic
from ..variables import ALWAYS
from . import approximate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

FOLDER = os.path.join(STATE, "probes")
# Another number where the same environment would be probed otherwise.
FORMAT = 1
_LETTERS = 32
# A run's own variables; they change no number.
_OWN = ("NIXREPRO_RUN", "NIXREPRO_WEIGHTS", "NIXREPRO_STEPS", "NIXREPRO_DATA")
_PASSING = (*ALWAYS, "TMPDIR", "KERAS_HOME", "NIXREPRO_SEED", "PYTHONHASHSEED")
# Set to `no` where no run is to take time for it: what is kept is then in its record all the same.
SWITCH = "NIXREPRO_PROBE"


class Place:
    """Where and how a probe is taken; a plain class, because importing dataclasses takes 8 ms.

    Attributes:
        project: the project's folder.
        key: what it is kept by.
        settings: the settings file's table.
        env: the variables it is taken with: the run's, less those that are a run's own.
    """

    def __init__(
        self,
        *,
        project: str,
        environment: Mapping[str, Any],
        settings: Mapping[str, Any],
        hardware: Mapping[str, Any],
        env: Mapping[str, str],
        passed: Iterable[str],
    ) -> None:
        """Find its key.

        Args:
            project: the project's folder.
            environment: the environment's file as it was read.
            settings: the settings' file as it was read, settled.
            hardware: the record's layer.
            env: all variables of the program.
            passed: those of them that passed from the host.
        """
        left = {*_OWN, *passed}
        self.project = project
        self.settings = settings
        self.env = {name: value for name, value in env.items() if name not in left}
        cpu = hardware["cpu"]
        cores = cpu.get("cores", {})
        counts = {name: value for name, value in self.env.items() if name not in _PASSING}
        self.key = digest(
            {
                "format": FORMAT,
                "environment": environment["identity"],
                "cpu": cpu["table"] if isinstance(cpu.get("table"), list) else cpu,
                "approximate": approximate.digest(),
                "usable": cores.get("usable"),
                "numerics": numerics.recorded(settings),
                "seeded": "NIXREPRO_SEED" in env,
                "variables": counts,
            }
        )[:_LETTERS]

    @property
    def file(self) -> str:
        """Where it is kept."""
        return os.path.join(self.project, FOLDER, f"{self.key}.json")

    def kept(self) -> dict[str, Any] | None:
        """What was kept, or None."""
        import json

        try:
            with open(self.file, "rb") as stream:
                found = json.load(stream)
        except (OSError, ValueError):
            return None
        return found if is_probe(found) or _is_reason(found) else None

    def keep(self, probe: Mapping[str, Any]) -> None:
        """Keep a probe, as far as the project can be written: else it is taken again."""
        try:
            os.makedirs(os.path.dirname(self.file), exist_ok=True)
            write_atomic(self.file, json_bytes(probe))
        except OSError:
            return


def is_probe(found: Any) -> bool:
    """Whether something that was read is a probe."""
    whole = isinstance(found, dict) and isinstance(found.get("digest"), str)
    return whole and isinstance(found.get("functions"), dict)


def _is_reason(found: Any) -> bool:
    return isinstance(found, dict) and isinstance(found.get("unknown"), str)


class Probing:
    """The probe of a place: the one that is kept, else one that is taken."""

    def __init__(
        self, find: Callable[[], Place], host: Mapping[str, str], mask: Iterable[int], scratch: str
    ) -> None:
        """Nothing is done yet.

        Args:
            find: gives the place.
            host: this process's variables.
            mask: the signal mask that the process which takes it gets.
            scratch: a folder of the caller's for files meanwhile, which no program writes to.
        """
        self._find = find
        self._host = host
        self._mask = mask
        self._scratch = scratch
        self.interrupted = 0  # the number of the signal that ended `take`

    def known(self, failed: bool) -> dict[str, Any] | None:
        """The kept one, or why none is to be taken after a run; None where `take` has work to do.

        Args:
            failed: whether the program did, or somebody wanted it to end: nobody then waits.
        """
        try:
            kept = self._find().kept()
        except Exception:  # no run fails for its probe: `take` says what is wrong
            kept = None
        if kept is not None:
            return kept
        if self._host.get(SWITCH) == "no":
            return {"unknown": f"{SWITCH}=no, and none was kept"}
        if failed:
            return {"unknown": "the program failed or was interrupted, and none was kept"}
        return None

    def take(self, tell: Callable[[], None] | None) -> dict[str, Any]:
        """One that is taken now, and kept.

        Args:
            tell: called where it takes a while; None to say nothing.

        Returns:
            `digest` and `functions`, or `unknown` with the reason.
        """
        try:
            from .taking import taken

            place = self._find()
            found, lasting = taken(place, self._mask, self._scratch, tell)
        except Exception as error:  # no run fails for its probe
            self.interrupted = getattr(error, "number", 0)
            why = str(error) or type(error).__name__
            return {"unknown": f"the probe could not be taken: {why}"}
        if lasting:
            place.keep(found)
        return found
