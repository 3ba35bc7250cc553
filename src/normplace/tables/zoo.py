"""From files of `normplace measure` to one tidy table: a row a model and kind of BatchNorm statistics."""

from math import inf
from pathlib import Path
from typing import Any

import pandas as pd

from normplace.errors import UserError
from normplace.files import read_json


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
            kinds, data = found["bn_statistics"], found["data"]
            for kind, seen in kinds.items():
                rows.append(
                    {
                        "model": found["options"]["model"].removeprefix("torchvision:"),
                        "dataset": data["dataset"],
                        "label": data["label"],
                        "stand_in": data["stand_in"],
                        "points": found["input_shape"][0],
                        "shape": "x".join(map(str, found["input_shape"][1:])),
                        "classes": found["classes"],
                        "inits": found["inits"],
                        "bn_statistics": kind if len(kinds) > 1 else "",
                        **_seen(seen),
                    }
                )
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise UserError(f"{path}: not a file of `normplace measure` ({error!r})") from None
    return pd.DataFrame(rows)


def _seen(seen: dict[str, Any]) -> dict[str, Any]:
    layers = {layer["name"]: layer for layer in seen["layers"]}
    readout = layers.get(seen["layers"][-1]["follows"], {})
    guesses = {} if seen["regime"] == "no guess" else seen["gamma_of_guesses"]
    largest = seen["largest_fraction"]
    return {
        "regime": seen["regime"],
        **_with_interval("gamma_guesses", {key: inf if value is None else value for key, value in guesses.items()}),
        **_with_interval("gamma_readout", readout),
        "largest_fraction": largest["mean"],
        **{f"largest_fraction_{float(share):.0%}".rstrip("%"): value for share, value in largest["quantiles"].items()},
        "rises_at": seen["rises"][0]["kind"] if seen["rises"] else "",
    }


def _with_interval(name: str, gamma: dict[str, float | None]) -> dict[str, float | None]:
    return {name: gamma.get("value"), f"{name}_low": gamma.get("low"), f"{name}_high": gamma.get("high")}
