"""Ship a finished run: tidy tables and manifest to reference, figures to the gallery, tables to docs/results.md.

`python -m study.reference SCALE` (default: quick) after the run: the repository then shows what the workflow computed.
"""

import json
import re
import shutil
import sys
from pathlib import Path

from figures import FIGURES
from normplace.files import write_text
from normplace.verifying.manifest import MANIFEST, read_manifest
from study.archive import finished

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "results.md"
# What is shown, and the scale of the run that it is of.
IN_RESULTS = {"headline": "paper", "at_width": "paper", "learning": "paper", "claims": "quick"}
SHIPPED = ("tables", "tidy")
AT_QUICK_SCALE = (  # experiments
    "start_matters", "learning_rates", "output_bias", "architectures", "resnet_dynamics",
    "width_convergence", "phase", "language", "zoo",
)  # fmt: skip
IN_GALLERY = {figure: "quick" if experiment in AT_QUICK_SCALE else "paper" for figure, experiment in FIGURES.items()}


def block(table: str) -> re.Pattern[str]:
    """Where docs/results.md shows a table."""
    opening = f"<!-- table {table} of results/{IN_RESULTS[table]} -->"
    return re.compile(rf"({opening}\n).*?(<!-- end -->)", flags=re.DOTALL)


def shown_in_results(table: str) -> str:
    """A table as docs/results.md shows it now."""
    found = block(table).search(PAGE.read_text(encoding="utf-8"))
    if found is None:
        sys.exit(f"docs/results.md has no block for the table {table}")
    return found.group(0).removeprefix(found.group(1)).removesuffix(found.group(2)).strip()


def main(scale: str) -> None:
    """Copy what is shipped of results/<scale>."""
    results = finished(scale, "shipped")  # before anything that is shipped now is deleted
    reference, gallery = ROOT / "reference" / scale, ROOT / "figures" / "gallery"
    shutil.rmtree(reference, ignore_errors=True)
    for part in SHIPPED:
        shutil.copytree(results / part, reference / part)
    # The manifest says what all files of the run were, and which of them are here.
    manifest = {**read_manifest(results).model_dump(exclude_unset=True), "shipped": SHIPPED}
    write_text(reference / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    gallery.mkdir(exist_ok=True)
    for figure, of_scale in IN_GALLERY.items():
        if of_scale == scale:
            shutil.copy2(results / "figures" / f"{figure}.png", gallery)
    text = PAGE.read_text(encoding="utf-8")
    for table, of_scale in IN_RESULTS.items():
        if of_scale == scale:
            shown = (reference / "tables" / f"{table}.md").read_text(encoding="utf-8")
            text = block(table).sub(lambda found, shown=shown: found.group(1) + shown + found.group(2), text)  # type: ignore[misc]
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:2] or ["quick"])
