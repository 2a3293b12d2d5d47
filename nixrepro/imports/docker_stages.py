"""The stages of a Dockerfile, and on which of them one stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nixrepro.imports.docker_lines import Instruction, expand, instructions
from nixrepro.imports.model import fail

_FROM = re.compile(r"(?:--\S+\s+)*(?P<image>\S+)(?:\s+AS\s+(?P<name>\S+))?", re.IGNORECASE)
_COPIED = re.compile(r"--from=(\S+)")


@dataclass(frozen=True)
class Stage:
    """From one FROM to the next; `image` with the variables' values put in."""

    line: int
    image: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)


def stages(text: str, file: str) -> list[Stage]:
    """All stages, in their order.

    Raises:
        ImportFileError: a line is no instruction, or there is no stage.
    """
    found: list[Stage] = []
    outside: dict[str, str] = {}
    for each in instructions(text, file):
        if each.word == "FROM":
            named = _FROM.fullmatch(expand(each.text, outside))
            if named is None:
                fail(file, each.line, f"names no image: {each.text!r}")
            found.append(Stage(each.line, named["image"], named["name"] or ""))
        elif found:
            found[-1].instructions.append(_given(each, outside))
        elif each.word == "ARG":
            name, _, value = each.text.partition("=")
            outside[name.strip()] = expand(bare(value.strip()), outside)
        else:
            fail(file, each.line, f"has {each.word} before the first FROM")
    if not found:
        fail(file, 1, "has no FROM, so it is no Dockerfile")
    return found


def chain(stages: list[Stage], last: Stage) -> list[Stage]:
    """The stages that one stands on, from the bottom, and itself."""
    earlier = stages[: stages.index(last)]
    under = next((each for each in reversed(earlier) if _is(each, stages, last.image)), None)
    return [*(chain(stages, under) if under else ()), last]


def _is(stage: Stage, stages: list[Stage], name: str) -> bool:
    return name.lower() == stage.name.lower() or name == str(stages.index(stage))


def copied(stages: list[Stage], standing: list[Stage]) -> list[Stage]:
    """The other stages out of which one of these copies files, and what those stand on."""
    found: list[Stage] = []
    for stage in standing:
        for each in stage.instructions:
            name = _COPIED.search(each.text) if each.word == "COPY" else None
            for other in stages:
                if name and _is(other, stages, name[1]) and other not in standing:
                    found += [one for one in chain(stages, other) if one not in (*standing, *found)]
    return found


def _given(each: Instruction, outside: Mapping[str, str]) -> Instruction:
    """An `ARG NAME` of a stage has the value that NAME has before the first FROM."""
    if each.word == "ARG" and each.text in outside:
        return replace(each, text=f"{each.text}={outside[each.text]}")
    return each


def bare(text: str) -> str:
    """The text without the quotes around it."""
    same = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if same else text
