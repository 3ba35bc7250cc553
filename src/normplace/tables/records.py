"""What the files of `normplace sample`, `theory`, `train` and `measure` hold: written and read here, nowhere else.

Each says how it was made: its command and options, its data, the versions. Of that a `Cell` is what tables need.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from normplace.errors import UserError
from normplace.files import read_json, read_npz, sha256_of_text, versions, write_json, write_npz, write_text
from normplace.statistics import Array, Floats

if TYPE_CHECKING:
    import pandas as pd

Json = Mapping[str, Any]
Integers = npt.NDArray[np.int64]
# What reading a file of another kind raises.
FOREIGN = (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)


class Cell(NamedTuple):
    """What was sampled, on which data: the first columns of its tables, in their order."""

    dataset: str
    label: str
    stand_in: bool
    network: str
    norm: str
    placement: str
    bn_statistics: str
    activation: str  # empty for a network for images, which has its own
    width: int  # the base width of a network for images; 0 for theory of infinite width
    weight_variance: float
    bias_variance: float
    classes: int
    shift: float
    points: int
    first_points_sha256: str


class Sample(NamedTuple):
    """One file of `normplace sample`: the cell it belongs to and the arrays of `sampling.sample.Guesses`.

    guess_fraction, output_mean, output_var: [depth, inits, classes]; mean_var, expected_var, agreement: [depth, inits].
    """

    cell: Cell
    guess_fraction: Floats
    output_mean: Floats
    output_var: Floats
    mean_var: Floats
    expected_var: Floats
    agreement: Floats


OF_SAMPLE = Sample._fields[1:]


class KernelTheory(NamedTuple):
    """One file of `normplace theory --draws-output`.

    gamma, guess_fraction_std: [depth], with half their 95 % intervals; depths: those drawn at; guess_fraction:
    [len(depths), draws, classes].
    """

    cell: Cell
    gamma: Array
    guess_fraction_std: Array
    gamma_error: Array
    guess_fraction_std_error: Array
    depths: Integers
    guess_fraction: Floats

    def drawn(self, depth: int) -> Floats | None:
        """Guess fractions [draws, classes] at a depth, none where it was not drawn at."""
        return self.guess_fraction[self.depths == depth][0] if depth in self.depths else None


# What was trained, on which data: columns of its tables, in their order. one_class_accuracy: what guessing one class
# for all test points gives. A network for images has activation "", depth 0, and its base width as width.
TRAINING_CELL = (
    "dataset", "label", "stand_in", "points", "classes", "test_points", "one_class_accuracy_low",
    "one_class_accuracy_high", "class_names", "network", "activation", "depth", "width", "norm", "placement",
    "weight_variance", "bias_variance", "optimizer", "learning_rate", "schedule", "weight_decay", "clip", "augment",
    "batch_size", "epochs", "evaluated", "select", "output_bias", "runs",
)  # fmt: skip


def made_by(command: str, options: Json, data: Json) -> dict[str, Any]:
    """How a file was made: a command with all options that its numbers depend on, and the provenance of its data."""
    return {"command": command, "options": {**options}, "data": {**data}, "versions": versions()}


def write_sample(path: Path, options: Json, data: Json, **arrays: npt.NDArray[Any]) -> None:
    """Write a file of `normplace sample`: the arrays of a `Sample`, and gamma [depth]."""
    write_npz(path, arrays, made_by("sample", options, data))


def read_sample(path: Path) -> Sample:
    """Read a file of `normplace sample`.

    Raises:
        UserError: it is damaged or not such a file.
    """
    arrays, config = read_npz(path, OF_SAMPLE)
    shape = arrays["guess_fraction"].shape
    if len(shape) != 3 or any(
        arrays[name].shape != shape[: 3 if name in OF_SAMPLE[:3] else 2] or arrays[name].dtype != np.float32
        for name in OF_SAMPLE
    ):
        raise UserError(f"{path}: not a file of `normplace sample` (its arrays have other shapes or types)")
    return Sample(_cell(config, path), **arrays)


BY_DEPTH = ("gamma", "guess_fraction_std", "gamma_error", "guess_fraction_std_error")  # of a `KernelTheory`


def write_kernel_theory(path: Path, options: Json, data: Json, **arrays: npt.NDArray[Any]) -> None:
    """Write a file of `normplace theory --draws-output`: the arrays of a `KernelTheory`."""
    write_npz(path, arrays, made_by("theory", options, data))


def read_kernel_theory(path: Path) -> KernelTheory:
    """Read a file of `normplace theory --draws-output`.

    Raises:
        UserError: it is damaged or not such a file.
    """
    arrays, config = read_npz(path, (*BY_DEPTH, "depths", "guess_fraction"))
    by_depth, fractions = arrays["gamma"].shape, arrays["guess_fraction"].shape
    if (
        (len(by_depth), len(fractions)) != (1, 3)
        or any(arrays[name].shape != by_depth for name in BY_DEPTH)
        or arrays["depths"].shape != fractions[:1]
        or not set(arrays["depths"].tolist()) <= set(range(1, by_depth[0] + 1))
    ):
        raise UserError(f"{path}: not a file of `normplace theory --draws-output` (its arrays have other shapes)")
    return KernelTheory(_cell(config, path), **arrays)


def _cell(config: Json, path: Path) -> Cell:
    try:
        columns = _columns(config)
        return Cell(*(columns[name] for name in Cell._fields))
    except KeyError as error:
        raise UserError(f"{path}: its config has no {error}") from None
    except FOREIGN as error:
        raise UserError(f"{path}: its config is not that of a file of normplace ({error})") from None


def _columns(config: Json) -> dict[str, Any]:
    """All options and the data's provenance; what only MLPs have is empty or 0 for others."""
    options, data = config["options"], config["data"]
    others = {"network": "mlp", "activation": "", "depth": 0, "width": options.get("base_width", 0)}
    return {**others, **options, **data, "classes": len(data["classes"])}


