"""Untrained decoders guess the next byte: learned positions and repeated bytes prejudice them, their norm hardly does.

On a real text, on its bytes shuffled within each point, on bytes drawn evenly, and on random embeddings.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from figures import panels, words
from figures.reading import read

EXPERIMENT = "language"
# inputs -> label, colour, marker, and how far above its row
LOOKS = {
    "data": ("the text", words.BLUE, "o", 0.27),
    "shuffled": ("its bytes shuffled", words.VERMILION, "^", 0.09),
    "evenly drawn": ("bytes drawn evenly", words.GREEN, "D", -0.09),
    "embeddings": ("Gaussian embeddings", words.GREY, "s", -0.27),
}
STYLES = {"gpt": "GPT-2's kind: learned positions", "llama": "LLaMA's kind: rotary positions"}
LOWEST, HIGHEST = 0.01, 10.0  # of gamma; intervals beyond are cut there


def draw(tidy: Path) -> Figure:
    table = read(tidy, EXPERIMENT, "models")
    table = table.assign(inputs=table["inputs"].where(table["dataset"] == "text", "embeddings"))
    cells, styles = (list(table[name].drop_duplicates()) for name in ("cell", "style"))
    first = table.iloc[0]
    figure, axes = plt.subplots(len(styles), 3, figsize=(7.6, 1.9 * len(styles) + 0.9), sharex="col", sharey=True)
    for (left, middle, right), style in zip(axes, styles, strict=True):
        for row in table[table["style"] == style].to_dict("records"):
            _, colour, marker, above = LOOKS[row["inputs"]]
            at = above - cells.index(row["cell"])
            for one, column in ((left, "gamma_outputs"), (middle, "gamma_guesses")):
                value, low, high = (min(max(row[column + end], LOWEST), HIGHEST) for end in ("", "_low", "_high"))
                one.errorbar(value, at, xerr=[[value - low], [high - value]], fmt=marker, ms=3.5, lw=1, color=colour)
            left.plot([row["gamma_theory"]] * 2, [at - 0.1, at + 0.1], color="black", lw=1.1, zorder=5)
            right.plot([row["largest_fraction_5"], row["largest_fraction_95"]], [at, at], color=colour, lw=0.8)
            right.plot([row["largest_fraction_25"], row["largest_fraction_75"]], [at, at], color=colour, lw=2.2)
            right.plot(row["largest_fraction"], at, marker, color=colour, mec="white", mew=0.4, ms=4)
        right.axvspan(first["fair_largest_fraction_low"], first["fair_largest_fraction_high"], color="#E4E4E4", lw=0)
        left.set(xscale="log", xlim=(LOWEST, HIGHEST), ylim=(0.6 - len(cells), 0.6))
        middle.set(xscale="log", xlim=(LOWEST, HIGHEST))
        names = [words.name(*(cell.split("-") if "-" in cell else (cell, "none"))) for cell in cells]
        left.set_yticks([-place for place in range(len(cells))], names)
        left.set_title(STYLES[style], fontsize=7.5, loc="left")
        panels.regime_bands(middle)
    for one, text in zip(axes[-1], ("gamma of the outputs", "gamma of the guesses"), strict=False):
        one.set_xlabel(text)
    axes[-1][2].set(xlim=(0, None), xlabel=f"largest of {first['classes']} fractions")
    handles = [panels.line(text, colour, marker=marker, ls="none") for text, colour, marker, _ in LOOKS.values()]
    panels.legend(figure, [*handles, panels.line("theory, infinite width", marker="|", ls="none")])
    text = (
        f"Next-byte guesses at the last position; {first['label']}, {words.span(table['points'])} points; depth "
        f"{words.span(table['depth'])}, width {words.span(table['width'])}; n = {words.span(table['inits'])} networks "
        "each, by GPT-2's initialisation. Bars: 95 % intervals. Middle: neutral (blue), prejudiced (yellow), deeply "
        "prejudiced (red). Right: mean over networks, quartiles (thick), 5 to 95 % (thin); grey: 95 % of fair guesses."
    )
    return panels.caption(figure, text)
