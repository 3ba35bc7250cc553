"""Ship a finished run: tidy tables to reference, figures to the gallery, the headline to the README.

`python -m workflow.reference quick` after `make replicate`: the repository then shows what the workflow computed.
"""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- headline of results/quick -->\n).*?(<!-- end -->)", flags=re.DOTALL)


def headline_in_readme() -> str:
    """The table that the README shows now."""
    found = BLOCK.search((ROOT / "README.md").read_text(encoding="utf-8"))
    if found is None:
        sys.exit("README.md has no block for the headline table")
    return found.group(0).removeprefix(found.group(1)).removesuffix(found.group(2)).strip()


def main(scale: str) -> None:
    """Copy what is shipped of results/<scale>."""
    results, reference, gallery = ROOT / "results" / scale, ROOT / "reference" / scale, ROOT / "figures" / "gallery"
    for part in ("tidy", "tables"):
        shutil.rmtree(reference / part, ignore_errors=True)
        shutil.copytree(results / part, reference / part)
    gallery.mkdir(exist_ok=True)
    for figure in (results / "figures").glob("*.png"):
        shutil.copy2(figure, gallery / figure.name)
    headline = (reference / "tables" / "headline.md").read_text(encoding="utf-8")
    readme = ROOT / "README.md"
    text = BLOCK.sub(lambda block: block.group(1) + headline + block.group(2), readme.read_text(encoding="utf-8"))
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
