"""Which derivations of a project a second build is about: the environment's, and what is built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nixrepro.derivations import Derivation
from nixrepro.nix_store import Output, Store

_ROOTS = ("environment", "facts", "settings", "train", "run")
_BESIDE = ("observer", "vcpu", "sites")  # built only when somebody asks for them


def derivations(
    store: Store, outputs: Mapping[str, Output], parts: Iterable[str]
) -> dict[str, Derivation]:
    """By what they make; what stands beside the environment where it is built, or asked for."""
    built = store.valid([outputs[name].path for name in _BESIDE if name in outputs])
    beside = [
        name
        for name in _BESIDE
        if name in outputs and (name in parts or outputs[name].path in built)
    ]
    wanted = [name for name in (*_ROOTS, *beside) if name in outputs]
    return store.derivations([outputs[name].derivation for name in wanted])


def built_once(
    store: Store, known: Mapping[str, Derivation], environment: str, every: Iterable[Derivation]
) -> list[Derivation]:
    """The environment's own, built or not, and of the others those that somebody built."""
    by_path = {each.path: each for each in known.values()}
    own: set[str] = set()
    paths = [known[environment].path]
    while paths:
        if (path := paths.pop()) not in own:
            own.add(path)
            paths += by_path[path].inputs
    others = [each.output for each in every if each.path not in own]
    built = store.valid(others)
    return [each for each in every if each.path in own or each.output in built]
