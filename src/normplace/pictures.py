"""What the pictures of results share: the look, and the panels for guesses and for gamma."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from normplace.statistics import BINS, NEUTRAL_GAMMA

# Okabe-Ito colours: told apart by readers with any colour vision.
BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#555555"
SETTINGS: Any = {
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.labelsize": 8,
    "font.family": "DejaVu Sans",  # matplotlib's own, so a letter that it lacks is a box on every machine
    "font.size": 8,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
}


def look() -> AbstractContextManager[None]:
    """Inside `with`, our look on top of matplotlib's own, whatever the user's settings; after it theirs are back."""
    return mpl.rc_context({**mpl.rcParamsDefault, **SETTINGS})


def in_look(draw: Callable[[], Figure]) -> Figure:
    """What `draw` draws, to be shown or saved outside the look."""
    with look():
        figure = draw()
        figure.draw_without_rendering()  # ticks are made when they are first drawn, with the settings of that moment
    return figure


def new_figure(title: str, panels: int) -> tuple[Figure, Sequence[Axes]]:
    """A figure with panels side by side, as notebooks show it; it belongs to no window."""
    figure = Figure(figsize=(3.6 * panels, 2.8), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    figure.suptitle(title, fontsize=9)
    return figure, list(axes)


def histogram(axes: Axes, values: npt.NDArray[Any], colour: str, *, outline: bool = False, **options: Any) -> None:
    """The share of networks in each bin of 0..1."""
    look: dict[str, Any] = {"histtype": "step", "lw": 1.1} if outline else {"alpha": 0.5, "lw": 0}
    weights = np.full(len(values), 1 / len(values))
    axes.hist(values, bins=np.linspace(0, 1, BINS + 1).tolist(), weights=weights, color=colour, **look, **options)
    axes.set_xlim(0, 1)
    axes.set_ylabel("share of networks")


def guesses_of(guess_fraction: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], str]:
    """What is drawn of guess fractions [networks, classes], and its label: G_0 of two classes, else the largest."""
    if guess_fraction.shape[1] == 2:
        return guess_fraction[:, 0], "G₀: share of the data put into class 0"
    return guess_fraction.max(axis=1), "share of the data put into\nthe most guessed class"


def depth_axis(axes: Axes) -> None:
    """Whole numbers of hidden layers."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("depth (hidden layers)")


def gamma_axis(axes: Axes) -> None:
    """A logarithmic axis of gamma with the boundaries of the regimes at one depth."""
    axes.set_yscale("log")
    for boundary in (NEUTRAL_GAMMA, 1):
        axes.axhline(boundary, color="#999999", lw=0.6, ls=(0, (4, 3)), zorder=0)
    axes.set_ylabel("gamma")
