"""Every data set as one standardised float32 tensor in memory: class selection, order, standardisation, shift."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from normplace.data.classes import class_map
from normplace.data.image_folder import image_folder
from normplace.data.names import looks
from normplace.data.on_disk import default_data_roots
from normplace.data.record import Doubles, Indices, Source, Where
from normplace.data.sets import DATASETS
from normplace.errors import UserError, check_number, check_whole
from normplace.files import read_npz, sha256_of_arrays, write_npz

if TYPE_CHECKING:
    import torch

LOG = logging.getLogger(__name__)
STORED = ("pixels", "labels", "test_pixels", "test_labels", "mean", "std")  # arrays of a prepared file
MIN_POINTS = 2  # one point has no variance
DEFAULT_POINTS = 1000  # the authors' initial statistics use the first 1000 training images


@dataclass(frozen=True)
class DataRequest:
    """What to load. dataset: a name of `sets.DATASETS`, `folder:PATH`, or `file:PATH` (written by `normplace data`).

    points: how many of the first training points, after class selection (None: the first 1000, or all
    where there are fewer; all of a prepared file). standardise: "paper" (the authors' constants), "own"
    (mean and standard deviation per channel of the training points asked for), or None (the paper's where
    it has some). shift: added after standardisation, in standard deviations. test_points: how many of the
    first test points, selected and scaled as the training points are (None: all). skip_unreadable: leave out files of
    a folder that are not read, instead of refusing the folder.
    """

    dataset: str
    data_root: Path | None = None
    classes: str | None = None
    points: int | None = None
    shift: float = 0.0
    standardise: str | None = None
    stand_in_allowed: bool = True
    test_points: int | None = 0
    skip_unreadable: bool = False


class Arrays(NamedTuple):
    """The fields of `Data` as numpy arrays. Before standardisation x and test_x may be uint8, as pixels are."""

    x: npt.NDArray[Any]
    y: Indices
    test_x: npt.NDArray[Any]
    test_y: Indices
    provenance: dict[str, Any]


Raw = tuple[Arrays, Doubles, Doubles]  # points before standardisation, their mean and standard deviation [c]


@dataclass(frozen=True, eq=False, repr=False)
class Data:
    """Standardised points in memory.

    x: float32 [n, d] or [n, c, h, w]; y: int64 [n]; test_x, test_y: the same of the test split, perhaps of no points.
    provenance: JSON-able, where the points come from: label, classes, whether they are a stand-in, SHA-256.
    """

    x: "torch.Tensor"
    y: "torch.Tensor"
    test_x: "torch.Tensor"
    test_y: "torch.Tensor"
    provenance: dict[str, Any]

    @property
    def classes(self) -> list[str]:
        """The names of the classes, class 0 first."""
        return list(self.provenance["classes"])

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.x.shape[1:]))
        test = f" and {len(self.test_y):,} to test" if len(self.test_y) else ""
        label, classes = self.provenance["label"], ", ".join(self.classes)
        return f"<Data: {label}, {len(self.y):,} points{test} of shape {shape}, classes {classes}>"


def load(
    dataset: str,
    classes: str | Mapping[str, Sequence[str | int]] | None = None,
    points: int | None = None,
    *,
    test_points: int | None = 0,
    shift: float = 0.0,
    standardise: str | None = None,
    data_root: Path | str | None = None,
    stand_in_allowed: bool = True,
    skip_unreadable: bool = False,
) -> Data:
    """Load a data set as one standardised tensor. The same call gives the same points in the same order.

    Arguments are the fields of `DataRequest`; settings are the authors' code's: its class maps, constants and order.
    classes: a name of a class map, "all", or new class -> its class names or numbers.

    Raises:
        UserError: an unknown data set or class, too many points, altered or missing files.

    >>> load("digits", classes="parity", points=100)
    <Data: scikit-learn digits, 100 points of shape 1 x 8 x 8, classes even, odd>
    """
    check_number("shift", shift)
    if isinstance(classes, Mapping):
        classes = json.dumps({new: list(members) for new, members in classes.items()})
    root = Path(data_root) if data_root else None
    request = DataRequest(
        dataset=dataset, data_root=root, classes=classes, points=points, shift=shift, standardise=standardise,
        stand_in_allowed=stand_in_allowed, test_points=test_points, skip_unreadable=skip_unreadable,
    )  # fmt: skip
    return read(request)


def read(request: DataRequest) -> Data:
    """`load` by a request."""
    import torch

    found = read_arrays(request)
    x, y, test_x, test_y = map(torch.from_numpy, found[:4])
    return Data(x, y, test_x, test_y, found.provenance)


def read_arrays(request: DataRequest) -> Arrays:
    """`load` without torch, which takes seconds to import."""
    kind, _, path = request.dataset.partition(":")
    raw, mean, std = _read_prepared(Path(path), request) if kind == "file" else _read_source(request, _find_source)
    x, test_x = (_standardised(points, mean, std, request.shift) for points in (raw.x, raw.test_x))
    for split in (x, test_x):
        _refuse_all_alike(request.dataset, split)
    provenance = {
        **raw.provenance,
        "split": "train",
        "shift": request.shift,
        "sha256": sha256_of_arrays([x, raw.y]),
        "first_points_sha256": sha256_of_arrays([x[:MIN_POINTS]]),  # the same whatever the number of points
    }
    return Arrays(x, raw.y, test_x, raw.test_y, provenance)


def _standardised(points: npt.NDArray[Any], mean: Doubles, std: Doubles, shift: float) -> npt.NDArray[Any]:
    broadcast = (1, -1) + (1,) * (points.ndim - 2)
    scale = np.float32(255 if points.dtype == np.uint8 else 1)
    mean32, std32 = (values.astype(np.float32).reshape(broadcast) for values in (mean, std))
    return (points.astype(np.float32) / scale - mean32) / std32 + np.float32(shift)


def prepare(requests: Mapping[Path, DataRequest]) -> Iterator[dict[str, Any]]:
    """Write the points asked for, unstandardised, to each .npz, which `file:PATH` loads. Yields their provenance.

    A data set of several requests is read once.
    """
    find = cache(_find_source)
    for path, request in requests.items():
        raw, *scale = _read_source(request, find)
        arrays = dict(zip(STORED, (*raw[:4], *scale), strict=True))
        write_npz(path, arrays, {**raw.provenance, "raw_sha256": sha256_of_arrays(arrays.values())})
        yield raw.provenance


def _read_prepared(path: Path, request: DataRequest) -> Raw:
    for option in ("classes", "standardise"):
        if (value := getattr(request, option)) is not None:
            raise UserError(f"--{option} {value}: not for a prepared file, whose classes and scale are fixed")
    refuse_skipping(request.dataset, request.skip_unreadable)
    try:
        arrays, provenance = read_npz(path, STORED)
    except UserError as error:
        raise UserError(f"--dataset file:{error}") from None
    if provenance.pop("raw_sha256", None) != sha256_of_arrays(arrays.values()):
        raise UserError(
            f"--dataset file:{path}: damaged, or not written by `normplace data` (the SHA-256 does not match)"
        )
    available, test_available = len(arrays["labels"]), len(arrays["test_labels"])
    n = _number_of_points("points", request.points, available, available, request.dataset)
    m = _number_of_test_points(request.test_points, test_available, request.dataset)
    x, y, test_x, test_y, mean, std = arrays.values()
    return Arrays(x[:n], y[:n], test_x[:m], test_y[:m], {**provenance, "points": n, "test_points": m}), mean, std


def _read_source(request: DataRequest, find: Callable[..., Source]) -> Raw:
    where = request.dataset, request.data_root, request.stand_in_allowed, request.skip_unreadable
    source = find(*where, "train")
    if len(source.class_names) < 2:
        one = f"has one class, {source.class_names[0]!r}"
        raise UserError(f"--dataset {request.dataset}: {one}; two or more are needed")
    name = request.dataset.partition(":")[0]
    usual = DATASETS[name].classes if name in DATASETS else "all"
    new_classes = class_map(request.classes or usual, source)
    chosen, labels = _chosen(source, new_classes)
    usual_points = min(DEFAULT_POINTS, len(chosen))
    n = _number_of_points("points", request.points, usual_points, len(chosen), request.dataset)
    pixels = _read_pixels(request.dataset, source, chosen[:n])
    _warn_of_empty_classes(request.dataset, list(new_classes), labels[:n])
    mean, std, scale = _mean_and_std(request, source, pixels)
    test_pixels, test_labels, notes = pixels[:0], labels[:0], source.notes
    if request.test_points != 0:
        test = find(*where, "test")
        _refuse_other_classes(request.dataset, source.class_names, test.class_names)
        test_chosen, test_labels = _chosen(test, new_classes)
        m = _number_of_test_points(request.test_points, len(test_chosen), request.dataset)
        test_pixels, test_labels = _read_pixels(request.dataset, test, test_chosen[:m]), test_labels[:m]
        if test_pixels.shape[1:] != pixels.shape[1:]:
            both = f"train has {_kind(pixels)}, test has {_kind(test_pixels)}"
            raise UserError(f"--dataset {request.dataset}: {both}; both must be alike")
        notes += test.notes
    provenance = {
        "dataset": request.dataset if name != "folder" else "folder",
        "source": source.kind,
        "label": source.label,
        "stand_in": source.stand_in,
        "classes": {new: [source.class_names[old] for old in members] for new, members in new_classes.items()},
        "points": n,
        "test_points": len(test_labels),
        "shape": list(pixels.shape[1:]),
        "standardise": scale,
        **({"notes": list(notes)} if notes else {}),
    }
    return Arrays(pixels, labels[:n], test_pixels, test_labels, provenance), mean, std


def _chosen(source: Source, new_classes: dict[str, list[int]]) -> tuple[Indices, Indices]:
    """Indices of the points in the classes asked for, in the source's order, and their new labels."""
    new_label = np.full(len(source.class_names), -1, dtype=np.int64)
    for label, members in enumerate(new_classes.values()):
        new_label[members] = label
    chosen = np.flatnonzero(new_label[source.labels] >= 0)
    return chosen, new_label[source.labels[chosen]]


def _find_source(
    dataset: str, data_root: Path | None, stand_in_allowed: bool, skip_unreadable: bool, split: str
) -> Source:
    name, _, path = dataset.partition(":")
    if name == "file":
        raise UserError(f"--dataset {dataset}: is prepared already; name the data set that it was made from")
    refuse_unknown(dataset)
    refuse_skipping(dataset, skip_unreadable)
    roots = (data_root.expanduser(),) if data_root else tuple(default_data_roots())
    with _named(dataset):
        if name == "folder":
            source = image_folder(Path(path).expanduser(), split, skip_unreadable=skip_unreadable)
        else:
            source = DATASETS[name].read(split, Where(roots, stand_in_allowed, skip_unreadable))
    for note in source.notes:
        LOG.warning("note: %s", note)
    if skip_unreadable and source.kind != "image folder" and split == "train":
        LOG.warning("note: --skip-unreadable has no effect: %s is not read from a folder of images", source.label)
    return source


def refuse_skipping(dataset: str, skip_unreadable: bool) -> None:
    """Refuse to skip files of what is never a folder of images.

    Raises:
        UserError: it is asked for.
    """
    kind = dataset.partition(":")[0]
    if skip_unreadable and kind != "folder" and not (kind in DATASETS and DATASETS[kind].on_disk):
        raise UserError(f"--skip-unreadable: is for folders of images, not for {dataset}")


def refuse_unknown(dataset: str, more: Iterable[str] = ()) -> None:
    """Refuse what names no data set.

    more: what a command takes besides, for the message.

    Raises:
        UserError: it is neither a name, nor a file or a folder.
    """
    kind, _, path = dataset.partition(":")
    if dataset not in DATASETS and not (kind in ("file", "folder") and path):
        allowed = ", ".join([*DATASETS, "folder:PATH", "file:PATH", *more])
        raise UserError(f"--dataset {dataset}: unknown, allowed are {allowed}")


@contextmanager
def _named(dataset: str) -> Iterator[None]:
    """Errors of a source with the option that named it."""
    try:
        yield
    except UserError as error:
        raise UserError(f"--dataset {dataset}: {error}") from None


def _read_pixels(dataset: str, source: Source, indices: Indices) -> npt.NDArray[Any]:
    with _named(dataset):
        pixels = source.read(indices)
    _refuse_all_alike(dataset, pixels, source.notes)
    return pixels


def _refuse_all_alike(dataset: str, points: npt.NDArray[Any], notes: tuple[str, ...] = ()) -> None:
    if len(points) and not (points != points[0]).any():
        raise UserError("; ".join([f"--dataset {dataset}: all {len(points)} points are the same", *notes]))


def _refuse_other_classes(dataset: str, train: list[str], test: list[str]) -> None:
    alone = {
        "train": [name for name in train if name not in test],
        "test": [name for name in test if name not in train],
    }
    unclear = {*map(looks, alone["train"])} & {*map(looks, alone["test"])}  # they look the same: show what they are
    named = " and ".join(
        f"{', '.join(ascii(name) if looks(name) in unclear else name for name in names)} in {split} alone"
        for split, names in alone.items()
        if names
    )
    if named:
        raise UserError(f"--dataset {dataset}: its splits have different classes, {named}; both must have the same")


def _warn_of_empty_classes(dataset: str, classes: list[str], labels: Indices) -> None:
    present = set(labels.tolist())
    if empty := [name for label, name in enumerate(classes) if label not in present]:
        shown = ", ".join(empty[:5]) + (", ..." if len(empty) > 5 else "")
        LOG.warning(
            "note: --dataset %s: %d of %d classes have none of the %d points asked for (%s)",
            dataset, len(empty), len(classes), len(labels), shown,
        )  # fmt: skip


def _kind(pixels: npt.NDArray[Any]) -> str:
    """What images are, in words."""
    if pixels.ndim != 4:
        return f"points of {pixels.shape[1]} numbers"
    channels, height, width = pixels.shape[1:]
    return f"{'grey' if channels == 1 else 'colour'} images of {width}x{height}"


def _number_of_points(option: str, asked: int | None, usual: int, available: int, dataset: str) -> int:
    number = usual if asked is None else asked
    check_whole(option, number, 0)
    if not MIN_POINTS <= number <= available:
        has = f"{dataset} has {available} points in these classes"
        raise UserError(f"--{option} {number}: {has}, at least {MIN_POINTS} are needed")
    return number


def _number_of_test_points(asked: int | None, available: int, dataset: str) -> int:
    if asked == 0 or (asked is None and available == 0):
        return 0
    return _number_of_points("test-points", asked, available, available, dataset)


def _mean_and_std(request: DataRequest, source: Source, pixels: npt.NDArray[Any]) -> tuple[Doubles, Doubles, str]:
    """Mean and standard deviation per channel, on the 0..1 scale of pixels, and what they are."""
    asked, dataset = request.standardise, request.dataset
    if asked not in (None, "paper", "own"):
        raise UserError(f"--standardise {asked}: allowed are paper, own")
    if pixels.ndim == 2 and asked != "own":  # the Gaussian blobs have unit variance as they are
        return np.zeros(1), np.ones(1), "none"
    constants = DATASETS[dataset].constants if dataset in DATASETS else None
    if constants and asked != "own" and not source.stand_in:
        return np.array(constants[0]), np.array(constants[1]), "paper"
    if asked == "paper" and not source.stand_in:
        raise UserError(f"--standardise paper: the paper has no constants for {dataset}, use own")
    axes, scale = (0, 2, 3) if pixels.ndim == 4 else (0, 1), 255 if pixels.dtype == np.uint8 else 1
    mean, std = (np.atleast_1d(over(axis=axes, dtype=np.float64) / scale) for over in (pixels.mean, pixels.std))
    if not np.all(std > 0):
        channel = int(np.argmin(std))
        what = f"channel {channel + 1} of {len(std)} is {mean[channel] * scale:g} in all {len(pixels)} points asked for"
        raise UserError(f"--dataset {dataset}: {what}, and cannot be standardised; other or more points are needed")
    return mean, std, "own"
