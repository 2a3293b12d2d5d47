"""What a program meets inside the closure: `log`, `data`, `weights`, `step`, `seed`; all optional.

Use it as `import nixrepro_runtime as nr; nr.log(loss=0.3, step=1)`. Outside of a recorded run
`log`, `step` and `weights` record nothing, `seed` is None, and `data` says how to get a run.
"""

# The folder of a project that holds all that is made for it, its runs among it.
STATE = ".nixrepro"

__all__ = ["data", "log", "run", "seed", "step", "weights"]


def __getattr__(name: str) -> object:
    # Every Python of the closure imports this package when it starts: the API waits until asked.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import api

    return getattr(api, name)
