"""Where runs start: initialisations drawn until one is of the kind asked for."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from normplace.errors import UserError
from normplace.networks.modules import evaluating, initialise
from normplace.networks.random import network_generator
from normplace.training.evaluations import guess_fractions

PREJUDICED, NEUTRAL = 0.9, 0.1  # difference of guess fractions above, below which a start is selected (authors')
# Whether the largest guess fraction less the smallest is that of the kind of start asked for.
SELECTIONS: dict[str, Callable[[float], bool]] = {
    "any": lambda difference: True,
    "prejudiced": lambda difference: difference > PREJUDICED,
    "neutral": lambda difference: difference < NEUTRAL,
}
MAX_DRAWS = 1000


class Start(NamedTuple):
    """Where a run starts. generator_state: of the weights' generator before the draw that was taken."""

    generator_state: torch.Tensor
    draws: int
    majority: int


@torch.no_grad()
def find_start(
    run: int, build: Callable[[], nn.Module], x: torch.Tensor, select: str, seed: int, device: str = "cpu"
) -> Start:
    """Initialise a run's network until its start is of the kind asked for.

    The guesses are those on the points x, with batch statistics; the majority is the class guessed most.

    Raises:
        UserError: none of 1000 draws was of that kind; the message has the nearest difference found.
    """
    x, network, generator = x.to(device), build(), network_generator(seed, run)
    differences = []
    for draw in range(1, MAX_DRAWS + 1):
        state = generator.get_state()
        initialise(network.cpu(), generator)  # the generators are the CPU's, so that a GPU gets the same weights
        with evaluating(network.to(device), "batch"):
            outputs = network(x)
        fractions = guess_fractions(outputs)
        difference = float(fractions.max() - fractions.min())
        differences.append(difference)
        if SELECTIONS[select](difference):
            return Start(state, draw, int(fractions.argmax()))
    wanted, nearest = (
        (f"above {PREJUDICED}", f"the largest is {max(differences):.3f}")
        if select == "prejudiced"
        else (f"below {NEUTRAL}", f"the smallest is {min(differences):.3f}")
    )
    raise UserError(
        f"--select {select}: none of {MAX_DRAWS} starts has a difference of guess fractions {wanted}, {nearest}"
    )
