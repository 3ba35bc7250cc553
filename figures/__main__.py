"""Draw figures from tidy tables: `python -m figures NAME ... --tidy DIR --output DIR`; no name draws all."""

import argparse
import importlib
from pathlib import Path

from figures import style

NAMES = (
    "regimes",
    "guess_histograms",
    "gamma_by_depth",
    "width_convergence",
    "batch_statistics",
    "dynamics",
    "majority_gap",
    "absorption",
    "start_matters",
    "learning_rates",
)


def draw(name: str, tidy: Path, output: Path) -> None:
    """Draw one figure and save it."""
    style.save(importlib.import_module(f"figures.{name}").draw(tidy), output, name)


def main() -> None:
    """Draw each figure asked for."""
    parser = argparse.ArgumentParser(prog="python -m figures", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--tidy", type=Path, required=True, help="folder of tidy tables")
    parser.add_argument("--output", type=Path, required=True, help="folder to write NAME.pdf and NAME.png to")
    args = parser.parse_args()
    unknown = sorted(set(args.names) - set(NAMES))
    if unknown:
        parser.error(f"no figure {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if not args.tidy.is_dir():
        parser.error(f"--tidy {args.tidy}: no such folder; `make replicate` writes the tables of the quick scale")
    style.apply()
    for name in args.names or NAMES:
        draw(name, args.tidy, args.output)


if __name__ == "__main__":
    main()
