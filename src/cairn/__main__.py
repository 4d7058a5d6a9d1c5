"""`python -m cairn` is `cairn`."""

from cairn.cli import main

main()
