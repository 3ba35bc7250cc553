"""Hashes, versions, and files that are either complete or not there. Nothing here imports torch."""

import hashlib
import json
import os
import platform
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from tokenize import TokenError
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from normplace.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNFINISHED = ".unfinished"
# What numpy and zipfile raise on a file that is not, or no longer, an .npz.
UNREADABLE = (
    OSError, ValueError, EOFError, KeyError, AttributeError, TypeError, RuntimeError, NotImplementedError, SyntaxError,
    MemoryError, struct.error, zlib.error, TokenError, zipfile.BadZipFile,
)  # fmt: skip


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_of_text(text: str) -> str:
    """SHA-256 of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_of_arrays(arrays: Iterable[npt.NDArray[Any]]) -> str:
    """SHA-256 over type, shape and bytes of each array, in order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def sha256_of_json(value: Mapping[str, Any]) -> str:
    """SHA-256 of a JSON-able mapping, whatever the order of its keys."""
    return sha256_of_text(json.dumps(value, sort_keys=True))


def sha256_of_sources(paths: Iterable[Path]) -> str:
    """One SHA-256 over the contents of several source files, in the order of their folders and names."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.parent.name}/{path.name}".encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def sha256_of_package() -> str:
    """One SHA-256 over all modules of this package: whatever was made by other code has another one."""
    return sha256_of_sources(Path(__file__).parent.rglob("*.py"))


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that results depend on."""
    packages = ("normplace", "torch", "torchvision", "numpy", "scipy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def check_writable(path: Path, option: str = "--output") -> None:
    """Refuse an output that could not be written, before any work starts. Makes nothing.

    Raises:
        UserError: the path is a directory or a device, or its folder cannot be made or written to.
    """
    if path.is_dir():
        raise UserError(f"{option} {path}: is a directory, but the name of a file is needed")
    if path.exists() and not path.is_file():
        raise UserError(f"{option} {path}: is not a regular file, and would be replaced")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir():
        raise UserError(f"{option} {path}: cannot be written ({folder} is not a directory)")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"{option} {path}: cannot be written ({error.strerror})") from None


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it: no reader ever sees half a file.

    Where the process is killed meanwhile, that file stays: `UNFINISHED` is how its name ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            write(handle)
            handle.flush()
            os.fsync(handle.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and error.filename is None:  # as where a disk is full
            error.filename = str(path)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes atomically."""
    write_atomically(path, lambda handle: handle.write(content))


def write_picture(figure: "Figure", path: Path, **options: Any) -> None:
    """Write a matplotlib figure atomically, in the format of the suffix; equal input gives equal bytes.

    The text under the figure, where it has one, is in the file as its description too: for those who cannot see it.
    """
    unwanted, description = {".pdf": ("CreationDate", "Subject"), ".png": ("Software", "Description")}[path.suffix]
    metadata = {unwanted: None, description: " ".join(figure.get_supxlabel().split()) or None}
    content = BytesIO()  # not the file: on a full disk matplotlib would fail in a way of its own
    figure.savefig(content, format=path.suffix[1:], metadata=metadata, **options)
    write_bytes(path, content.getvalue())


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object with the SHA-256 of all else in it, by which `read_json` knows it for unaltered."""
    plain = json.loads(json.dumps(value, allow_nan=False))
    write_text(path, json.dumps({**plain, "sha256": sha256_of_json(plain)}, indent=1, sort_keys=True) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """What `write_json` wrote.

    Raises:
        UserError: the file is missing, damaged, altered, or not one of ours.
    """
    try:
        value = json.loads(path.read_bytes())
        if value.pop("sha256") != sha256_of_json(value):
            raise ValueError("its SHA-256 is of other contents")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path}: damaged, altered, or not a file of normplace ({error})") from None
    return dict(value)


def write_npz(path: Path, arrays: Mapping[str, npt.NDArray[Any]], config: Mapping[str, Any]) -> None:
    """Write arrays and a JSON `config` as an .npz without pickles; equal content gives equal bytes."""
    text = np.array(json.dumps(config, sort_keys=True))
    write_atomically(path, lambda handle: np.savez(handle, config=text, **arrays))  # type: ignore[arg-type]


@contextmanager
def open_npz(path: Path) -> Iterator[Any]:
    """An .npz without pickles. What is no zip archive numpy would take for a pickle, and say how to load it."""
    with path.open("rb") as handle:
        if not zipfile.is_zipfile(handle):
            raise ValueError("it is no zip archive")
        handle.seek(0)
        with np.load(handle, allow_pickle=False) as archive:
            yield archive


def read_npz(path: Path, names: Iterable[str]) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """Read the named arrays and the JSON `config` of an .npz.

    Raises:
        UserError: the file is missing, damaged, holds pickles, or is not one of ours.
    """
    try:
        with open_npz(path) as archive:
            missing = sorted({*names, "config"} - set(archive.files))
            if missing:
                raise UserError(f"{path}: not a file of normplace (no array {', '.join(missing)})")
            return {name: archive[name] for name in names}, json.loads(archive["config"].item())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except UserError:
        raise
    except UNREADABLE as error:
        raise UserError(f"{path}: damaged or not an .npz of normplace ({error})") from None
