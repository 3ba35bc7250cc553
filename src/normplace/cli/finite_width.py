"""`normplace finite-width`: how far finite networks are from the theory."""

from pathlib import Path

from normplace.cli import options
from normplace.files import write_text


@options.command("finite-width")
@options.samples
@options.kernel_theory(required=True)
@options.bootstrap
@options.output()
def finite_width(samples: tuple[Path, ...], theory: tuple[Path, ...], bootstrap: int, output: Path) -> None:
    """How gamma changes with depth / width, fitted."""
    from normplace.tables.finite_width import first_order

    write_text(output, first_order(list(samples), list(theory), bootstrap).to_csv(index=False))
