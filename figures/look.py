"""The look of all figures, whatever the user's matplotlibrc says, and saving them."""

from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from normplace.files import write_picture
from normplace.pictures import SETTINGS

SMALL = 7  # points: ticks, legends and captions

LOOK = {  # on top of seaborn's
    **sns.axes_style("ticks"),
    **sns.plotting_context("paper"),
    **SETTINGS,
    "axes.edgecolor": "#262626",
    "axes.formatter.min_exponent": 5,  # 0.001 and not 10 with a small -3
    "axes.titlesize": 8.5,
    "figure.constrained_layout.use": True,
    "figure.labelsize": 8,
    "lines.linewidth": 1.1,
    "lines.markersize": 4,
    "xtick.major.width": 0.6,
    "xtick.minor.width": 0.5,
    "ytick.major.width": 0.6,
    "ytick.minor.width": 0.5,
}

mpl.use("Agg")


def applied() -> AbstractContextManager[None]:
    """The look, inside `with`; after it the user's own is back."""
    return style.context(LOOK, after_reset=True)


def save(figure: Figure, folder: Path, stem: str) -> None:
    """Write vector PDF and PNG; equal input gives equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    if engine := figure.get_layout_engine():  # once for both files: it takes as long as drawing
        engine.execute(figure)
        figure.set_layout_engine("none")
    # The layout's last bits differ between runs, and a pixel's colour may hang on them.
    for part in figure.subfigs:
        part.bbox_relative.set_points(part.bbox_relative.get_points().round(6) + 0.0)
    for axes in figure.axes:
        axes.set_position(Bbox(axes.get_position().get_points().round(6) + 0.0))
    write_picture(figure, folder / f"{stem}.pdf")
    write_picture(figure, folder / f"{stem}.png", dpi=200)
    plt.close(figure)
