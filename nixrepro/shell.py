"""Opens an interactive shell in a realised environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from nixrepro.become import replace
from nixrepro.realise import Environment

# What a person's session needs and no number depends on.
_SESSION = (
    "HOME",
    "TERM",
    "USER",
    "LOGNAME",
    "COLORTERM",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
    "EDITOR",
    "TMPDIR",
)
_PROMPT = "PS1='(nixrepro) \\w\\$ '\nHISTFILE=\nexec {file}<&-\n"


def start(environment: Environment) -> None:
    """Become the closure's bash, with the variables that `nix develop` sets."""
    bash = f"{environment.system}/bin/bash"
    argv = [bash, "--noprofile", "--rcfile", f"/proc/self/fd/{_prompt()}", "-i"]
    replace(argv, {**variables(environment, os.environ), "SHELL": bash, "IN_NIX_SHELL": "impure"})


def variables(environment: Environment, host: Mapping[str, str]) -> dict[str, str]:
    """All variables of a session: the person's few, then the environment's, then the project's.

    Args:
        environment: where the session is.
        host: this process's variables.
    """
    # Nix leaves out a few of a derivation's variables (TZ, SSL_CERT_FILE): these files have all.
    own = json.loads(Path(environment.facts).read_bytes())["variables"]
    stated = json.loads(Path(environment.settings).read_bytes())["variables"]
    return {
        **{name: host[name] for name in _SESSION if name in host},
        **environment.variables,
        **own,
        "NIXREPRO_DATA": environment.settings,
        **stated,
    }


def _prompt() -> int:
    """What bash reads first, in a file without a name, so that no folder need be writable."""
    file = os.memfd_create("bashrc", 0)
    os.write(file, _PROMPT.format(file=file).encode())
    return file
