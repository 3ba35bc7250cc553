"""`normplace phase`: the phase diagram of theory."""

from pathlib import Path

from normplace.cli import options
from normplace.files import write_text


@options.command()
@options.output(suffix=".csv")
def phase(output: Path) -> None:
    """Regimes of deep networks over weight and bias variance."""
    import pandas as pd

    from normplace.theories.phase import Place, diagram

    write_text(output, pd.DataFrame(list(diagram()), columns=Place._fields).to_csv(index=False))
