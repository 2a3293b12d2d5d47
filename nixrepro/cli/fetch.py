"""`nixrepro fetch`: all files that the lock names into the Nix store, so that nothing else asks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from nixrepro import config as configs
from nixrepro import lock as locks
from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer_json, answer_table, say
from nixrepro.errors import Exit

EXAMPLES = (
    "nixrepro fetch",
    "nixrepro fetch --data mnist  # optional data, too",
    "nixrepro fetch --offline --from /media/stick/artefacts",
)


@click.command("fetch", cls=Command, examples=EXAMPLES)
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
    """
    from nixrepro.fetch import complete
    from nixrepro.gc import keep_data
    from nixrepro.nix import Nix

    config = configs.load(configs.find_root(folder))
    lock, nix = locks.load(config.root / locks.FILE), Nix()
    quiet = offline or as_json
    done = complete(config, lock, nix, data=data, folder=source, offline=offline, quiet=quiet)
    if data:
        keep_data(config.root, nix, [each for each in done.present if each.optional])
    if as_json:
        answer_json({"fetched": _files(done.fetched), "missing": _files(done.missing)})
    else:
        if done.missing:
            rows = [
                (each.layer, each.name, each.version or "-", each.file) for each in done.missing
            ]
            answer_table(("layer", "missing", "version", "file"), rows)
        here, new = len(done.present), len(done.fetched)
        say(f"{here} of {here + len(done.missing)} files are in the store, {new} of them new")
    return Exit.FETCH if done.missing else Exit.OK


def _files(artefacts: Iterable[locks.Artefact]) -> list[dict[str, str | int]]:
    return [
        {"layer": each.layer, "name": each.name, "file": each.file, "size": each.size}
        for each in artefacts
    ]
