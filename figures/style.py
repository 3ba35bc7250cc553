"""What all figures share: colours, names, reading tidy tables, the settings line, saving."""

import textwrap
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from normplace.tables.tidy import read_tidy

# Okabe-Ito colours: told apart by readers with any colour vision.
COLOURS = {"none": "#555555", "batch": "#0072B2", "layer": "#D55E00", "rms": "#009E73", "group": "#CC79A7"}
MARKERS = {"none": "s", "batch": "o", "layer": "^", "rms": "x", "group": "v"}
NORMS = {"none": "no norm", "batch": "BatchNorm", "layer": "LayerNorm", "rms": "RMSNorm", "group": "GroupNorm"}
NETWORKS = {"resnet9": "ResNet-9", "cnn": "CNN", "mixer": "MLP-Mixer", "vit": "ViT"}
HALVES = {
    "batch-centring": "BatchNorm's centring",
    "batch-scaling": "BatchNorm's scaling",
    "layer-centring": "LayerNorm's centring",
}
REGIME_COLOURS = {
    "neutral": "#DCEBF7",
    "prejudiced": "#FCEFC9",
    "deeply prejudiced": "#F3D3DE",
    "undecided": "#EEEEEE",
}
SHALLOW = "#A8A8A8"  # shallow networks beside deep ones
SMALL = 7  # points: ticks, legends and settings lines

mpl.use("Agg")


def apply() -> None:
    """Set the look of all figures: small, print-sized, embedded fonts."""
    sns.set_theme(
        context="paper",
        style="ticks",
        rc={
            "axes.labelsize": 8,
            "axes.linewidth": 0.6,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": 8.5,
            "figure.constrained_layout.use": False,
            "figure.titlesize": 10,
            "font.size": 8,
            "legend.fontsize": SMALL,
            "legend.frameon": False,
            "pdf.fonttype": 42,
            "xtick.labelsize": SMALL,
            "xtick.major.width": 0.6,
            "ytick.labelsize": SMALL,
            "ytick.major.width": 0.6,
        },
    )


def read(tidy: Path, experiment: str, table: str) -> pd.DataFrame:
    """One tidy table of an experiment."""
    return read_tidy(tidy / experiment / f"{table}.csv")


def name(norm: str, placement: str) -> str:
    """A configuration as readers say it, such as "LayerNorm after"."""
    return NORMS[norm] if norm == "none" else f"{(NORMS | HALVES)[norm]} {placement}"


def heading(norm: str, placement: str) -> str:
    """The same on two lines, over a narrow column."""
    return name(norm, placement).replace("Norm ", "Norm\n")


def names(rows: pd.DataFrame) -> list[str]:
    """The configuration of each row."""
    return [name(*cell) for cell in zip(rows["norm"], rows["placement"], strict=True)]


def cells(table: pd.DataFrame) -> list[tuple[str, str]]:
    """The (norm, placement) pairs of a table, in its own order."""
    return list(table[["norm", "placement"]].drop_duplicates().itertuples(index=False, name=None))


def of_cell(table: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """The rows in which each named column has the given value."""
    keep = pd.Series(True, index=table.index)
    for column, value in values.items():
        keep &= table[column] == value
    return table[keep]


def without_running(table: pd.DataFrame) -> pd.DataFrame:
    """The rows in which BatchNorm uses batch statistics, as training does, or is not there."""
    return table[table["bn_statistics"] != "running"]


def labels(table: pd.DataFrame) -> dict[str, str]:
    """data set -> what to call it; a stand-in or a JPEG copy says so in its label."""
    return dict(table[["dataset", "label"]].drop_duplicates().itertuples(index=False, name=None))


def wrapped(label: str) -> str:
    """A data set's label on two lines where it is long."""
    return label.replace(" (", "\n(") if len(label) > 22 else label


def with_interval(rows: pd.DataFrame, column: str, infinite: str = "never") -> "pd.Series[str]":
    """A column in words with its 95 % interval; infinite: what to call that, which means never of steps."""
    numbers = (rows[name] for name in (column, f"{column}_low", f"{column}_high"))
    parts = [of_one.map(number).replace("never", infinite) for of_one in numbers]
    return (parts[0] + " [" + parts[1] + ", " + parts[2] + "]").mask(rows[column].isna(), "-")


def number(value: float) -> str:
    """Three digits, or all that are before the point; infinite means never, of steps."""
    if value != value:  # a missing value
        return "-"
    if value == float("inf"):
        return "never"
    if abs(value) < 1e-6:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def settings_line(figure: Figure, text: str) -> None:
    """Settings, n and what bars mean, under the figure, wrapped to its width."""
    lines = textwrap.wrap(text, width=int(17.5 * figure.get_figwidth()))
    figure.text(0.5, 0.006, "\n".join(lines), ha="center", va="bottom", fontsize=SMALL, color="#444444")


def margins(figure: Figure, *, top: float, bottom: float, label: str, label_at: float, **others: float) -> None:
    """Room above and below the panels and where the label of the steps stands, in inches: figures differ in rows."""
    height = figure.get_figheight()
    figure.supxlabel(label, y=label_at / height, fontsize=8)
    figure.subplots_adjust(top=1 - top / height, bottom=bottom / height, **others)


def span(values: pd.Series) -> str:
    """A column's values in words: "500", or "24 to 200" where they differ."""
    low, high = values.min(), values.max()
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def share_axis(axes: Axes) -> None:
    """A square-root axis for shares 0..1: spikes and flat histograms stay readable side by side."""
    axes.set_yscale("function", functions=(lambda share: abs(share) ** 0.5, lambda root: root**2))
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.05, 0.25, 1], ["0", ".05", ".25", "1"])


