"""How prejudiced the networks of one architecture are: what is seen of each, and what all of them say together."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from normplace import statistics
from normplace.statistics import Array
from normplace.theories.guesses import gamma_of_agreement

Estimate = statistics.Estimate[float]
RESAMPLES = 1000
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
ENOUGH = 20  # networks for a regime: bootstrap intervals of fewer are too narrow to rely on


class Place(NamedTuple):
    """What a layer is: a module's class, "functions" or "input"; and the name of the layer it was made from."""

    kind: str
    follows: str


class Look(NamedTuple):
    """What is seen of one network with C outputs.

    guess_fraction, output_mean, output_var: [C]; points whose largest outputs tie are shared between the classes.
    agreement: the share of pairs of points that get the same guess. tied: the share of points with such a tie.
    layers: name -> (squared mean, variance over points), summed over its units. places: name -> what it is.
    """

    guess_fraction: Array
    output_mean: Array
    output_var: Array
    agreement: float
    tied: float
    layers: dict[str, tuple[float, float]]
    places: dict[str, Place]


@dataclass(frozen=True)
class Prejudice:
    """What networks of one architecture say together, under one kind of BatchNorm statistics.

    regime: see `regime_at_depth`. gamma: Var_W(E_x f_c) / E_W(Var_x f_c) of the outputs. gamma_of_guesses: the gamma
    at which two points get the same guess as often as here; it looks at guesses alone. guess_fraction: [networks,
    classes]. favoured: the share of networks that guess each class most, [classes]. tied: the share of guesses that
    are ties.
    layers: name -> gamma of a random linear readout of its output, in the order of execution, the input first.
    places: name -> what it is, in the first network.
    """

    regime: str
    gamma: Estimate
    gamma_of_guesses: Estimate
    guess_fraction: Array
    favoured: Array
    tied: float
    layers: dict[str, Estimate]
    places: dict[str, Place]

    @property
    def largest_fraction(self) -> Array:
        """[networks]."""
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
    # A module that not every network calls has no gamma over all of them.
    common = [name for name in looks[0].layers if all(name in look.layers for look in looks)]
    layers = np.array([[look.layers[name] for name in common] for look in looks]).reshape(len(looks), len(common), 2)
    weights = statistics.bootstrap_weights(len(looks), RESAMPLES, seed=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # outputs or layers that are the same for all points
        gamma = statistics.gamma_with_interval(means[None], variances[None], RESAMPLES, seed=0)
        squared_mean, variance = layers.transpose(2, 0, 1)
        resampled = (weights @ squared_mean) / (weights @ variance)
        of_layers = statistics.estimate(squared_mean.mean(axis=0) / variance.mean(axis=0), resampled)
    shares = statistics.estimate(agreements.mean(), weights @ agreements)
    classes = fractions.shape[1]
    of_guesses = Estimate(*(gamma_of_agreement(float(share), classes) for share in shares))
    return Prejudice(
        regime_at_depth(of_guesses, len(looks), tied),
        Estimate(*(float(number[0]) for number in gamma)),
        of_guesses,
        fractions,
        np.bincount(fractions.argmax(axis=1), minlength=classes) / len(looks),
        tied,
        {name: Estimate(*map(float, numbers)) for name, *numbers in zip(common, *of_layers, strict=True)},
        {name: looks[0].places[name] for name in common},
    )


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
