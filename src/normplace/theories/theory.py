"""What theory says of infinitely wide networks, on isotropic data or on a data set's own kernel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from normplace.data.datasets import Arrays, Data
from normplace.errors import UserError
from normplace.networks.architecture import HE, MLP, check_classes
from normplace.progress import bar
from normplace.theories import guesses, isotropic, kernel
from normplace.theories.duals import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Theory:
    """What infinitely wide networks of depth 1 to `net.depth` do.

    gamma, correlation (gamma / (1 + gamma)), guess_fraction_std (of G_0): float64 [depth]. data: what the points are
    called. kernels: depth -> kernel [n, n] of the last hidden layer, at the depths that can be drawn from.
    """

    net: MLP
    data: str
    gamma: Array
    correlation: Array
    guess_fraction_std: Array
    kernels: Mapping[int, Array]

    @property
    def regime(self) -> isotropic.Regime:
        """Where gamma goes with depth, by the fixed points of the layer's map of correlations (isotropic data).

        Raises:
            UserError: half a norm with an activation that is not homogeneous.
        """
        return isotropic.regime(self.net.norm, str(self.net.placement), self.net.activation)

    def density(self, g: Array) -> Array:
        """The density of G_0 at 0 < g < 1 for networks of the last depth, by the formula at their gamma.

        Raises:
            UserError: gamma is 0 or infinite, so G_0 has no density, or there are more than two classes.
        """
        if self.net.classes != 2 or not 0 < self.gamma[-1] < np.inf:
            raise UserError(
                f"a density of G_0 needs two classes and a finite gamma above 0, not {self.net.classes} classes and "
                f"gamma {self.gamma[-1]:g}"
            )
        return guesses.density(np.asarray(g, dtype=np.float64), float(self.gamma[-1]))

    def draw(self, n: int, seed: int = 0, depth: int | None = None) -> npt.NDArray[np.floating[Any]]:
        """Guess fractions [n, classes] of networks of a depth (the last one if none is given), without building any.

        On a data set they are Gaussian processes with the kernel as covariance; on isotropic data the formula at gamma.

        Raises:
            UserError: a depth beyond the last, or one whose kernel was not kept.
        """
        depth = self.net.depth if depth is None else depth
        if not 1 <= depth <= self.net.depth:
            raise UserError(f"--depth {depth}: allowed are 1 to {self.net.depth}")
        if not self.kernels:
            return guesses.draw_class_fractions(float(self.gamma[depth - 1]), self.net.classes, n, seed)
        if depth not in self.kernels:
            raise UserError(
                f"--depth {depth}: allowed are {', '.join(map(str, self.kernels))}, whose kernels were kept"
            )
        return kernel.draw_guess_fractions(self.kernels[depth], self.net.classes, n, seed)

    def plot(self) -> Figure:
        """Left: gamma against depth. Right: the distribution of the guesses at the last depth, from 10,000 draws."""
        from normplace import pictures

        figure, (left, right) = pictures.new_figure(f"infinite width: {self.net}, on {self.data}", 2)
        left.plot(np.arange(1, self.net.depth + 1), self.gamma, color=pictures.BLUE, lw=1.1)
        pictures.gamma_axis(left)
        pictures.depth_axis(left)
        values, label = pictures.guesses_of(self.draw(10_000))
        pictures.histogram(right, values, pictures.BLUE)
        right.set_xlabel(label)
        return figure

    def __repr__(self) -> str:
        """The network, the data, and gamma at the first and the last depth."""
        ends = f"{self.gamma[0]:.4g} at depth 1, {self.gamma[-1]:.4g} at depth {self.net.depth}"
        return f"<Theory of {self.net}, on {self.data}: gamma {ends}>"


def theory(
    net: MLP, data: Data | Arrays | None = None, *, depths: Iterable[int] | None = None, progress: bool = False
) -> Theory:
    """What infinitely wide networks guess: gamma and the deviation of G_0 at depths 1 to `net.depth`.

    data: None for isotropic data, whose points are uncorrelated at the input; else the data's own kernel is carried
    through the layers. depths: at which guesses can be drawn from that kernel (the last one if none are given).
    The width of the network does not matter. progress: show a bar.

    Raises:
        UserError: another number of classes than the network has, or a depth that it does not reach.

    >>> from normplace import MLP
    >>> found = theory(MLP("layer", "before", depth=5))
    >>> found.gamma.round(4).tolist()
    [0.4669, 0.9752, 1.5305, 2.1343, 2.7871]
    >>> found.regime.name
    'deeply prejudiced'
    """
    if not isinstance(net, MLP):
        raise UserError(f"--network {net}: there is theory of MLPs only")
    if net.variances != HE:
        raise UserError(f"{net}: there is theory of weight variance 2 and bias variance 0 only")
    names = net.norm, str(net.placement), net.activation
    if data is None:
        rho = isotropic.correlations(*names, net.depth)
        gammas = np.array([isotropic.gamma_of_correlation(value) for value in rho])
        deviations = np.array([guesses.standard_deviation(gamma, net.classes) for gamma in gammas])
        return Theory(net, "isotropic data", gammas, rho, deviations, {})
    check_classes(net, len(data.provenance["classes"]))
    kept = sorted(set(depths or [net.depth]))
    if not 1 <= kept[0] <= kept[-1] <= net.depth:
        raise UserError(f"--depths {', '.join(map(str, kept))}: allowed are 1 to {net.depth}")
    found, of_gamma, of_deviation = {}, [], []
    layers = kernel.hidden_kernels(np.asarray(data.x), *names, net.depth)
    with bar(progress, net.depth, "layer") as done:
        for depth, hidden in enumerate(layers, start=1):
            of_gamma.append(kernel.gamma(hidden))
            of_deviation.append(kernel.guess_fraction_std(hidden, net.classes))
            if depth in kept:
                found[depth] = hidden
            done.update()
    gammas = np.array(of_gamma)
    return Theory(net, data.provenance["label"], gammas, gammas / (1 + gammas), np.array(of_deviation), found)
