"""Opens an interactive shell in a realised environment."""

from __future__ import annotations

import json
import os
from pathlib import Path

from nixrepro.canonical import write_atomic
from nixrepro.process import replace
from nixrepro.realise import STATE, Environment

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
_PROMPT = "PS1='(nixrepro) \\w\\$ '\nHISTFILE=\n"


def start(environment: Environment, root: Path) -> None:
    """Become the closure's bash, with the variables that `nix develop` sets.

    Raises:
        OSError: the project's folder can't be written.
    """
    prompt = root / STATE / "bashrc"
    write_atomic(prompt, _PROMPT.encode())
    host = {name: os.environ[name] for name in _SESSION if name in os.environ}
    bash = f"{environment.system}/bin/bash"
    # Nix leaves out a few of a derivation's variables (TZ, SSL_CERT_FILE): the facts have all.
    own = json.loads(Path(environment.facts).read_bytes())["variables"]
    variables = {**host, **environment.variables, **own, "SHELL": bash, "IN_NIX_SHELL": "impure"}
    replace([bash, "--noprofile", "--rcfile", str(prompt), "-i"], variables)
