"""`normplace curves`: tidy tables of training runs."""

from pathlib import Path

import click

from normplace.cli import options
from normplace.cli.tables import write_tables


@options.command()
@click.argument("trainings", type=options.path, nargs=-1, required=True, metavar="TRAINING.csv...")
@options.output("the folder to write", folder=True)
def curves(trainings: tuple[Path, ...], output: Path) -> None:
    """Tidy tables of training runs: curves, gradients, milestones."""
    from normplace.tables.learning_curves import summarise

    write_tables(output, summarise(list(trainings)))
