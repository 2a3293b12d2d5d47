"""MLflow's own extension point: the tags that each of its runs in this environment carries."""

from __future__ import annotations

from . import facts


class RunContext:
    """What MLflow asks when a run of it begins; it need not know of MLflow to answer."""

    def in_context(self) -> bool:
        """Whether there is something to say."""
        return bool(self.tags())

    def tags(self) -> dict[str, str]:
        """The tags; none where they can't be known."""
        try:
            return facts.tags()
        except Exception:
            return {}
