"""Draw figures from tidy tables: `python -m figures NAME ... --tidy DIR --output DIR`; no name draws all there are."""

import argparse
import atexit
import gc
import importlib
from pathlib import Path

from figures import FIGURES, style


def draw(name: str, tidy: Path, output: Path) -> None:
    """Draw one figure and save it."""
    style.save(importlib.import_module(f"figures.{name}").draw(tidy), output, name)


def main() -> None:
    """Draw each figure asked for."""
    parser = argparse.ArgumentParser(prog="python -m figures", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FIGURES))
    parser.add_argument("--tidy", type=Path, required=True, help="folder of tidy tables")
    parser.add_argument("--output", type=Path, required=True, help="folder to write NAME.pdf and NAME.png to")
    args = parser.parse_args()
    unknown = sorted(set(args.names) - set(FIGURES))
    if unknown:
        parser.error(f"no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    if not args.tidy.is_dir():
        parser.error(f"--tidy {args.tidy}: no such folder; `make replicate` writes the tables of the quick scale")
    atexit.register(gc.freeze)  # as in normplace.cli.main
    style.apply()
    for name in args.names or FIGURES:
        if (args.tidy / FIGURES[name]).is_dir():
            draw(name, args.tidy, args.output)
        elif args.names:
            parser.error(f"--tidy {args.tidy}: has no tables of {FIGURES[name]}, which {name} is drawn from")
        else:
            print(f"not drawn, no tables of {FIGURES[name]}: {name}")


if __name__ == "__main__":
    main()
