"""Data sets that are files: found where they are, downloaded where they are not, or replaced by a stand-in."""

import logging
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from normplace.data.image_folder import image_folder
from normplace.data.record import Source, Where
from normplace.errors import UserError

LOG = logging.getLogger(__name__)
DOWNLOAD_TIMEOUT = 30  # seconds without a byte
OFFLINE = "NORMPLACE_OFFLINE"  # an environment variable


@dataclass(frozen=True)
class Download:
    """An archive: where it is, tried in order; its hash ("md5:..."); unpacked: the file in a .gz, else a tar."""

    urls: tuple[str, ...]
    known_hash: str
    unpacked: str | None = None


@dataclass(frozen=True)
class OnDisk:
    """How a data set is found below a data root.

    title: what it is called. files: data root, split, kind -> the split, read from the original files, which it checks.
    shown_by: paths below a data root, any of which says that original files are there. wanted: what to put there, for
    errors. stand_in: split -> what takes its place.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    files: Callable[[Path, str, str], Source]
    shown_by: tuple[str, ...]
    wanted: str
    downloads: tuple[Download, ...]
    stand_in: Callable[[str, Where], Source]

    def locate(self, root: Path) -> str:
        """Which source is there, without opening it: "torchvision files", "image folder" or "none"."""
        if any((root / path).exists() for path in self.shown_by):
            return "torchvision files"
        return "image folder" if (root / self.name).is_dir() else "none"

    def source(self, split: str, where: Where) -> Source:
        """The first source that is there: original files, image folder, download, stand-in.

        Raises:
            UserError: a file is altered or incomplete, or nothing was found and a stand-in is not allowed.
        """
        for root in where.roots:
            found = self.locate(root)
            if found == "torchvision files":
                return self.files(root, split, found)
            if found == "image folder":
                source = image_folder(root / self.name, split, self.title)
                if tuple(source.class_names) != self.class_names:
                    names = ", ".join(self.class_names)
                    raise UserError(f"folder {root / self.name / split}: needs the classes {names}")
                return source
        root, looked_in = where.roots[0], " or ".join(map(str, where.roots))
        try:
            if os.environ.get(OFFLINE):
                raise OSError(f"{OFFLINE} is set")
            LOG.warning("%s is not in %s; downloading it", self.title, looked_in)
            download(self.downloads, root)
            return self.files(root, split, "downloaded")
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error, UserError):
                raise
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        not_found = f"{self.title} was not found in {looked_in} and could not be downloaded ({reason})."
        if not where.stand_in_allowed:
            raise UserError(f"{not_found} Put it at {root}/{self.wanted}")
        stand_in = self.stand_in(split, where)
        LOG.warning(
            "WARNING: %s Continuing with a STAND-IN: %s. Numbers and figures from it are not %s's.",
            not_found, stand_in.label, self.title,
        )  # fmt: skip
        label = f"{stand_in.label} (stand-in for {self.title})"
        return replace(stand_in, kind="stand-in", label=label, stand_in=True)


def default_data_roots() -> list[Path]:
    """$DATA_ROOT where it is set, then ./data."""
    given = os.environ.get("DATA_ROOT")
    return [*([Path(given)] if given else []), Path("data")]


def refuse_altered(path: Path, found: str, expected: str, algorithm: str) -> None:
    """Raise a `UserError` where a file's hash is not the expected one."""
    if found != expected:
        raise UserError(f"{path}: altered or incomplete, its {algorithm} is {found}, expected {expected}")


def download(downloads: tuple[Download, ...], root: Path) -> None:
    """Download and unpack beside the data root, then move the files in: never half a data set."""
    import pooch

    root.mkdir(parents=True, exist_ok=True)
    pooch.get_logger().setLevel("WARNING")
    with tempfile.TemporaryDirectory(dir=root, prefix=".download-") as temporary:
        for archive in downloads:
            unpack = pooch.Decompress(name=archive.unpacked) if archive.unpacked else pooch.Untar(extract_dir=".")
            _retrieve(archive, Path(temporary), unpack)
        for file in sorted(path for path in Path(temporary).rglob("*") if path.is_file() and path.suffix != ".gz"):
            target = root / file.relative_to(temporary)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)


def _retrieve(archive: Download, folder: Path, unpack: Any) -> None:
    """From the first of its addresses that has it."""
    import pooch

    if archive.unpacked:
        (folder / archive.unpacked).parent.mkdir(parents=True, exist_ok=True)
    errors: list[Exception] = []
    for url in archive.urls:
        get = pooch.HTTPDownloader(timeout=DOWNLOAD_TIMEOUT, progressbar=sys.stderr.isatty())
        try:
            pooch.retrieve(url, archive.known_hash, url.rpartition("/")[2], folder, unpack, get)
            return
        except (OSError, ValueError) as error:  # not there, or with another hash
            errors.append(error)
    raise errors[0]
