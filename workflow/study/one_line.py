"""How a command of the study ends where it cannot go on: with one line and the exit codes of `normplace`."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from normplace.errors import UserError
from normplace.files import write_text


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


def folder_of_results(command: str, description: str | None) -> Path:
    """The one argument of a command that looks at a run: a folder that is there."""
    parser = argparse.ArgumentParser(prog=command, description=description)
    parser.add_argument("results", type=Path, help="such as results/quick")
    results: Path = parser.parse_args().results
    if not results.is_dir():
        parser.error(f"RESULTS {results}: no such folder")
    return results


def write_from_results(command: str, description: str | None, text: Callable[[Path], str]) -> None:
    """A command that writes a text about a folder of results: `--results DIR --output FILE`."""
    parser = argparse.ArgumentParser(prog=command, description=description)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    with or_one_line(command, args.output):
        write_text(args.output, text(args.results))
