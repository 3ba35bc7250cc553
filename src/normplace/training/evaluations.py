"""What is measured of a network in training, as rows with named columns."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from normplace.data.record import SPLITS
from normplace.networks.modules import batch_norms, evaluating

FIRST_STEPS = 7  # every step up to this is evaluated
EVALUATIONS_PER_DECADE = 10  # log-spaced back from the last step, so that a tenth of all steps is one of them
MEASURES = (
    "loss",
    "accuracy",
    "accuracy_majority",
    "accuracy_minority",
    "max_guess_fraction",
    "guess_fraction_majority",
    "weight_cosine",
    "loss_majority",
    "loss_minority",
    "gradient_norm",
)
# A row of the file that `normplace train` writes: run, step, epoch, split, bn_statistics ("batch", "running", or empty
# without BatchNorm), MEASURES, majority, draws, diverged (0 or 1), and guess_fraction_c for every class c. Then, at the
# first evaluations of the training split, by layer l from 1 on: gradient_norm_majority_l and gradient_norm_minority_l,
# norms of the gradients of loss_majority and of loss_minority by the layer's weights.
Row = dict[str, float | int | str]


class Points(NamedTuple):
    """x: float32 [n, ...]; y: int64 [n]."""

    x: torch.Tensor
    y: torch.Tensor

    def on(self, device: str) -> "Points":
        """The same on a device; images with their channels last, which convolutions are faster on."""
        layout = torch.channels_last if self.x.ndim == 4 else torch.preserve_format
        return Points(self.x.to(device, memory_format=layout), self.y.to(device))

    def first(self, number: int) -> "Points":
        """The first of them."""
        return Points(self.x[:number], self.y[:number])


def evaluation_steps(last: int) -> list[int]:
    """Steps 0 to 7, then log-spaced, and the last step."""
    late = {round(last * 10 ** (-k / EVALUATIONS_PER_DECADE)) for k in range(10 * EVALUATIONS_PER_DECADE)}
    return sorted({*range(min(last, FIRST_STEPS) + 1), *(step for step in late if step > FIRST_STEPS), last})


def evaluate(network: nn.Module, splits: list[Points], start: torch.Tensor, known: Row) -> list[Row]:
    """Rows of one evaluation: every split, and both kinds of BatchNorm statistics where there is BatchNorm.

    start: the flattened weights at step 0. known: the columns run, step, epoch, majority and draws.
    """
    now, then = flat(network).double(), start.to(splits[0].x.device).double()
    cosine = float(now @ then / (now.norm() * then.norm()))
    rows = []
    for statistics in bn_statistics(network):
        for split, (x, y) in zip(SPLITS, splits, strict=True):
            if len(y) == 0:
                continue
            gradient_norm, of_layers = math.nan, unknown_norms(network)
            with evaluating(network, statistics or "batch"):
                if split == "train" and statistics != "running":
                    outputs = network(x)
                    if int(known["step"]) <= FIRST_STEPS:
                        of_layers = gradient_norms(network, outputs, y, int(known["majority"]))
                    gradients = torch.autograd.grad(F.cross_entropy(outputs, y), list(network.parameters()))
                    gradient_norm = float(torch.nn.utils.get_total_norm(gradients))
                    outputs = outputs.detach()
                else:
                    with torch.inference_mode():
                        outputs = network(x)
            measured = measures(outputs, y, int(known["majority"]))
            measured |= {"weight_cosine": cosine, "gradient_norm": gradient_norm}
            row = _row(known, split, statistics, measured, guess_fractions(outputs).tolist(), diverged=0)
            rows.append(row | of_layers)
    return rows


def layers(network: nn.Module) -> list[torch.Tensor]:
    """The weights of its linear and convolutional layers, from the input on."""
    return [module.weight for module in network.modules() if isinstance(module, nn.Linear | nn.Conv2d)]


def unknown_norms(network: nn.Module) -> Row:
    """The columns of `gradient_norms` where they are not measured."""
    numbers = range(1, len(layers(network)) + 1)
    return {f"gradient_norm_{side}_{number}": math.nan for side in ("majority", "minority") for number in numbers}


def gradient_norms(network: nn.Module, outputs: torch.Tensor, y: torch.Tensor, majority: int) -> Row:
    """By layer, of the mean loss over the points of the majority, and over the others; the outputs' graph stays.

    Where gradients vanish or explode they do so for one of the two (arXiv 2505.12096).
    """
    losses, favoured, weights = F.cross_entropy(outputs, y, reduction="none"), y == majority, layers(network)
    norms: list[float] = []
    for points in (favoured, ~favoured):
        gradients = torch.autograd.grad(losses[points].mean(), weights, retain_graph=True)
        norms += torch.stack([gradient.norm() for gradient in gradients]).tolist()
    return dict(zip(unknown_norms(network), norms, strict=True))


def measures(outputs: torch.Tensor, y: torch.Tensor, majority: int) -> dict[str, float]:
    """The measures of outputs [n, C] at labels y, but for weight_cosine and gradient_norm."""
    losses = F.cross_entropy(outputs, y, reduction="none")
    right = (outputs.argmax(dim=1) == y).float()
    favoured = y == majority
    fractions: list[float] = guess_fractions(outputs).tolist()
    return {
        "loss": float(losses.mean()),
        "accuracy": float(right.mean()),
        "accuracy_majority": float(right[favoured].mean()),
        "accuracy_minority": float(right[~favoured].mean()),
        "max_guess_fraction": max(fractions),
        "guess_fraction_majority": fractions[majority],
        "loss_majority": float(losses[favoured].mean()),
        "loss_minority": float(losses[~favoured].mean()),
    }


def guess_fractions(outputs: torch.Tensor) -> torch.Tensor:
    """G_c [C] of outputs [n, C]."""
    return outputs.argmax(dim=1).bincount(minlength=outputs.shape[1]) / len(outputs)


def diverged(network: nn.Module, known: Row) -> list[Row]:
    """Rows that say a run ended here because its loss was no longer finite; nothing else is known of it then."""
    classes = list(network.parameters())[-1].numel()
    unknown, of_layers = dict.fromkeys(MEASURES, math.nan), unknown_norms(network)
    return [
        _row(known, split, statistics, unknown, [math.nan] * classes, diverged=1) | of_layers
        for statistics in bn_statistics(network)
        for split in SPLITS
    ]


def _row(
    known: Row, split: str, statistics: str, measured: dict[str, float], fractions: list[float], *, diverged: int
) -> Row:
    return {
        **{name: known[name] for name in ("run", "step", "epoch")},
        "split": split,
        "bn_statistics": statistics,
        **{name: measured[name] for name in MEASURES},
        **{name: known[name] for name in ("majority", "draws")},
        "diverged": diverged,
        **{f"guess_fraction_{label}": fraction for label, fraction in enumerate(fractions)},
    }


def bn_statistics(network: nn.Module) -> tuple[str, ...]:
    """The kinds of BatchNorm statistics that a network is evaluated with: one, named "", without BatchNorm."""
    return ("batch", "running") if batch_norms(network) else ("",)


def flat(network: nn.Module) -> torch.Tensor:
    """All weights as one vector, whatever their order in memory."""
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])
