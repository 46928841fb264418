"""`python -m evalweave` is the command `evalweave`."""

from evalweave.cli import main

main()
