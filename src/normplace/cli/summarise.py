"""`normplace summarise`: tidy tables of samples."""

from pathlib import Path

from normplace.cli import options
from normplace.files import write_text


@options.command()
@options.samples
@options.kernel_theory
@options.bootstrap
@options.output("the folder to write", folder=True)
def summarise(samples: tuple[Path, ...], theory: tuple[Path, ...], bootstrap: int, output: Path) -> None:
    """Tidy tables of samples: gamma, histograms, regimes, classes."""
    from normplace.tables import samples as tables

    for name, table in tables.summarise(list(samples), list(theory), bootstrap).items():
        write_text(output / f"{name}.csv", table.to_csv(index=False))
