"""Draw which rule's files which rule is made from: `python -m docs.draw_rules` writes rules.svg.

Of `snakemake --rulegraph` at the paper scale, where a stage is one rule; where the cells of a group are one job, each
experiment has a rule of its own, such as sample_placements for sample.
"""

import re
import subprocess
import sys
from pathlib import Path

from docs.draw_imports import ROOT, draw

PICTURE = Path(__file__).with_name("rules.svg")
SCALE = ("config/quick.yaml", "config/paper.yaml")
# From the data at the top to what is made last. Where in its row a rule is drawn.
ROWS = (
    {"dataset": 0.5},
    {"sample": 0.12, "kernel_theory": 0.38, "train": 0.66, "measure": 0.9},
    {"phase_map": 0.02, "measurements": 0.92},
    {"summarise_phase": 0.02, "summarise_classes": 0.2, "summarise_images": 0.4, "summarise": 0.58, "curves": 0.75},
    {"initial_figures": 0.1, "learning_figures": 0.4, "printed_tables": 0.66, "claims": 0.9},
    {"report": 0.5},
    {"manifest": 0.5},
)
TARGETS = {"all"}  # a name for the others' files


def rules() -> set[tuple[str, str]]:
    """Pairs (rule, rule that makes a file from it), all data sets as one."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "--configfile", *SCALE, "--forceall"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    labels = re.findall(r'(\d+)\[label = "(\w+)"', found)
    names = {number: re.sub("^dataset_.*", "dataset", name) for number, name in labels}
    arrows = re.findall(r"(\d+) -> (\d+)", found)
    return {(names[first], names[then]) for first, then in arrows if not {names[first], names[then]} & TARGETS}


def main() -> None:
    """Write the picture."""
    place = {rule: (x, float(height)) for height, row in enumerate(reversed(ROWS)) for rule, x in row.items()}
    draw(PICTURE, place, rules(), 7)


if __name__ == "__main__":
    main()
