"""Facts of the machine and of who asks; what may be forbidden is tried in a process of its own."""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nixrepro.doctor.model import System, User
from nixrepro.errors import NixreproError
from nixrepro.process import Runner

_SETTINGS = (
    "user.max_user_namespaces",
    "kernel.unprivileged_userns_clone",
    "kernel.apparmor_restrict_unprivileged_userns",
    "kernel.yama.ptrace_scope",
)
_NEW_USER = 0x10000000
_TRACE_ME = 0


def user() -> User:
    """Who this process runs as."""
    number = os.geteuid()
    try:
        entry = pwd.getpwuid(number)
    except KeyError:  # a number without a name, as containers give one
        return User(str(number), number == 0, home=os.path.expanduser("~"))
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    names = tuple(filter(None, map(_group, groups)))
    return User(entry.pw_name, number == 0, names, entry.pw_dir)


def members(name: str) -> tuple[str, ...] | None:
    """The members of a group; None where there is no such group."""
    try:
        return tuple(grp.getgrnam(name).gr_mem)
    except KeyError:
        return None


def system(root: Path) -> System:
    """The distribution and the kernel, and what it lets a process do."""
    release = dict(
        line.partition("=")[::2] for line in _text(root / "etc/os-release").splitlines() if line
    )
    about = os.uname()
    settings = {name: _text(root / "proc/sys" / name.replace(".", "/")) for name in _SETTINGS}
    library = ctypes.CDLL(None, use_errno=True)
    return System(
        name=release.get("PRETTY_NAME", "a system without a name").strip('"'),
        debian=(root / "usr/bin/apt-get").exists(),
        architecture=about.machine,
        kernel=f"{about.sysname} {about.release}",
        namespaces=tried(lambda: library.unshare(_NEW_USER)),
        tracing=tried(lambda: library.ptrace(_TRACE_ME, 0, 0, 0)),
        settings={name: value.strip() for name, value in settings.items() if value},
    )


def tried(call: Callable[[], Any]) -> str:
    """Make a call of the C library in a child; "" where it succeeds, else the error's name."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if call() == 0 else ctypes.get_errno() or 255)
        finally:
            os._exit(255)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return ""
    return os.strerror(code) if 0 < code < 255 else "it failed"  # noqa: PLR2004


def git_version(runner: Runner) -> str:
    """Of the git on PATH; "" where there is none."""
    try:
        done = runner(["git", "--version"])
    except OSError:
        return ""
    said = done.stdout.decode(errors="replace").strip()
    return said.removeprefix("git version ") if done.status == 0 else ""


def uv_version(runner: Runner) -> str:
    """Of the uv that the tool asks; "" where there is none."""
    from nixrepro.uv import Uv

    try:
        return Uv(Path("/"), runner=runner).version()
    except (ImportError, OSError, NixreproError):
        return ""


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
