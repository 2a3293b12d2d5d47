"""`python -m nixrepro`: the same as the command `nixrepro`."""

from nixrepro.entry import main

main()
