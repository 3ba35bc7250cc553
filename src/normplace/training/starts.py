"""Where runs start: initialisations drawn until one is of the kind asked for."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from normplace.errors import UserError
from normplace.networks.modules import evaluating, initialise
from normplace.networks.random import network_generator
from normplace.training.evaluations import guess_fractions
from normplace.training.plan import NEUTRAL, OUTPUT_BIASES, PREJUDICED, SELECTIONS, Plan

MAX_DRAWS = 1000


class Start(NamedTuple):
    """Where a run starts.

    generator_state: of the weights' generator before the draw that was taken. output_bias: what the output layer's bias
    [classes] is then set to, None for nothing.
    """

    generator_state: torch.Tensor
    draws: int
    majority: int
    output_bias: torch.Tensor | None = None


@torch.no_grad()
def find_start(run: int, build: Callable[[], nn.Module], x: torch.Tensor, plan: Plan, device: str = "cpu") -> Start:
    """Initialise a run's network until its start is of the kind asked for.

    The guesses are those on the first of the points x that are evaluated, with batch statistics; the majority is the
    class guessed most, before a bias is set.

    Raises:
        UserError: none of 1000 draws was of that kind; the message has the nearest difference found.
    """
    x, network, generator = x[: plan.evaluated].to(device), build(), network_generator(plan.seed, run)
    differences = []
    for draw in range(1, MAX_DRAWS + 1):
        state = generator.get_state()
        initialise(
            network.cpu(), generator, plan.variances
        )  # the generators are the CPU's, so that a GPU gets the same weights
        with evaluating(network.to(device), "batch"):
            outputs = network(x)
        fractions = guess_fractions(outputs)
        difference = float(fractions.max() - fractions.min())
        differences.append(difference)
        if SELECTIONS[plan.select](difference):
            majority = int(fractions.argmax())
            return Start(state, draw, majority, output_bias(outputs, majority, OUTPUT_BIASES[plan.output_bias]))
    wanted, nearest = (
        (f"above {PREJUDICED}", f"the largest is {max(differences):.3f}")
        if plan.select == "prejudiced"
        else (f"below {NEUTRAL}", f"the smallest is {min(differences):.3f}")
    )
    raise UserError(
        f"--select {plan.select}: none of {MAX_DRAWS} starts has a difference of guess fractions {wanted}, {nearest}"
    )


def output_bias(outputs: torch.Tensor, majority: int, lead: float | None) -> torch.Tensor | None:
    """The bias [classes] with which the output of the majority leads the others by `lead` standard deviations.

    Without it the outputs are [n, classes]. Each output's mean over the points is taken off; then the majority's is
    raised by `lead` times the root mean square, over the other classes, of the deviation of its difference to theirs.
    None without a lead.
    """
    if lead is None:
        return None
    exact = outputs.double().cpu()
    others = [label for label in range(exact.shape[1]) if label != majority]
    differences = exact[:, [majority]] - exact[:, others]
    bias = -exact.mean(dim=0)
    bias[majority] += lead * differences.var(dim=0, correction=0).mean().sqrt()
    return bias.float()
