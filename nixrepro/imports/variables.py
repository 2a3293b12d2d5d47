"""Which variables of another environment belong into the settings of a run."""

from __future__ import annotations

import re

from nixrepro.names import CONTROL, VARIABLE
from nixrepro.runtime.variables import OWNED

# Of the other tool, or of the building of an image: they say nothing to a program that trains.
_TOOLS = re.compile(
    r"(PIP|UV|POETRY|PIPENV|CONDA|MAMBA|DEBIAN|APT|GPG|PYENV|PDM|NVIDIA_VISIBLE|NVIDIA_REQUIRE)"
    r"(_.*)?|NVIDIA_DRIVER_CAPABILITIES|VIRTUAL_ENV|PYTHON_(VERSION|SHA256|PIP_.*|GET_PIP_.*|"
    r"SETUPTOOLS_.*)|PATH|HOME|USER|LOGNAME|SHELL|TERM|HOSTNAME|INITRD|TMPDIR"
)
_SECRET = re.compile(r"(^|_)(SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIALS?|(API|ACCESS)_?KEY)(_|$)")


def reason(name: str, value: str) -> str:
    """Why a variable is not taken over, "" where it is."""
    if not VARIABLE.fullmatch(name):
        return "is not a variable's name"
    if _SECRET.search(name):
        return "looks like a secret: name it in settings.pass, then its value stays outside"
    if name in OWNED or name.startswith(("NIXREPRO_", "LD_")):
        return "is the environment's own: by it its files are found"
    if is_tools(name):
        return "steers other tools, and no run"
    if "$" in value:
        return "stands on a variable that the file does not set"
    if CONTROL.search(value):
        return "holds a control character"
    return ""


def is_tools(name: str) -> bool:
    """Whether it says nothing to a program that trains, so that nobody will miss it."""
    return bool(_TOOLS.fullmatch(name))
