"""Print tables from tidy tables, as CSV, Markdown and LaTeX with booktabs: `python -m figures.tables NAME ...`."""

import importlib
from pathlib import Path

from figures import TABLES, command


def write(name: str, tidy: Path, output: Path) -> None:
    """Write one table in three formats."""
    table = getattr(importlib.import_module(f"figures.tables.{TABLES[name]}"), name)(tidy)
    output.mkdir(parents=True, exist_ok=True)
    table.to_csv(output / f"{name}.csv", index=False)
    markdown = table.to_markdown(index=False, disable_numparse=True)
    (output / f"{name}.md").write_text(markdown + "\n", encoding="utf-8")
    styled = table.style.hide(axis="index").format(escape="latex").format_index(escape="latex", axis=1)
    tex = styled.to_latex(hrules=True).replace("<", "$<$").replace(">", "$>$")
    (output / f"{name}.tex").write_text(tex, encoding="utf-8")


if __name__ == "__main__":
    command.run("figures.tables", __doc__, list(TABLES), write)
