"""The command that draws figures, and the one that prints tables."""

import argparse
import atexit
import gc
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from figures.reading import NotRun
from normplace import environment
from normplace.errors import UserError


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Print the line and exit with code 2."""
        self.exit(2, f"{self.prog}: error: {message}\n")


def run(package: str, description: str | None, known: list[str], make: Callable[[str, Path, Path], None]) -> None:
    """Make each thing that is asked for, from --tidy into --output; without names, all whose experiments were run."""
    environment.prepare()
    parser = Parser(prog=f"python -m {package}", description=description)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--tidy", type=Path, required=True, help="folder of tidy tables")
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    args = parser.parse_args()
    if unknown := sorted(set(args.names) - set(known)):
        parser.error(f"NAME {', '.join(unknown)}: unknown, allowed are {', '.join(known)}")
    if not args.tidy.is_dir():
        parser.error(f"--tidy {args.tidy}: no such folder; `make replicate` writes the tables of the quick scale")
    atexit.register(gc.freeze)  # skips the interpreter's last collection, which takes longer than a figure
    for name in args.names or known:
        try:
            make(name, args.tidy, args.output)
        except NotRun as error:
            if args.names:
                parser.error(f"--tidy {args.tidy}: {error}, which {name} is made of")
            print(f"{name} is not made: {error}")
        except UserError as error:
            parser.error(f"{name}: {error}")
        except OSError as error:
            parser.error(f"--output {args.output}: {error.strerror}")
