"""Which placements train at all, and how soon: accuracy against learning rate for deep networks."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from figures import style

MOMENTS = {"early_accuracy": "after a tenth of the steps", "final_accuracy": "at the end"}
MARKERS = {"none": "s", "before": "o", "after": "^"}


def draw(tidy: Path) -> Figure:
    """Draw a panel a moment, a line a configuration; means with 95 % bootstrap intervals."""
    table = style.without_running(style.read(tidy, "learning_rates", "milestones"))
    figure, panels = plt.subplots(1, 2, figsize=(7.2, 3.3), sharey=True)
    for axes, (measure, title) in zip(panels, MOMENTS.items(), strict=True):
        cells = style.cells(table)
        for index, (norm, placement) in enumerate(cells):
            rows = style.of_cell(table, norm=norm, placement=placement).dropna(subset=[measure])
            rows = rows.sort_values("learning_rate")
            bars = (rows[measure] - rows[f"{measure}_low"], rows[f"{measure}_high"] - rows[measure])
            beside = 1.06 ** (index - len(cells) // 2)  # equal values would hide each other
            after = placement == "after"
            axes.errorbar(
                beside * rows["learning_rate"], rows[measure], bars, color=style.COLOURS[norm], ms=4, lw=1, capsize=1.5,
                marker=MARKERS[placement], mfc="white" if after else style.COLOURS[norm], ls="--" if after else "-",
                label=style.name(norm, placement),
            )  # fmt: skip
        chance = table[["one_class_accuracy_low", "one_class_accuracy_high"]].iloc[0]
        axes.axhspan(*chance, color="#E4E4E4", lw=0, zorder=0, label="guessing one class")
        axes.set_xscale("log")
        axes.set_title(title)
        axes.set_xlabel("learning rate")
    panels[0].set_ylabel("test accuracy")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="upper center", ncol=4)
    depth, label = table["depth"].iloc[0], style.labels(table).popitem()[1]
    test_points = table["test_points"].iloc[0]
    diverged = int(table["diverged"].sum())
    style.settings_line(
        figure,
        f"{label}, depth {depth}; {style.training_settings(table)}, {test_points} test points, batch statistics. "
        f"Means, side by side for sight, with 95 % bootstrap intervals over runs that did not diverge; "
        f"{diverged} of {int(table['runs'].sum())} diverged.",
    )
    figure.subplots_adjust(left=0.075, right=0.99, top=0.8, bottom=0.24, wspace=0.06)
    return figure
