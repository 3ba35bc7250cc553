"""Draw which room imports which, from the imports in the code: `python -m docs.draw_imports` writes imports.svg."""

import ast
from collections.abc import Iterator
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
PICTURE = Path(__file__).with_name("imports.svg")
PACKAGES = {"normplace": "src/normplace", "study": "workflow/study", "figures": "figures"}
# From the bottom up: each room imports from the rows below it (tests/unit/test_rooms.py). Where in its row it is drawn.
LEVELS = (
    {"errors": 0.1, "registry": 0.35, "statistics": 0.62, "environment": 0.9},
    {"files": 0.25, "parallel": 0.5, "progress": 0.74, "pictures": 0.95},
    {"networks": 0.22, "data": 0.82},
    {"theories": 0.57},
    {"sampling": 0.08, "training": 0.33, "measuring": 0.66, "tables": 0.92},
    {"verifying": 0.8},
    {"cli": 0.52},
    {"figures": 0.92},
    {"study": 0.2},
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}


def imports() -> set[tuple[str, str]]:
    """Pairs (room, room that it imports). What normplace's face offers lazily is no import, nor is its version."""
    return {
        (room, imported)
        for package, folder in PACKAGES.items()
        for path in (ROOT / folder).rglob("*.py")
        if (room := _room((package, *path.relative_to(ROOT / folder).with_suffix("").parts))) in LEVEL
        for name in _imported(ast.parse(path.read_text(encoding="utf-8")))
        if (imported := _room(tuple(name.split(".")))) in LEVEL and imported != room
    }


def _room(name: tuple[str, ...]) -> str:
    return name[1] if name[0] == "normplace" and len(name) > 1 else name[0]


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms() -> set[str]:
    """Every room that there is: the top level of normplace, and the two packages beside it."""
    found = {path.stem for path in (ROOT / PACKAGES["normplace"]).iterdir() if path.suffix == ".py" or path.is_dir()}
    return {room for room in found if not room.startswith("_")} | {"study", "figures"}


@matplotlib.rc_context({**matplotlib.rcParamsDefault, "svg.hashsalt": "normplace"})  # same bytes from the same arrows
def draw(picture: Path, place: dict[str, tuple[float, float]], arrows: set[tuple[str, str]], height: float) -> None:
    """Write boxes at their places (0 to 1 across, rows upwards) and arrows, pale where another way leads there too.

    An arrow that goes up is red.
    """
    figure = Figure(figsize=(9, height), layout="constrained")
    axes = figure.subplots()
    through_another = {
        (room, far) for room, near in arrows for other, far in arrows if other == near and (room, far) in arrows
    }
    boxes = {}
    for room, (x, y) in place.items():
        box = {"boxstyle": "round,pad=0.45", "facecolor": "#eef3fa", "edgecolor": "#33507a"}
        boxes[room] = axes.text(x, y, room, size=11, ha="center", va="center", bbox=box, zorder=3).get_bbox_patch()
    for room, imported in sorted(arrows, key=lambda arrow: (arrow not in through_another, arrow)):
        color = "#d3dae3" if (room, imported) in through_another else "#33507a"
        style = {"arrowstyle": "-|>", "color": "red" if place[imported][1] >= place[room][1] else color}
        ends = {"patchA": boxes[room], "patchB": boxes[imported]}
        axes.annotate("", place[imported], place[room], arrowprops=style | ends, zorder=2)
    axes.set(xlim=(0, 1), ylim=(-0.5, max(y for _, y in place.values()) + 0.5))
    axes.axis("off")
    figure.savefig(picture, metadata={"Date": None, "Creator": None})


def main() -> None:
    """Write the picture: dark what a room imports, pale where it reaches the same room through another one too."""
    place = {room: (x, float(level)) for level, row in enumerate(LEVELS) for room, x in row.items()}
    draw(PICTURE, place, imports(), 8)


if __name__ == "__main__":
    main()
