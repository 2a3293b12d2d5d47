"""What is said of Nix: version, store, flakes, sandbox, build users, trust."""

from __future__ import annotations

from collections.abc import Iterator

from nixrepro.doctor.model import NIX, Facts, Line, State

_FEATURES = ("nix-command", "flakes")
_CONFIGURATION = "/etc/nix/nix.conf"
_RESTART = "systemctl restart nix-daemon"


def check(facts: Facts) -> Iterator[Line]:
    """A line for each; where there is no Nix, that alone."""
    nix = facts.nix
    if not nix.version:
        yield Line(NIX, "version", State.MISSING, nix.problem, _install(facts))
        return
    version = ".".join(map(str, nix.version))
    yield Line(NIX, "version", State.OK, f"Nix {version}")
    if not nix.store:
        yield Line(NIX, "store", State.MISSING, nix.store_problem, _mend_store(facts))
        return
    yield Line(NIX, "store", State.OK, _store(facts))
    yield _flakes(facts)
    yield _sandbox(facts)
    yield _builders(facts)
    if _daemon(facts):
        yield _trust(facts)


def _daemon(facts: Facts) -> bool:
    return facts.nix.store.startswith(("daemon", "unix"))


def _store(facts: Facts) -> str:
    if _daemon(facts):
        return "by Nix's daemon"
    if facts.nix.store.startswith(("local", "auto")):
        return "single-user: this user writes it"
    return f"at {facts.nix.store}"


def _install(facts: Facts) -> str:
    if not facts.system.debian:
        return "see https://nixos.org/download"
    both = "nix-bin" if facts.user.root else "nix-bin nix-setup-systemd"
    return facts.user.as_root(f"apt-get install {both}")


def _mend_store(facts: Facts) -> str:
    user = facts.user
    if user.root:
        return "nix store ping --extra-experimental-features nix-command"
    if facts.nix.systemd and (facts.system.debian and "nix-users" not in user.groups):
        return f"sudo usermod --append --groups nix-users {user.name}; then log in again"
    return "sudo systemctl start nix-daemon" if facts.nix.systemd else "sudo nix-daemon &"


def _flakes(facts: Facts) -> Line:
    on = facts.nix.settings.get("experimental-features", "").split()
    lacking = [each for each in _FEATURES if each not in on]
    if not lacking:
        return Line(NIX, "flakes", State.OK, "switched on")
    line = f"extra-experimental-features = {' '.join(_FEATURES)}"
    return Line(
        NIX,
        "flakes",
        State.WARNING,
        "switched off: nixrepro switches them on for itself, plain `nix run .#train` needs them",
        f"mkdir -p ~/.config/nix && echo '{line}' >> ~/.config/nix/nix.conf",
    )


def _sandbox(facts: Facts) -> Line:
    value = facts.nix.settings.get("sandbox", "unknown")
    said = {"true": "on", "false": "off"}.get(value, value)
    if said == "on":
        return Line(NIX, "sandbox", State.OK, "on")
    if facts.user.root and not _daemon(facts):
        return Line(
            NIX, "sandbox", State.OK, f"{said} here; nixrepro switches it on for its builds"
        )
    mend = f"sed -i 's/^sandbox *=.*/sandbox = true/' {_CONFIGURATION}"
    restart = f" && {facts.user.as_root(_RESTART)}" if _daemon(facts) else ""
    return Line(
        NIX,
        "sandbox",
        State.WARNING,
        f"{said}: builds can see this machine",
        facts.user.as_root(mend) + restart,
    )


def _builders(facts: Facts) -> Line:
    name = "build users"
    if facts.nix.settings.get("auto-allocate-uids") == "true":
        return Line(NIX, name, State.OK, "Nix allocates them itself")
    if facts.nix.group:
        return Line(NIX, name, State.OK, f"{len(facts.nix.group)} of them")
    if not facts.user.root and not _daemon(facts):
        return Line(NIX, name, State.OK, f"none: builds run as {facts.user.name}")
    install = "apt-get install nix-setup-systemd"
    fix = facts.user.as_root(install) if facts.system.debian else "see https://nixos.org/download"
    return Line(NIX, name, State.WARNING, "none: builds run as root", fix)


def _trust(facts: Facts) -> Line:
    trusted = facts.nix.settings.get("trusted-users", "").split()
    names = {facts.user.name, "*", *(f"@{group}" for group in facts.user.groups)}
    if facts.user.root or names & set(trusted):
        return Line(NIX, "trust", State.OK, f"the daemon trusts {facts.user.name}")
    # A trusted user is as good as root: nobody is told to become one.
    said = "the daemon's own settings hold; only `nixrepro verify --repair` needs root here"
    return Line(NIX, "trust", State.OK, said)
