"""The single commands of a RUN, as far as they can be read without a shell."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

from nixrepro.imports.docker_lines import Instruction

_BETWEEN = frozenset(("&&", "||", ";", "&", "(", ")", "{", "}", ";;"))
_TO_FILE = re.compile(r"[<>&|]*[<>][<>&|]*")
_SUBSTITUTED = re.compile(r"\$\([^()]*\)|`[^`]*`")
# Quoted text, in which a # begins nothing; or a comment, `# also such a one` within a command.
_COMMENT = re.compile(
    r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|(?P<comment>`\s*\#[^`]*`|(?<!\S)\#[^\n]*)""", re.DOTALL
)
_FLAGS = re.compile(r"(?:--(?:mount|network|security)=\S+\s+)*")
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_PREFIXES = frozenset(("sudo", "exec", "time", "nice", "command", "env", "then", "do", "else", "!"))
_SHELLS = frozenset(("sh", "bash"))


def commands(run: Instruction) -> list[list[str]] | None:
    """The words of each command of a RUN; None where it can't be read as a shell's line."""
    text = _FLAGS.sub("", run.text, count=1)
    if (words := exec_form(text)) is not None:
        return commands_in(words[2]) if _is_script(words) else [words]
    if run.documents:
        head = text.split("<<", 1)[0].split()
        if head and head[0].rpartition("/")[2] not in _SHELLS:
            return [[*head, "<<"]]  # a program of another language, or a file
        text = "\n".join(line for line in run.documents if not line.lstrip().startswith("#"))
        text = text.replace("\\\n", " ")
    return commands_in(text)


def exec_form(text: str) -> list[str] | None:
    """The words of `["python", "train.py"]`; None where it is not written so."""
    if not text.startswith("["):
        return None
    try:
        words = json.loads(text)
    except json.JSONDecodeError:
        return None
    whole = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return words if whole else None


def commands_in(text: str) -> list[list[str]] | None:
    """The words of each command of a shell's line, a pipe's with "|" between; None: unreadable."""
    # What another program will say can't be known; a word with it stays as one.
    text = _COMMENT.sub(lambda found: "" if found["comment"] else found[0], text)
    text = _SUBSTITUTED.sub("$_", text).replace("\n", " ; ")
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        tokens = list(lexer)
    except ValueError:
        return None
    return [words for words in map(_plain, _split(tokens)) if words]


def _is_script(words: list[str]) -> bool:
    return [words[0].rpartition("/")[2], *words[1:2]] in (["sh", "-c"], ["bash", "-c"])


def _split(tokens: list[str]) -> Iterator[list[str]]:
    found: list[str] = []
    skip = False
    for token in tokens:
        if skip:
            skip = False
        elif token in _BETWEEN:
            yield found
            found = []
        elif _TO_FILE.fullmatch(token):
            if found and found[-1].isdigit():
                found.pop()
            skip = True
        else:
            found.append(token)
    yield found


def _plain(words: list[str]) -> list[str]:
    """Without the variables set for it, and without what merely starts it."""
    while words and (words[0] in _PREFIXES or _SETTING.fullmatch(words[0])):
        words = words[1:]
    return words
