"""A folder of images as a data set."""

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from normplace.data.image_file import BACKGROUND, Facts, UnreadableImage, facts, pixels
from normplace.data.names import as_text, looks
from normplace.data.record import SPLITS, Indices, Source
from normplace.data.search import is_file, is_folder
from normplace.errors import UserError

# What systems leave in folders, beside names that begin with a dot; in lower case.
NOT_DATA = ("thumbs.db", "desktop.ini", "__macosx", "@eadir", "lost+found", "$recycle.bin", "system volume information")


class _Entry(NamedTuple):
    """What is in a folder: another folder, or a file, unless it is a link to nothing or no regular file."""

    name: str
    path: str
    is_folder: bool
    is_file: bool


class _File(NamedTuple):
    """A file of a class; key: the SHA-256 of its name, by which files are ordered."""

    key: str
    label: int
    path: str


@dataclass(frozen=True)
class _Listing:
    """What is in a split: the classes, their files in order, and files that belong to no class, with why."""

    class_names: list[str]
    files: list[_File]
    elsewhere: list[tuple[str, str]]


def image_folder(path: Path, split: str, label: str | None = None, *, skip_unreadable: bool = False) -> Source:
    """Images in `path/<split>/<class>/`, of all formats in `image_file.FORMATS`, all of one size.

    The order is that of the SHA-256 of each image's name: shuffled, fixed, and not moved by other files. Images are
    turned as their EXIF says, and transparent ones are laid on white. skip_unreadable: leave out what is not read, and
    count it. Names that begin with a dot, and what systems leave in folders (`NOT_DATA`), are no part of the data.

    Raises:
        UserError: no such folder; a class without images; two that look alike; a file that is not read (in a folder
            inside a class, of another format, of several frames, of over 8 bits, damaged); images of several sizes.
    """
    root = path / split
    listing = _listed(root)
    files, found, not_read = [], [], list(listing.elsewhere)
    for file in listing.files:
        try:
            found.append(facts(Path(file.path), whole=skip_unreadable))
            files.append(file)
        except UnreadableImage as error:
            not_read.append((file.path, error.reason))
    notes = [_summary(root, not_read, len(files) + len(not_read))] if not_read else []
    if not_read and not skip_unreadable:
        raise UserError(f"folder {root}: {notes[0]}. Move them elsewhere, or --skip-unreadable leaves them out")
    empty = sorted(set(range(len(listing.class_names))) - {file.label for file in files})
    if not files or empty:
        which = f" of {', '.join(listing.class_names[label] for label in empty)}" if files else ""
        raise UserError("; ".join([f"folder {root}: no images found in the <class>/ folders{which}", *notes]))
    _refuse_several_sizes(root, files, [fact.size for fact in found])
    if transparent := sum(fact.alpha for fact in found):
        notes.append(f"{transparent} of {len(files)} images can be transparent and are laid on {BACKGROUND}")
    return Source(
        labels=np.array([file.label for file in files], dtype=np.int64),
        class_names=listing.class_names,
        read=_Reader(root, files, found),
        kind="image folder",
        label=_label(path, label, files),
        notes=tuple(f"{split}/: {note}" for note in notes),  # without its place, on which no result depends
    )


def digest(path: Path) -> str:
    """SHA-256 of what `image_folder` reads, names and bytes of all files in the classes of each split, or refuses."""
    hashed = hashlib.sha256()
    for split in SPLITS:
        if is_folder(path / split):
            listing = _listed(path / split)
            for file in listing.files:
                with Path(file.path).open("rb") as handle:
                    contents = hashlib.file_digest(handle, "sha256").hexdigest()
                hashed.update(f"{split} {file.key} {contents}\n".encode())
            for place, _ in sorted(listing.elsewhere):
                hashed.update(f"{split} {_below(path / split, place)}\n".encode())
    return hashed.hexdigest()


class _Reader:
    """Reads the images asked for, [m, c, h, w]: grey where all of the folder are."""

    def __init__(self, root: Path, files: list[_File], found: list[Facts]) -> None:
        self.root, self.files = root, files
        self.grey = all(fact.grey for fact in found)

    def __call__(self, indices: Indices) -> npt.NDArray[np.uint8]:
        images = []
        for index in indices:
            try:
                images.append(pixels(Path(self.files[index].path), self.grey))
            except UnreadableImage as error:
                raise UserError(f"{error}; --skip-unreadable leaves it out") from None
        stacked = np.stack(images)
        return stacked[:, None] if self.grey else stacked.transpose(0, 3, 1, 2)


