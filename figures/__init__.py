"""Figures and printed tables. They read tidy tables and compute nothing.

A module here that names its EXPERIMENT draws a figure, a public function in `figures.tables` prints a table. Both are
found by that, without an import, which takes a second.
"""

import ast
from pathlib import Path

HERE = Path(__file__).parent


def _modules(folder: Path) -> dict[str, ast.Module]:
    paths = sorted(folder.glob("[!_]*.py"))
    return {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def _experiments(module: ast.Module) -> list[str]:
    """The value of EXPERIMENT, if there is one."""
    constants = [statement for statement in module.body if isinstance(statement, ast.Assign)]
    return [ast.literal_eval(one.value) for one in constants if ast.unparse(one.targets[0]) == "EXPERIMENT"]


# figure -> the experiment whose tidy tables it reads
FIGURES: dict[str, str] = {name: found for name, module in _modules(HERE).items() for found in _experiments(module)}
# printed table -> the module of figures.tables that makes it
TABLES = {
    statement.name: name
    for name, module in _modules(HERE / "tables").items()
    for statement in module.body
    if isinstance(statement, ast.FunctionDef) and not statement.name.startswith("_")
}


def message(figure: str) -> str:
    """What a figure shows, in the words that its module begins with: its caption in the report."""
    return ast.get_docstring(_modules(HERE)[figure]) or figure