def write_training(path: Path, options: Json, data: Json, rows: str) -> None:
    """Write the rows of `normplace train` as CSV text, and how they were made as a .json beside it.

    data: with test_class_counts, the test points of each class.
    """
    write_json(path.with_suffix(".json"), {**made_by("train", options, data), "rows_sha256": sha256_of_text(rows)})
    write_text(path, rows)


def read_training(path: Path) -> "tuple[dict[str, Any], pd.DataFrame]":
    """Read a file of `normplace train` and the .json beside it: the TRAINING_CELL of it, and its rows with the gap.

    gap: accuracy on the initially favoured class minus accuracy on the others.

    Raises:
        UserError: one of the two files is missing, damaged, altered or foreign.
    """
    from normplace.tables.tidy import parse  # pandas takes half a second, and sampling needs none of it

    try:
        config, text = read_json(path.with_suffix(".json")), path.read_bytes().decode()
        if config["rows_sha256"] != sha256_of_text(text):
            raise ValueError("its SHA-256 differs from that in the .json")
        rows = parse(io.StringIO(text))
        counts, total = config["data"]["test_class_counts"], sum(config["data"]["test_class_counts"])
        columns = {
            **_columns(config),
            "test_points": total,
            "one_class_accuracy_low": min(counts) / total,
            "one_class_accuracy_high": max(counts) / total,
            "class_names": " / ".join(config["data"]["classes"]),
        }
        cell = {name: columns[name] for name in TRAINING_CELL}
        return cell, rows.assign(gap=rows["accuracy_majority"] - rows["accuracy_minority"])
    except FOREIGN as error:
        raise UserError(f"{path}: not a file of `normplace train` with its .json beside it ({error})") from None


def write_measurement(path: Path, options: Json, data: Json, measured: Json) -> None:
    """Write a file of `normplace measure`; measured: what `measuring.report.record` says of a measurement."""
    write_json(path, {**made_by("measure", options, data), **measured})
