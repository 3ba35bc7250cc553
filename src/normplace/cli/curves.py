"""`normplace curves`: tidy tables of training runs."""

from pathlib import Path

import click

from normplace.cli import options
from normplace.files import write_text


@options.command()
@click.argument("trainings", type=options.path, nargs=-1, required=True, metavar="TRAINING.csv...")
@options.output("the folder to write", folder=True)
def curves(trainings: tuple[Path, ...], output: Path) -> None:
    """Tidy tables of training runs: curves, gradients, milestones."""
    from normplace.tables.learning_curves import summarise

    for name, table in summarise(list(trainings)).items():
        write_text(output / f"{name}.csv", table.to_csv(index=False))
