"""What came out of trials, by their names: links to outcomes in the store, and failures."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nixrepro.bisect.model import Numbers
from nixrepro.canonical import json_bytes, remove_parts, write_atomic
from nixrepro.errors import RunError
from nixrepro.explain.numbers import numbers
from nixrepro.nix_store import Store

OUTCOME = "outcome.json"
FAILED = "failed.json"


@dataclass(frozen=True)
class Kept:
    """The outcomes of one bisection.

    Args:
        folder: that has them.
        store: that has what the links lead to.
    """

    folder: Path
    store: Store

    def known(self, name: str) -> Numbers | None:
        """What came out of a trial before, if it is still there."""
        link = self.folder / name
        if link.is_symlink():
            path = os.readlink(link)
            if os.path.exists(self.store.place(f"{path}/{OUTCOME}")):
                return self.read(path)
            link.unlink()
        reason = self._failed().get(name)
        return Numbers(reason=reason) if reason else None

    def keep(self, name: str, path: str) -> Numbers:
        """Keep what a trial has made; its numbers.

        Raises:
            NixError: it is not in the store.
            RunError: there is nothing to compare.
        """
        self.store.add_root(self.folder / name, path)
        return self.read(path)

    def keep_failed(self, reasons: Mapping[str, str]) -> None:
        """Keep why some trials failed, by name, beside what is known of others."""
        if reasons:
            remove_parts(self.folder / FAILED)
            write_atomic(self.folder / FAILED, json_bytes({**self._failed(), **reasons}))

    def read(self, path: str) -> Numbers:
        """The numbers in the outcome of a training.

        Raises:
            OSError: there is no outcome.
            RunError: there is nothing to compare.
        """
        document = json.loads(Path(self.store.place(f"{path}/{OUTCOME}")).read_bytes())
        said = document.get("output")
        # As a record of the same run would have them.
        record = {**document, "exit": {"status": 0}, "files": {"log": {"sha256": said}}}
        prints = {k: v for k, v in document["fingerprint"].items() if isinstance(v, str)}
        digests = prints or ({"output": said} if said else {})
        if not digests:
            raise RunError(
                "the trials leave nothing to compare: the program records neither weights nor "
                "metrics, and its library, an older one, keeps no output",
                hint="have the program log a metric, or begin from a tree with a newer library "
                "(`nixrepro init --update`)",
            )
        return Numbers(numbers(record), digests, path)

    def _failed(self) -> dict[str, str]:
        try:
            found = json.loads((self.folder / FAILED).read_bytes())
        except (OSError, ValueError):
            return {}
        return dict(found) if isinstance(found, dict) else {}
