"""`normplace phase`: the phase diagram of theory."""

from pathlib import Path

from normplace.cli import options
from normplace.cli.tables import write_table


@options.command()
@options.output(suffix=".csv")
def phase(output: Path) -> None:
    """Regimes of deep networks over weight and bias variance."""
    import pandas as pd

    from normplace.theories.phase import Place, diagram

    write_table(output, pd.DataFrame(list(diagram()), columns=Place._fields))
