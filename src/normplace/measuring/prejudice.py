"""How prejudiced the networks of one architecture are: what all of them say together."""

from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import numpy as np

from normplace import statistics
from normplace.measuring.look import Look, Readout
from normplace.statistics import Array
from normplace.theories.guesses import gamma_of_agreement

Estimate = statistics.Estimate[float]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
ENOUGH = 20  # networks for a regime: intervals of fewer are too narrow to rely on
FAIR_DRAWS = 400  # of fair guesses
CENTRED = 5  # standard errors: a mean of weights beyond is not 0


class Place(NamedTuple):
    """What a layer is: a module's class, "functions" or "input"; and the name of the layer it was made from."""

    kind: str
    follows: str


@dataclass(frozen=True)
class Prejudice:
    """What networks of one architecture say together, in one mode.

    regime: see `regime_at_depth`. gamma: Var_W(E_x f_c) / E_W(Var_x f_c) of the outputs, from last layers averaged by
    hand where that holds (`readout_ratio`). deviations: what each network adds to log gamma, of mean 0; empty where
    gamma has no interval. gamma_drawn: gamma of the outputs as drawn. gamma_of_guesses: the gamma at which two points
    get the same guess as often as here; it looks at guesses alone. guess_fraction: [networks,
    classes]. agreement: of each network, the share of pairs of points with the same guess. favoured: the share of
    networks that guess each class most, [classes]. tied: the share of guesses that are ties. loss: mean
    cross-entropy, in nats. guesses: of one network. fair: the largest fraction that fair guesses would have, and its
    quantiles of 2.5 and 97.5 %.
    layers: name -> gamma of a random linear readout of its output, in the order of execution, the input first; of the
    first networks alone (`measure.LAYERED`).
    places: name -> what it is, in the first network. left_out: layers that could not be read, or say nothing.
    theory: gamma of the outputs at infinite width, of our own decoders. networks: their numbers, from 0; those that
    failed or whose outputs are not finite are missing.
    """

    regime: str
    gamma: Estimate
    deviations: Array
    gamma_drawn: Estimate
    gamma_of_guesses: Estimate
    guess_fraction: Array
    agreement: Array
    favoured: Array
    tied: float
    loss: Estimate
    guesses: int
    fair: Estimate
    layers: dict[str, Estimate] = field(repr=False)
    places: dict[str, Place] = field(repr=False)
    left_out: int = 0
    theory: float | None = None
    networks: tuple[int, ...] = ()

    @property
    def largest_fraction(self) -> Array:
        """Of the points, what the most guessed class of each network gets."""
        return np.asarray(self.guess_fraction.max(axis=1))

    def quantiles(self) -> Array:
        """Those of QUANTILES of the largest fraction."""
        return np.quantile(self.largest_fraction, QUANTILES)


def together(looks: list[Look]) -> Prejudice:
    """What several networks, at least 2, say together."""
    names = "guess_fraction", "output_mean", "output_var"
    fractions, means, variances = (np.stack([getattr(look, name) for look in looks]) for name in names)
    agreements = np.array([look.agreement for look in looks])
    tied = float(np.mean([look.tied for look in looks]))
    classes = fractions.shape[1]
    layered = [look for look in looks if look.layers]
    # A module that not every network calls has no gamma over all of them.
    common = [name for name in looks[0].layers if all(name in look.layers for look in layered)]
    with np.errstate(divide="ignore", invalid="ignore"):  # outputs that are the same for all points
        drawn = statistics.gamma_of_outputs(means, variances)
    shares = statistics.interval_of_share(agreements, 1 / classes)
    of_guesses = Estimate(*(gamma_of_agreement(float(share), classes) for share in shares))
    readouts = [look.readout for look in looks if look.readout is not None]
    ratio = readout_ratio(readouts, drawn) if len(readouts) == len(looks) else None
    gamma = statistics.interval_of_ratio(*ratio) if ratio else drawn
    deviations = np.empty(0)
    if 0 < gamma.low < gamma.high < np.inf:
        deviations = (
            statistics.deviations_of_ratio(*ratio) if ratio else statistics.deviations_of_outputs(means, variances)
        )
    return Prejudice(
        regime=regime_at_depth(of_guesses, len(looks), tied),
        gamma=gamma,
        deviations=deviations,
        gamma_drawn=drawn,
        gamma_of_guesses=of_guesses,
        guess_fraction=fractions,
        agreement=agreements,
        favoured=np.bincount(fractions.argmax(axis=1), minlength=classes) / len(looks),
        tied=tied,
        loss=statistics.interval_of_mean(np.array([look.loss for look in looks])),
        guesses=looks[0].n,
        fair=fair_largest(looks[0].n, classes),
        layers={name: _layer_gamma(layered, name) for name in common},
        places={name: Place(looks[0].layers[name].kind, looks[0].layers[name].follows) for name in common},
        left_out=looks[0].left_out,
    )


