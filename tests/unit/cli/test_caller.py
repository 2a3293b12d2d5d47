"""What the tool's caller hands down to it."""

import subprocess
import sys

VERB = """
import sys
import click
from nixrepro import cli
from nixrepro.process import run
def body():
    click.echo(b"\\xff".decode(errors="surrogateescape"))
    return run(["sh", "-c", "exit 3"]).status
cli.Verbs.get_command = lambda *_: click.Command("gc", callback=body)
sys.argv = ["nixrepro", "gc"]
cli.main()
"""


def test_a_caller_that_ignores_the_end_of_its_children() -> None:
    argv = ["env", "--ignore-signal=CHLD", "LC_ALL=C.UTF-8", sys.executable, "-c", VERB]
    done = subprocess.run(argv, capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"\\udcff\n", b"")
