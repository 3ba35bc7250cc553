"""Draw figures from tidy tables: `python -m figures NAME ... --tidy DIR --output DIR`; no name draws all there are."""

import importlib
from pathlib import Path

from figures import FIGURES, command


def draw(name: str, tidy: Path, output: Path) -> None:
    """Draw one figure and save it."""
    from figures import look  # with matplotlib, which reads its settings then

    with look.applied():
        look.save(importlib.import_module(f"figures.{name}").draw(tidy), output, name)


if __name__ == "__main__":
    command.run("figures", __doc__, list(FIGURES), draw)
