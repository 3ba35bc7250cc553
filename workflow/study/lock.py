"""One holder at a time of a file: by a lock of the system's, or by a second file where the file system has no locks.

The lock ends with the processes that have the file open. The second file names its host and processes instead, and is
stale when none of them lives; only on the same host can that be seen.
"""

import atexit
import errno
import fcntl
import os
import platform
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)  # such as Lustre and some NFS
LOOK_EVERY = 1.0  # seconds


def take(file: IO[str], *, wait: bool) -> bool:
    """Hold an open file; False if others do and are not waited for."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return _take_by_file(_held(file), error, wait)
    return True


def also_held_by(file: IO[str], process: int) -> None:
    """A process that holds the file as well, by having it open; where there are no locks, note it."""
    with suppress(FileNotFoundError), _held(file).open("r+") as held:
        held.seek(0, os.SEEK_END)
        held.write(f" {process}")


def _held(file: IO[str]) -> Path:
    return Path(file.name).absolute().with_suffix(".held")


def _take_by_file(held: Path, why: OSError, wait: bool) -> bool:
    while True:
        try:
            with held.open("x") as file:
                file.write(f"{platform.node()} {os.getpid()}")
        except FileExistsError:
            if _is_stale(held):
                _remove_stale(held)
            elif wait:
                time.sleep(LOOK_EVERY)
            else:
                print(f"normplace: {held} says that a run is on; delete it if none is", file=sys.stderr)
                return False
        else:
            atexit.register(held.unlink, missing_ok=True)
            print(f"normplace: no locks on this file system ({why.strerror}); {held} stands for one", file=sys.stderr)
            return True


def _is_stale(held: Path) -> bool:
    """Whether its processes, of which we see only those of this host, are all gone."""
    try:
        host, *words = held.read_text(encoding="utf-8").split()
        processes = [int(word) for word in words]
    except (OSError, ValueError):  # just removed, not yet written, or another's
        return False
    return host == platform.node() and not any(map(_lives, processes))


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def _remove_stale(held: Path) -> None:
    """Remove it, unless another process has been faster and what is there now is its own."""
    ours = held.with_suffix(f".{os.getpid()}")
    with suppress(FileNotFoundError):
        held.rename(ours)
        if _is_stale(ours):
            ours.unlink()
        else:
            ours.rename(held)
