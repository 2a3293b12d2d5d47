"""What a project declares as data by reference, as the runtime takes it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from nixrepro.config import Config, Data
from nixrepro.errors import ConfigError
from nixrepro.names import nearest


def entry(data: Data) -> dict[str, Any]:
    """One as nix/settings.nix says it to a run."""
    return {
        "reference": True,
        "path": data.path,
        "digest": data.pin,
        "dvc": data.dvc,
        "optional": data.optional,
    }


def chosen(config: Config, names: Collection[str]) -> list[Data]:
    """The data of some names, or all where none are given.

    Raises:
        ConfigError: the project declares none of that name.
    """
    known = {data.name: data for data in config.data}
    for name in names:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near!r}?" if near else f"there is: {', '.join(known) or 'none'}"
            raise ConfigError(f"the project declares no data {name!r}", hint=hint)
    return [known[name] for name in names] or list(config.data)
