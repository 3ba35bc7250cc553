"""What the files of `normplace sample`, `theory`, `train` and `measure` hold: written and read here, nowhere else.

Each says how it was made: its command and options, its data, the versions. Of that a `Cell` is what tables need.
"""

import io
from collections.abc import Mapping
from math import inf, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from normplace.errors import UserError
from normplace.files import read_json, read_npz, sha256_of_text, versions, write_json, write_npz, write_text
from normplace.statistics import Estimate

if TYPE_CHECKING:
    import pandas as pd

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
    width: int  # 0 for a network for images and for theory
    classes: int
    shift: float
    points: int
    first_points_sha256: str


class Sample(NamedTuple):
    """One file of `normplace sample`: arrays [depth, inits, classes] and the cell it belongs to."""

    cell: Cell
    guess_fraction: npt.NDArray[np.float32]
    output_mean: npt.NDArray[np.float32]
    output_var: npt.NDArray[np.float32]


class KernelTheory(NamedTuple):
    """One file of `normplace theory --draws-output`: gamma [depth]; guess_fraction [len(depths), draws, classes]."""

    cell: Cell
    gamma: npt.NDArray[np.float64]
    guess_fraction_std: npt.NDArray[np.float64]
    depths: npt.NDArray[np.int64]
    guess_fraction: npt.NDArray[np.float32]


class TrainingCell(NamedTuple):
    """What was trained, on which data: columns of its tables, in their order.

    one_class_accuracy_low, one_class_accuracy_high: what guessing one class for all test points gives.
    """

    dataset: str
    label: str
    stand_in: bool
    points: int
    classes: int
    test_points: int
    one_class_accuracy_low: float
    one_class_accuracy_high: float
    class_names: str
    network: str
    activation: str  # empty for a network for images, which has its own
    depth: int  # 0 for a network for images
    width: int  # likewise
    norm: str
    placement: str
    optimizer: str
    learning_rate: float
    batch_size: int
    epochs: int
    select: str
    runs: int


class MeasuredCell(NamedTuple):
    """Which model was measured, on which data: the first columns of its table, in their order."""

    model: str
    dataset: str
    label: str
    stand_in: bool
    points: int
    shape: str  # of a point, such as 3x32x32
    classes: int
    inits: int


class MeasuredGuesses(NamedTuple):
    """What was seen of a model under one kind of BatchNorm statistics.

    gamma_of_guesses: can be infinite; not a number if the model makes no guess, its last layer being zero.
    readout: gamma of a random linear readout in the last layer's place. quantiles: share of networks -> largest guess
    fraction. rises_at: the kind of layer that raises gamma most, empty if none does.
    """

    regime: str
    gamma_of_guesses: Estimate[float]
    readout: Estimate[float]
    largest_fraction: float
    quantiles: dict[float, float]
    rises_at: str


