"""`normplace summarise`: tidy tables of samples."""

from pathlib import Path

from normplace.cli import options
from normplace.cli.tables import write_tables


@options.command()
@options.samples
@options.kernel_theory
@options.bootstrap
@options.output("the folder to write", folder=True)
def summarise(samples: tuple[Path, ...], theory: tuple[Path, ...], bootstrap: int, output: Path) -> None:
    """Tidy tables of samples: gamma, histograms, regimes, classes."""
    from normplace.tables import samples as tables

    write_tables(output, tables.summarise(list(samples), list(theory), bootstrap))
