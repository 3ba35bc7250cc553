"""Well-known models before any training: how prejudiced their guesses are, and how much goes to one class.

BatchNorm by the batch's statistics, as training sees it, and in eval() with fresh running statistics. A last layer that
is zero makes no guess; gamma is then that of a random one in its place.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from figures import panels, words
from figures.look import SMALL
from figures.reading import read

EXPERIMENT = "zoo"
# kind of BatchNorm statistics, empty without BatchNorm -> label, colour, marker, and how far above its model's row
LOOKS = {
    "batch": ("BatchNorm by batch statistics, as in training", words.BLUE, "o", 0.22),
    "running": ("BatchNorm in eval(), fresh statistics", words.VERMILION, "^", -0.22),
    "": ("no BatchNorm", words.GREY, "s", 0.0),
}
LOWEST, HIGHEST = 0.01, 200.0  # of gamma; intervals beyond are cut there


def draw(tidy: Path) -> Figure:
    table = read(tidy, EXPERIMENT, "models")
    models, first = list(table["model"].drop_duplicates()), table.iloc[0]
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 0.42 * len(models) + 1.5), sharey=True)
    for row in table.to_dict("records"):
        _, colour, marker, above = LOOKS[row["bn_statistics"]]
        at = above - models.index(row["model"])
        guesses = row["regime"] != "no guess"
        gamma = "gamma_guesses" if guesses else "gamma_readout"
        value, low, high = (min(max(row[gamma + edge], LOWEST), HIGHEST) for edge in ("", "_low", "_high"))
        bar = [[value - low], [high - value]]
        left.errorbar(
            value, at, xerr=bar, fmt=marker, color=colour, mfc=colour if guesses else "white", lw=1.1, clip_on=False
        )
        if row[gamma] == float("inf"):
            left.annotate("∞", (HIGHEST, at), (4, 0), textcoords="offset points", va="center", color=colour)
        if guesses:
            largest = {share: row[f"largest_fraction_{share}"] for share in (5, 25, 75, 95)}
            right.plot([largest[5], largest[95]], [at, at], color=colour, lw=0.8)
            right.plot([largest[25], largest[75]], [at, at], color=colour, lw=2.4)
            right.plot(row["largest_fraction"], at, marker, color=colour, mec="white", mew=0.5, ms=5, clip_on=False)
    left.set(xscale="log", xlim=(LOWEST, HIGHEST), ylim=(0.6 - len(models), 0.6))
    left.set_xlabel("gamma of the guesses, 95 % interval")
    left.set_yticks([-place for place in range(len(models))], models)
    panels.regime_bands(left)
    for at, regime in ((0.032, "neutral"), (0.32, "prejudiced"), (14, "deeply prejudiced")):
        left.annotate(regime, (at, 1.01), xycoords=("data", "axes fraction"), ha="center", fontsize=SMALL)
    right.axvline(1 / first["classes"], color=panels.FAINT, lw=0.7)
    right.set(xlim=(0, 1), xlabel=f"largest of {first['classes']} guess fractions")
    panels.legend(figure, [panels.line(text, colour, marker=marker) for text, colour, marker, _ in LOOKS.values()])
    zero = "; hollow: the last layer is zero, a random one instead" if (table["regime"] == "no guess").any() else ""
    text = (
        f"{first['label']}, {words.span(table['points'])} images of {first['shape']}, {first['classes']} outputs; n "
        f"= {words.span(table['inits'])} networks per model, each by its own initialisation{zero}. Right: "
        "mean over networks, quartiles (thick), 5 to 95 % (thin); grey: all classes alike."
    )
    return panels.caption(figure, text)
