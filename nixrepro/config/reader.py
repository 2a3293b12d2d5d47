"""Reads a pyproject.toml into a Config, and says of any wrong key where it stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from nixrepro import names
from nixrepro.config.data import read_all
from nixrepro.config.model import Base, Config, Numerics, Settings, Train, Wheels, is_table
from nixrepro.config.requirements import gather
from nixrepro.errors import ConfigError
from nixrepro.project import FILE, TABLE
from nixrepro.runtime import STATE
from nixrepro.runtime.numerics import CPUS, PORTABLE, PROFILES, THREADS
from nixrepro.runtime.variables import OWNED, refused
from nixrepro.tables import Document, Table

_HIGHEST_SEED = 2**32 - 1  # numpy takes no larger one
_MOST_THREADS = 4096


def parse(text: str, root: Path, file: str = FILE) -> Config:
    """Read the text of a pyproject.toml; touches no disk.

    Raises:
        ConfigError: with the key's full name, its line and the nearest valid name.
    """
    document = Document(text, file, ConfigError).parse()
    tool = document.table("tool")
    if "nixrepro" not in tool:
        hint = "run `nixrepro init` to add one"
        raise ConfigError(f"{file} has no [{TABLE}] table", hint=hint)
    table = tool.table("nixrepro")
    table.only(
        "record-urls", "base", "wheels", "overrides", "train", "settings", "numerics", "data"
    )
    project = document.table("project")
    return Config(
        root=root,
        name=project.string("name") or root.name,
        requires_python=project.string("requires-python"),
        base=_base(table.table("base")),
        wheels=_wheels(table.table("wheels"), document),
        overrides=_overrides(table.table("overrides")),
        train=_train(table.table("train")),
        settings=_settings(table.table("settings")),
        data=read_all(table.table("data")),
        record_urls=table.flag("record-urls", True),
        numerics=_numerics(table.table("numerics")),
    )


def _base(table: Table) -> Base:
    table.only("source", "suite", "packages", "mirror", "security-mirror", "snapshot")
    base = Base()
    return Base(
        source=table.choice("source", base.source, ("debian",)),
        suite=table.choice("suite", base.suite, names.SUITES),
        packages=table.strings("packages", names.DEB, "a Debian package's name"),
        mirror=_url(table, "mirror"),
        security_mirror=_url(table, "security-mirror"),
        snapshot=_url(table, "snapshot"),
    )


def _url(table: Table, name: str) -> str:
    return table.string(name, "", names.URL, "a URL (http, https or file)")


def _wheels(table: Table, document: Table) -> Wheels:
    table.only("project", "extras", "groups", "no-binary", "from", "as-of")
    source = table.string("from")
    if source and not names.is_inside(source):
        hint = "give it relative to the project's folder, without '..' and quotes"
        table.fail("from", f"leaves the project's folder or can't be a path: {source!r}", hint)
    wheels = Wheels(
        source=source,
        search="from" not in table,
        as_of=_day(table, "as-of"),
        project=table.flag("project", True),
        extras=table.strings("extras"),
        groups=table.strings("groups"),
        no_binary=tuple(names.normalise(name) for name in table.strings("no-binary")),
    )
    for name in wheels.no_binary:
        if not names.WHEEL.fullmatch(name):
            table.fail("no-binary", f"holds what is no distribution's name: {name!r}")
    requirements = gather(
        document, project=wheels.project, extras=wheels.extras, groups=wheels.groups
    )
    return replace(wheels, requirements=requirements)


def _day(table: Table, name: str) -> str:
    day = table.string(name, "", names.DATE, 'a date in quotes, such as "2022-03-01"')
    try:
        return day and date.fromisoformat(day).isoformat()
    except ValueError:
        table.fail(name, f"is no day of any year: {day!r}")


def _overrides(table: Table) -> tuple[tuple[str, str], ...]:
    for name in table:
        if not names.DEB.fullmatch(name):
            table.fail(name, "is not a Debian package's name")
    return tuple((name, table.choice(name, None, names.SUITES)) for name in sorted(table))


def _train(table: Table) -> Train:
    table.only("command")
    command = table.strings("command") if "command" in table else Train().command
    if not command or not command[0]:
        table.fail("command", "must name a program", 'such as ["python", "train.py"]')
    return Train(command=command)


def _settings(table: Table) -> Settings:
    table.only("seed", "deterministic", "pass", "variables")
    variables = table.table("variables")
    passed = table.strings("pass", names.VARIABLE, "a variable's name")
    for name in (*variables, *passed):
        place = variables if name in variables else table
        key = name if name in variables else "pass"
        if not names.VARIABLE.fullmatch(name):
            place.fail(key, "is not a variable's name")
        if name.startswith("NIXREPRO_"):
            place.fail(key, f"can't set {name}: those names are nixrepro's own")
        if name in OWNED:
            hint = "by it the environment finds its own files and none of the host"
            place.fail(key, f"can't set {name}: it is the environment's own", hint)
    if bad := refused(passed):
        hint = "state it in [tool.nixrepro.settings.variables], where it is recorded"
        table.fail("pass", f"can't let {bad[0]} pass, which can change results", hint)
    settings = Settings()
    return Settings(
        seed=table.number("seed", settings.seed, 0, _HIGHEST_SEED),
        deterministic=table.flag("deterministic", settings.deterministic),
        pass_=passed,
        variables=tuple((name, variables.string(name)) for name in sorted(variables)),
    )


def _numerics(table: Table) -> Numerics:
    table.only("profile", "cpu", "threads")
    numerics = Numerics()
    profile = table.choice("profile", numerics.profile, PROFILES)
    if profile != PORTABLE and "cpu" in table:
        table.fail("cpu", "is that of the portable profile", 'add profile = "portable"')
    threads = THREADS if profile == PORTABLE else numerics.threads
    if "threads" in table:
        threads = table.number("threads", None, 1, _MOST_THREADS)
    return Numerics(profile, _cpu(table, numerics.cpu), threads)


def _cpu(table: Table, default: str) -> str:
    cpu = table.string("cpu", default)
    if not is_table(cpu):
        return table.choice("cpu", default, CPUS)
    # The flake says it in a string of its own, where these would mean something.
    if not names.is_inside(cpu) or cpu.startswith(f"{STATE}/"):
        hint = "give it relative to the project's folder, without '..' and quotes"
        table.fail("cpu", f"is no path of a table in the project: {cpu!r}", hint)
    return cpu
