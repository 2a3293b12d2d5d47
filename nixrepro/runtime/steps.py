"""Follows training steps: takes the loss and the weights after each, and hands them over."""

from __future__ import annotations

import os

from . import events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .step_writer import Writer

_writer: Writer | None = None
_given_up = False
# How many fits earlier processes of this run have begun: this one's come after them.
_earlier = 0
_loops: dict[int, Follower] = {}


def wanted() -> int:
    """After how many steps each time; 0 where nobody asked, or this is no recorded run."""
    text = os.environ.get("NIXREPRO_STEPS", "") if os.environ.get("NIXREPRO_RUN") else ""
    return int(text) if text.isdigit() else 0


def watch(model: Any, current: Callable[[Any], dict[str, Any] | None]) -> None:
    """Let each function by which Keras trains one batch also tell of the step.

    Args:
        model: Keras's class Model.
        current: the fit under way of a model, or None.
    """
    original = getattr(model, "make_train_function", None)
    if original is None or getattr(original, "nixrepro", False):
        return

    def make_train_function(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        made = self.train_function
        if made is not None and not hasattr(made, "nixrepro"):
            self.train_function = _followed(made, Follower(self, current))
        # Keras 2 gives the function, Keras 3 gives nothing.
        return result if result is None else self.train_function

    make_train_function.nixrepro = True  # type: ignore[attr-defined]
    model.make_train_function = make_train_function


def _followed(train: Any, follower: Follower) -> Any:
    def train_function(*args: Any, **kwargs: Any) -> Any:
        logs = train(*args, **kwargs)
        follower.step(logs.get("loss") if isinstance(logs, dict) else None)
        return logs

    train_function.nixrepro = True  # type: ignore[attr-defined]
    return train_function


def step(model: Any, loss: Any) -> None:
    """A step of a loop of the program's own."""
    if wanted():
        follower = _loops.get(id(model))
        if follower is None:
            follower = _loops[id(model)] = Follower(model, lambda _: None)
        follower.step(loss)


def ended(fit: dict[str, Any]) -> None:
    """A fit is over: have all its steps written, or say that none could be followed."""
    if _writer is not None:
        _writer.flush()
    if wanted() and fit["epochs"] and not fit.get("followed") and not _given_up:
        message = "no step of a fit was seen: its model trains by a function of its own"
        events.write("problem", where="steps", message=message)


class Follower:
    """Counts one model's steps, and takes every N-th.

    Args:
        model: a Keras model, or anything with `weights`.
        current: the fit under way of a model, or None.
    """

    def __init__(self, model: Any, current: Callable[[Any], dict[str, Any] | None]) -> None:
        self.model = model
        self.every = wanted()
        self._current = current
        self._fit: dict[str, Any] | None = None
        self._part = 0
        self._epoch = self._step = 0

    def step(self, loss: Any) -> None:
        """One more step was made; never breaks the training."""
        if not _given_up:
            try:
                self._note(loss)
            except Exception as error:
                _give_up(f"{type(error).__name__}: {error}"[:300])

    def _note(self, loss: Any) -> None:
        fit = self._current(self.model)
        if fit is not self._fit or not self._part:
            self._begin(fit)
        if _writer is None:
            return
        epoch = len(fit["epochs"]) + 1 if fit else 0
        if epoch != self._epoch:
            self._epoch, self._step = epoch, 0
        self._step += self._stride
        if self._step % self.every < self._stride:
            place = f"{self._part},{epoch or 'null'},{self._step}"
            _writer.put(place, loss, self._read(), self._size)

    def _begin(self, fit: dict[str, Any] | None) -> None:
        writer = _open()
        if writer is None:
            return
        from .step_reader import reader, size, variable, whole

        weights = list(self.model.weights)
        names = [str(getattr(each, "path", "") or getattr(each, "name", "")) for each in weights]
        variables = [variable(each) for each in weights]
        kinds = [str(getattr(each.dtype, "name", each.dtype)) for each in variables]
        shapes = [[int(side) for side in each.shape] for each in variables]
        self._size = sum(size(shape) for shape in shapes)
        self._read = reader(variables)
        # With several steps an execution, only the weights after the last of them can be seen.
        stride = getattr(self.model, "steps_per_execution", None)
        self._stride = whole(stride or getattr(self.model, "_steps_per_execution", 1))
        self._fit, self._epoch, self._step = fit, 0, 0
        if fit:
            fit["followed"] = True
        self._part = writer.begin(
            {
                "fit": fit["fit"] + _earlier if fit else 0,
                "model": str(getattr(self.model, "name", "")),
                "tensors": [list(each) for each in zip(names, kinds, shapes)],
            }
        )


def _open() -> Writer | None:
    global _earlier, _writer  # noqa: PLW0603
    if _writer is None and not _given_up:
        from .folder import events as read
        from .step_writer import Writer

        folder = os.environ["NIXREPRO_RUN"]
        try:
            _writer = Writer(folder)
        except BlockingIOError:
            _give_up("another process of this run records its steps; those of this one are not")
            return None
        os.register_at_fork(after_in_child=_forget)
        found = read(os.path.join(folder, events.FILE))
        begun = (each for each in found if each.get("event") == "fit" and each["phase"] == "begin")
        _earlier = sum(each["pid"] != os.getpid() for each in begun)
    return _writer


def _forget() -> None:
    # The thread and the right to the file are the parent's.
    global _writer  # noqa: PLW0603
    if _writer is not None:
        os.close(_writer.handle)
    _writer = None
    _loops.clear()


def _give_up(message: str) -> None:
    global _given_up  # noqa: PLW0603
    _given_up = True
    events.write("problem", where="steps", message=message)
