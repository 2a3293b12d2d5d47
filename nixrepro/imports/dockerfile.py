"""Reads a Dockerfile: its base, packages, wheels, variables and command, and what is left."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nixrepro.imports import (
    bases,
    docker_image,
    docker_shell,
    docker_stages,
    docker_start,
    variables,
)
from nixrepro.imports.docker_lines import Instruction, expand
from nixrepro.imports.docker_run import Installed
from nixrepro.imports.docker_stages import Stage
from nixrepro.imports.model import Imported, Left, fail, joined, text_of

FORMAT = "Dockerfile"
_ADDED = "a file of the network: name it under [tool.nixrepro.data], with its sha256"


def read(path: Path, file: str) -> Imported:
    """Read a Dockerfile.

    Raises:
        ImportFileError: it is malformed, or a requirements file that it installs is; with file,
            line and reason.
    """
    return parse(text_of(path, file), file, path.parent)


def parse(text: str, file: str, folder: Path) -> Imported:
    """The same of a text; `folder` is where the files are that it copies."""
    all_stages = docker_stages.stages(text, file)
    chain = docker_stages.chain(all_stages, all_stages[-1])
    reading = _Reading(file, Installed(folder, file))
    copied = docker_stages.copied(all_stages, chain)
    for stage in all_stages:
        if stage in chain or stage in copied:
            reading.stage(stage, wheels_only=stage in copied)
        else:
            reading.unused(stage)
    return reading.imported(chain[0])


@dataclass
class _Reading:
    """What was found so far."""

    file: str
    installed: Installed
    values: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    start: docker_start.Start = field(default_factory=docker_start.Start)

    def stage(self, stage: Stage, *, wheels_only: bool = False) -> None:
        """Take a stage's instructions; of one that is copied from, only its wheels."""
        for each in stage.instructions:
            if each.word == "RUN":
                self._run(each, wheels_only)
            elif each.word == "ARG":
                name, _, value = each.text.partition("=")
                known = self.values.get(name.strip(), "")
                self.values[name.strip()] = known or self._expanded(value.strip("'\""))
            elif each.word == "ENV":
                self._env(each, wheels_only)
            elif each.word == "WORKDIR":
                self.start.folder /= self._expanded(each.text.strip("'\""))
            elif each.word in ("CMD", "ENTRYPOINT") and not wheels_only:
                self.start.take(each)
            elif each.word == "ONBUILD" or (each.word == "ADD" and "://" in each.text):
                reason = _ADDED if each.word == "ADD" else "is not run"
                self.left.append(Left(each.line, f"{each.word} {each.text}"[:100], reason))

    def unused(self, stage: Stage) -> None:
        """Say of a stage that nothing of it was taken, if it installs something."""
        if any(each.word == "RUN" for each in stage.instructions):
            reason = "a stage on which the last one does not stand"
            self.left.append(Left(stage.line, f"FROM {stage.image} AS {stage.name}", reason))

    def imported(self, first: Stage) -> Imported:
        """All of it."""
        image = docker_image.read(first.image)
        for reason in image.reasons:
            self.left.append(Left(first.line, f"FROM {first.image}", reason))
        found = self.installed
        python, suite = image.python, image.suite
        if found.python and found.python != python:
            python = found.python
            suite, reason = bases.of_python(python)
            if reason:
                self.left.append(Left(first.line, f"python{python}", reason))
        source = self._source()
        command, reason = self.start.command()
        if reason:
            self.left.append(Left(self.start.line, self.start.said, reason))
        left = sorted((*self.left, *found.left), key=lambda each: each.line)
        return Imported(
            file=self.file,
            format=FORMAT,
            requirements=tuple(dict.fromkeys((*image.requirements, *found.requirements))),
            pins=joined(found.pins),
            constraints=tuple(dict.fromkeys(found.constraints)),
            python=python,
            packages=tuple(dict.fromkeys(found.packages)),
            suite=suite,
            no_binary=tuple(dict.fromkeys(found.no_binary)),
            folders=tuple(dict.fromkeys(found.folders)),
            files=tuple(dict.fromkeys(name for _, name in found.sources)),
            left=tuple(dict.fromkeys(left)),
            variables=tuple(self.variables.items()),
            command=command,
            source=source,
        )

    def _source(self) -> str:
        """The one requirements file; of several, all that they say becomes the Dockerfile's own."""
        from nixrepro.imports import requirements

        names = list(dict.fromkeys(name for _, name in self.installed.sources))
        if len(names) == 1:
            # Read all the same: what is wrong with it is said now.
            requirements.read(self.installed.folder / names[0], names[0])
            return names[0]
        for name in names:
            self.installed.add(requirements.read(self.installed.folder / name, name))
        return ""

    def _run(self, run: Instruction, wheels_only: bool) -> None:
        commands = docker_shell.commands(run)
        if commands is None:
            reason = "can't be read as the line of a shell"
            self.left.append(Left(run.line, run.text[:100], reason))
            return
        for words in commands:
            self.installed.command(
                list(map(self._expanded, words)), run.line, wheels_only=wheels_only
            )

    def _env(self, env: Instruction, wheels_only: bool) -> None:
        for name, value in self._pairs(env):
            self.values[name] = value
            if wheels_only:
                continue
            if reason := variables.reason(name, value):
                if not variables.is_tools(name):
                    self.left.append(Left(env.line, f"ENV {name}", reason))
            else:
                self.variables[name] = value

    def _pairs(self, env: Instruction) -> Iterator[tuple[str, str]]:
        if not re.match(r"[^\s=]+=", env.text):
            name, _, value = env.text.partition(" ")
            yield name, self._expanded(docker_stages.bare(value.strip()))
            return
        try:
            words = shlex.split(env.text)
        except ValueError as error:
            fail(self.file, env.line, f"ENV can't be read: {error}")
        for word in words:
            name, equals, value = word.partition("=")
            if not equals:
                fail(self.file, env.line, f"ENV gives no value to {word!r}")
            yield name, self._expanded(value)

    def _expanded(self, text: str) -> str:
        return expand(text, self.values)
