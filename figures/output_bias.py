"""Is it the prejudice? How deep networks learn whose start a bias of the output layer makes neutral or prejudiced."""

from pathlib import Path

from matplotlib.figure import Figure

from figures import panels, words
from figures.reading import curves, first, groups

EXPERIMENT = "output_bias"
BIASES = {
    "drawn": ("as drawn", words.GREY),
    "centred": ("outputs centred: a neutral start", words.BLUE),
    "prejudiced": ("the favoured output ahead: a prejudiced start", words.PURPLE),
}


def draw(tidy: Path) -> Figure:
    table = curves(tidy, EXPERIMENT, "test")
    columns = len(groups(table, "norm", "placement"))
    figure, axes, parts = panels.grid(
        table, ["dataset"], ["norm", "placement"], width=1.3 * columns + 1.2, height=1.6, room=1.3
    )
    for one, part in parts:
        norm, placement, dataset = first(part, "norm", "placement", "label")
        for (bias,), curve in groups(part, "output_bias"):
            panels.band(one, curve, "accuracy", BIASES[bias][1])
        panels.label(one, top=words.heading(norm, placement), left=f"{words.wrapped(dataset)}\ntest accuracy")
    panels.step_axes(axes)
    shown = [bias for bias in BIASES if bias in set(table["output_bias"])]
    panels.legend(figure, [panels.line(*BIASES[bias]) for bias in shown], ncol=1)
    text = (
        f"{words.training(table)}. The bias of the output layer is set before the first step: such that the mean "
        "outputs over the training points are equal, or the favoured one leads by 3 standard deviations. Run k has the "
        "same weights and batches with each. Median and quartiles over runs, batch statistics."
    )
    return panels.caption(figure, text)
