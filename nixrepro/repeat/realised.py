"""The environment and the settings of a repetition: those of the record, or it does not begin."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixrepro import closure, git
from nixrepro import config as configs
from nixrepro import lock as locks
from nixrepro.canonical import json_bytes, write_atomic
from nixrepro.errors import BuildError, RunError
from nixrepro.fetch import bring
from nixrepro.realise import Environment, check, read_by_flake, realise
from nixrepro.record import Record
from nixrepro.repeat import caches, virtual
from nixrepro.repeat.recipe import Recipe
from nixrepro.repeat.tree import short
from nixrepro.runtime.variables import digests
from nixrepro.verify.verdict import Finding

if TYPE_CHECKING:
    from nixrepro.nix import Nix

_SHOWN = 10


class OtherEnvironment(RunError):
    """What the recorded lock gives now is not the environment of the record.

    Args:
        message: which run, and how.
        findings: the store paths that differ.
    """

    def __init__(self, message: str, findings: tuple[Finding, ...]) -> None:
        lines = [f"  {each.subject}: {each.reason}" for each in findings[:_SHOWN]]
        if len(findings) > _SHOWN:
            lines.append(f"  and {len(findings) - _SHOWN} more")
        hint = "`nixrepro verify --rebuild` shows whether its parts are reproducible"
        super().__init__(message, hint=hint, details="\n".join(lines))
        self.findings = findings


@dataclass(frozen=True)
class Supply:
    """Where else than from the registries an environment may be had.

    Args:
        folder: a folder with artefacts, looked into first; None for none.
        caches: URLs of binary caches that are asked for the whole environment.
        configured: whether those are asked too that this machine's Nix is configured with.
        closure: whether what is built is taken from a bundle, whose maker is trusted then.
    """

    folder: Path | None = None
    caches: tuple[str, ...] = ()
    configured: bool = False
    closure: bool = False


def environment(
    root: Path,
    project: Path,
    recipe: Recipe,
    nix: Nix,
    say: Callable[[str], None],
    supply: Supply = Supply(),
) -> Environment:
    """Realise the environment of a recipe from the lock and library in its tree.

    Args:
        root: the person's own project, which has local data.
        project: the project in the repetition's work tree.
        recipe: what is to be run.
        nix: the Nix to build with.
        say: tells the person what is done.
        supply: where else than from the registries it may be had.

    Raises:
        OtherEnvironment: it is another one than the expected run had.
        NixreproError: an artefact can't be had, or the environment not built.
    """
    # Data that lies in the project is found there; all other places are the person's too.
    config = dataclasses.replace(configs.load(project), root=root)
    lock = locks.load(project / locks.FILE)
    check(project)
    git.intend_to_add(project, git.unknown(project, read_by_flake(project)))
    data = sorted({a.name for a in lock.artefacts if a.layer == "data"} & recipe.data)
    wanted = recipe.expected
    path = str(wanted.document["environment"]["path"]) if wanted else ""
    if path and (supply.caches or supply.configured):
        caches.ask(project, path, nix, supply.caches, supply.configured, say)
    there = bool(path and nix.valid([path]))

    def prepare(whole: bool) -> None:
        # What an environment that is there was made of need not be there, nor be had any more.
        kept = lock.artefacts if whole else [a for a in lock.artefacts if a.layer == "data"]
        asked = dataclasses.replace(lock, artefacts=tuple(kept))
        bring(config, asked, nix, data=data, folder=supply.folder)

    say("nixrepro: realising the recorded environment")
    try:
        made = realise(project, nix, lambda: prepare(whole=not there), lambda: None)
    except BuildError:
        if not there:
            raise
        made = realise(project, nix, lambda: prepare(whole=True), lambda: None)
    if wanted:
        _compare(json.loads(Path(made.facts).read_bytes()), wanted)
    return made


def settings(
    made: Environment,
    project: Path,
    recorded: Mapping[str, Any],
    path: Path,
    nix: Nix,
    compiler: str = "",
) -> Environment:
    """The environment with a settings file that says what a record says.

    Args:
        made: the environment.
        project: the project in the repetition's work tree.
        recorded: the settings layer of the record.
        path: the file to write.
        nix: the Nix to build with.
        compiler: as in the recipe.

    Raises:
        RunError: the numerics profile can't be had.
    """
    given = json.loads(Path(made.settings).read_bytes())
    names = ("seed", "deterministic", "variables", "command")
    value = {**given, **{name: recorded[name] for name in names}}
    value["pass"] = sorted(recorded.get("passed", {}))
    stated = recorded.get("numerics", {})
    value["numerics"] = virtual.numerics(project, stated, given.get("numerics", {}), nix, compiler)
    if not value["numerics"]:
        del value["numerics"]
    write_atomic(path, json_bytes(value))
    return made.with_settings(str(path))


def other_variables(record: Record, host: Mapping[str, str], tracking: bool = False) -> list[str]:
    """Names of the variables that passed from the host then and are others, or gone, now."""
    then = record.document["layers"]["settings"].get("passed", {})
    if tracking:  # by these a tracker knew where to log, and as whom
        then = {**record.document.get("tracking", {}).get("passed", {}), **then}
    now = digests(host, then)
    return sorted(name for name in then if now.get(name) != then[name])


def _compare(facts: dict[str, Any], record: Record) -> None:
    recorded = record.document["environment"]
    if facts["identity"]["digest"] == recorded["digest"]:
        return
    findings = _differing(record.document, facts)
    raise OtherEnvironment(
        f"what the lock of run {short(record)} gives now is not the environment that it ran in: "
        f"{facts['identity']['path']} instead of {recorded['path']}, {len(findings)} store paths "
        "differ",
        findings,
    )


def _differing(then: dict[str, Any], now: dict[str, Any]) -> tuple[Finding, ...]:
    old, new = (closure.of_document(each).by_path() for each in (then, now))
    layers = {**_layers(now), **_layers(then)}
    found = []
    for path in sorted(old.keys() | new.keys()):
        if path not in new:
            reason = "was part of it then and is not now"
        elif path not in old:
            reason = "is part of it now and was not then"
        elif old[path].nar_hash != new[path].nar_hash:
            reason = f"has other bytes: {new[path].nar_hash} instead of {old[path].nar_hash}"
        else:
            continue
        found.append(Finding(path, reason, layers.get(path, "")))
    return tuple(found)


def _layers(document: dict[str, Any]) -> dict[str, str]:
    """The layer of each store path that has one."""
    return {
        entry["path"]: layer
        for layer in ("system", "accelerator", "wheels")
        for entry in document["layers"].get(layer, [])
        if "path" in entry
    }
