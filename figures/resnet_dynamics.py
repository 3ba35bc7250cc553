"""ResNet-9 and ViT, norm before and after: the gap between the favoured class and the other as training starts."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import style


def draw(tidy: Path) -> Figure:
    """Draw a row a network and pair of classes, a column a placement; accuracy of the favoured class and the other."""
    table = style.without_running(style.of_cell(style.read(tidy, "resnet_dynamics", "curves"), split="train"))
    pairs = list(table[["network", "class_names"]].drop_duplicates().itertuples(index=False, name=None))
    figure, grid = plt.subplots(
        len(pairs), 2, figsize=(5.6, 1.55 * len(pairs) + 1.35), sharex=True, sharey=True, squeeze=False
    )
    for row, (network, class_names) in enumerate(pairs):
        for axes, placement in zip(grid[row], ("before", "after"), strict=True):
            curve = style.of_cell(table, network=network, class_names=class_names, placement=placement)
            norm = str(curve["norm"].iloc[0])
            style.band(axes, curve, "accuracy_majority", style.COLOURS[norm])
            style.band(axes, curve, "accuracy_minority", "black", ls=(0, (3, 1)))
            style.step_axis(axes, between=(2, 3, 5))
            axes.set_ylim(-0.03, 1.03)
            axes.set_yticks([0, 0.5, 1], ["0", "½", "1"])
            axes.set_title(f"{style.name(norm, placement)}, n = {curve['runs'].iloc[0]}", fontsize=8)
        grid[row, 0].set_ylabel(f"{style.NETWORKS[network]}\n{class_names}")
    handles = [
        Line2D([], [], color=style.COLOURS["batch"], lw=1.2, label="initially favoured class (in the norm's colour)"),
        Line2D([], [], color="black", lw=1.2, ls=(0, (3, 1)), label="the other class"),
    ]
    height = figure.get_figheight()
    figure.legend(handles=handles, loc="upper center", ncol=2)
    figure.supylabel("training accuracy on the class", x=0.01, fontsize=8)
    figure.supxlabel("step + 1", y=0.53 / height, fontsize=8)
    style.settings_line(
        figure,
        f"{style.labels(table).popitem()[1]}: {style.training_settings(table)}, batch statistics; median and "
        "quartiles over runs.",
    )
    figure.subplots_adjust(
        left=0.15, right=0.985, top=1 - 0.55 / height, bottom=0.95 / height, hspace=0.35, wspace=0.08
    )
    return figure
