"""`python -m nixrepro`: the same as the command `nixrepro`."""

from nixrepro.cli import main

main()
