"""The inputs of `normplace measure`: a data set of `datasets`, or a .npy file used as it is."""

from pathlib import Path
from tokenize import TokenError
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from normplace.data.datasets import DEFAULT_POINTS, MIN_POINTS, DataRequest, read
from normplace.errors import UserError
from normplace.files import sha256_of_arrays


class Inputs(NamedTuple):
    """x: float32 [n, ...]; class_names: of labelled data, else None; provenance: JSON-able, where they come from."""

    x: torch.Tensor
    class_names: list[str] | None
    provenance: dict[str, Any]


def load_inputs(request: DataRequest, resize: int | None = None) -> Inputs:
    """Load the points asked for; images are resized to `resize` x `resize` (bilinear, smoothed when made smaller).

    Raises:
        UserError: see `datasets.read`; a .npy file that is not floats [n, ...]; a resize of what are no images.
    """
    if request.dataset.startswith("npy:"):
        x, class_names = torch.from_numpy(_read_npy(request)), None
        provenance = {
            "dataset": "npy",
            "source": "npy file",
            "label": Path(request.dataset[4:]).name,
            "stand_in": False,
            "points": len(x),
            "shape": list(x.shape[1:]),
            "sha256": sha256_of_arrays([x.numpy()]),
        }
    else:
        data = read(request)
        x, class_names, provenance = data.x, data.classes, data.provenance
    if resize is not None:
        if x.ndim != 4:
            needed = "needs images [n, channels, height, width]"
            raise UserError(f"--resize {resize}: {needed}, the inputs are {list(x.shape)}")
        x = F.interpolate(x, size=(resize, resize), mode="bilinear", antialias=True)
    return Inputs(x, class_names, provenance)


def _read_npy(request: DataRequest) -> npt.NDArray[np.float32]:
    """The first points of a .npy file of floats [n, ...], as float32."""
    for option in ("classes", "standardise", "shift"):
        if value := getattr(request, option):
            raise UserError(f"--{option} {value}: not for a .npy file, which is used as it is and has no labels")
    path = Path(request.dataset[4:])
    try:
        array = np.lib.format.open_memmap(path, mode="r")  # of .npy alone; refuses pickles
    except FileNotFoundError:
        raise UserError(f"--dataset npy:{path}: no such file") from None
    except (OSError, ValueError, EOFError, SyntaxError, TokenError) as error:  # numpy parses the header as Python
        raise UserError(f"--dataset npy:{path}: not a .npy file of numbers ({error})") from None
    if array.dtype not in (np.float16, np.float32, np.float64) or array.ndim < 2:
        needed = "needs floats [n, ...], scaled as the model expects them"
        raise UserError(f"--dataset npy:{path}: {needed}, but has {array.dtype} {list(array.shape)}")
    asked = min(DEFAULT_POINTS, len(array)) if request.points is None else request.points
    if not MIN_POINTS <= asked <= len(array):
        raise UserError(f"--points {asked}: {path} has {len(array)} points, at least {MIN_POINTS} are needed")
    with np.errstate(over="ignore"):
        x = np.array(array[:asked], dtype=np.float32)
    if not np.isfinite(x).all():
        raise UserError(f"--dataset npy:{path}: has NaN, infinite values or values too large for float32")
    if not (x != x[0]).any():
        raise UserError(f"--dataset npy:{path}: all {len(x)} points are the same")
    return x
