"""Cached outputs that are what a job wrote: `python -m study.cache FILE... SUMS`.

Snakemake keeps the outputs of the stages that compute in one folder, under a key made of all that they depend on, and
looks at nothing but the key. So each of their jobs ends with the command above, which writes the SHA-256 of its files.
Snakemake caches these sums with the files, and before a run `check` takes out every entry that does not match its own.
"""

import os
import re
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from normplace.environment import user_cache
from normplace.files import UNFINISHED, sha256_of_file
from study.one_line import or_one_line

VARIABLE = "SNAKEMAKE_OUTPUT_CACHE"  # Snakemake's own
ROOT = Path(__file__).resolve().parents[2]
SUMS = ".sha256"
KEY = 64  # hexadecimal digits


def prepare(looking: bool = False) -> Path:
    """Make the folder, unless Snakemake is only looking, and tell Snakemake, which otherwise ends with a traceback.

    It is $SNAKEMAKE_OUTPUT_CACHE, else `normplace` in the user's cache folder.
    """
    folder = Path(os.environ.get(VARIABLE) or of_user() / "normplace").absolute()  # for links
    try:
        if not _usable(folder):
            raise PermissionError
        if not looking:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        sys.exit(f"{VARIABLE}: {folder} cannot be made or written to; name another folder")
    os.environ[VARIABLE] = str(folder)
    return folder


def of_user() -> Path:
    """The user's cache folder, or `.cache` in the checkout where there is none that can be written to."""
    folder = user_cache()
    return folder if _usable(folder) else ROOT / ".cache"


def _usable(folder: Path) -> bool:
    """Whether the folder can be written to, or made."""
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        return there.is_dir() and os.access(there, os.R_OK | os.W_OK | os.X_OK)
    except OSError:  # below a folder that one may not enter
        return False


def clean(folder: Path, results: str, *sources: str) -> None:
    """Before a run: no damaged entry, no link to one that is gone, nothing half-written, nothing from the future."""
    check(folder)
    halves = [path for path in Path(results).rglob(f".*{UNFINISHED}") if path.is_file()]  # a folder has checkpoints
    for path in [*_dangling(results), *halves]:  # of a run that was killed
        path.unlink()
    redate(Path(results), folder, *map(Path, sources))
    protect(folder)


def report(folder: Path, results: str) -> None:
    """Before a look, which must change nothing: what a run would find and delete."""
    check(folder, delete=False)
    if gone := len(_dangling(results)):
        what = "lead to cached outputs that are gone; a run removes these links, a look may end at them"
        print(f"normplace: {gone} files in {results} {what}", file=sys.stderr)


def _dangling(results: str) -> list[Path]:
    """Links that lead nowhere: Snakemake takes them for files, and then ends with an error."""
    links = (path for path in Path(results).rglob("*") if path.is_symlink())
    return [path for path in links if not os.path.exists(path)]  # noqa: PTH110, Path's raises in another's home


def check(folder: Path, delete: bool = True) -> None:
    """Report every entry that is not what its job wrote, and delete it.

    One without sums is being written, or was left half-written: Snakemake ignores it, because sums are stored last.
    """
    for key, files in sorted(_entries(folder).items()):
        try:
            if any(path.suffix == SUMS for path in files) and not _intact(files):
                for path in files if delete else []:
                    path.unlink()
                what = "was damaged: deleted, to be made again" if delete else "is damaged: a run makes it again"
                print(f"normplace: cached output {folder / key}* {what}", file=sys.stderr)
        except FileNotFoundError:  # another run's check was faster
            continue
        except PermissionError as error:
            file = error.filename
            sys.exit(f"{VARIABLE}: {file} cannot be checked or deleted; its owner can, or name another folder")


def redate(*folders: Path) -> None:
    """Date to now what is newer than the clock says, which was set back: Snakemake refuses what is made from it."""
    now = time.time()
    for path in (path for folder in folders for path in [folder, *folder.rglob("*")]):
        with suppress(OSError):  # gone, or another user's
            if path.lstat().st_mtime > now:
                os.utime(path, (now, now), follow_symlinks=False)


def protect(folder: Path) -> None:
    """Make all entries read-only, so that a slip in one checkout does not write through a link into all of them."""
    for files in _entries(folder).values():
        for path in files:
            with suppress(OSError):  # gone, or another user's
                path.chmod(0o444)


def _entries(folder: Path) -> dict[str, list[Path]]:
    """Key -> its files."""
    entries: dict[str, list[Path]] = {}
    for path in folder.iterdir() if folder.is_dir() else []:
        if re.match(f"[0-9a-f]{{{KEY}}}", path.name) and path.is_file():
            entries.setdefault(path.name[:KEY], []).append(path)
    return entries


def _intact(files: list[Path]) -> bool:
    """Whether the sums among the files name the contents of each of the others."""
    text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files if path.suffix == SUMS)
    sums = [words for line in text.splitlines() if len(words := line.split(maxsplit=1)) == 2]
    others = [path for path in files if path.suffix != SUMS]
    return all(any(_is_of(name, path) and sha256 == sha256_of_file(path) for sha256, name in sums) for path in others)


def _is_of(name: str, cached: Path) -> bool:
    """Whether a job's file of this name is kept as `cached`."""
    # Behind the key stands the file's own name, or, for a rule that names its outputs, that name and the suffix.
    behind = cached.name[KEY:]
    return name == behind or (behind.startswith("_") and Path(name).suffix == cached.suffix)


def write_sums(written: Iterable[Path], sums: Path) -> None:
    """Write the SHA-256 of a job's outputs beside them."""
    sums.unlink(missing_ok=True)  # it may be a link into the cache
    sums.write_text("".join(f"{sha256_of_file(path)}  {path.name}\n" for path in written), encoding="utf-8")


if __name__ == "__main__":
    *outputs, last = map(Path, sys.argv[1:])
    with or_one_line("python -m study.cache", last):
        write_sums(outputs, last)
