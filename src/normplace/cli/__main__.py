"""`python -m normplace.cli`, where the command `normplace` is not installed."""

from normplace.cli.main import main

main()
