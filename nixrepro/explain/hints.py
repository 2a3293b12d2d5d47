"""What to do now: the last sentence of an explanation."""

from __future__ import annotations

from nixrepro.explain.model import CODE, CORES, CPU, GPU, Explanation, State, Unit

_PROFILE = "the portable profile computes the same on every CPU (docs/numerics.md)"
_SETTINGS = "[tool.nixrepro.settings]"
_STATED = {
    "seed": f"state one `seed` for both in {_SETTINGS}",
    "deterministic": f"state `deterministic` for both in {_SETTINGS}",
    "command": "start both with the same command ([tool.nixrepro.train] command)",
    "folder": "start both in the same folder",
    "numerics": "state the same `profile` for both in [tool.nixrepro.numerics]",
    "numerics.threads": "state one number of `threads` for both in [tool.nixrepro.numerics]",
}


def hint(found: Explanation) -> str:
    """What a person can do about what came out; "" where there is nothing to do."""
    match found.state:
        case State.EXPLAINED:
            items = [_about(unit) for unit in found.proof.cause]
        case State.REMAINING:
            items = [_untestable(cause.unit) for cause in found.likely if cause.unit.blocked]
        case State.OPEN:
            items = [_apart(unit) for unit in found.proof.change if len(unit.parts) > 1]
        case State.CHANCE:
            items = ["`nixrepro verify RUN --runs 3` shows what of a run changes from time to time"]
        case State.UNREPEATABLE if found.trials:
            items = ["`nixrepro verify --trace` shows what a run reads that no record holds"]
        case State.LIKELY if found.likely:
            items = ["the same command without --no-run tries them"]
        case _:
            items = []
    said = "; ".join(dict.fromkeys(filter(None, items)))
    return f"What to do: {said}." if said else ""


def _about(unit: Unit) -> str:
    """What keeps a cause from making a difference, or leads further to it."""
    sort, _, name = unit.key.partition(".")
    if unit.key in (CPU, CORES):
        return _PROFILE
    if unit.key == CODE:
        return "`nixrepro diff A B` shows what differs in the code"
    if sort == "data":
        return f"pin the same for both in [tool.nixrepro.data.{name}]"
    if sort == "settings":
        return _of_settings(name)
    if len(unit.parts) > 1:
        return _apart(unit)
    return "`nixrepro probe A B` shows which functions compute otherwise"


def _apart(unit: Unit) -> str:
    return f"`nixrepro bisect A B` finds out what of {unit.label} it is"


def _of_settings(name: str) -> str:
    if name in _STATED:
        return _STATED[name]
    sort, _, variable = name.partition(".")
    if sort == "passed":
        return f"state {variable} in [tool.nixrepro.settings.variables]: then it is recorded"
    return f"state one value of {variable} for both in [tool.nixrepro.settings.variables]"


def _untestable(unit: Unit) -> str:
    """How it could be tested after all, where its reason doesn't say that."""
    if unit.key == GPU:
        return "`nixrepro repeat` of one run on the other's machine tests the GPU and its driver"
    if unit.key == CPU:
        return f"{_PROFILE}; the same command on the other's machine tests the CPU"
    if unit.key == CORES:
        return f"{_PROFILE}; the same command on a machine with as many processors tests them"
    if unit.key.startswith("settings.passed."):
        return _of_settings(unit.key.removeprefix("settings."))
    if unit.layer == "data":
        name = unit.key.partition(".")[2]
        return f"pinned and kept in the store ([tool.nixrepro.data.{name}] store), it can be tested"
    return ""
