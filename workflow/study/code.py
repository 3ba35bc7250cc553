"""The code that a stage's results depend on: the modules that its command imports, and the lock."""

import ast
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from normplace.files import sha256_of_file, sha256_of_sources, sha256_of_text
from study.data import versions

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
PACKAGE = "normplace"


@cache
def of(stage: str) -> str:
    """Hash of the modules that the command of a stage imports and of the lock: a change in one redoes the stage."""
    # Each for itself: the lock's folder is called as each user likes.
    return sha256_of_text(sha256_of_sources(modules(stage)) + sha256_of_file(ROOT / "requirements.lock"))[:16]


def made_by(stage: str) -> dict[str, Any]:
    """The parameter of a rule that makes its outputs depend on the code and on the installed versions."""
    return {"code": of(stage), "versions": versions()}


def modules(stage: str) -> set[Path]:
    """The files of all modules that the command's own, normplace/cli/<stage>.py, imports, directly or not."""
    found: set[Path] = set()
    open_names = [f"{PACKAGE}.cli.{stage}"]
    while open_names:
        name = open_names.pop()
        path = _path(name)
        if path and path not in found:
            found.add(path)
            open_names += [name.rpartition(".")[0], *_imported(name, path)]  # a package's __init__ runs too
    if not found:
        raise ValueError(f"stage {stage}: there is no {PACKAGE}/cli/{stage}.py")
    return found


def _path(module: str) -> Path | None:
    """The file of a module or package; None for what is no module of ours, such as a function."""
    stem = SOURCE.joinpath(*module.split("."))
    paths = (stem.with_name(f"{stem.name}.py"), stem / "__init__.py")
    return next((path for path in paths if module and path.is_file()), None)


@cache  # stages share most modules
def _imported(module: str, path: Path) -> tuple[str, ...]:
    """The names that may be modules of ours, of all imports in a file, those inside functions too."""
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            node.body = []  # only type checkers read it
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            names = [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Name) and node.id == "__path__":  # a registry: it imports all of its modules
            names = [f"{module}.{found.name}" for found in iter_modules([str(path.parent)])]
        found += [name for name in names if name.split(".")[0] == PACKAGE]
    return tuple(found)
