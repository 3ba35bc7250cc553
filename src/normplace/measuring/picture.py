"""The picture of a measurement: how the guesses are distributed, and where in the network prejudice arises."""

import textwrap
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from normplace.files import write_picture
from normplace.measuring.measure import Measurement
from normplace.measuring.prejudice import Prejudice
from normplace.measuring.report import shown
from normplace.pictures import BLUE, GREY, VERMILION, gamma_axis, guesses_of, histogram, look
from normplace.statistics import NEUTRAL_GAMMA

COLOURS = {"batch": BLUE, "running": VERMILION}
DRAWN = (1e-3, 1e3)  # gammas beyond are drawn at the edge
BEFORE = "before "  # the name of what functions made, and a module was given
LONGEST = 24  # characters of a layer's name
LONGEST_TITLE = 75
LABELLED = 30  # layers that have their name on the axis


def write(found: Measurement, title: str, path: Path) -> None:
    """Write the picture as path.pdf and path.png; equal input gives equal bytes."""
    _write(partial(draw, found, title), path)


def write_sweep(found: dict[str, Measurement], argument: str, title: str, path: Path) -> None:
    """Write the picture of measurements by the value of a model's argument as path.pdf and path.png."""
    _write(partial(draw_sweep, found, argument, title), path)


def _write(drawn: Callable[[], Figure], path: Path) -> None:
    with look(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # of a name in any script
        figure = drawn()
        for suffix in (".pdf", ".png"):
            write_picture(figure, path.with_suffix(suffix), dpi=200)


def draw(found: Measurement, title: str) -> Figure:
    """Left: the guesses of the networks. Right: gamma of a random linear readout of every layer's output."""
    names = {"batch": found.shown, "running": "eval(), fresh running statistics"}
    figure = Figure(figsize=(7.2, 3.9))
    left, right = figure.add_axes((0.085, 0.29, 0.29, 0.56)), figure.add_axes((0.455, 0.42, 0.54, 0.43))
    for kind, seen in found.by_statistics.items():
        values, label = guesses_of(seen.guess_fraction)
        histogram(left, values, COLOURS[kind], outline=kind == "running")
        left.set_xlabel(label)
        _layers(right, seen, COLOURS[kind], marker="o" if kind == "batch" else "^")
    fair = 0.5 if found.classes == 2 else found.batch.fair.value
    left.axvline(fair, color=GREY, lw=0.9, ls=":")
    gamma_axis(right)
    right.set_ylabel("gamma of a random readout")
    labels = [f"{names[kind]}: {seen.regime}" for kind, seen in found.by_statistics.items()]
    figure.legend(right.get_lines()[: len(labels)], labels, loc="upper center", ncol=2, bbox_to_anchor=(0.5, 0.945))
    figure.suptitle(title, fontsize=9, y=0.985)
    counted = len(found.batch.guess_fraction)
    of_drawn = f" of {found.inits}" if counted < found.inits else ""
    caption = (
        f"n = {counted}{of_drawn} networks, {found.points:,} points of shape {found.shape}, {found.classes} outputs; "
        f"initialisation: {found.initialisation}; dropout off. Dotted: fair guesses. Bands: "
        f"95\u00a0% intervals over networks. Dashed: {NEUTRAL_GAMMA} and 1, between which a network is prejudiced. "
        "Layers in order of execution, the outputs' own gamma last; what is below .001 or above 1000 is drawn there."
    )
    figure.text(0.5, 0.012, textwrap.fill(caption, width=135), ha="center", va="bottom", fontsize=7, color="#444444")
    return figure


def draw_sweep(found: dict[str, Measurement], argument: str, title: str) -> Figure:
    """gamma of the guesses and of the outputs, a row for every value of a model's arguments."""
    height = 0.26 * len(found) + 1.75  # inches
    left = min(0.5, 0.05 + 0.013 * max(map(len, found)))
    figure = Figure(figsize=(5.6, height))
    axes = figure.add_axes((left, 1.1 / height, 0.97 - left, 1 - 1.75 / height))
    at = -np.arange(len(found))
    kinds = (("guesses", "gamma_of_guesses", BLUE, "o"), ("outputs", "gamma", VERMILION, "s"))
    for above, (label, name, colour, marker) in zip((0.13, -0.13), kinds, strict=True):
        gammas = np.array([getattr(of.batch, name) for of in found.values()]).clip(*DRAWN)
        errors = np.abs(gammas[:, 1:] - gammas[:, :1]).T
        looks: dict[str, Any] = {"fmt": marker, "ms": 4, "lw": 1, "color": colour, "label": f"of the {label}"}
        axes.errorbar(gammas[:, 0], at + above, xerr=errors, **looks)
    axes.set_xscale("log")
    for boundary in (NEUTRAL_GAMMA, 1):
        axes.axvline(boundary, color="#999999", lw=0.6, ls=(0, (4, 3)), zorder=0)
    axes.set_xlabel("gamma")
    axes.set_yticks(at, list(found))
    axes.set_ylim(0.6 - len(found), 0.6)
    figure.legend(*axes.get_legend_handles_labels(), loc="upper center", ncol=2, bbox_to_anchor=(0.5, 1 - 0.3 / height))
    title = f"{title}, by {argument}"
    short = title if len(title) <= LONGEST_TITLE else f"…{title[-LONGEST_TITLE:]}"
    figure.suptitle(short, fontsize=9, y=1 - 0.06 / height, va="top")
    first = next(iter(found.values()))
    caption = (
        f"n = {first.asked} networks each, {first.points:,} points of shape {first.shape}; {shown(found)}, dropout "
        "off. Bars: 95\u00a0% intervals over networks. Dashed: 0.1 and 1, between which guesses are prejudiced. What "
        "is below .001 or above 1000 is drawn there."
    )
    wrapped = textwrap.fill(caption, width=105)
    figure.text(0.5, 0.05 / height, wrapped, ha="center", va="bottom", fontsize=7, color="#444444")
    return figure


def _layers(axes: Axes, seen: Prejudice, colour: str, *, marker: str) -> None:
    names = [*list(seen.layers)[:-1], "outputs"]  # which are compared, not read out, so they have their own gamma
    gammas = np.array([*list(seen.layers.values())[:-1], seen.gamma]).clip(*DRAWN)
    at = np.arange(len(names))
    axes.fill_between(at, gammas[:, 1], gammas[:, 2], color=colour, alpha=0.25, lw=0)
    axes.plot(at, gammas[:, 0], color=colour, lw=0.9, marker=marker, ms=2 if len(names) > LABELLED else 3)
    every = -(-len(names) // LABELLED)
    axes.set_xticks(at[::every], _labels(seen, names)[::every], rotation=90, fontsize=5.5)
    axes.set_xlim(-0.5, len(names) - 0.5)


def _labels(seen: Prejudice, names: list[str]) -> list[str]:
    """Names of layers, with the kind where a name is a number; long ones with letters for the folders they lie in."""
    labels = []
    for name in names:
        before = BEFORE if name.startswith(BEFORE) else ""
        *folders, last = name.removeprefix(BEFORE).split(".")
        if last.isdigit() and name in seen.places:
            last = f"{last} {seen.places[name].kind}"
        for place in range(len(folders)):
            if len(before) + len(".".join([*folders, last])) > LONGEST:
                folders[place] = folders[place][0]
        label = before + ".".join([*folders, last])
        labels.append(label if len(label) <= LONGEST else f"{label[: LONGEST // 2]}…{label[-(LONGEST // 2) :]}")
    return labels
