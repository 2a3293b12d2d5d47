"""Runs a command under strace, once to see what it does, and again to see who did it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixrepro import orphans
from nixrepro.process import Runner, attend
from nixrepro.run import command, without
from nixrepro.strace import CALLS, events
from nixrepro.verify.contract import Contract, Layers, Place
from nixrepro.verify.uses import Kind, Use, uses

if TYPE_CHECKING:
    from nixrepro.realise import Environment

# The C library only does what its caller says.
_PASSING = ("libc.so", "libc-", "ld-linux", "libpthread", "libdl", "librt.")
# So many paths the second run asks for; beyond that it is one cause, many times.
_MOST = 200


@dataclass(frozen=True)
class Observed:
    """What a run was seen to do.

    Args:
        outside: each thing outside of the contract, once, in the order in which it came.
        counts: how many different things were used, by kind.
        status: the program's exit status.
    """

    outside: tuple[Use, ...]
    counts: Mapping[Kind, int]
    status: int


@dataclass(frozen=True)
class Watched:
    """One command, to be run under observation."""

    root: Path
    environment: Environment
    words: tuple[str, ...]
    tool: Path
    folder: Path
    runner: Runner

    def refused(self) -> str:
        """Why nothing can be observed on this machine; "" where it can."""
        argv = [str(self.tool), "-qq", "-f", "-e", "trace=none", "-o", os.devnull]
        try:
            done = self.runner([*argv, *self._python(), "-c", ""], env=self._variables())
        except OSError as error:
            return f"the observer can't be started: {error.strerror}"
        if done.status == 0:
            return ""
        said = [line for line in done.stderr.splitlines() if line.startswith(f"{self.tool}: ")]
        why = said[-1].removeprefix(f"{self.tool}: ") if said else f"status {done.status}"
        return (
            f"this machine lets no process be observed ({why}); in a container, allow it "
            "ptrace (--cap-add SYS_PTRACE)"
        )

    def watch(self, allowed: Contract) -> Observed:
        """Run it once and see what it does."""
        trace = self.folder / "trace"
        status = self._strace(trace, self.environment.settings, ["-e", f"trace={CALLS}"], True)
        outside: dict[tuple[Kind, str], Use] = {}
        counted: dict[Kind, set[str]] = {}
        with trace.open(encoding="utf-8", errors="surrogateescape") as lines:
            for use in _with_interpreters(uses(events(lines), str(self._place()))):
                if use.found:
                    counted.setdefault(use.kind, set()).add(use.subject)
                if allowed.outside(use):
                    outside.setdefault((use.kind, use.subject), use)
        counts = {kind: len(subjects) for kind, subjects in counted.items()}
        return Observed(tuple(outside.values()), counts, status)

    def whose(self, outside: tuple[Use, ...], known: Layers) -> dict[Use, Place]:
        """Who did it: run it again, asking for the stack of those calls alone."""
        subjects = list(dict.fromkeys(use.subject for use in outside))[:_MOST]
        hook = self.folder / "frames"
        hook.mkdir()
        shutil.copy(Path(__file__).with_name("frames.py"), hook / "sitecustomize.py")
        (hook / "asked.json").write_text(json.dumps(subjects), encoding="utf-8")
        settings = json.loads(Path(self.environment.settings).read_bytes())
        settings["variables"] = {**settings.get("variables", {}), "PYTHONPATH": str(hook)}
        (hook / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        files = [subject for subject in subjects if subject.startswith("/")]
        # Without a path it would take the stack of every call, which is very slow.
        options = ["-k", "-e", "trace=%file,mmap"] if files else ["-e", "trace=none"]
        for file in files:
            options += ["-P", file]
        trace = self.folder / "stacks"
        self._strace(trace, str(hook / "settings.json"), options, False)
        lines = frames(hook / "frames.jsonl")
        with trace.open(encoding="utf-8", errors="surrogateescape") as stream:
            stacks = {
                (use.kind, use.subject): use.stack
                for use in uses(events(stream), str(self._place()))
                if use.stack
            }
        return {
            use: attributed(
                use, lines.get(use.subject, []), stacks.get((use.kind, use.subject), ()), known
            )
            for use in outside
        }

    def _strace(self, trace: Path, settings: str, options: Sequence[str], show: bool) -> int:
        start = command(self.environment.with_settings(settings), self.root, self.words, False)
        argv = [str(self.tool), "-f", "--seccomp-bpf", "-qq", "-yy", "-s", "0", "-e", "signal=none"]
        # By itself it ignores a signal that asks it to end, as long as it writes into a file.
        argv += ["--interruptible=waiting", *options, "-o", str(trace), *start]
        with orphans.ended():
            return attend(argv, cwd=self._place(), env=self._variables(), show=show)

    def _place(self) -> Path:
        """Where it runs: in the current folder, as a run does, if that is the project's."""
        here = Path.cwd()
        return here if here.is_relative_to(self.root.resolve()) else self.root

    def _python(self) -> list[str]:
        return [f"{self.environment.path}/bin/python", "-I", "-S"]

    def _variables(self) -> dict[str, str]:
        return {**without(os.environ), "TMPDIR": str(self.folder)}


def attributed(
    use: Use, lines: Sequence[tuple[str, int]], stack: Sequence[str], known: Layers
) -> Place:
    """Who did something: a line of Python, else an object of the closure, else the program."""
    for file, line in lines:
        if file.startswith("<"):
            if file == "<string>":
                return Place("code", "a program given by -c")
        elif not known.passing(file):
            return known.place(file, line)
    for path in stack:
        if not os.path.basename(path).startswith(_PASSING):
            return known.place(path)
    return known.place(use.program) if use.program else Place("", "the command itself")


def frames(path: Path) -> dict[str, list[tuple[str, int]]]:
    """The Python stacks that the observed run wrote down, by what they used."""
    found: dict[str, list[tuple[str, int]]] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry: Any = json.loads(line)
            except ValueError:
                continue  # two processes' writes, or a killed one's half line
            for subject in entry["subjects"]:
                found.setdefault(subject, [(file, number) for file, number in entry["frames"]])
    return found


def _with_interpreters(found: Iterable[Use]) -> Iterable[Use]:
    """And the program that a script's first line names: the kernel starts it, unseen."""
    for use in found:
        yield use
        if use.kind is Kind.START and use.found:
            real = os.path.realpath(use.subject)
            if real != use.subject and not use.subject.startswith("/proc/"):
                yield Use(Kind.START, real, use.program)  # a link to it, perhaps the project's
            try:
                with open(use.subject, "rb") as stream:
                    first = stream.readline(256)
            except OSError:
                continue
            if first.startswith(b"#!") and (words := first[2:].split()):
                yield Use(Kind.START, os.fsdecode(words[0]), use.subject)
