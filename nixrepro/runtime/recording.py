"""One run's record from its start to its end: facts, folder, log, result, summary."""

from __future__ import annotations

import os
import time

from .launch import UNRECORDED, Options, Refused, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from signal import Signals
    from typing import Any

    from .git import Code
    from .probe.kept import Probing
    from .supervise import Ended


class Run:
    """One recorded run, from its first record to its last."""

    def __init__(
        self,
        *,
        options: Options,
        environment: dict[str, Any],
        settings: dict[str, Any],
        command: list[str],
        passed: list[str],
        host: dict[str, str],
        tracked: dict[str, str],
        data: list[dict[str, Any]] | None = None,
    ) -> None:
        from .variables import digests

        self.project = os.path.abspath(options.project)
        self.environment = environment
        self.settings = settings
        self.command = command
        self.passed = digests(host, passed)
        self.tracked = digests(tracked, tracked)
        self.steps = options.steps
        self.data = data
        self.clean, self.quiet = options.clean, options.quiet

    def begin(self, code: Code, scratch: str) -> None:
        """Take the facts, make the folder, write the first record.

        Raises:
            Refused: the project's folder can't be written, or was to be clean.
        """
        from . import host, record
        from .canonical import write_atomic
        from .folder import LOG, RUNS, Folder, opened
        from .relay import Relay

        hardware = host.facts()
        facts, patches = code.finish(scratch)
        self.code = code
        code.judge(facts, clean=self.clean, quiet=self.quiet)
        where = os.path.relpath(os.getcwd(), self.project)
        self.record = record.begin(
            environment=self.environment,
            settings=self.settings,
            command=self.command,
            code=facts,
            hardware=hardware,
            passed=self.passed,
            folder=where,
            data=self.data,
        )
        if self.tracked:
            self.record["tracking"] = {"passed": self.tracked}
        self.locks = opened(self.project)
        try:
            self.folder = Folder(self.project, self.record["id"])
            for name, patch in patches.items():
                write_atomic(self.folder.file(name), patch)
            self.record["fingerprint"] = {}
            self.folder.save(self.record)
            self.relay = Relay(self.folder.file(LOG))
        except OSError as error:
            place = os.path.join(self.project, RUNS)
            raise Refused(
                f"the run can't be recorded in {place}: {error.strerror}. Nothing was started. "
                "Make room there or make it writable, or run with --no-record",
                UNRECORDED,
            ) from None

    def probing(
        self, env: dict[str, str], host: dict[str, str], mask: set[Signals], scratch: str
    ) -> Probing:
        """What finds or takes the probe of the arithmetic that the program was run with.

        Args:
            env: the program's variables.
            host: this process's.
            mask: the signal mask that the program got.
            scratch: the run's temporary folder.
        """
        from .probe.kept import Place, Probing

        def find() -> Place:
            return Place(
                project=self.project,
                environment=self.environment,
                settings=self.settings,
                hardware=self.record["layers"]["hardware"],
                env=env,
                passed=[*self.passed, *self.tracked],
            )

        return Probing(find, host, mask, scratch)

    def handing(
        self,
        env: dict[str, str],
        host: dict[str, str],
        mask: set[Signals],
        scratch: str,
        quiet: bool,
    ) -> Callable[[dict[str, Any]], dict[str, Any] | None] | None:
        """What gives the record to the runs of trackers that it names; None in a trial.

        Args:
            env: the program's variables.
            host: this process's.
            mask: the signal mask that the program got.
            scratch: the run's temporary folder.
            quiet: say nothing.
        """
        from .variables import SWITCH

        if host.get(SWITCH) == "no":
            return None

        def hand(record: dict[str, Any]) -> dict[str, Any] | None:
            from .trackers.uploading import handed

            return handed(record, self, env, mask, scratch, quiet)

        return hand

    def end(
        self,
        ended: Ended,
        before: float,
        quiet: bool,
        begun: float,
        probing: Probing | None = None,
        hand: Callable[[dict[str, Any]], dict[str, Any] | None] | None = None,
    ) -> int:
        """Write the final record and the summary; gives the exit status.

        Args:
            ended: how the program ended.
            before: seconds that were spent until it started.
            quiet: say nothing.
            begun: when it ended, on the monotonic clock.
            probing: takes the probe of the environment's arithmetic, where none is kept.
            hand: gives the record to the runs of trackers that it names, and changes it where
                that fails.
        """
        from . import events, record, result
        from .folder import events as read_events
        from .folder import lying
        from .wording import summary

        if not ended.wall:
            self.relay.start()
        log = self.relay.finish()
        said = read_events(self.folder.file(events.FILE))
        gathered = result.gather(said)
        fingerprint = result.fingerprint(gathered)
        gathered["steps"], beside = self._steps()
        facts = self.record["layers"]["code"]
        facts.update(self.code.names())
        for each in facts.get("submodules", []):
            if "file" in each.get("patch", {}):
                beside[f"patch of {each['path']}"] = each["patch"]
        probe = probing.known(bool(ended.status or ended.forwarded)) if probing else None
        final = record.end(
            {**self.record, "probe": probe or self.record["probe"]},
            status=status_of(ended),
            exit_facts={
                "status": ended.status,
                "signal": ended.signal or None,
                "reason": ended.reason,
                "received": list(ended.forwarded),
            },
            timings={
                "wall": round(ended.wall, 6),
                "user": round(ended.user, 6),
                "system": round(ended.system, 6),
                "peak-memory": ended.memory,
                "recording": round(before + time.monotonic() - begun, 6),
            },
            result=gathered,
            fingerprint=fingerprint,
            files={"log": log, **lying("events", self.folder.file(events.FILE)), **beside},
        )
        if trackers := result.trackers(said):
            final["trackers"] = trackers
        status = ended.status
        try:
            self.folder.save(final, final=True)
        except OSError as error:
            say(f"the record in {self.folder.path} could not be completed: {error.strerror}")
            status = status or UNRECORDED
        if not quiet:
            for line in summary(final, self.folder.file("record.json")):
                say(line)
        if probing and not probe:
            final = self._probe(final, probing, quiet)
        if hand and trackers and (changed := hand(final)):
            self._again(changed, "trackers' answer")
        return status

    def _probe(self, final: dict[str, Any], probing: Probing, quiet: bool) -> dict[str, Any]:
        """The record with the probe, which is taken now."""
        found = {**final, "probe": probing.take(None if quiet else _patience)}
        self._again(found, "probe")
        return found

    def _again(self, record: dict[str, Any], what: str) -> None:
        """Write the record once more: until then it was whole without."""
        try:
            self.folder.save(record, final=True)
        except OSError as error:
            say(f"the {what} could not be recorded in {self.folder.path}: {error.strerror}")

    def _steps(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the result says of the steps, and the file that lies beside the record."""
        if not self.steps:
            return {}, {}
        from .step_writer import FILE, summary

        try:
            count, file = summary(self.folder.file(FILE))
        except OSError:
            nothing = {"unknown": "no training step was seen"}
            return {"every": self.steps, "count": 0, "digest": nothing}, {}
        return {"every": self.steps, "count": count, "digest": file["sha256"]}, {"steps": file}


def _patience() -> None:
    say("taking the probe of this environment's arithmetic, once: a few seconds")


def status_of(ended: Ended) -> str:
    """The record's word for an end: done, failed, killed or interrupted (by Ctrl-C or SIGINT)."""
    if ended.signal:
        return "interrupted" if ended.signal == "SIGINT" else "killed"
    return "done" if ended.status == 0 else "failed"
