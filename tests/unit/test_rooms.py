"""The rooms of the house: imports go one way, and what is quick to import stays so."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "normplace"
# From the bottom to the top: a room imports from those below it and from itself, rooms of one level not each other.
LEVELS = (
    {"errors", "environment", "statistics", "registry"},
    {"files", "pictures", "parallel", "progress"},
    {"networks", "data"},
    {"theories"},
    {"sampling", "training", "measuring", "tables"},
    {"verifying"},
    {"cli"},
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}


def imported(file: Path) -> list[str]:
    """The modules that a file imports, at any place in its code; of `from a import b` both a and a.b."""
    names = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rooms_imported(file: Path) -> set[str]:
    """The rooms of the package that a file imports from."""
    names = (name.split(".") for name in imported(file))
    return {parts[1] for parts in names if parts[0] == "normplace" and len(parts) > 1 and parts[1] in LEVEL}


FILES = [file for file in sorted(PACKAGE.rglob("*.py")) if file != PACKAGE / "__init__.py"]


def test_every_file_is_in_a_room() -> None:
    assert {room_of(file) for file in FILES} == set(LEVEL)


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(PACKAGE)) for file in FILES])
def test_imports_go_down(file: Path) -> None:
    room = room_of(file)
    upward = {other for other in rooms_imported(file) - {room} if LEVEL[other] >= LEVEL[room]}
    assert not upward


def test_an_import_upward_would_be_seen(tmp_path: Path) -> None:
    """The check can fail."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def late():\n    from normplace.cli import main\n    import normplace.verifying.claims\n")
    assert rooms_imported(wrong) == {"cli", "verifying"}


def test_the_library_knows_neither_the_workflow_nor_the_figures() -> None:
    known = {name.split(".")[0] for file in PACKAGE.rglob("*.py") for name in imported(file)}
    assert not known & {"snakemake", "figures", "study", "tests", "benchmarks"}


def test_workflow_and_figures_use_public_names() -> None:
    files = [*(ROOT / "figures").rglob("*.py"), *(ROOT / "workflow").rglob("*.py")]
    private = [name for file in files for name in imported(file) if name.startswith("normplace.") and "._" in name]
    assert len(files) > 30
    assert not private


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a new Python has loaded after running the code."""
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}:{ROOT / 'workflow'}"}
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=path)
    return {name.split(".")[0] for name in found.stdout.split()}


def test_importing_the_package_is_quick_and_loads_nothing_large() -> None:
    loaded = loaded_by("import normplace; normplace.__version__")
    assert not loaded & {"torch", "pandas", "matplotlib", "numpy", "scipy"}
    timed = "import time; t = time.perf_counter(); import normplace; print(time.perf_counter() - t)"
    seconds = [
        float(subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    assert min(seconds) < 0.2


@pytest.mark.slow
def test_theory_and_figures_do_without_torch() -> None:
    theory = "import normplace as npl; npl.theory(npl.MLP('layer', 'before', depth=2)).regime"
    assert "torch" not in loaded_by(theory)
    modules = [path.stem for path in (ROOT / "figures").glob("*.py") if path.stem != "__main__"]
    assert len(modules) > 18
    assert "torch" not in loaded_by("import figures\n" + "\n".join(f"import figures.{name}" for name in modules))
    assert "torch" in loaded_by("import normplace as npl; npl.sample")


@pytest.mark.slow
def test_functions_of_the_face_are_not_hidden_by_packages() -> None:
    """Importing a submodule sets its package as an attribute: no package may bear the name of a function."""
    code = "import normplace as npl\n" + "\n".join(
        f"import normplace.{'.'.join(file.relative_to(PACKAGE).with_suffix('').parts)}"
        for file in FILES
        if file.stem not in ("__init__", "__main__")
    )
    assert loaded_by(f"{code}\nassert all(callable(getattr(npl, name)) for name in npl.__all__)")
