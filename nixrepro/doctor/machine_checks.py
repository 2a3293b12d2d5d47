"""What is said of programs, processor, kernel, GPU, disks and terminal."""

from __future__ import annotations

from collections.abc import Iterator

from nixrepro.doctor.model import DISK, MACHINE, TERMINAL, TOOLS, Facts, Line, Place, State
from nixrepro.record_text import known, size

# What the project's own TensorFlow closure takes, built and with its artefacts, and some room.
ROOM = {"store": 10_000_000_000, "cache": 1_000_000_000, "temporary": 1_000_000_000}
LEAST = 500_000_000
_USERNS = (
    ("user.max_user_namespaces", "0", "15000"),
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
)
_YAMA = "kernel.yama.ptrace_scope"


def check(facts: Facts) -> Iterator[Line]:
    """A line for each."""
    yield from _tools(facts)
    yield _processor(facts)
    yield _namespaces(facts)
    yield _tracing(facts)
    yield _gpu(facts)
    for place in facts.places:
        yield _disk(place)
    yield _terminal(facts)


def _tools(facts: Facts) -> Iterator[Line]:
    for name, version in facts.tools.items():
        if version:
            yield Line(TOOLS, name, State.OK, version)
        elif name == "uv":
            said = "not there: `nixrepro lock` asks it for versions"
            yield Line(TOOLS, name, State.MISSING, said, "python -m pip install uv")
        else:
            install = facts.user.as_root(f"apt-get install {name}")
            fix = install if facts.system.debian else f"install {name}"
            said = "not there: runs are recorded without their code"
            yield Line(TOOLS, name, State.WARNING, said, fix)


def _processor(facts: Facts) -> Line:
    said = f"{facts.system.architecture}, {facts.system.kernel}, {facts.system.name}"
    if facts.system.architecture == "x86_64" and facts.system.kernel.startswith("Linux"):
        return Line(MACHINE, "system", State.OK, said)
    fix = "use a machine with Linux on x86-64"
    return Line(MACHINE, "system", State.MISSING, f"{said}: closures are for x86-64", fix)


def _namespaces(facts: Facts) -> Line:
    name, reason = "user namespaces", facts.system.namespaces
    if not reason:
        return Line(MACHINE, name, State.OK, "can be made")
    for key, off, on in _USERNS:
        if facts.system.settings.get(key) == off:
            fix = facts.user.as_root(f"sysctl -w {key}={on}")
            return Line(MACHINE, name, State.WARNING, f"{key} is {off}: {reason}", fix)
    said = f"can't be made: {reason}; a sandbox without root needs them"
    return Line(MACHINE, name, State.WARNING, said, "in a container: give it --privileged")


def _tracing(facts: Facts) -> Line:
    reason = facts.system.tracing
    if not reason:
        return Line(MACHINE, "tracing", State.OK, "possible: a virtual CPU can be had")
    said = f"not possible: {reason}; the portable profile then uses variables, which is weaker"
    scope = facts.system.settings.get(_YAMA, "")
    if scope.isdigit() and int(scope) > 1:
        # 3 can't be lowered again before the machine is started anew.
        again = "; then start the machine again" if scope == "3" else ""
        fix = facts.user.as_root(f"sysctl -w {_YAMA}=1") + again
    else:
        fix = "in a container: give it --cap-add SYS_PTRACE; else leave the debugger or strace"
    return Line(MACHINE, "tracing", State.WARNING, said, fix)


def _gpu(facts: Facts) -> Line:
    devices, driver = facts.gpu.get("devices"), facts.gpu.get("driver")
    named = [f"{each['vendor']} {each['device']}" for each in devices or [] if "vendor" in each]
    said = f"{', '.join(named) or 'none'}; driver {known(driver)}"
    nvidia = any(name.startswith("NVIDIA") for name in named)
    if isinstance(driver, dict) and nvidia:
        install = facts.user.as_root("apt-get install nvidia-driver")
        fix = install if facts.system.debian else "install NVIDIA's driver"
        return Line(MACHINE, "GPU", State.WARNING, said, fix)
    return Line(MACHINE, "GPU", State.OK, said)


def _disk(place: Place) -> Line:
    said = f"{size(place.free)} free in {place.path}"
    if place.writable is False:
        fix = f"make {place.path} writable for you, or name another folder"
        return Line(DISK, place.name, State.MISSING, f"{said}, which you can't write to", fix)
    wanted = ROOM.get(place.name, LEAST)
    if place.free >= wanted:
        return Line(DISK, place.name, State.OK, said)
    fix = "nix-collect-garbage" if place.name == "store" else f"make room in {place.path}"
    state = State.WARNING if place.free >= LEAST else State.MISSING
    return Line(DISK, place.name, state, f"{said}; {size(wanted)} is a good measure", fix)


def _terminal(facts: Facts) -> Line:
    encoding = str(facts.terminal.get("encoding", ""))
    where = f"{facts.terminal['columns']} columns" if facts.terminal.get("tty") else "a pipe"
    if encoding.lower().replace("-", "") == "utf8":
        return Line(TERMINAL, "locale", State.OK, f"{encoding}, {where}")
    said = f"{encoding or 'no encoding'}, {where}: names beyond ASCII are spelled out"
    return Line(TERMINAL, "locale", State.WARNING, said, "export LANG=C.UTF-8")
