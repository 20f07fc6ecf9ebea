"""`python -m llamapack` is the command `llamapack`."""

from llamapack.cli import main

main()
