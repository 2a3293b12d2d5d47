"""Checks the closure: it is the lock's, every path of it is there, and its bytes are unchanged."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from nixrepro import lock as locks
from nixrepro import memory, realise
from nixrepro.closure import of_document
from nixrepro.complaints import in_words
from nixrepro.errors import NixError, NixreproError
from nixrepro.nar_pool import Pool
from nixrepro.nix import Nix
from nixrepro.nix_store import Output, Store
from nixrepro.verify.afresh import Seen, look
from nixrepro.verify.closure_verdicts import paths_and_bytes
from nixrepro.verify.display import Progress
from nixrepro.verify.mend import mend
from nixrepro.verify.survey import ROOTS, Bad, Survey, survey
from nixrepro.verify.unseen import unseen
from nixrepro.verify.verdict import Finding, State, Verdict

_LEFT = "Nix built it anew, and it is still not what it was"
_NO_FLAKE = "the flake has no environment: `nixrepro init --update` writes flake.nix and nix/ anew"


def check_closure(root: Path, nix: Nix, *, repair: bool, progress: Progress) -> tuple[Verdict, ...]:
    """Whether the environment in the store is the one that the lock gives, whole and unchanged.

    Args:
        root: the project.
        nix: the Nix that has the store.
        repair: mend what is damaged or missing from its artefacts, then check all again.
        progress: is told how far it is.

    Raises:
        NixError: there is no usable Nix, or its store is on another machine.
    """
    with Pool() as pool:  # its processes are forked while there is no thread yet
        return _Check(root, Store.of(nix), pool, progress).run(repair)


class _Check:
    """One check of a project's environment."""

    def __init__(self, root: Path, store: Store, pool: Pool, progress: Progress) -> None:
        self._root = root
        self._store = store
        self._pool = pool
        self._progress = progress
        self._outputs: Mapping[str, Output] = {}

    def run(self, repair: bool) -> tuple[Verdict, ...]:
        """All verdicts."""
        began = time.monotonic()
        # What was realised last is most likely what the lock gives: hash it while Nix evaluates.
        known = realise.remembered(self._root)
        guess = {} if known is None else dict(zip(ROOTS, _paths(known), strict=True))
        found: Survey | None = None
        try:
            realise.check(self._root)
            with ThreadPoolExecutor(1) as thread:
                evaluated = thread.submit(self._evaluate)
                if guess and self._store.valid([guess["environment"]]):
                    found = survey(self._store, self._pool, guess, self._progress)
            self._outputs = evaluated.result()
            environment = self._outputs["environment"].path
        except NixError:
            raise
        except (NixreproError, KeyError) as error:
            reason = _NO_FLAKE
            if isinstance(error, NixreproError):
                reason = unseen(self._root, self._store, error) or in_words(error)
            return (_environment_verdict(State.UNKNOWN, reason, began),)
        if environment not in self._store.valid([environment]):
            reason = f"{environment} is not in the store: `nixrepro run -- true` realises it"
            return (_environment_verdict(State.UNKNOWN, reason, began),)
        if found is None or guess != self._roots():
            found = survey(self._store, self._pool, self._roots(), self._progress)
        return self._judged(found, repair, began)

    def _evaluate(self) -> dict[str, Output]:
        with realise.flake(self._root, self._store) as flake:
            return self._store.outputs(flake)

    def _roots(self) -> dict[str, str]:
        return {name: self._outputs[name].path for name in ROOTS if name in self._outputs}

    def _judged(self, found: Survey, repair: bool, began: float) -> tuple[Verdict, ...]:
        """The verdicts on what was seen, repaired first where that is wanted."""
        seen: dict[str, Seen] = {}
        failed: dict[str, str] = {}
        mended: list[Bad] = []
        if found.bad:
            derivations = self._store.derivations(
                [self._outputs[name].derivation for name in self._roots()]
            )
            differing = {bad.item.path: bad.item for bad in found.bad if not bad.missing}
            absent = [bad.item.path for bad in found.bad if bad.missing]
            seen = look(self._store, derivations, differing, absent)
            if repair:
                before = found.bad
                failed = mend(self._store, derivations, [bad.item.path for bad in before])
                found = survey(self._store, self._pool, self._roots(), self._progress)
                left = {bad.item.path for bad in found.bad}
                failed = {path: failed.get(path, _LEFT) for path in left}
                mended = [bad for bad in before if bad.item.path not in left]
        first = self._environment(found)
        return (first, *paths_and_bytes(found, seen, failed, mended, time.monotonic() - began))

    def _environment(self, found: Survey) -> Verdict:
        """Whether all who name this project's environment name the same."""
        path = self._outputs["environment"].path
        findings = []
        current = realise.current(self._root)
        if current and current != path:
            file = memory.FILE
            reason = f"`nixrepro run` takes {current}: remove {file}, and it looks again"
            findings.append(Finding(path, reason, file=file))
        if found.facts is not None:
            findings += [Finding(path, reason) for reason in self._facts(found.facts, path)]
        facts = self._outputs.get("facts")
        if not findings and (facts is None or facts.path not in found.closure.by_path()):
            reason = "its facts are not in the store: `nixrepro run -- true` realises them"
            return Verdict("closure", "environment", State.UNKNOWN, reason)
        state = State.DIFFERS if findings else State.SAME
        reason = (
            "what is realised is not what the lock gives" if findings else f"the lock gives {path}"
        )
        compared = "the flake as evaluated, the environment's facts and what was realised last"
        return Verdict("closure", "environment", state, reason, compared, tuple(findings))

    def _facts(self, facts: Mapping[str, Any], path: str) -> list[str]:
        wrong = []
        if facts.get("environment") != path:
            wrong.append(f"its facts are those of {facts.get('environment')}")
        if facts.get("lock") != hashlib.sha256((self._root / locks.FILE).read_bytes()).hexdigest():
            wrong.append(f"its facts name another {locks.FILE}")
        try:
            if of_document(facts).digest != facts["identity"]["digest"]:
                wrong.append("the digest in its facts is not that of the closure in them")
        except (ValueError, KeyError, TypeError) as error:
            wrong.append(f"its facts can't be used: {error}")
        return wrong


def _environment_verdict(state: State, reason: str, began: float) -> Verdict:
    return Verdict("closure", "environment", state, reason, seconds=time.monotonic() - began)


def _paths(environment: realise.Environment) -> tuple[str, str, str]:
    """Of an environment, the paths that `ROOTS` name."""
    return environment.path, environment.facts, environment.settings
