"""What is known of a data set before it is read, and what reading one of its splits gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from normplace.data.on_disk import OnDisk

Indices = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
SPLITS = ("train", "test")


@dataclass(frozen=True)
class Source:
    """One split of one data set: the label of every point; pixels are read only for the points asked for.

    labels: int64 [n], in the source's own order. read: indices [m] -> uint8 [m, c, h, w] pixels, or float32 [m, d] for
    data that are not images. kind: where it comes from. label: what figures and tables call the data. notes: what a
    user should know of how it was read.
    """

    labels: Indices
    class_names: list[str]
    read: Callable[[Indices], npt.NDArray[Any]]
    kind: str
    label: str
    stand_in: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Where:
    """Where data are looked for, in this order (a download goes to the first), and what is allowed.

    skip_unreadable: leave out files of an image folder that are not read.
    """

    roots: tuple[Path, ...]
    stand_in_allowed: bool = True
    skip_unreadable: bool = False


@dataclass(frozen=True)
class DatasetRecord:
    """A data set.

    name: on the command line and in the configuration. read: "train" or "test" -> that split. classes: its usual class
    map (`classes.CLASS_MAPS`, or "all"). sizes: two-class maps -> how many training and test points there are.
    constants: mean and standard deviation per channel by which the authors standardise. on_disk: how its files are
    found and downloaded; None for data that are built in.
    """

    name: str
    read: Callable[[str, Where], Source]
    classes: str = "all"
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    constants: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    on_disk: OnDisk | None = None
