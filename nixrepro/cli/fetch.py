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
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.pass_obj
def command(folder: Path, *, offline: bool, source: Path | None, as_json: bool) -> int:
    """Put every package, wheel and data file of nixrepro.lock into the Nix store.

    Each file is checked against the lock before the store sees it. A fetch that was cut goes on
    where it was.

    \b
    Examples:
      nixrepro fetch
      nixrepro fetch --offline --from /media/stick/artefacts
    """
    from nixrepro.fetch import Unavailable, bring, lacking
    from nixrepro.nix import Nix

    config = configs.load(configs.find_root(folder))
    lock = locks.load(config.root / locks.FILE)
    nix = Nix()
    missing = before = lacking(lock.artefacts, nix)
    if before:
        try:
            bring(config, lock, nix, folder=source, offline=offline, quiet=offline or as_json)
        except Unavailable:
            if not offline:
                raise
        missing = lacking(lock.artefacts, nix)
    fetched = [each for each in before if each not in missing]
    if as_json:
        answer_json({"fetched": _files(fetched), "missing": _files(missing)})
    elif missing and offline:
        rows = [(each.layer, each.name, each.version or "-", each.file) for each in missing]
        answer_table(("layer", "missing", "version", "file"), rows)
    if not as_json:
        there = f"{len(lock.artefacts) - len(missing)} of {len(lock.artefacts)}"
        say(f"{there} files are in the store, {len(fetched)} of them new")
    return Exit.OK if all(each.optional for each in missing) else Exit.FETCH


def _files(artefacts: list[locks.Artefact]) -> list[dict[str, str | int]]:
    return [
        {"layer": each.layer, "name": each.name, "file": each.file, "size": each.size}
        for each in artefacts
    ]
