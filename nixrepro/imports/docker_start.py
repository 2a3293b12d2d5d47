"""What a container starts with, as the command of a training in the project's folder."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from nixrepro.imports import docker_shell
from nixrepro.imports.docker_lines import Instruction

# What keeps a container open, or a person at work in it.
_NO_TRAINING = frozenset(("sh", "bash", "zsh", "tail", "sleep", "jupyter", "true", "tini"))
_ROOT = PurePosixPath("/")


@dataclass
class Start:
    """ENTRYPOINT and CMD so far, the line of the last of them, and WORKDIR."""

    entry: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    folder: PurePosixPath = field(default=_ROOT)
    line: int = 0

    @property
    def said(self) -> str:
        """All its words."""
        return " ".join((*self.entry, *self.words))

    def take(self, each: Instruction) -> None:
        """One ENTRYPOINT or CMD; a shell's line that is more than one command stays one."""
        words = docker_shell.exec_form(each.text)
        if words is None:
            commands = docker_shell.commands_in(each.text)
            plain = not re.search(r"[|&;<>*?$`()]", each.text)
            simple = commands is not None and len(commands) == 1 and plain
            words = commands[0] if simple and commands else ["bash", "-c", each.text]
        if each.word == "ENTRYPOINT":
            self.entry, self.words = words, []
        else:
            self.words = words
        self.line = each.line

    def command(self) -> tuple[tuple[str, ...], str]:
        """The command in the project's folder, copied to WORKDIR; or why there is none."""
        words = [*self.entry, *self.words]
        if not words:
            return (), ""
        program = PurePosixPath(words[0]).name
        interactive = program in _NO_TRAINING and words[1:2] != ["-c"]
        if interactive and not any(word.endswith((".sh", ".py")) for word in words[1:]):
            return (), "starts no training"
        if words[0].startswith(("/usr/", "/bin/", "/opt/")):
            words[0] = program
        below = f"{self.folder}/"
        if self.folder != _ROOT:
            if words[0].startswith(below):
                words[0] = f"./{words[0].removeprefix(below)}"
            words[1:] = [word.removeprefix(below) for word in words[1:]]
        return tuple(words), ""
