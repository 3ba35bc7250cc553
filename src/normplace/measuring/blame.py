"""Errors inside the user's own code, as one line: what was raised, and where in their files."""

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from normplace.errors import UserError


@contextmanager
def blamed(doing: str, given: str = "") -> Iterator[None]:
    """Turn any error inside into a `UserError`: "doing raised TypeError: text (file, line n), given".

    Python code that asks for the whole story finds it as the error's cause.
    """
    try:
        yield
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        what = f"{type(error).__name__}: {text}" if text else type(error).__name__
        raise UserError(f"{doing} raised {what}{_where(error)}{given}") from error


def _where(error: BaseException) -> str:
    """The innermost line that is neither ours, nor torch's, nor Python's own: " (file, line n)", or nothing."""
    if isinstance(error, SyntaxError):
        return ""  # its text says where
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        if not file.startswith("<") and not _is_library(Path(file).resolve()):
            return f" ({_short(Path(file))}, line {line})"
    return ""


def _is_library(file: Path) -> bool:
    paths = sysconfig.get_paths()
    ours_or_torch = (Path(__file__).resolve().parents[1], Path(torch.__file__).resolve().parent)
    installed = any(file.is_relative_to(Path(paths[name]).resolve()) for name in ("purelib", "platlib"))
    of_python = file.is_relative_to(Path(paths["stdlib"]).resolve()) and not installed
    return of_python or any(file.is_relative_to(folder) for folder in ours_or_torch)


def _short(file: Path) -> str:
    """The path from the current folder where the file is inside it, else its last two parts."""
    inside = file.resolve().is_relative_to(Path.cwd())
    return str(file.resolve().relative_to(Path.cwd())) if inside else "/".join(file.parts[-2:])
