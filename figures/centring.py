"""Which half of a norm neutralises: centring alone, scaling alone, both, or neither."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import style

# what of the norm is there -> colour and marker, and the norm that has it: over points, over nodes
PARTS = {
    "neither": ("#777777", "s", "none", "none"),
    "scaling": ("#E69F00", "v", "batch-scaling", "rms"),
    "centring": ("#009E73", "D", "batch-centring", "layer-centring"),
    "both": ("#0072B2", "o", "batch", "layer"),
}
FLOOR = 3e-4


def draw(tidy: Path) -> Figure:
    """Draw a row an axis (points, nodes), a column a placement; gamma against depth, theory as lines."""
    table = style.read(tidy, "centring", "gamma")
    marked = style.depths_to_mark(int(table["depth"].max()))
    figure, grid = plt.subplots(2, 2, figsize=(6.4, 5.0), sharex=True, sharey=True)
    for row, (axis, over) in enumerate((("batch", "over the data"), ("layer", "over the nodes"))):
        for column, placement in enumerate(("before", "after")):
            axes = grid[row, column]
            for colour, marker, *norms in PARTS.values():
                norm = norms[row]
                rows = style.of_cell(table, norm=norm, placement="none" if norm == "none" else placement)
                style.gamma_by_depth(axes, rows, marked, colour, marker, FLOOR)
            style.gamma_axes(axes, marked, FLOOR)
            if row == 0:
                axes.set_title(f"{placement} the activation")
            else:
                axes.set_xlabel("depth (hidden layers)")
        grid[row, 0].set_ylabel(f"gamma, norm {over}\n({style.NORMS[axis]} and its halves)")
    handles = [
        Line2D([], [], color=colour, marker=marker, ms=4, lw=1.1, label=part)
        for part, (colour, marker, *_) in PARTS.items()
    ]
    figure.legend(handles=handles, loc="upper center", ncol=4)
    style.settings_line(
        figure,
        f"{style.labels(table).popitem()[1]}: {style.sampling_settings(table)}, 95 % bootstrap intervals. Lines: "
        f"infinite width, the data's own kernel. Values below {FLOOR:g} are drawn there. Scaling over the nodes is "
        "RMSNorm.",
    )
    figure.subplots_adjust(left=0.13, right=0.985, top=0.89, bottom=0.16, hspace=0.1, wspace=0.06)
    return figure
