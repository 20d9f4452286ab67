"""`python -m edgemark` is `edgemark`."""

from edgemark.cli.main import main

main()
