"""From files of `normplace measure` to one tidy table: a row per model, kind of inputs and kind of statistics."""

from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

import pandas as pd

from normplace.errors import UserError
from normplace.files import read_json
from normplace.tables.records import FOREIGN
from normplace.tables.tidy import with_interval

DATA = "data"  # inputs as they are


def measurements(paths: list[Path]) -> pd.DataFrame:
    """The table of measured models, in the order given; bn_statistics is empty where training and eval() are alike.

    inputs: "data" as they are, or the name of a contrast. A column for every argument that a model was given.
    gamma_guesses: the gamma that the guesses imply, which can be infinite. A model whose last layer is zero makes no
    guess and has none; gamma_readout, of a random linear readout in that layer's place, it has. gamma_theory: of the
    outputs at infinite width, of our own decoders. rises_at: the kind of layer that raises gamma most, empty if none.

    Raises:
        UserError: a file is missing, damaged or foreign.
    """
    rows: list[dict[str, Any]] = []
    for path in paths:
        try:
            rows += _rows(read_json(path))
        except FOREIGN as error:
            raise UserError(f"{path}: not a file of `normplace measure` ({error!r})") from None
    return pd.DataFrame(rows)


def _rows(file: dict[str, Any]) -> Iterator[dict[str, Any]]:
    options, data = file["options"], file["data"]
    for found in file.get("measurements", [file]):
        model = found.get("model", options["model"])
        package, _, name = model.partition(":")
        cell = {
            "model": name if package in ("torchvision", "timm") else model,
            **{key: data[key] for key in ("dataset", "label", "stand_in")},
            **{key: found[key] for key in ("points", "shape", "classes", "inits")},
            **options["model_arguments"],
            **found.get("arguments", {}),
        }
        kinds = found["bn_statistics"]
        for kind, seen in kinds.items():
            yield {**cell, "inputs": DATA, "bn_statistics": kind if len(kinds) > 1 else "", **_guesses(seen)}
        for inputs, seen in found["contrast"].items():
            yield {**cell, "inputs": inputs, "bn_statistics": "batch" if len(kinds) > 1 else "", **_guesses(seen)}


def _guesses(seen: dict[str, Any]) -> dict[str, Any]:
    readout = seen["readout"] or {}
    gamma = {} if seen["regime"] == "no guess" else seen["gamma_of_guesses"]
    largest, fair = seen["largest_fraction"], seen["fair_largest_fraction"]
    ends = ("value", "low", "high")
    return {
        "regime": seen["regime"],
        **with_interval("gamma_guesses", *(inf if gamma.get(end, "") is None else gamma.get(end) for end in ends)),
        **with_interval("gamma_outputs", *map(seen["gamma"].get, ends)),
        "gamma_theory": seen["gamma_theory"],
        **with_interval("gamma_readout", *map(readout.get, ends)),
        "largest_fraction": largest["mean"],
        **{f"largest_fraction_{float(share):.0%}".rstrip("%"): value for share, value in largest["quantiles"].items()},
        **with_interval("fair_largest_fraction", *map(fair.get, ends)),
        "rises_at": seen["rises"][0]["kind"] if seen["rises"] else "",
    }
