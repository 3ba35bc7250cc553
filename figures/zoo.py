"""Well-known models before any training: how prejudiced their guesses are, and how much goes to one class."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import style

# kind of BatchNorm statistics -> colour and marker; empty without BatchNorm
LOOKS = {"": ("#555555", "s"), "batch": ("#0072B2", "o"), "running": ("#D55E00", "^")}
LOWEST, HIGHEST = 0.01, 200.0  # of gamma; intervals beyond are cut there
APART = 0.22  # of the two kinds of statistics of one model, in rows


def draw(tidy: Path) -> Figure:
    """Draw a row a model. Left: gamma of its guesses. Right: the share of the data in its most guessed class."""
    table = style.read(tidy, "zoo", "models")
    models = list(table["model"].drop_duplicates())
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 0.42 * len(models) + 1.75), sharey=True)
    for row in table.to_dict("records"):
        colour, marker = LOOKS[row["bn_statistics"]]
        at = {"": 0, "batch": APART, "running": -APART}[row["bn_statistics"]] - models.index(row["model"])
        guesses = row["regime"] != "no guess"
        gamma = "gamma_guesses" if guesses else "gamma_readout"
        value, low, high = (min(max(row[gamma + edge], LOWEST), HIGHEST) for edge in ("", "_low", "_high"))
        fill = colour if guesses else "white"
        bar = [[value - low], [high - value]]
        left.errorbar(value, at, xerr=bar, fmt=marker, color=colour, mfc=fill, ms=4, lw=1.1)
        if guesses:
            largest = {share: row[f"largest_fraction_{share}"] for share in (5, 25, 75, 95)}
            right.plot([largest[5], largest[95]], [at, at], color=colour, lw=0.8)
            right.plot([largest[25], largest[75]], [at, at], color=colour, lw=2.4)
            right.plot(row["largest_fraction"], at, marker, color=colour, mec="white", mew=0.5, ms=5)
    left.set(xscale="log", xlim=(LOWEST, HIGHEST), ylim=(0.6 - len(models), 0.6))
    left.set_xlabel("gamma of the guesses, 95 % interval")
    left.set_yticks([-place for place in range(len(models))], models)
    style.regime_bands(left)
    for at, regime in ((0.032, "neutral"), (0.32, "prejudiced"), (14, "deeply prejudiced")):
        left.annotate(regime, (at, 1.01), xycoords=("data", "axes fraction"), ha="center", fontsize=6.5)
    right.axvline(1 / table["classes"].iloc[0], color="#BBBBBB", lw=0.7)
    right.set(xlim=(0, 1), xlabel=f"largest of {table['classes'].iloc[0]} guess fractions")
    handles = [
        Line2D([], [], color=LOOKS[kind][0], marker=LOOKS[kind][1], lw=1.1, ms=4, label=label)
        for kind, label in (
            ("batch", "BatchNorm by batch statistics, as in training"),
            ("running", "BatchNorm in eval(), fresh statistics"),
            ("", "no BatchNorm"),
        )
    ]
    figure.legend(handles=handles, loc="upper center", ncol=3)
    zero = "; hollow: the last layer is zero, a random one instead" if (table["regime"] == "no guess").any() else ""
    style.settings_line(
        figure,
        f"{style.labels(table).popitem()[1]}, {style.span(table['points'])} images of {table['shape'].iloc[0]}, "
        f"{table['classes'].iloc[0]} outputs; n = {style.span(table['inits'])} networks a model, each by torchvision's "
        f"own initialisation{zero}. Right: mean over networks, quartiles (thick), 5 to 95 % (thin); grey: all classes "
        "alike.",
    )
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.145, right=0.985, top=1 - 0.45 / height, bottom=0.95 / height, wspace=0.06)
    return figure
