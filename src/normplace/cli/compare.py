"""`normplace compare`: two measurements side by side."""

from pathlib import Path

import click

from normplace.cli import options


@options.command()
@click.argument("first", type=options.path, metavar="A.json")
@click.argument("second", type=options.path, metavar="B.json")
def compare(first: Path, second: Path) -> None:
    """Two measurements side by side, with tests of their difference."""
    from normplace.measuring.compare import compare as compared

    print(compared(first, second))
