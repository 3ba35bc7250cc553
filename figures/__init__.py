"""Figures and printed tables. They read tidy tables and compute nothing.

A module here that names its EXPERIMENT draws a figure, a public function in `figures.tables` prints a table. Both are
found by that, without an import, which takes a second.
"""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent


def _found(folder: Path, pattern: str) -> dict[str, list[str]]:
    """Module -> the names in its lines of this pattern."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))}
    return {module: re.findall(pattern, text, flags=re.MULTILINE) for module, text in texts.items()}


_EXPERIMENTS = _found(HERE, r'^EXPERIMENT = "(\w+)"$')
# figure -> the experiment whose tidy tables it reads
FIGURES = {module: names[0] for module, names in _EXPERIMENTS.items() if names}
# the modules that figures share
HELPERS = [module for module, names in _EXPERIMENTS.items() if not names]
# printed table -> the module of figures.tables that makes it
_TABLES = _found(HERE / "tables", r"^def ([a-z]\w*)\(tidy: ")
TABLES = {name: module for module, names in _TABLES.items() for name in names}


def message(figure: str) -> str:
    """What a figure shows, in the words that its module begins with: its caption in the report."""
    return ast.get_docstring(ast.parse((HERE / f"{figure}.py").read_text(encoding="utf-8"))) or figure