def histogram(axes: Axes, rows: pd.DataFrame, colour: str, **options: Any) -> None:
    """Bars of the share of networks in each bin of G_0."""
    widths = rows["bin_high"] - rows["bin_low"]
    axes.bar(rows["bin_low"], rows["count"] / rows["inits"], widths, align="edge", color=colour, lw=0, **options)


def theory_line(axes: Axes, rows: pd.DataFrame, column: str, **options: Any) -> None:
    """A theory's share in each bin of G_0, as a line through the bins' centres."""
    axes.plot((rows["bin_low"] + rows["bin_high"]) / 2, rows[column], **options)


def band(axes: Axes, curve: pd.DataFrame, measure: str, colour: str, *, opacity: float = 0.2, **options: Any) -> None:
    """A curve of training: the median over runs against step + 1, with a band between the quartiles."""
    x = curve["step"] + 1
    axes.fill_between(x, curve[f"{measure}_low"], curve[f"{measure}_high"], color=colour, alpha=opacity, lw=0)
    axes.plot(x, curve[measure], color=colour, lw=1.1, **options)


def step_axis(axes: Axes, between: tuple[int, ...] = ()) -> None:
    """A logarithmic axis of steps + 1, so that step 0 has a place. between: ticks other than the decades."""
    axes.set_xscale("log")
    decades = {1: "1", 10: "10", 100: "10²", 1000: "10³", 10000: "10⁴"}
    ticks = decades | {tick: str(tick) for tick in between}
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.minorticks_off()
    axes.autoscale(axis="x", tight=True)
    for first in axes.get_xticklabels()[:1]:  # inner panels have none
        first.set_horizontalalignment("left")  # neighbours' ends must not touch


def gamma_by_depth(
    axes: Axes,
    rows: pd.DataFrame,
    marked: list[int],
    colour: str,
    marker: str,
    floor: float,
    *,
    theory: str = "gamma_kernel",
    width: float = 1.1,
) -> None:
    """gamma of one configuration: sampled networks as points with intervals at the marked depths, theory as a line."""
    shown = rows[rows["depth"].isin(marked)]
    axes.plot(rows["depth"], rows[theory].clip(floor), color=colour, lw=width)
    bars = (shown["gamma"] - shown["gamma_low"], shown["gamma_high"] - shown["gamma"])
    axes.errorbar(
        shown["depth"], shown["gamma"].clip(floor), bars, fmt=marker, color=colour, ms=3.2, lw=0.8,
        mfc="white" if marker in "s^" else colour, mew=0.8, clip_on=False,
    )  # fmt: skip


def gamma_axes(axes: Axes, marked: list[int], floor: float) -> None:
    """Logarithmic axes of gamma against depth, with a line at gamma = 1, where G_0 is uniform."""
    axes.axhline(1, color="#BBBBBB", lw=0.6, zorder=0)
    axes.set(xscale="log", yscale="log", ylim=(floor, 2e2))
    axes.set_xticks(marked, map(str, marked))
    axes.minorticks_off()


def depths_to_mark(deepest: int) -> list[int]:
    """The depths at which points are drawn and labelled."""
    return [depth for depth in (1, 2, 3, 5, 10, 20, 50) if depth <= deepest]


def sampling_settings(table: pd.DataFrame) -> str:
    """What sampled networks are: how many, activation, width, points."""
    activations = table["activation"].unique()
    activation = f"{activations[0]}, " if len(activations) == 1 else ""
    return (
        f"n = {span(table['inits'])} networks, {activation}width {span(table['width'])}, {span(table['points'])} points"
    )


def regime_bands(axes: Axes) -> None:
    """Behind gamma on the horizontal axis: the colours of the regimes at one depth, with boundaries at 0.1 and 1."""
    edges = (0.0, 0.1, 1.0, float("inf"))
    low, high = axes.get_xlim()
    for regime, left, right in zip(REGIME_COLOURS, edges, edges[1:], strict=False):
        axes.axvspan(max(left, low), min(right, high), color=REGIME_COLOURS[regime], lw=0, zorder=-1)
    axes.set_xlim(low, high)


def row_label(axes: Axes, label: str, *, middle: float, left: float) -> None:
    """The name of a data set, upright beside its rows."""
    axes.annotate(
        wrapped(label), (left, middle), xycoords="axes fraction", rotation=90, ha="right", va="center",
        weight="bold", fontsize=7.5,
    )  # fmt: skip


def training_settings(table: pd.DataFrame) -> str:
    """What training curves were made with: optimiser, rate, batch, points, runs; of MLPs activation and width too."""
    first = table.iloc[0]
    network = f"{first['activation']}, width {span(table['width'])}, " if first["width"] else ""
    epochs = "1 epoch" if first["epochs"] == 1 else f"{first['epochs']} epochs"
    rates = table["learning_rate"].unique()
    rate = f"learning rate {rates[0]:g}, " if len(rates) == 1 else ""
    fewest = int((table["n"] - table["runs"]).min())
    diverged = f" (up to {-fewest} of a curve's diverged and are left out from there)" if fewest else ""
    return (
        f"{network}{first['optimizer']}, {rate}"
        f"batch {first['batch_size']}, {epochs} of {span(table['points'])} points, "
        f"n = {span(table['runs'])} runs{diverged}"
    )


def save(figure: Figure, folder: Path, stem: str) -> None:
    """Write vector PDF and PNG; equal input gives equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{stem}.pdf", metadata={"CreationDate": None})
    figure.savefig(folder / f"{stem}.png", dpi=200, metadata={"Software": None})
    plt.close(figure)
