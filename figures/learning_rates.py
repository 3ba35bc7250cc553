"""Which placements train at all, and how soon: test accuracy of deep networks against the learning rate."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from figures import panels, words
from figures.reading import groups, read, without_running

EXPERIMENT = "learning_rates"
MOMENTS = {"early_accuracy": "after a tenth of the steps", "final_accuracy": "at the end"}


def draw(tidy: Path) -> Figure:
    table = without_running(read(tidy, EXPERIMENT, "milestones")).sort_values("learning_rate", kind="stable")
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2), sharey=True)
    configurations = groups(table, "norm", "placement")
    guessing = table[["one_class_accuracy_low", "one_class_accuracy_high"]].iloc[0]
    for one, (measure, title) in zip(axes, MOMENTS.items(), strict=True):
        for place, (cell, rows) in enumerate(configurations):
            beside = 1.06 ** (place - len(configurations) // 2)  # equal values would hide each other
            shown = rows.dropna(subset=[measure])
            one.errorbar(
                beside * shown["learning_rate"], shown[measure], panels.bars(shown, measure), lw=1, capsize=1.5,
                **panels.of_cell(*cell),
            )  # fmt: skip
        one.axhspan(*guessing, color="#E4E4E4", lw=0, zorder=0)
        one.set(xscale="log", xlabel="learning rate", title=title)
    axes[0].set_ylabel("test accuracy")
    panels.cells_legend(figure, table)
    left_out = "" if "rms" in set(table["norm"]) else " RMSNorm, which guesses as no norm does, was not trained."
    text = (
        f"{words.training(table)}, {table['test_points'].iloc[0]} test points, batch statistics. Means, moved apart "
        f"to be seen, with the range over runs that did not diverge; {table['diverged'].sum()} of "
        f"{table['runs'].sum()} diverged. Grey: guessing one class.{left_out}"
    )
    return panels.caption(figure, text)
