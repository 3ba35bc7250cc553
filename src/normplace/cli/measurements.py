"""`normplace measurements`: a tidy table of measured models."""

from pathlib import Path

import click

from normplace.cli import options
from normplace.cli.tables import write_table


@options.command()
@click.argument("measured", type=options.path, nargs=-1, required=True, metavar="MEASURED.json...")
@options.output(suffix=".csv")
def measurements(measured: tuple[Path, ...], output: Path) -> None:
    """Tidy table of measured models."""
    from normplace.tables import zoo

    write_table(output, zoo.measurements(list(measured)))
