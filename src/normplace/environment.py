"""Settings that make results independent of the machine and of the user's own configuration."""

import contextlib
import getpass
import logging
import os
import sys
from pathlib import Path

# One thread a process: threads of several jobs fight over the cores, and results must not depend on how many there are.
# Parallel work is several processes.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# Matplotlib as it ships: no matplotlibrc, and a backend that needs neither a toolkit nor a screen.
MATPLOTLIB = {"MATPLOTLIBRC": os.devnull, "MPLBACKEND": "agg"}


def prepare() -> None:
    """Set what this process and those that it starts go by; a program calls it before it imports anything large.

    A user's own session does not: there the settings are theirs.
    """
    os.environ.update({**dict.fromkeys(THREADS, "1"), **MATPLOTLIB})
    # It warns of a matplotlibrc that is not used here, and where its cache of fonts cannot be kept.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    # One in the working directory comes before all others, and its first import ends where it cannot be read.
    if Path("matplotlibrc").exists():
        with contextlib.chdir(sys.prefix):
            import matplotlib  # noqa: F401
    # In a container the system may not know the user, and libraries that ask for a name or a home end in tracebacks.
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = f"user-{os.getuid()}"
    if not os.environ.get("HOME"):  # nor with an empty one
        os.environ["HOME"] = str(home())


def home() -> Path:
    """The user's home; / if the system knows of none, as in containers."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.sep)


def user_cache() -> Path:
    """The user's folder for what can be made again, which need not be there or be writable."""
    return Path(os.environ.get("XDG_CACHE_HOME") or home() / ".cache").absolute()
