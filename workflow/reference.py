"""Ship a finished run: tidy tables to reference, figures to the gallery, two tables to the README.

`python -m workflow.reference quick` after `make replicate`: the repository then shows what the workflow computed.
"""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IN_README = ("headline", "learning")  # tables that the README shows


def block(table: str) -> re.Pattern[str]:
    """Where the README shows a table."""
    return re.compile(rf"(<!-- table {table} of results/quick -->\n).*?(<!-- end -->)", flags=re.DOTALL)


def shown_in_readme(table: str) -> str:
    """A table as the README shows it now."""
    found = block(table).search((ROOT / "README.md").read_text(encoding="utf-8"))
    if found is None:
        sys.exit(f"README.md has no block for the table {table}")
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
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    for table in IN_README:
        shown = (reference / "tables" / f"{table}.md").read_text(encoding="utf-8")
        text = block(table).sub(lambda found, shown=shown: found.group(1) + shown + found.group(2), text)  # type: ignore[misc]
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
