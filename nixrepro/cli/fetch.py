"""`nixrepro fetch`: all files that the lock names into the Nix store, so that nothing else asks."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro import config as configs
from nixrepro import lock as locks
from nixrepro.cli.output import answer_json, answer_table, say
from nixrepro.errors import Exit


@click.command("fetch")
@click.option("--offline", is_flag=True, help="Ask no network; list what is missing.")
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Look for files in FOLDER first, by their published or store names.",
)
@click.option("--data", "data", multiple=True, metavar="NAME", help="This optional data too.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.pass_obj
def command(
    folder: Path, *, offline: bool, source: Path | None, data: tuple[str, ...], as_json: bool
) -> int:
    """Put every package, wheel and data file of nixrepro.lock into the Nix store.

    Each file is checked against the lock before the store sees it. A fetch that was cut goes on
    where it was. Optional data is fetched only when it is named.

    \b
    Examples:
      nixrepro fetch
      nixrepro fetch --data mnist
      nixrepro fetch --offline --from /media/stick/artefacts
    """
    from nixrepro.fetch import Unavailable, bring, lacking, wanted
    from nixrepro.gc import keep_data
    from nixrepro.nix import Nix

    config = configs.load(configs.find_root(folder))
    lock = locks.load(config.root / locks.FILE)
    _known(lock, data)
    asked, nix, quiet = wanted(lock, data), Nix(), offline or as_json
    missing = before = lacking(asked, nix)
    if before:
        try:
            bring(config, lock, nix, data=data, folder=source, offline=offline, quiet=quiet)
        except Unavailable:
            if not offline:
                raise
        missing = lacking(asked, nix)
    if data:
        keep_data(
            config.root, nix, [each for each in asked if each.optional and each not in missing]
        )
    fetched = [each for each in before if each not in missing]
    if as_json:
        answer_json({"fetched": _files(fetched), "missing": _files(missing)})
    elif missing and offline:
        rows = [(each.layer, each.name, each.version or "-", each.file) for each in missing]
        answer_table(("layer", "missing", "version", "file"), rows)
    if not as_json:
        here, new = len(asked) - len(missing), len(fetched)
        say(f"{here} of {len(asked)} files are in the store, {new} of them new")
    return Exit.FETCH if missing else Exit.OK


def _known(lock: locks.Lock, names: tuple[str, ...]) -> None:
    there = [each.name for each in lock.artefacts if each.layer == "data"]
    named = ", ".join(there) or "none"
    for name in names:
        if name not in there:
            raise click.UsageError(f"No data {name!r} in {locks.FILE}: it names {named}.")


def _files(artefacts: list[locks.Artefact]) -> list[dict[str, str | int]]:
    return [
        {"layer": each.layer, "name": each.name, "file": each.file, "size": each.size}
        for each in artefacts
    ]