def made_by(command: str, options: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """How a file was made: a command with all options that its numbers depend on, and the provenance of its data."""
    return {"command": command, "options": {**options}, "data": {**data}, "versions": versions()}


def write_sample(
    path: Path,
    options: Mapping[str, Any],
    data: Mapping[str, Any],
    guess_fraction: npt.NDArray[np.float32],
    output_mean: npt.NDArray[np.float32],
    output_var: npt.NDArray[np.float32],
    gamma: npt.NDArray[np.float64],
) -> None:
    """Write a file of `normplace sample`: arrays [depth, inits, classes], gamma [depth]."""
    arrays = {"guess_fraction": guess_fraction, "output_mean": output_mean, "output_var": output_var}
    write_npz(path, {**arrays, "gamma": gamma}, made_by("sample", options, data))


def read_sample(path: Path) -> Sample:
    """Read a file of `normplace sample`.

    Raises:
        UserError: it is damaged or not such a file.
    """
    arrays, config = read_npz(path, ("guess_fraction", "output_mean", "output_var"))
    shape = arrays["guess_fraction"].shape
    if len(shape) != 3 or any(array.shape != shape or array.dtype != np.float32 for array in arrays.values()):
        raise UserError(f"{path}: not a file of `normplace sample` (its arrays have other shapes or types)")
    return Sample(_cell(config, path), **arrays)


def write_kernel_theory(
    path: Path,
    options: Mapping[str, Any],
    data: Mapping[str, Any],
    gamma: npt.NDArray[np.float64],
    guess_fraction_std: npt.NDArray[np.float64],
    depths: npt.NDArray[np.int64],
    guess_fraction: npt.NDArray[np.float32],
) -> None:
    """Write a file of `normplace theory --draws-output`: by depth [depth], drawn [len(depths), draws, classes]."""
    arrays: dict[str, npt.NDArray[Any]] = {"gamma": gamma, "guess_fraction_std": guess_fraction_std, "depths": depths}
    write_npz(path, {**arrays, "guess_fraction": guess_fraction}, made_by("theory", options, data))


def read_kernel_theory(path: Path) -> KernelTheory:
    """Read a file of `normplace theory --draws-output`.

    Raises:
        UserError: it is damaged or not such a file.
    """
    arrays, config = read_npz(path, ("gamma", "guess_fraction_std", "depths", "guess_fraction"))
    by_depth, fractions = arrays["gamma"].shape, arrays["guess_fraction"].shape
    if (
        (len(by_depth), len(fractions)) != (1, 3)
        or arrays["guess_fraction_std"].shape != by_depth
        or arrays["depths"].shape != fractions[:1]
        or not set(arrays["depths"].tolist()) <= set(range(1, by_depth[0] + 1))
    ):
        raise UserError(f"{path}: not a file of `normplace theory --draws-output` (its arrays have other shapes)")
    return KernelTheory(_cell(config, path), **arrays)


def _cell(config: dict[str, Any], path: Path) -> Cell:
    try:
        options, data = config["options"], config["data"]
        return Cell(
            **{key: data[key] for key in ("dataset", "label", "stand_in", "shift", "points", "first_points_sha256")},
            **{key: options[key] for key in ("norm", "placement", "bn_statistics")},
            network=options.get("network", "mlp"),
            activation=options.get("activation", ""),
            width=options.get("width", 0),
            classes=len(data["classes"]),
        )
    except KeyError as error:
        raise UserError(f"{path}: its config has no {error}") from None
    except (TypeError, AttributeError) as error:
        raise UserError(f"{path}: its config is not that of a file of normplace ({error})") from None


def write_training(path: Path, options: Mapping[str, Any], data: Mapping[str, Any], rows: str) -> None:
    """Write the rows of `normplace train` as CSV text, and how they were made as a .json beside it.

    data: with test_class_counts, the test points of each class.
    """
    write_json(path.with_suffix(".json"), {**made_by("train", options, data), "rows_sha256": sha256_of_text(rows)})
    write_text(path, rows)


def read_training(path: Path) -> "tuple[TrainingCell, pd.DataFrame]":
    """Read a file of `normplace train` and the .json beside it: the cell it belongs to, and its rows with the gap.

    gap: accuracy on the initially favoured class minus accuracy on the others.

    Raises:
        UserError: one of the two files is missing, damaged, altered or foreign.
    """
    from normplace.tables.tidy import parse  # pandas takes half a second, and sampling needs none of it

    try:
        config, text = read_json(path.with_suffix(".json")), path.read_bytes().decode()
        if config["rows_sha256"] != sha256_of_text(text):
            raise ValueError("its SHA-256 is not that in the .json")
        rows = parse(io.StringIO(text))
        options, data = config["options"], config["data"]
        test_points = sum(data["test_class_counts"])
        cell = TrainingCell(
            **{key: data[key] for key in ("dataset", "label", "stand_in", "points")},
            **{key: options[key] for key in ("norm", "placement", "optimizer", "learning_rate", "batch_size")},
            **{key: options[key] for key in ("epochs", "select", "runs")},
            **{key: options.get(key, 0) for key in ("depth", "width")},
            classes=len(data["classes"]),
            test_points=test_points,
            one_class_accuracy_low=min(data["test_class_counts"]) / test_points,
            one_class_accuracy_high=max(data["test_class_counts"]) / test_points,
            class_names=" / ".join(data["classes"]),
            network=options.get("network", "mlp"),
            activation=options.get("activation", ""),
        )
        return cell, rows.assign(gap=rows["accuracy_majority"] - rows["accuracy_minority"])
    except FOREIGN as error:
        raise UserError(f"{path}: not a file of `normplace train` with its .json beside it ({error})") from None


def write_measurement(
    path: Path, options: Mapping[str, Any], data: Mapping[str, Any], measured: Mapping[str, Any]
) -> None:
    """Write a file of `normplace measure`; measured: a measurement as `measuring.report.record` has it."""
    write_json(path, {**made_by("measure", options, data), **measured})


def read_measurement(path: Path) -> tuple[MeasuredCell, dict[str, MeasuredGuesses]]:
    """Read a file of `normplace measure`: the cell it belongs to, and what was seen by kind of BatchNorm statistics.

    Raises:
        UserError: it is missing, damaged, altered or foreign.
    """
    try:
        found = read_json(path)
        cell = MeasuredCell(
            found["options"]["model"].removeprefix("torchvision:"),
            **{key: found["data"][key] for key in ("dataset", "label", "stand_in")},
            points=found["input_shape"][0],
            shape="x".join(map(str, found["input_shape"][1:])),
            classes=found["classes"],
            inits=found["inits"],
        )
        return cell, {kind: _guesses(seen) for kind, seen in found["bn_statistics"].items()}
    except FOREIGN as error:
        raise UserError(f"{path}: not a file of `normplace measure` ({error!r})") from None


def _guesses(seen: dict[str, Any]) -> MeasuredGuesses:
    readout = next((layer for layer in seen["layers"] if layer["name"] == seen["layers"][-1]["follows"]), None)
    return MeasuredGuesses(
        seen["regime"],
        _estimate(None if seen["regime"] == "no guess" else seen["gamma_of_guesses"], null=inf),
        _estimate(readout, null=nan),
        seen["largest_fraction"]["mean"],
        {float(share): value for share, value in seen["largest_fraction"]["quantiles"].items()},
        seen["rises"][0]["kind"] if seen["rises"] else "",
    )


def _estimate(numbers: dict[str, Any] | None, null: float) -> Estimate[float]:
    """Three numbers of a JSON file, where null stands for what is not finite."""
    if numbers is None:
        return Estimate(nan, nan, nan)
    return Estimate(*(null if numbers[end] is None else numbers[end] for end in ("value", "low", "high")))
