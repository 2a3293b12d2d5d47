"""`nixrepro verify`: whether lock, closure and result still agree."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer, answer_json, answer_table, say
from nixrepro.verify import report
from nixrepro.verify.annotations import SYSTEMS, publish
from nixrepro.verify.asking import ORDER, asked

_FILE = click.Path(dir_okay=False, path_type=Path)


EXAMPLES = (
    "nixrepro verify",
    "nixrepro verify --only lock --junit report.xml",
    "nixrepro verify --rebuild numpy system",
    "nixrepro verify --trace -- python train.py --epochs 1",
    "nixrepro verify last --runs 3  # three repetitions of the newest run",
    "nixrepro verify run.tar --key alice.pem.pub",
)


@click.command("verify", cls=Command, examples=EXAMPLES)
@click.option("--only", multiple=True, type=click.Choice(ORDER), help="Do this check alone.")
@click.option("--repair", is_flag=True, help="Mend a damaged closure from the artefacts.")
@click.option("--rebuild", is_flag=True, help="Build PARTS, or all, again; compare bit for bit.")
@click.option("--trace", is_flag=True, help="Watch a COMMAND, or the training, for the host.")
@click.option("--runs", type=click.IntRange(1), default=1, metavar="N", help="Repeat RUN N times.")
@click.option("--tolerance", type=click.FloatRange(0), metavar="T", help="Metrics may differ by T.")
@click.option("--key", type=_FILE, metavar="FILE", help="Check the signature of RUN, too.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.option("--junit", "junit_file", type=_FILE, metavar="FILE", help="Write JUnit XML, too.")
@click.option("--annotations", type=click.Choice(SYSTEMS), default="auto", show_default=True)
@click.option("--allow-unknown", is_flag=True, help="Exit with 0 where nothing differs.")
@click.argument("words", nargs=-1, metavar="[RUN | PART... | -- COMMAND...]")
@click.pass_obj
def command(
    folder: Path,
    /,
    *,
    as_json: bool,
    junit_file: Path | None,
    annotations: str,
    allow_unknown: bool,
    **options: Any,
) -> int:
    """Check that lock and closure agree; or a RUN, by repeating it.

    Each check answers same, differs or unknown, and says why. Exits with 0 when all are the
    same, with 1 when one differs or is unknown.
    """
    from nixrepro.process import ending
    from nixrepro.project import find_root, root_or_here
    from nixrepro.verify.stage import perform

    begun = time.monotonic()
    wanted = asked(quiet=as_json, **options)
    root = (root_or_here if "bundle" in wanted.checks else find_root)(folder)
    with ending():
        verdicts = [verdict for found in perform(root, wanted, say) for verdict in found]
    if as_json:
        answer_json(report.document(verdicts))
    else:
        answer_table(report.HEAD, report.rows(verdicts))
        for line in report.details(verdicts):
            answer(line)
    if junit_file:
        from nixrepro.verify import junit

        junit.write(junit_file, verdicts, allow_unknown=allow_unknown)
    publish(root, annotations, verdicts, say)
    say(report.summary(verdicts, time.monotonic() - begun))
    return report.code(verdicts, allow_unknown)
