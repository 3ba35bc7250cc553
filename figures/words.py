"""What things are called and how numbers are written; and of norms, how they are drawn."""

import zlib
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from normplace.networks.images import IMAGE_NETWORKS
from normplace.networks.norms import NORMS
from normplace.statistics import Estimate, by_value

# Okabe and Ito's colours: told apart by readers with any colour vision.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, GREY = "#E69F00", "#56B4E9", "#555555"


class Norm(NamedTuple):
    """How a norm is called and drawn."""

    label: str
    colour: str
    marker: str


# norm -> its colour and marker; what it is called stands in its record
LOOKS = {
    "none": (GREY, "s"),
    "batch": (BLUE, "o"),
    "layer": (VERMILION, "^"),
    "rms": (GREEN, "x"),
    "group": (ORANGE, "v"),
    "batch-centring": (GREEN, "D"),
    "batch-scaling": (ORANGE, "v"),
    "layer-centring": (GREEN, "D"),
}
# What readers call what the configuration has by another name.
TERMS = {
    "relu": "ReLU", "leaky_relu": "leaky ReLU", "gelu": "GELU", "silu": "SiLU", "adam": "Adam", "sgd": "SGD",
}  # fmt: skip
# regime -> the colour behind it
REGIMES = {"neutral": "#DCEBF7", "prejudiced": "#FCEFC9", "deeply prejudiced": "#F3D3DE", "undecided": "#EEEEEE"}


def norm(name: str) -> Norm:
    """How a norm is called and drawn; one that is not in LOOKS takes a colour and a marker that are left."""
    label = NORMS[name].label if name in NORMS else name
    if name in LOOKS:
        return Norm(label, *LOOKS[name])
    any_but_the_same_always = zlib.crc32(name.encode())
    return Norm(label, (ORANGE, SKY)[any_but_the_same_always % 2], "DPX*"[any_but_the_same_always // 2 % 4])


def network(name: str) -> str:
    """A network for images as readers say it."""
    return IMAGE_NETWORKS[name].label if name in IMAGE_NETWORKS else name


def name(norm_name: str, placement: str, between: str = " ") -> str:
    """A configuration as readers say it, such as "LayerNorm after"."""
    label = norm(norm_name).label
    return label if norm_name == "none" else f"{label}{between}{placement}"


def term(name: str) -> str:
    """What readers call an activation or an optimiser."""
    return TERMS.get(name, name)


def heading(norm_name: str, placement: str) -> str:
    """The same on two lines, over a narrow column."""
    return name(norm_name, placement, "\n")


def names(rows: pd.DataFrame) -> list[str]:
    """The configuration of each row."""
    return [name(*pair) for pair in zip(rows["norm"], rows["placement"], strict=True)]


def wrapped(label: str) -> str:
    """A data set's label on two lines where it says what the data stand in for or are a copy of."""
    return label.replace(" (", "\n(")


def number(value: float) -> str:
    """Three digits, or all that are before the point; infinite means never, of steps."""
    if value != value:  # a missing value
        return "-"
    if value == float("inf"):
        return "never"
    if abs(value) < 1e-6:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def with_interval(rows: pd.DataFrame, column: str, infinite: str = "never") -> "pd.Series[str]":
    """A column in words with its 95 % interval; infinite: what to call that, which means never of steps."""
    numbers = (rows[part] for part in (column, f"{column}_low", f"{column}_high"))
    parts = [of_one.map(number).replace("never", infinite) for of_one in numbers]
    return (parts[0] + " [" + parts[1] + ", " + parts[2] + "]").mask(rows[column].isna(), "-")


def span(values: pd.Series) -> str:
    """A column's values in words: "500", or "24 to 200" where they differ."""
    low, high = values.min(), values.max()
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def sampling(table: pd.DataFrame) -> str:
    """What networks were sampled and on what, as in "MNIST: n = 400 networks, ReLU, width 100, 1,000 points"."""
    return f"{_only(table, 'label', '{}: ')}n = {span(table['inits'])} networks, {_architecture(table)}{_points(table)}"


def training(table: pd.DataFrame) -> str:
    """How training curves were made, as in "MNIST: ReLU, width 100, Adam, learning rate 0.001, ..., n = 5 runs"."""
    first = table.iloc[0]
    epochs = "1 epoch" if set(table["epochs"]) == {1} else f"{span(table['epochs'])} epochs"
    fewest = int((table["n"] - table["runs"]).min())
    diverged = f" (up to {-fewest} of a curve's diverged and are left out from there)" if fewest else ""
    return (
        f"{_only(table, 'label', '{}: ')}{_architecture(table)}{term(first['optimizer'])}, "
        f"{_only(table, 'learning_rate', 'learning rate {:g}, ')}{_regularised(first)}batch {first['batch_size']}, "
        f"{epochs} of "
        f"{_points(table)}, n = {span(table['runs'])} runs{diverged}"
    )


def _regularised(row: "pd.Series[Any]") -> str:
    """What is not plain of an optimiser's steps and of their inputs."""
    parts = {
        "falling as a power of the epoch": row["schedule"] == "power",
        f"weight decay {row['weight_decay']:g}": row["weight_decay"] > 0,
        f"gradients clipped at {row['clip']:g}": row["clip"] > 0,
        "random crops and flips": bool(row["augment"]),
    }
    return "".join(f"{text}, " for text, given in parts.items() if given)


def _only(table: pd.DataFrame, column: str, text: str) -> str:
    """The text about a column's value, where all rows have the same."""
    values = table[column].unique()
    return text.format(term(values[0])) if len(values) == 1 else ""


def _architecture(table: pd.DataFrame) -> str:
    """Activation, width and depth of MLPs; networks for images have their own."""
    if table["network"].iloc[0] != "mlp":
        return ""
    return f"{_only(table, 'activation', '{}, ')}width {span(table['width'])}, {_only(table, 'depth', 'depth {}, ')}"


def _points(table: pd.DataFrame) -> str:
    return f"{span(table['points'])} points"


def limit_by_value(regimes: pd.DataFrame) -> "pd.Series[str]":
    """The regime that theory's limit of gamma has in the other vocabulary (`normplace.statistics.by_value`)."""
    return regimes["fixed_point_gamma"].map(lambda gamma: by_value(Estimate(gamma, gamma, gamma), _settled(gamma)))


def seen_by_value(regimes: pd.DataFrame) -> "pd.Series[str]":
    """The regime that guesses show in the other vocabulary."""
    columns = [f"{name}{end}" for name in ("gamma_guesses", "growth") for end in ("", "_low", "_high")]
    found = [by_value(Estimate(*row[:3]), Estimate(*row[3:])) for row in regimes[columns].to_numpy(float)]
    return pd.Series(found, index=regimes.index, dtype=str)


def _settled(limit: float) -> Estimate[float]:
    """How a limit grows: not, or without end."""
    growth = np.inf if np.isinf(limit) else 0.0
    return Estimate(growth, growth, growth)
