"""Acts right after chosen modules were executed, and never breaks the program."""

from __future__ import annotations

import os
import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

# Module -> "our module:function", called with the executed module. Ours are imported only then: a
# program that never imports numpy pays nothing for it. Of several tables, each acts on a module.
SEEDING = {
    "random": "seeding:seed_random",
    "numpy.random": "seeding:seed_numpy",
    "tensorflow": "seeding:seed_tensorflow",
}
WATCHING = {
    "keras.callbacks": "training:watch_callbacks",  # Keras 2.6 to 2.12
    "keras.src.callbacks": "training:watch_callbacks",  # Keras 2.13 and later, 3
    "tf_keras.src.callbacks": "training:watch_callbacks",
    "keras.engine.training": "training:watch_model",
    "keras.src.engine.training": "training:watch_model",
    "tf_keras.src.engine.training": "training:watch_model",
    "keras.src.models.model": "training:watch_model",
}
TRACKING = {
    "mlflow.tracking._tracking_service.client": "trackers.mlflow:watch_client",
    "mlflow.tracking.fluent": "trackers.mlflow:watch_fluent",
    "wandb.sdk.wandb_init": "trackers.wandb:watch_init",
    "wandb.sdk.wandb_run": "trackers.wandb:watch_run",
    "tensorboard.plugins.hparams.summary_v2": "trackers.tensorboard:watch_hparams",
    "keras.callbacks": "trackers.tensorboard:watch_callbacks",
    "keras.src.callbacks": "trackers.tensorboard:watch_callbacks",
    "tf_keras.src.callbacks": "trackers.tensorboard:watch_callbacks",
}
DATA = {
    "keras.utils.data_utils": "files:pin_files",
    "keras.src.utils.data_utils": "files:pin_files",
    "tf_keras.src.utils.data_utils": "files:pin_files",
    "keras.src.utils.file_utils": "files:pin_files",
}


class Finder:
    """A meta path finder that finds nothing itself: it adds an action to what the others find."""

    def __init__(self, actions: dict[str, list[str]]) -> None:
        self.actions = actions

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the other finders give, with its loader acting after execution; or None."""
        if name not in self.actions:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find else None
            if spec is not None:
                self._extend(name, spec.loader)
                return spec
        return None

    def _extend(self, name: str, loader: Any) -> None:
        execute = getattr(loader, "exec_module", None)
        if execute is None:
            return

        def exec_module(module: ModuleType) -> None:
            execute(module)
            for action in self.actions[name]:
                act(action, module)

        # On the instance, so that the loader stays what it is for importlib.resources and pkgutil.
        try:
            loader.exec_module = exec_module
        except AttributeError:
            problem(name, "its loader can't be extended")


def install() -> None:
    """Install the hooks that the variables ask for, also for what is imported already."""
    actions: dict[str, list[str]] = {}
    tables = {"SEED": (SEEDING,), "RUN": (WATCHING, TRACKING), "DATA": (DATA,)}
    for what, wanted in tables.items():
        if os.environ.get(f"NIXREPRO_{what}"):
            for table in wanted:
                for name, action in table.items():
                    actions.setdefault(name, []).append(action)
    if any(isinstance(finder, Finder) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, Finder(actions))
    for name, several in actions.items():
        module = sys.modules.get(name)
        if module is not None:
            for action in several:
                act(action, module)


def act(action: str, module: ModuleType) -> None:
    """Call "our module:function" with a module; a failure is said and recorded, not raised."""
    where, _, name = action.partition(":")
    try:
        function: Callable[[ModuleType], None] = getattr(
            import_module(f".{where}", __package__), name
        )
        function(module)
    except Exception as error:
        problem(module.__name__, f"{type(error).__name__}: {error}")


def problem(where: str, message: str) -> None:
    """Say on standard error, and in the record, that something could not be seeded or watched."""
    from . import events

    events.write("problem", where=where, message=message)
    print(f"nixrepro: {where} could not be prepared: {message}", file=sys.stderr)
