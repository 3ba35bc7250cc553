"""From files of `normplace measure` to one tidy table: a row a model and kind of BatchNorm statistics."""

from pathlib import Path

import pandas as pd

from normplace.tables.records import read_measurement
from normplace.tables.tidy import with_interval


def measurements(paths: list[Path]) -> pd.DataFrame:
    """The table of measured models, in the order given; bn_statistics is empty without BatchNorm.

    gamma_guesses and gamma_readout are `MeasuredGuesses`' gamma_of_guesses and readout.

    Raises:
        UserError: a file is missing, damaged or foreign.
    """
    rows = []
    for path in paths:
        cell, kinds = read_measurement(path)
        for kind, seen in kinds.items():
            rows.append(
                {
                    **cell._asdict(),
                    "bn_statistics": kind if len(kinds) > 1 else "",
                    "regime": seen.regime,
                    **with_interval("gamma_guesses", *seen.gamma_of_guesses),
                    **with_interval("gamma_readout", *seen.readout),
                    "largest_fraction": seen.largest_fraction,
                    **{f"largest_fraction_{share * 100:.0f}": value for share, value in seen.quantiles.items()},
                    "rises_at": seen.rises_at,
                }
            )
    return pd.DataFrame(rows)
