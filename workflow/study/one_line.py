"""How a command of the study ends where it cannot go on: with one line and the exit codes of `normplace`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from normplace.errors import UserError


@contextmanager
def or_one_line(command: str, output: Path) -> Iterator[None]:
    """Exit code 2 for what a user can mend, 3 where the machine fails, such as on a full disk."""
    try:
        yield
    except UserError as error:
        problem, code = str(error), 2
    except OSError as error:
        problem, code = f"{error.filename or output}: {error.strerror or error}", 3
    else:
        return
    from normplace.cli.command import fail  # click, which a command that goes well can do without

    fail(command, problem, code)
