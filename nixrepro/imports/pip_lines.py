"""The lines of a requirements file, read by pip's own code in a library of its own."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nixrepro.imports.model import Left, fail

if TYPE_CHECKING:
    from pip_requirements_parser import InstallRequirement, OptionLine

BUILT = "the options of single builds are not passed on: it is built as its own files say"
_CONDA = re.compile(r"[A-Za-z0-9_.-]+=[0-9][^=\s]*(=\S*)?")
_EXPORT = "conda writes such a list: `conda env export > environment.yml` makes one to import"
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
# An option of later pips, which the library does not know.
_SETTINGS = re.compile(r"\s--config-settings?[ =](\"[^\"]*\"|'[^']*'|\S+)")


def prepared(text: str, file: str, environ: Mapping[str, str]) -> tuple[str, list[Left]]:
    """The text with its variables' values, where they have one, as pip puts them in.

    Args:
        text: the file's.
        file: its name.
        environ: the variables.
    """
    lines, left = [], []
    for number, line in enumerate(text.splitlines(), 1):
        new, many = _SETTINGS.subn("", line)
        if many:
            left.append(Left(number, "--config-settings", BUILT, file=file))
        lines.append(_VARIABLE.sub(lambda found: environ.get(found[1]) or found[0], new))
    return "\n".join(lines) + "\n", left


def parsed(text: str, file: str) -> list[OptionLine | InstallRequirement]:
    """Options and requirements, in the order of the file.

    Raises:
        ImportFileError: a line is neither.
    """
    from pip_requirements_parser import RequirementsFile

    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as copy:
        copy.write(text)
        copy.flush()
        found = RequirementsFile.from_file(copy.name)
    for wrong in found.invalid_lines:
        refuse_unset(str(wrong.requirement_line.line), file, int(wrong.line_number))
        reason = str(wrong.error_message).removeprefix("pip_requirements_parser: error: ")
        first = reason.removeprefix("Invalid requirement: : ").split("\n")[0]
        hint = _EXPORT if _CONDA.fullmatch(str(wrong.requirement_line.line).strip()) else ""
        fail(file, int(wrong.line_number), f"is no line of a requirements file: {first}", hint)
    return sorted((*found.options, *found.requirements), key=lambda each: int(each.line_number))


def refuse_unset(line: str, file: str, number: int) -> None:
    """Refuse a line with a variable that has no value.

    Raises:
        ImportFileError: it has one.
    """
    if unset := _VARIABLE.search(line):
        fail(file, number, f"the variable {unset[1]} is not set")
