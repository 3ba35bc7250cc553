"""How to train: what is said before any work starts, and refused if it cannot be done. Nothing here imports torch."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from normplace.errors import UserError, check_number, check_one_of, check_whole
from normplace.networks.architecture import HE, Variances

OPTIMIZERS = ("adam", "sgd")
PREJUDICED, NEUTRAL = 0.9, 0.1  # difference of guess fractions above, below which a start is selected (authors')
# Whether the largest guess fraction less the smallest is that of the kind of start asked for.
SELECTIONS: dict[str, Callable[[float], bool]] = {
    "any": lambda difference: True,
    "prejudiced": lambda difference: difference > PREJUDICED,
    "neutral": lambda difference: difference < NEUTRAL,
}
# The bias that the output layer starts with: by how many standard deviations over the points the favoured output leads
# the others on average. None leaves the bias as it was drawn.
OUTPUT_BIASES: dict[str, float | None] = {"drawn": None, "centred": 0.0, "prejudiced": 3.0}
EVALUATED = 10_000
LAST_RATE = 1e-6  # of the cosine that the power law follows (authors')


@dataclass(frozen=True)
class Plan:
    """How to train.

    select: "any" start, or redraw until it is "prejudiced" or "neutral". first_run: the number of the first of the
    runs; a run is the same in whatever part it is trained. output_bias: of `OUTPUT_BIASES`. schedule: of `SCHEDULES`.
    weight_decay: adds so much of a weight to its gradient. clip: the largest absolute value of a gradient's component,
    0 for none. augment: crop and flip images at random. evaluated: the first so many training points are the split
    "train", and choose the start. variances: of the weights and biases that are drawn.
    """

    optimizer: str
    learning_rate: float
    batch_size: int
    epochs: int
    runs: int
    select: str = "any"
    seed: int = 0
    first_run: int = 0
    output_bias: str = "drawn"
    schedule: str = "constant"
    weight_decay: float = 0.0
    clip: float = 0.0
    augment: bool = False
    evaluated: int = EVALUATED
    variances: Variances = HE

    def check(self, points: int, normalises_batches: bool) -> None:
        """Refuse what cannot be trained on so many points.

        Raises:
            UserError: a value that is not allowed, a batch larger than the data, or a last batch of one point that
                BatchNorm cannot normalise.
        """
        check_one_of("optimizer", self.optimizer, OPTIMIZERS)
        check_one_of("select", self.select, SELECTIONS)
        check_one_of("output-bias", self.output_bias, OUTPUT_BIASES)
        check_one_of("schedule", self.schedule, SCHEDULES)
        if self.select != "any" and self.output_bias != "drawn":
            raise UserError(f"--output-bias {self.output_bias}: --select {self.select} has chosen the start already")
        check_number("lr", self.learning_rate, above=0)
        check_number("weight-decay", self.weight_decay, least=0)
        check_number("clip", self.clip, least=0)
        self.variances.check()
        sizes = [("batch-size", self.batch_size, 1), ("epochs", self.epochs, 1), ("runs", self.runs, 1)]
        sizes += [("seed", self.seed, 0), ("first-run", self.first_run, 0), ("evaluated", self.evaluated, 2)]
        for option, value, least in sizes:
            check_whole(option, value, least)
        if self.batch_size > points:
            raise UserError(f"--batch-size {self.batch_size}: larger than the {points} training points")
        if normalises_batches and 1 in (self.batch_size, points % self.batch_size):
            raise UserError(
                f"--batch-size {self.batch_size}: leaves a batch of 1 of {points}, which BatchNorm cannot use"
            )

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch, the first of which is 0."""
        return self.learning_rate * SCHEDULES[self.schedule](epoch, self.epochs, self.learning_rate)


def _power(epoch: int, epochs: int, first: float) -> float:
    """(1 + epoch)^-p, with p fitted to the first third of a cosine that falls from the first rate to 1e-6.

    The authors fit a power law to 50 of their 150 epochs. Its form, the first rate kept and the squares of logarithms
    least, is our reading.
    """
    last = min(LAST_RATE, first)
    logs, falls = [], []
    for at in range(1, max(epochs // 3, 1) + 1):
        rate = last + (first - last) * (1 + math.cos(math.pi * at / epochs)) / 2
        logs.append(math.log(1 + at))
        falls.append(math.log(first / rate))
    power = sum(log * fall for log, fall in zip(logs, falls, strict=True)) / sum(log**2 for log in logs)
    return float((1 + epoch) ** -power)


# Epoch, number of epochs and first learning rate -> what the first rate is multiplied by.
SCHEDULES: dict[str, Callable[[int, int, float], float]] = {"constant": lambda *_: 1.0, "power": _power}
