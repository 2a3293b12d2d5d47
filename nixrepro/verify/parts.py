"""The parts of an environment that can be built a second time, and what each is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from nixrepro.derivations import Derivation
from nixrepro.lock import Lock, store_name
from nixrepro.names import normalise
from nixrepro.verify.asking import Misnamed

# What the library names itself, and its layer.
_OWN = {
    "nixrepro-seed": ("seed", "system"),
    "nixrepro-system-debian": ("system", "system"),
    "nixrepro-cc": ("cc", "system"),
    "nixrepro-runtime": ("runtime", ""),
    "nixrepro-environment": ("environment", ""),
    "nixrepro-environment.json": ("facts", ""),
    "nixrepro-settings.json": ("settings", "settings"),
    "nixrepro-train": ("train", "settings"),
    "nixrepro-run": ("run", ""),
    "nixrepro-observer": ("observer", "system"),
    "nixrepro-vcpu": ("vcpu", "system"),
    "nixrepro-sites": ("sites", ""),
}
_NEAR = 0.76  # of hundreds of names one is always a little alike
_BOOTSTRAP = "nixrepro-bootstrap-"
_STEPS = ("", "-bytecode", "-built", "-build-environment")  # from an artefact to its store path


def name_parts(lock: Lock, derivations: Iterable[Derivation]) -> dict[str, list[Derivation]]:
    """The derivations of each part, by its name: a package, a wheel, a layer, `environment`, ...

    Downloads are no part of it: their hash is the lock's.
    """
    made: dict[str, tuple[str, str]] = dict(_OWN)
    for artefact in lock.artefacts:
        version = artefact.version
        if artefact.kind == "deb":  # the epoch is not in the name
            version = version.partition(":")[2] or version
        stem = store_name(f"{artefact.name}-{version}")
        for step in _STEPS:
            made.setdefault(stem + step, (artefact.name, artefact.layer))
    parts: dict[str, list[Derivation]] = {}
    for derivation in derivations:
        if derivation.fixed:
            continue
        if derivation.name.startswith(_BOOTSTRAP):
            names = {"bootstrap", "system"}
        else:
            names = {*made.get(derivation.name, (derivation.name,))} - {""}
        for name in names:
            parts.setdefault(name, []).append(derivation)
    return parts


def choose(
    parts: Mapping[str, Sequence[Derivation]], names: Sequence[str]
) -> dict[str, list[Derivation]]:
    """The derivations of the named parts; of all but `run` where none is named.

    Raises:
        Misnamed: a name means no part.
    """
    if not names:
        every = {each.output: each for name in parts if name != "run" for each in parts[name]}
        return {"": [every[path] for path in sorted(every)]}
    chosen = {}
    for name in names:
        known = name if name in parts else normalise(name)
        if known not in parts:
            near = get_close_matches(known, list(parts), n=1, cutoff=_NEAR)
            alike = f"`{near[0]}` is one" if near else ""
            hint = alike or "a package, a wheel, a layer or `environment` is"
            raise Misnamed(f"{name!r} is no part that can be rebuilt", hint=hint)
        chosen[known] = list(parts[known])
    return chosen
