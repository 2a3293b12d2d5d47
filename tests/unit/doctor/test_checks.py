"""What is said of each thing that a machine may lack, and what mends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nixrepro.doctor import Facts, State, check
from nixrepro.doctor.model import Place, ProjectFacts, Server
from nixrepro.doctor.text import code
from nixrepro.errors import Exit

from .machines import ALICE, DAEMON, GOOD, SINGLE, line, nix, project, system

OK, WARNING, MISSING = State.OK, State.WARNING, State.MISSING
ASKED = replace(GOOD, user=ALICE, nix=DAEMON)
BARE = replace(GOOD, nix=replace(SINGLE, version=(), problem="Nix is not installed"))
SILENT = nix(store="", store_problem="cannot connect")
FEATURES = {**SINGLE.settings, "experimental-features": "nix-command"}


def sandboxed(value: str) -> dict[str, str]:
    return {**SINGLE.settings, "sandbox": value}


def test_where_all_is_well_nothing_is_to_be_mended() -> None:
    found = check(GOOD)
    assert {each.state for each in found} == {OK}
    assert not any(each.fix for each in found)
    assert code(found) == Exit.OK
    assert len({(each.group, each.subject) for each in found}) == len(found)


@pytest.mark.parametrize(
    ("facts", "subject", "state", "said", "fix"),
    [
        (BARE, "version", MISSING, "not installed", "apt-get install nix-bin"),
        (replace(BARE, user=ALICE), "version", MISSING, "", "sudo apt-get install nix-bin nix-se"),
        (system(BARE, debian=False), "version", MISSING, "", "see https://nixos.org/download"),
        (SILENT, "store", MISSING, "cannot connect", "nix store ping"),
        (
            replace(SILENT, user=ALICE, nix=replace(SILENT.nix, systemd=True)),
            *("store", MISSING, "cannot connect", "sudo systemctl start nix-daemon"),
        ),
        (
            replace(
                SILENT, user=replace(ALICE, groups=()), nix=replace(SILENT.nix, systemd=True)
            ),
            *("store", MISSING, "cannot connect", "usermod --append --groups nix-users alice"),
        ),
        (replace(SILENT, user=ALICE), "store", MISSING, "", "sudo nix-daemon"),
        (ASKED, "store", OK, "by Nix's daemon", ""),
        (nix(store="ssh-ng://host.example"), "store", OK, "at ssh-ng://host.example", ""),
        (nix(settings=FEATURES), "flakes", WARNING, "nix run", ".config/nix/nix.conf"),
        (nix(settings={}), "flakes", WARNING, "", "nix-command flakes"),
        (nix(settings=sandboxed("false")), "sandbox", OK, "switches it on", ""),
        (nix(ASKED, settings=sandboxed("false")), "sandbox", WARNING, "off", "sudo sed -i"),
        (nix(ASKED, settings=sandboxed("relaxed")), "sandbox", WARNING, "relaxed", "restart"),
        (nix(ASKED, settings={}), "sandbox", WARNING, "unknown", "sudo sed"),
        (nix(group=None), "build users", WARNING, "root", "apt-get install nix-setup-systemd"),
        (nix(group=None, settings={"auto-allocate-uids": "true"}), "build users", OK, "itself", ""),
        (replace(nix(group=()), user=ALICE), "build users", OK, "as alice", ""),
        (ASKED, "trust", OK, "verify --repair", ""),
        (nix(ASKED, settings={"trusted-users": "root @alice"}), "trust", OK, "trusts alice", ""),
        (nix(ASKED, settings={"trusted-users": "*"}), "trust", OK, "trusts alice", ""),
        (replace(GOOD, tools={"uv": ""}), "uv", MISSING, "lock", "pip install uv"),
        (replace(GOOD, tools={"git": ""}), "git", WARNING, "code", "apt-get install git"),
        (system(architecture="aarch64"), "system", MISSING, "aarch64", "x86-64"),
        (system(kernel="Darwin 24"), "system", MISSING, "Darwin", "Linux"),
        (
            system(namespaces="denied", settings={"kernel.unprivileged_userns_clone": "0"}),
            *("user namespaces", WARNING, "denied", "sysctl -w kernel.unprivileged_userns_clone=1"),
        ),
        (
            system(
                replace(GOOD, user=ALICE),
                namespaces="denied",
                settings={"kernel.apparmor_restrict_unprivileged_userns": "1"},
            ),
            *("user namespaces", WARNING, "denied", "sudo sysctl -w kernel.apparmor"),
        ),
        (system(namespaces="denied"), "user namespaces", WARNING, "denied", "container"),
        (
            system(tracing="denied", settings={"kernel.yama.ptrace_scope": "2"}),
            *("tracing", WARNING, "weaker", "sysctl -w kernel.yama.ptrace_scope=1"),
        ),
        (
            system(tracing="denied", settings={"kernel.yama.ptrace_scope": "3"}),
            *("tracing", WARNING, "weaker", "start the machine again"),
        ),
        (
            system(tracing="denied", settings={"kernel.yama.ptrace_scope": "1"}),
            *("tracing", WARNING, "denied", "SYS_PTRACE"),
        ),
        (
            replace(
                GOOD,
                gpu={
                    "devices": [{"vendor": "NVIDIA", "device": "0x2335"}],
                    "driver": {"unknown": "not loaded"},
                },
            ),
            *("GPU", WARNING, "NVIDIA 0x2335; driver unknown: not loaded", "nvidia-driver"),
        ),
        (
            replace(GOOD, gpu={"devices": {"unknown": "no PCI bus"}, "driver": "none"}),
            *("GPU", OK, "none", ""),
        ),
        (
            replace(GOOD, places=(Place("store", "/nix/store", 3_000_000_000),)),
            *("store", WARNING, "3.0 GB free", "nix-collect-garbage"),
        ),
        (
            replace(GOOD, places=(Place("temporary", "/tmp", 3_000_000, True),)),
            *("temporary", MISSING, "3.0 MB free", "make room in /tmp"),
        ),
        (
            replace(GOOD, places=(Place("cache", "/c", 10**11, False),)),
            *("cache", MISSING, "can't write", "make /c writable"),
        ),
        (
            replace(GOOD, terminal={"encoding": "ANSI_X3.4-1968", "tty": False}),
            *("locale", WARNING, "a pipe", "export LANG=C.UTF-8"),
        ),
        (
            replace(GOOD, servers=(Server("mirror", problem="none known", fix="set it"),)),
            *("mirror", MISSING, "none known", "set it"),
        ),
        (
            replace(GOOD, servers=(Server("mirror", "http://m.example", "404", "look"),)),
            *("mirror", MISSING, "http://m.example: 404", "look"),
        ),
        (
            replace(GOOD, servers=(Server("mirror", "http://m.example", seconds=0.25),)),
            *("mirror", OK, "answered in 0.2 s", ""),
        ),
        (replace(GOOD, keys=0), "archive keys", MISSING, "empty", "pip install"),
        (replace(GOOD, keys="gone"), "archive keys", MISSING, "gone", "pip install"),
        (project(problem="line 3", fix="do"), "pyproject.toml", MISSING, "line 3", "do"),
        (project(lock="no lock"), "lock", MISSING, "no lock", "nixrepro lock"),
        (project(library=tuple("abcde")), "library", WARNING, "a, b, c and 2", "init --update"),
        (project(absent=True), "library", MISSING, "not there", "nixrepro init --update"),
        (project(own=True), "library", OK, "comes from", ""),
        (project(realised=False), "environment", OK, "the next run", ""),
        (project(code=("x", "y")), "code", WARNING, "x; y", "commit"),
        (project(code=("in no Git repository",)), "code", WARNING, "in no Git", "git init"),
        (
            replace(project(code=("there is no git",)), tools={"git": "", "uv": "1"}),
            *("code", WARNING, "there is no git", "install git"),
        ),
        (project(runs=1), "records", OK, "1 run", ""),
        (project(artefacts=1), "lock", OK, "1 artefact", ""),
        (project(broken=("r/1",)), "records", WARNING, "r/1", "rm -r r/1"),
        (replace(GOOD, project=ProjectFacts()), "folder", OK, "nixrepro init", ""),
    ],
)  # fmt: skip
def test_each(facts: Facts, subject: str, state: State, said: str, fix: str) -> None:
    # Nix's store and the disk that it is on have one name.
    found = [each for each in check(facts) if each.subject == subject and said in each.said]
    one = found[-1] if "free" in said else found[0]
    assert (one.state, bool(one.fix)) == (state, bool(fix))
    assert said in one.said and fix in one.fix
    assert (one.state is OK) == (not one.fix)


def test_nothing_more_is_said_of_a_nix_that_is_not_there() -> None:
    assert [each.subject for each in check(BARE) if each.group == "Nix"] == ["version"]
    assert [each.subject for each in check(SILENT) if each.group == "Nix"] == ["version", "store"]


def test_a_project_that_can_not_be_read_has_no_lock_to_speak_of() -> None:
    subjects = {each.subject for each in check(project(problem="line 3"))}
    assert "lock" not in subjects and "records" in subjects


def test_exit_codes() -> None:
    assert code(check(nix(settings=FEATURES))) == Exit.OK  # a warning only
    assert code(check(BARE)) == code(check(SILENT)) == Exit.NO_NIX == 3
    assert code(check(project(lock="no lock"))) == 1
    assert code(check(project(BARE, lock="no lock"))) == Exit.NO_NIX


def test_an_administrator_needs_no_sudo() -> None:
    assert line(replace(GOOD, tools={"git": ""}), "git").fix == "apt-get install git"
    alice = replace(GOOD, user=ALICE, tools={"git": ""})
    assert line(alice, "git").fix == "sudo apt-get install git"
