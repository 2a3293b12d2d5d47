"""`nixrepro probe`: a fingerprint of an environment's arithmetic on a machine, and two compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer, answer_json
from nixrepro.errors import Exit

if TYPE_CHECKING:
    from nixrepro.probe.sides import Side


EXAMPLES = (
    "nixrepro probe",
    "nixrepro probe --json > here.json",
    "nixrepro probe there.json here.json  # which functions differ",
)


@click.command("probe", cls=Command, examples=EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.option("--again", is_flag=True, help="Take it even where one is kept.")
@click.argument("a", required=False)
@click.argument("b", required=False)
@click.pass_obj
def command(folder: Path, *, as_json: bool, again: bool, a: str | None, b: str | None) -> int:
    """Say what the environment's libraries compute on this machine, function by function.

    With A, say what a run's computed; with A and B, which functions of two differ, and exit with 1
    where one does. Each is a run (`last`, the start of its id, its folder) or a file that `--json`
    wrote.
    """
    from nixrepro.probe import sides, text

    if a is None:
        from nixrepro.cli.entering import enter

        root, environment = enter(folder)
        side = sides.here(root, environment, again=again)
    else:
        side = sides.find(folder, a)
    if b is not None:
        return _compared(side, sides.find(folder, b), as_json)
    if as_json:
        answer_json(side.probe)
    else:
        answer("\n".join(text.lines(side)))
    return Exit.OK


def _compared(one: Side, two: Side, as_json: bool) -> int:
    from nixrepro.probe import text
    from nixrepro.probe.compare import compare, compared, reason, unsaid

    found = compare(one.probe, two.probe)
    why = {name: reason(side.probe) for name, side in (("a", one), ("b", two))}
    same = not found and compared(one.probe, two.probe) > 0
    if as_json:
        functions = [each._asdict() for each in found]
        unknown = {name: said for name, said in why.items() if said}
        said = {"same": same, "functions": functions, "unknown": unknown}
        answer_json({**said, "not-compared": unsaid(one.probe, two.probe)})
    else:
        answer("\n".join(text.differences(one, two, found)))
    return Exit.OK if same else Exit.DIFFERS
