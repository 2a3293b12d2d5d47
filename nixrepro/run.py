"""Starts a command in a realised environment, through the one supervisor that records runs."""

from __future__ import annotations

import os

from nixrepro.become import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from nixrepro.memory import Environment

# The supervisor itself must not load or say what the host's variables ask for; the program's own
# set of variables is the supervisor's work.
_HOST = ("LD_", "LC_", "LANG", "GLIBC_TUNABLES", "LOCPATH", "GCONV_PATH", "MALLOC_", "PYTHON")


def command(
    environment: Environment,
    root: str | PathLike[str],
    words: Sequence[str],
    record: bool,
    fingerprint: str = "",
    *,
    clean: bool = False,
    data: bool = False,
    quiet: bool = False,
) -> list[str]:
    """The supervisor's command line.

    Args:
        environment: where to run.
        root: the project's folder, where the record goes.
        words: the program and its arguments; none for the project's training command.
        record: whether to record.
        fingerprint: `steps` or `steps:N` for digests after every N-th training step.
        clean: refuse code that is not committed and complete.
        data: refuse data by reference that is not what is pinned.
        quiet: have the supervisor say nothing but errors.
    """
    argv = [
        f"{environment.path}/bin/python",
        "-I",
        "-m",
        "nixrepro_runtime.launch",
        "--environment",
        environment.facts,
        "--settings",
        environment.settings,
        "--project",
        os.fspath(root),
    ]
    if not record:
        argv.append("--no-record")
    if clean:
        argv.append("--require-clean")
    if data:
        argv.append("--require-data")
    if quiet:
        argv.append("--quiet")
    if fingerprint:
        argv += ["--fingerprint", fingerprint]
    return [*argv, "--", *words]


def start(
    environment: Environment,
    root: str | PathLike[str],
    words: Sequence[str],
    *,
    record: bool,
    fingerprint: str = "",
    clean: bool = False,
    data: bool = False,
    quiet: bool = False,
) -> None:
    """Become the supervisor: output, signals and exit status are then the program's own."""
    told = {"clean": clean, "data": data, "quiet": quiet}
    argv = command(environment, root, words, record, fingerprint, **told)
    replace(argv, without(os.environ))


def without(variables: Mapping[str, str]) -> dict[str, str]:
    """The host's variables less those that steer loaders and languages."""
    return {name: value for name, value in variables.items() if not name.startswith(_HOST)}
