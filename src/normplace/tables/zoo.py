"""From files of `normplace measure` to one tidy table: a row a model and kind of BatchNorm statistics."""

from math import inf
from pathlib import Path
from typing import Any

import pandas as pd

from normplace.errors import UserError
from normplace.files import read_json
from normplace.tables.records import FOREIGN
from normplace.tables.tidy import with_interval


def measurements(paths: list[Path]) -> pd.DataFrame:
    """The table of measured models, in the order given; bn_statistics is empty without BatchNorm.

    gamma_guesses: the gamma that the guesses imply, which can be infinite. A model whose last layer is zero makes no
    guess and has none; gamma_readout, of a random linear readout in that layer's place, it has.
    rises_at: the kind of layer that raises gamma most, empty if none does.

    Raises:
        UserError: a file is missing, damaged or foreign.
    """
    rows = []
    for path in paths:
        try:
            found = read_json(path)
            cell = {
                "model": found["options"]["model"].removeprefix("torchvision:"),
                **{key: found["data"][key] for key in ("dataset", "label", "stand_in")},
                **{key: found[key] for key in ("points", "shape", "classes", "inits")},
            }
            kinds = found["bn_statistics"]
            for kind, seen in kinds.items():
                rows.append({**cell, "bn_statistics": kind if len(kinds) > 1 else "", **_guesses(seen)})
        except FOREIGN as error:
            raise UserError(f"{path}: not a file of `normplace measure` ({error!r})") from None
    return pd.DataFrame(rows)


def _guesses(seen: dict[str, Any]) -> dict[str, Any]:
    readout = seen["readout"] or {}
    gamma = {} if seen["regime"] == "no guess" else seen["gamma_of_guesses"]
    largest = seen["largest_fraction"]
    ends = ("value", "low", "high")
    return {
        "regime": seen["regime"],
        **with_interval("gamma_guesses", *(inf if gamma.get(end, "") is None else gamma.get(end) for end in ends)),
        **with_interval("gamma_readout", *map(readout.get, ends)),
        "largest_fraction": largest["mean"],
        **{f"largest_fraction_{float(share):.0%}".rstrip("%"): value for share, value in largest["quantiles"].items()},
        "rises_at": seen["rises"][0]["kind"] if seen["rises"] else "",
    }
