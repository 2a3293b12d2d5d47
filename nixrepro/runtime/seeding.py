"""Seeds random, numpy and TensorFlow as soon as they are imported, before the next line runs."""

from __future__ import annotations

import os

from . import events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

# How this process came to be by forks: the n-th child of the m-th child: the same in every run.
_forks: list[int] = []
_count = 0
_entropy: Any = None
_numpy: Any = None


def seed() -> int | None:
    """The seed of this run or development shell, or None outside of both."""
    text = os.environ.get("NIXREPRO_SEED", "")
    return int(text) if text else None


def deterministic() -> bool:
    """Whether operations of which TensorFlow has a deterministic form must use it."""
    return os.environ.get("NIXREPRO_DETERMINISTIC", "1") not in ("", "0", "false")


def _seed32() -> int:
    return (seed() or 0) % 2**32


def seed_random(random: Any) -> None:
    """Seed Python's `random`, in this process and, each its own way, in processes it forks."""
    random.seed(seed())
    events.write("seeded", what="random", seed=seed())

    def before() -> None:
        global _count  # noqa: PLW0603
        _count += 1

    def child() -> None:
        # Python itself seeds `random` anew from the system after a fork; this comes after that.
        global _count  # noqa: PLW0603
        _forks.append(_count)
        _count = 0
        random.seed(_branch())
        if _entropy is not None:
            _entropy.seed(_branch())
        if _numpy is not None:
            _part(_numpy, random)

    os.register_at_fork(before=before, after_in_child=child)


def _branch() -> str:
    return "/".join(str(part) for part in [seed(), *_forks])


def _part(module: Any, random: Any) -> None:
    """Let numpy's global generator go its own way in a forked process.

    It goes on from what it inherited, so that a seed which the program gave it still counts.
    """
    state = getattr(getattr(module, "mtrand", None), "_rand", None)
    lock = getattr(getattr(state, "_bit_generator", None), "lock", None)
    if lock is not None:
        if not lock.acquire(blocking=False):
            return  # held by a thread that this process lacks: nobody can draw from it here
        lock.release()
    own = random.Random(f"{module.bytes(16).hex()}/{_branch()}")
    try:  # noqa: SIM105 - contextlib takes longer to import than all of this
        module.seed([own.getrandbits(32) for _ in range(8)])
    except TypeError:
        pass  # the program put another kind of generator in its place, which can't be seeded


def seed_numpy(module: Any) -> None:
    """Seed numpy's global generator and what `default_rng()` draws when it is given nothing."""
    global _entropy, _numpy  # noqa: PLW0603
    import random
    import sys

    generator: ModuleType | None = sys.modules.get("numpy.random.bit_generator")
    if generator is not None and hasattr(generator, "randbits"):
        # numpy asks the system through this one name; `secrets`, where it is from, stays as it is.
        _entropy = random.Random(_branch())
        generator.randbits = _entropy.getrandbits  # type: ignore[attr-defined]
    module.seed(_seed32())
    _numpy = module
    events.write("seeded", what="numpy", seed=_seed32(), generators=_entropy is not None)


def seed_tensorflow(tensorflow: Any) -> None:
    """Set TensorFlow's global seed and turn op determinism on."""
    tensorflow.random.set_seed(seed())
    if deterministic():
        tensorflow.config.experimental.enable_op_determinism()
    version = str(getattr(tensorflow, "__version__", ""))
    events.write(
        "seeded",
        what="tensorflow",
        version=version,
        seed=seed(),
        op_determinism=deterministic(),
    )
