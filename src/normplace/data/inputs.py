"""The inputs of `normplace measure`: a data set of `datasets`, arrays as they are, bytes of a text, random ones."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from tokenize import TokenError
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from normplace.data.datasets import DEFAULT_POINTS, MIN_POINTS, DataRequest, read, refuse_skipping, refuse_unknown
from normplace.data.search import is_file
from normplace.data.sets import DATASETS
from normplace.errors import UserError
from normplace.files import open_npz, sha256_of_arrays

TEXT_LENGTH = 64  # bytes of one point of a text, unless given
MASK = "attention_mask"  # the argument that says which positions count
LARGEST = 2**31  # of a size
TEXTS = (".rst", ".md", ".txt")  # of a package
Arrays = dict[str, npt.NDArray[Any]]


class Inputs(NamedTuple):
    """tensors: float32 or int64 [n, ...] by the name of the argument, arg0, arg1, ... of those given by position.

    labels: int64 [n], and class_names: of labelled data, else None. provenance: JSON-able, where they come from.
    """

    tensors: dict[str, torch.Tensor]
    labels: torch.Tensor | None
    class_names: list[str] | None
    provenance: dict[str, Any]

    def given(self) -> torch.Tensor | tuple[torch.Tensor, ...] | dict[str, torch.Tensor]:
        """As `measure` takes them: one tensor, several by position, or named ones."""
        if all(re.fullmatch(r"arg\d+", name) for name in self.tensors):
            return tuple(self.tensors.values()) if len(self.tensors) > 1 else self.tensors["arg0"]
        return self.tensors


def load_inputs(request: DataRequest, resize: int | None = None) -> Inputs:
    """Load the points asked for; images are resized to `resize` x `resize` (bilinear, smoothed when made smaller).

    Raises:
        UserError: see `datasets.read`; a file that is not what its kind says; a resize of what are no images.
    """
    kind, _, place = request.dataset.partition(":")
    readers = {"npy": _npy, "npz": _npz, "text": _text, "gaussian": _gaussian, "tokens": _tokens}
    if kind in readers and place:
        for option in ("classes", "standardise", "shift"):
            if value := getattr(request, option):
                raise UserError(f"--{option} {value}: not for {kind}: inputs, which are used as they are, unlabelled")
        refuse_skipping(request.dataset, request.skip_unreadable)
        if kind in ("npy", "npz") and Path(place).exists() and not is_file(place):
            raise UserError(f"--dataset {request.dataset}: is no file")  # to open a pipe would wait for ever
        try:
            label, arrays = readers[kind](request, place)
        except MemoryError:
            raise UserError(f"--dataset {request.dataset}: more numbers than memory holds") from None
        _refuse_alike(request, arrays)
        first = next(iter(arrays.values()))
        provenance = {
            "dataset": kind,
            "source": {"npy": "npy file", "npz": "npz file", "text": "text"}.get(kind, "generated"),
            "label": label,
            "stand_in": False,
            "points": len(first),
            "shape": list(first.shape[1:]),
            "sha256": sha256_of_arrays(arrays.values()),
        }
        inputs = Inputs({name: torch.from_numpy(array) for name, array in arrays.items()}, None, None, provenance)
    elif request.dataset in readers and request.dataset not in DATASETS:
        raise UserError(f"--dataset {request.dataset}: needs what follows {kind}: (see --help)")
    else:
        refuse_unknown(request.dataset, (f"{name}:..." for name in readers))
        data = read(request)
        inputs = Inputs({"arg0": data.x}, data.y, data.classes, data.provenance)
    if resize is not None:
        x = inputs.tensors.get("arg0")
        if x is None or x.ndim != 4:
            shapes = [list(tensor.shape) for tensor in inputs.tensors.values()]
            needed = "needs images [n, channels, height, width]"
            raise UserError(f"--resize {resize}: {needed}, the inputs are {', '.join(map(str, shapes))}")
        x = F.interpolate(x, size=(resize, resize), mode="bilinear", antialias=True)
        provenance = {**inputs.provenance, "shape": list(x.shape[1:])}
        inputs = inputs._replace(tensors={**inputs.tensors, "arg0": x}, provenance=provenance)
    return inputs


def _npy(request: DataRequest, place: str) -> tuple[str, Arrays]:
    path = Path(place)
    try:
        array = np.lib.format.open_memmap(path, mode="r")  # of .npy alone; refuses pickles
    except FileNotFoundError:
        raise UserError(f"--dataset npy:{path}: no such file") from None
    except (OSError, ValueError, EOFError, SyntaxError, TokenError) as error:  # numpy parses the header as Python
        raise UserError(f"--dataset npy:{path}: not a .npy file of numbers ({error})") from None
    return path.name, {"arg0": _numbers(array, request, "", axes=2)}


def _npz(request: DataRequest, place: str) -> tuple[str, Arrays]:
    path = Path(place)
    try:
        with path.open("rb") as handle:
            if handle.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX:
                raise UserError(f"--dataset npz:{path}: holds one array, as an .npy file does: say npy:{path}")
        with open_npz(path) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise UserError(f"--dataset npz:{path}: no such file") from None
    except UserError:
        raise
    except (OSError, ValueError, EOFError, SyntaxError, TokenError, BadZipFile, AttributeError, TypeError) as error:
        raise UserError(f"--dataset npz:{path}: not an .npz file of numbers ({error})") from None
    shapes = [array.shape for array in arrays.values()]
    if max(map(len, shapes), default=0) < 2 or len({shape[:1] for shape in shapes}) > 1:
        shown = ", ".join(f"{name} {list(array.shape)}" for name, array in arrays.items()) or "no array"
        needed = "needs arrays [n, ...] of one n, at least one of them with more than one axis"
        raise UserError(f"--dataset npz:{path}: {needed}, but has {shown}")
    by_position = all(name == f"arr_{index}" for index, name in enumerate(arrays))
    found = {
        f"arg{index}" if by_position else name: _numbers(array, request, f"{name} ", axes=1)
        for index, (name, array) in enumerate(arrays.items())
    }
    if MASK in found:  # with which models of transformers reckon
        found[MASK] = found[MASK].astype(np.int64)
    return path.name, found


def _numbers(array: npt.NDArray[Any], request: DataRequest, name: str, axes: int) -> npt.NDArray[Any]:
    """The first points of an array of `axes` or more: floats as float32, whole numbers as int64, masks as they are."""
    kind, size = array.dtype.kind, array.dtype.itemsize  # in either order of bytes
    is_float, is_whole = kind == "f" and size <= 8, kind == "i" and size >= 4
    if not (is_float or is_whole or kind == "b") or array.ndim < axes:
        needed = "needs floats, scaled as the model expects them, int64 tokens, or masks (bool), [n, ...]"
        raise UserError(f"--dataset {request.dataset}: {needed}, but {name}has {array.dtype} {list(array.shape)}")
    asked = _count(request, len(array))
    with np.errstate(over="ignore"):
        x = np.array(array[:asked], dtype=np.float32 if is_float else np.int64 if is_whole else np.bool_)
    if not np.isfinite(x).all():
        raise UserError(f"--dataset {request.dataset}: {name}has NaN, infinite values or values too large for float32")
    return x


def _count(request: DataRequest, available: int) -> int:
    asked = min(DEFAULT_POINTS, available) if request.points is None else request.points
    if not MIN_POINTS <= asked <= available:
        has = f"{request.dataset} has {available} points"
        option = "--dataset" if request.points is None else f"--points {asked}"
        raise UserError(f"{option}: {has}, at least {MIN_POINTS} are needed")
    return asked


def _refuse_alike(request: DataRequest, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    if not any((array != array[0]).any() for array in arrays.values()):
        raise UserError(f"--dataset {request.dataset}: all {len(next(iter(arrays.values())))} points are the same")


def _text(request: DataRequest, place: str) -> tuple[str, Arrays]:
    """The bytes of a file, or of a package's texts in the order of their names, as tokens in pieces of one length."""
    name, _, length = place.rpartition(",")
    if not (name and length.isdecimal()):
        name, length = place, str(TEXT_LENGTH)
    path, positions = Path(name), _whole(request, length)
    folder = None if path.exists() else _package(name)
    files = [path] if folder is None else sorted(file for file in folder.rglob("*") if file.suffix in TEXTS)
    try:
        data = b"".join(file.read_bytes() for file in files)
    except FileNotFoundError:
        raise UserError(f"--dataset text:{name}: is neither a file nor an installed package") from None
    except OSError as error:
        raise UserError(f"--dataset text:{name}: cannot be read ({error.strerror})") from None
    pieces = np.frombuffer(data[: len(data) // positions * positions], dtype=np.uint8).reshape(-1, positions)
    label = path.name if folder is None else f"texts of the package {name}"
    return f"{label}, {positions} bytes per point", {
        "arg0": pieces[: _count(request, len(pieces))].astype(np.int64),
    }


def _package(name: str) -> Path | None:
    """The folder of an installed package, if there is one of this name."""
    try:
        found = find_spec(name)
    except (ImportError, ValueError, AttributeError):  # such as a name with a dot
        return None
    places = [] if found is None else list(found.submodule_search_locations or [])
    return Path(places[0]) if places else None


def _gaussian(request: DataRequest, place: str) -> tuple[str, Arrays]:
    shape = [_whole(request, size) for size in place.split("x")]
    n = DEFAULT_POINTS if request.points is None else _count(request, request.points)
    x = np.random.default_rng(0).standard_normal((n, *shape), dtype=np.float32)
    return f"standard Gaussian {place}", {"arg0": x}


def _tokens(request: DataRequest, place: str) -> tuple[str, Arrays]:
    vocabulary, _, length = place.partition(",")
    n = DEFAULT_POINTS if request.points is None else _count(request, request.points)
    shape = n, _whole(request, length)
    tokens = np.random.default_rng(0).integers(_whole(request, vocabulary), size=shape)
    return f"{length} tokens of {vocabulary}, drawn evenly", {"arg0": tokens}


def _whole(request: DataRequest, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) < LARGEST:
        kind = request.dataset.partition(":")[0]
        forms = {"gaussian": "gaussian:SHAPE such as gaussian:3x32x32", "tokens": "tokens:VOCABULARY,LENGTH"}
        raise UserError(f"--dataset {request.dataset}: allowed is {forms.get(kind, 'text:FILE,LENGTH')}")
    return int(text)
