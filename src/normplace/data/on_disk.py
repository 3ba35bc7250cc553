"""Data sets that are files: found where they are, downloaded where they are not, or replaced by a stand-in."""

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from normplace.data.image_folder import image_folder
from normplace.data.record import SPLITS, Source, Where
from normplace.data.search import alike, folders_below, is_file, is_folder
from normplace.errors import UserError

LOG = logging.getLogger(__name__)
DOWNLOAD_TIMEOUT = 30  # seconds without a byte
OFFLINE = "NORMPLACE_OFFLINE"  # an environment variable: any value forbids downloads
IN_A_RUN = "in a run"  # its value in jobs of a run, which downloads before it starts
BEFORE_THE_RUN = (
    "jobs of a run download nothing; `python -m study.fetch CONFIG...`, with which `make replicate` begins, does, and "
    "says why where it cannot"
)


@dataclass(frozen=True)
class Download:
    """An archive: where it is, tried in order; its hash ("md5:..."); unpacked: the file in a .gz, else a tar."""

    urls: tuple[str, ...]
    known_hash: str
    unpacked: str | None = None

    @property
    def name(self) -> str:
        """The file's."""
        return self.urls[0].rpartition("/")[2]


Files = dict[str, Path]  # an original file's name -> where it is


@dataclass(frozen=True)
class OnDisk:
    """How a data set is found below a data root.

    title: what it is called. find: data root -> its original files, None where there are none. read: these files,
    split, kind -> the split; it checks them. lacking: data root -> why files that are there are not taken, perhaps
    nothing. wanted: what to put there, for errors. words: in names of what may be
    meant for it. stand_in: split -> what takes its place.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    find: Callable[[Path], Files | None]
    read: Callable[[Files, str, str], Source]
    wanted: str
    words: tuple[str, ...]
    downloads: tuple[Download, ...]
    stand_in: Callable[[str, Where], Source]
    lacking: Callable[[Path], str] = lambda root: ""

    def image_folder(self, root: Path) -> Path | None:
        """The folder of images below a data root that is called like the data set."""
        names = (self.name, self.title.lower())
        below = (folder for folder in folders_below(root) if folder.name.lower() in names)
        return next((folder for folder in below if any(map(is_folder, (folder / "train").glob("*")))), None)

    def source(self, split: str, where: Where) -> Source:
        """The first source that is there: original files, image folder, download, stand-in.

        Raises:
            UserError: a file is altered or incomplete, or nothing was found and a stand-in is not allowed.
        """
        for root in where.roots:
            if files := self.find(root):
                return self.read(files, split, "torchvision files")
            if folder := self.image_folder(root):
                source = image_folder(folder, split, self.title, skip_unreadable=where.skip_unreadable)
                if tuple(source.class_names) != self.class_names:
                    has, names = ", ".join(source.class_names), ", ".join(self.class_names)
                    raise UserError(f"folder {folder / split}: needs the classes {names}, but has {has}")
                return source
        root, looked_in = where.roots[0], " or ".join(map(str, where.roots))
        try:
            here = [path for folder in where.roots for path in alike(folder, self.words)]
            if not os.environ.get(OFFLINE):
                LOG.warning("%s is not in %s; downloading it", self.title, looked_in)
            obtain(self.downloads, root, here)
            if files := self.find(root):
                return self.read(files, split, "downloaded")
            raise OSError("the download lacks the files that it should have")
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error, UserError):
                raise
            reason = " ".join((str(error) or type(error).__name__).split())
        lacking = "; ".join(filter(None, map(self.lacking, where.roots)))
        other = f" (there is {', '.join(map(str, here[:3]))}, which cannot be read as it is)" if here else ""
        other = f" ({lacking})" if lacking else other
        if damaged := [archive for archive in self.downloads if _named(archive, here) and not _copy(archive, here)]:
            one = damaged[0]
            other = f" (there is {_named(one, here)[0]}, but its checksum is not {one.known_hash}: fetch it again)"
        not_found = (
            f"{self.title} was not found in {looked_in}{other}, and could not be downloaded ({reason}). "
            f"Put it at {root}/{self.wanted}"
        )
        if not where.stand_in_allowed:
            raise UserError(not_found)
        stand_in = self.stand_in(split, where)
        label = f"{stand_in.label} (stand-in for {self.title})"
        if split == SPLITS[0]:  # once, for both
            LOG.warning(
                "WARNING: %s. Continuing with a STAND-IN: %s. Numbers and figures from it are not %s's.",
                not_found, stand_in.label, self.title, extra={"stand_in": label},
            )  # fmt: skip
        return replace(stand_in, kind="stand-in", label=label, stand_in=True)


def default_data_roots() -> list[Path]:
    """$DATA_ROOT where it is set, then ./data."""
    given = os.environ.get("DATA_ROOT")
    return [*([Path(given)] if given else []), Path("data")]


def refuse_altered(path: Path, found: str, expected: str, algorithm: str) -> None:
    """Raise a `UserError` where a file's hash is not the expected one."""
    if found != expected:
        raise UserError(f"{path}: altered or incomplete, its {algorithm} is {found}, expected {expected}")


def obtain(downloads: tuple[Download, ...], root: Path, here: list[Path]) -> None:
    """Unpack archives beside the data root, from `here` or downloaded, and move the files in: never half a data set."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    forbidden = os.environ.get(OFFLINE)
    if forbidden and not all(_copy(archive, here) for archive in downloads):
        raise OSError(BEFORE_THE_RUN if forbidden == IN_A_RUN else f"{OFFLINE} is set")
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".download-") as temporary:
        for archive in downloads:
            unpack = pooch.Decompress(name=archive.unpacked) if archive.unpacked else pooch.Untar(extract_dir=".")
            _retrieve(archive, Path(temporary), unpack, here)
        for file in sorted(path for path in Path(temporary).rglob("*") if path.is_file() and path.suffix != ".gz"):
            target = root / file.relative_to(temporary)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)


def _retrieve(archive: Download, folder: Path, unpack: Any, here: list[Path]) -> None:
    """From the first of its addresses that has it, unless a copy is there, which pooch takes then."""
    import pooch

    if archive.unpacked:
        (folder / archive.unpacked).parent.mkdir(parents=True, exist_ok=True)
    name = archive.name
    if copy := _copy(archive, here):
        shutil.copyfile(copy, folder / name)
    errors = []
    for url in archive.urls:
        get = pooch.HTTPDownloader(timeout=DOWNLOAD_TIMEOUT, progressbar=sys.stderr.isatty())
        try:
            pooch.retrieve(url, archive.known_hash, name, folder, unpack, get)
            return
        except (OSError, ValueError) as error:  # not there, or with another hash
            errors.append(f"{url}: {error or type(error).__name__}")
    raise OSError("; ".join(errors))


def _copy(archive: Download, here: list[Path]) -> Path | None:
    """A copy of an archive that is there."""
    import pooch

    algorithm, _, sum_ = archive.known_hash.partition(":")
    return next((path for path in _named(archive, here) if pooch.file_hash(path, algorithm) == sum_), None)


def _named(archive: Download, here: list[Path]) -> list[Path]:
    """Files that are called like an archive."""
    return [path for path in here if path.name == archive.name and is_file(path)]
