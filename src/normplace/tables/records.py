"""Reading what `normplace sample` and `normplace theory` wrote."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from normplace.errors import UserError
from normplace.files import read_npz


class Sample(NamedTuple):
    """One file of `normplace sample`: arrays [depth, inits, classes] and the cell it belongs to."""

    cell: dict[str, Any]
    guess_fraction: npt.NDArray[np.float32]
    output_mean: npt.NDArray[np.float32]
    output_var: npt.NDArray[np.float32]


class KernelTheory(NamedTuple):
    """One file of `normplace theory --draws-output`: gamma [depth]; guess_fraction [len(depths), draws, classes]."""

    cell: dict[str, Any]
    gamma: npt.NDArray[np.float64]
    guess_fraction_std: npt.NDArray[np.float64]
    depths: npt.NDArray[np.int64]
    guess_fraction: npt.NDArray[np.float32]


def read_sample(path: Path) -> Sample:
    """Read a file of `normplace sample`.

    Raises:
        UserError: it is damaged or not such a file.
    """
    names = ("guess_fraction", "output_mean", "output_var")
    arrays, config = read_npz(path, names)
    shape = arrays["guess_fraction"].shape
    if len(shape) != 3 or any(array.shape != shape or array.dtype != np.float32 for array in arrays.values()):
        raise UserError(f"{path}: not a file of `normplace sample` (its arrays have other shapes or types)")
    return Sample(_cell(config, path), **arrays)


def read_kernel_theory(path: Path) -> KernelTheory:
    """Read a file of `normplace theory --draws-output`.

    Raises:
        UserError: it is damaged or not such a file.
    """
    arrays, config = read_npz(path, ("gamma", "guess_fraction_std", "depths", "guess_fraction"))
    of_depths, fractions = arrays["gamma"].shape, arrays["guess_fraction"].shape
    if (
        (len(of_depths), len(fractions)) != (1, 3)
        or arrays["guess_fraction_std"].shape != of_depths
        or arrays["depths"].shape != fractions[:1]
        or not set(arrays["depths"].tolist()) <= set(range(1, of_depths[0] + 1))
    ):
        raise UserError(f"{path}: not a file of `normplace theory --draws-output` (its arrays have other shapes)")
    return KernelTheory(_cell(config, path), **arrays)


def _cell(config: dict[str, Any], path: Path) -> dict[str, Any]:
    try:
        options, data = config["options"], config["data"]
        return {
            "dataset": data["dataset"],
            "label": data["label"],
            "stand_in": data["stand_in"],
            "network": options.get("network", "mlp"),
            **{key: options[key] for key in ("norm", "placement", "bn_statistics")},
            "activation": options.get("activation", ""),  # a network for images has its own, and its own widths
            "width": options.get("width", 0),  # theory has none either
            "classes": len(data["classes"]),
            "shift": data["shift"],
            "points": data["points"],
            "first_points_sha256": data["first_points_sha256"],
        }
    except KeyError as error:
        raise UserError(f"{path}: its config has no {error}") from None