def _listed(root: Path) -> _Listing:
    """All files of a split; which of them are images is not looked at.

    Raises:
        UserError: no such folder, or two classes whose names look alike.
    """
    needed = f"needs a folder {root.name}/ with one folder of images per class"
    if not is_folder(root.parent):
        why = "is a file" if is_file(root.parent) else "is not there, or may not be looked into"
        raise UserError(f"folder {root.parent}: {why}; it {needed}")
    if not is_folder(root):
        has = ", ".join(sorted(as_text(entry.name) for entry in _entries(root.parent) if entry.is_folder)[:5])
        raise UserError(f"folder {root.parent}: {needed}{f', but has {has}' if has else ''}")
    entries = sorted(_entries(root), key=lambda entry: as_text(entry.name))
    folders = [entry for entry in entries if entry.is_folder]
    class_names = [as_text(folder.name) for folder in folders]
    for class_name in class_names:
        if any(unicodedata.category(letter) == "Cc" for letter in class_name):
            raise UserError(f"folder {root}: the name of the class {class_name!a} has a control character")
    _refuse_alike(root, folders)
    elsewhere = [(entry.path, "outside the folders of the classes") for entry in entries if not entry.is_folder]
    files = []
    for label, folder in enumerate(folders):
        for entry in _entries(folder.path):
            if entry.is_folder:
                elsewhere += [(path, "in a folder inside a class") for path in _files_below(entry.path)]
            elif not entry.is_file:
                elsewhere.append((entry.path, "a link to nothing, or no regular file"))
            else:
                name = f"{class_names[label]}/{as_text(entry.name)}".encode()
                files.append(_File(hashlib.sha256(name).hexdigest(), label, entry.path))
    return _Listing(class_names, sorted(files), elsewhere)


def _entries(folder: str | Path) -> list[_Entry]:
    """What is in a folder and can be data."""
    try:
        with os.scandir(folder) as found:
            # A link may lead nowhere, to itself, or where one may not look.
            return [
                _Entry(entry.name, entry.path, is_folder(entry.path), is_file(entry.path))
                if entry.is_symlink()
                else _Entry(entry.name, entry.path, entry.is_dir(), entry.is_file())
                for entry in found
                if entry.name[0] != "." and entry.name.lower() not in NOT_DATA
            ]
    except OSError as error:
        raise UserError(f"folder {as_text(str(folder))}: cannot be read ({error.strerror})") from None


def _files_below(folder: str) -> Iterator[str]:
    try:
        entries = _entries(folder)
    except UserError:  # it may hold any number of images
        yield folder
        return
    for entry in entries:
        if entry.is_folder and not Path(entry.path).is_symlink():
            yield from _files_below(entry.path)
        else:
            yield entry.path


def _refuse_alike(root: Path, folders: list[_Entry]) -> None:
    """Refuse two classes whose names cannot be told apart by eye, as one that two systems wrote in different bytes."""
    seen: dict[str, str] = {}
    for folder in folders:
        seen_as = looks(folder.name)
        if seen_as in seen:
            both = f"{seen[seen_as]!a} and {folder.name!a}"
            raise UserError(f"folder {root}: two classes look alike, {both}; rename one, or put their images together")
        seen[seen_as] = folder.name


def _refuse_several_sizes(root: Path, files: list[_File], sizes: list[tuple[int, ...]]) -> None:
    for file, size in zip(files, sizes, strict=True):
        if size != sizes[0]:
            (width, height), (other_width, other_height) = sizes[0], size
            raise UserError(
                f"folder {root}: images of several sizes, {width}x{height} in {_below(root, files[0].path)} and "
                f"{other_width}x{other_height} in {_below(root, file.path)}; all must have one size"
            )


def _summary(root: Path, not_read: list[tuple[str, str]], of: int) -> str:
    """How many files are not read, and why: the most frequent reasons, with an example each."""
    counted = Counter(reason for _, reason in not_read).most_common()
    example = {reason: _below(root, path) for path, reason in sorted(not_read, reverse=True)}
    shown = [f"{count} such as {example[reason]} ({reason})" for reason, count in counted[:3]]
    if len(counted) > len(shown):
        shown.append(f"{sum(count for _, count in counted[3:])} for other reasons")
    return f"{len(not_read)} of {of} files are not read: {', '.join(shown)}"


def _below(root: Path, file: Path | str) -> str:
    return as_text(str(Path(file).relative_to(root)))


def _label(path: Path, title: str | None, files: list[_File]) -> str:
    if title is None:
        return f"folder {as_text(path.resolve().name)}"
    jpeg = all(Path(file.path).suffix.lower() in (".jpg", ".jpeg") for file in files)
    return f"{title} {'(JPEG copy)' if jpeg else '(image folder)'}"