def _layer_gamma(looks: list[Look], name: str) -> Estimate:
    layers = [look.layers[name] for look in looks]
    with np.errstate(divide="ignore", invalid="ignore"):
        return statistics.interval_of_ratio(
            np.array([layer.squared_mean for layer in layers]), np.array([layer.variance for layer in layers])
        )


def readout_ratio(readouts: list[Readout], drawn: Estimate) -> tuple[Array, Array] | None:
    """Of each network, with the last layer's weights averaged by hand, given what it reads: gamma's two variances.

    gamma is the ratio of their means; None where that does not hold. With weights of mean 0 and variance v and biases
    b, Var(E_x f) is v |E_x h|^2 + Var b and the expected variance over points v tr cov(h); v is each network's own mean
    square, Var b that of networks' biases. It does not hold where weights are all 0, where their mean is not, or where
    the outputs drawn say otherwise (twice their interval).
    """
    means, squares = (np.array([getattr(of, name) for of in readouts]) for name in ("weight_mean", "weight_square"))
    error = means.std(ddof=1) / len(means) ** 0.5
    if not squares.mean() > 0 or abs(means.mean()) > CENTRED * error:
        return None
    biases = np.stack([np.atleast_1d(of.bias) for of in readouts])
    spread = ((biases - biases.mean(axis=0)) ** 2).mean(axis=1) * len(biases) / (len(biases) - 1)
    of_mean = np.array([of.squared_mean for of in readouts]) * squares + spread
    of_points = np.array([of.variance for of in readouts]) * squares
    is_near = drawn.low**2 <= of_mean.mean() / of_points.mean() * drawn.value <= drawn.high**2
    return (of_mean, of_points) if is_near else None


@cache
def fair_largest(n: int, classes: int) -> Estimate:
    """The mean largest fraction of n guesses that are fair between classes, and its quantiles of 2.5 and 97.5 %.

    The multinomial null: how uneven guesses look by chance.
    """
    draws = max(40, min(FAIR_DRAWS, 10**7 // n))
    rng = np.random.default_rng(0)
    largest = np.array([np.bincount(rng.integers(classes, size=n)).max() for _ in range(draws)]) / n
    return Estimate(float(largest.mean()), *map(float, np.quantile(largest, (0.025, 0.975))))


def regime_at_depth(gamma_of_guesses: Estimate, networks: int, tied: float) -> str:
    """The regime at one depth: neutral (gamma of the guesses below 0.1), deeply prejudiced (above 1), or between.

    Each with its whole 95 % interval, else undecided, as with fewer than 20 networks; "no guess" if most are ties.
    """
    low, high = gamma_of_guesses.low, gamma_of_guesses.high
    if tied > 0.5:
        return "no guess"
    if networks < ENOUGH:
        return "undecided"
    if high < statistics.NEUTRAL_GAMMA:
        return "neutral"
    if low > 1:
        return "deeply prejudiced"
    return "prejudiced" if low > statistics.NEUTRAL_GAMMA and high < 1 else "undecided"


def half_width(gamma: Estimate) -> float:
    """Of the interval, relative to the value; 0 where both vanish."""
    width = (gamma.high - gamma.low) / 2
    return width / gamma.value if width else 0.0
