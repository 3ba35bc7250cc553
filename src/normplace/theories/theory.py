"""What theory says of random networks, on isotropic data or on a data set: infinitely wide, or of their own width."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from normplace.data.datasets import Arrays, Data
from normplace.errors import UserError, check_whole
from normplace.networks.architecture import MLP, check_classes
from normplace.networks.norms import NORMS
from normplace.progress import bar
from normplace.statistics import Array, Estimate, interval_of_mean
from normplace.theories import chain, guesses, isotropic, kernel, simulated

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NETWORKS = 300  # simulated
AVERAGES = 4  # over drawn nodes, whose spread is the error of their mean
SQUARES = (1e-12, 1e12)  # a point's mean square, beyond which single precision would decide
LEAST_OF_EPS = 200  # of a norm over the nodes: below, its eps takes off more than half a percent of the variance
ROUNDING, MOST = 1e-6, 1e12  # of a gamma of 0; a gamma above which rounding decides
KERNELS_AT_ONCE = 10  # of n x n numbers, that a layer needs beside each other
INFINITE, CHAIN, SIMULATED = "infinite width", "pair chain", "simulated"


@dataclass(frozen=True, eq=False, repr=False)
class Theory:
    """What networks of depth 1 to `net.depth` do.

    method: "infinite width", the "pair chain" at the network's width, or "simulated": hidden layers were drawn, since
    no formula is known. gamma, correlation (gamma / (1 + gamma)), guess_fraction_std (of G_0): float64 [depth].
    gamma_error, guess_fraction_std_error: half their 95 % intervals, 0 where nothing was drawn. data: what the points
    are called. kernels: depth -> output kernel [n, n], at the depths that can be drawn from at infinite width. points:
    [n, ...], from which guesses are drawn at finite width, by the hidden layers of so many `networks`.
    """

    net: MLP
    data: str
    method: str
    gamma: Array
    guess_fraction_std: Array
    gamma_error: Array
    guess_fraction_std_error: Array
    kernels: Mapping[int, Array]
    points: npt.NDArray[np.float32] | None
    networks: int

    @property
    def correlation(self) -> Array:
        """gamma / (1 + gamma), [depth]."""
        return np.where(np.isinf(self.gamma), 1.0, self.gamma / (1 + self.gamma))

    @property
    def width(self) -> int | None:
        """Of the networks; None is infinite."""
        return None if self.method == INFINITE else self.net.width

    @property
    def regime(self) -> isotropic.Regime:
        """Where gamma goes with depth, by the fixed points of the layer's map of correlations (isotropic data).

        Raises:
            UserError: half a norm with an activation that is not homogeneous, or with other variances than He's.
        """
        return isotropic.regime(self.net.norm, str(self.net.placement), self.net.activation, self.net.variances)

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
        """Guess fractions [n, classes] of networks of a depth (the last one if none is given).

        At infinite width they are Gaussian processes with the kernel as covariance, and no network is built. At finite
        width the hidden layers of `networks` networks are, on at most 2000 of the points (all of them where a norm
        looks over the points), and read several times each. On isotropic data it is the formula at gamma.

        Raises:
            UserError: a depth beyond the last, or one whose kernel was not kept.
        """
        depth = self.net.depth if depth is None else depth
        if not 1 <= depth <= self.net.depth:
            raise UserError(f"--depth {depth}: allowed are 1 to {self.net.depth}")
        if self.points is not None:
            return simulated.draw_guess_fractions(self.points, replace(self.net, depth=depth), self.networks, n, seed)
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

        return pictures.in_look(self._draw)

    def _draw(self) -> Figure:
        from normplace import pictures

        figure, (left, right) = pictures.new_figure(f"{self._how()}: {self.net}, on {self.data}", 2)
        left.plot(np.arange(1, self.net.depth + 1), self.gamma, color=pictures.BLUE, lw=1.1)
        pictures.gamma_axis(left)
        pictures.depth_axis(left)
        values, label = pictures.guesses_of(self.draw(10_000))
        pictures.histogram(right, values, pictures.BLUE)
        right.set_xlabel(label)
        return figure

    def _how(self) -> str:
        if self.width is None:
            return INFINITE
        source = f" from {self.networks} networks" if self.method == SIMULATED else ""
        return f"width {self.width}, {self.method}{source}"

    def __repr__(self) -> str:
        """The network, the data, how, and gamma at the first and the last depth, with half its interval."""
        first, last = (f"{self.gamma[at]:.4g}{self._within(at)} at depth {at % self.net.depth + 1}" for at in (0, -1))
        return f"<Theory of {self.net}, on {self.data}, {self._how()}: gamma {first}, {last}>"

    def _within(self, at: int) -> str:
        return f" ± {self.gamma_error[at]:.2g}" if self.gamma_error[at] else ""


def theory(
    net: MLP,
    data: Data | Arrays | None = None,
    *,
    width: int | EllipsisType | None = ...,
    simulate: int = NETWORKS,
    depths: Iterable[int] | None = None,
    progress: bool = False,
) -> Theory:
    """What networks guess: gamma and the deviation of G_0 at depths 1 to `net.depth`.

    data: None for isotropic data, whose points are uncorrelated at the input; else a data set's own points.
    width: of the hidden layers, the network's own if none is given; None is infinite, where the data's kernel is
    carried through the layers. At a finite width the correlation of two points is a Markov chain without a norm, or
    with one over the nodes, and ReLU or leaky ReLU; before the activation, with any. All else is simulated on the
    points: the hidden layers of `simulate` networks, 2 or more; 0 refuses.
    depths: at which guesses can be drawn from the kernel (the last one if none are given). progress: show a bar.

    Raises:
        UserError: another number of classes than the network has, a depth that it does not reach, points that are not
            finite or all alike, more of them than memory holds, or a width without a chain that cannot be simulated.

    >>> from normplace import MLP
    >>> found = theory(MLP("layer", "before", depth=5), width=None)
    >>> found.gamma.round(4).tolist()
    [0.4669, 0.9752, 1.5305, 2.1343, 2.7871]
    >>> found.regime.name
    'deeply prejudiced'
    >>> theory(MLP("layer", "before", depth=5, width=100)).gamma.round(2).tolist()
    [0.47, 0.99, 1.55, 2.17, 2.84]
    """
    if not isinstance(net, MLP):
        raise UserError(f"--network {net}: there is theory of MLPs only")
    if net.bn_statistics != "batch":
        raise UserError(f"--bn-statistics {net.bn_statistics}: there is theory of batch statistics only")
    kept = _kept(net, depths)
    if simulate:
        check_whole("simulate", simulate, 2)
    if width is not None and not isinstance(width, EllipsisType):
        check_whole("width", width, 1)
        net = replace(net, width=int(width))
    x = None if data is None else _checked(net, data, infinite=width is None)
    label = "isotropic data" if data is None else str(data.provenance["label"])
    kernels: dict[int, Array] = {}
    if width is None:
        method, points, estimates = INFINITE, None, _infinite(net, x, kept, kernels, progress)
    else:
        method, points, estimates = check_width(net, isotropic_data=x is None, simulate=bool(simulate)), x, []
        if method == CHAIN:
            pairs = chain.of_isotropic_points(net) if x is None else chain.of_data(x, net, progress)
            estimates = list(chain.statistics(net, pairs))
        elif x is not None:
            estimates = simulated.statistics(x, net, simulate, 0, progress)
    gammas, deviations = zip(*estimates, strict=True)
    by_depth = {"gamma": gammas, "guess_fraction_std": deviations}
    arrays = {name: np.array([one.value for one in found]) for name, found in by_depth.items()}
    if x is not None and not ((arrays["gamma"] >= -ROUNDING) & (arrays["gamma"] <= MOST)).all():
        raise UserError(f"{label}: these points are alike but for their scale, and there is no gamma of such")
    arrays["gamma"] = arrays["gamma"].clip(0)  # but for rounding and its own error
    arrays |= {f"{name}_error": np.array([_half_width(one) for one in found]) for name, found in by_depth.items()}
    return Theory(
        net=net, data=label, method=method, kernels=kernels, points=points, networks=simulate or NETWORKS, **arrays
    )


def _half_width(estimate: Estimate[float]) -> float:
    return (estimate.high - estimate.low) / 2 if np.isfinite(estimate.value) else 0.0


def check_width(net: MLP, *, isotropic_data: bool, simulate: bool) -> str:
    """How theory of such networks comes by its numbers: "pair chain" or "simulated".

    Raises:
        UserError: there is no chain at this width, and simulation is not allowed, or has no points.
    """
    lacking = chain.lacks(net)
    if not lacking:
        return CHAIN
    what = f"--width {net.width}: for {net} there is no pair chain: {lacking}"
    if isotropic_data:
        raise UserError(f"{what}; isotropic data have no points to simulate, so name a data set, or no width")
    if not simulate:
        raise UserError(f"{what}; --simulate N draws the hidden layers of N networks instead")
    return SIMULATED


def _kept(net: MLP, depths: Iterable[int] | None) -> list[int]:
    kept = sorted(set(depths or [net.depth]))
    if not 1 <= kept[0] <= kept[-1] <= net.depth:
        raise UserError(f"--depths {', '.join(map(str, kept))}: allowed are 1 to {net.depth}")
    return kept


def _checked(net: MLP, data: Data | Arrays, *, infinite: bool) -> npt.NDArray[np.float32]:
    """The points, if there is theory of them."""
    check_classes(net, len(data.provenance["classes"]))
    x = np.asarray(data.x)
    if not np.isfinite(x).all():
        raise UserError(f"{data.provenance['label']}: some values are not finite; theory needs finite ones")
    if (x == x[0]).all():
        raise UserError(f"{data.provenance['label']}: all {len(x)} points are alike; gamma needs two that differ")
    squares = np.square(x.reshape(len(x), -1), dtype=np.float64).mean(axis=1)
    kind = NORMS[net.norm]
    least = LEAST_OF_EPS * kind.eps if kind.axis == "nodes" and kind.scales else SQUARES[0]
    if (beyond := (squares < least) | (squares > SQUARES[1])).any():
        index = int(beyond.argmax())
        raise UserError(
            f"{data.provenance['label']}: point {index} has a mean square of {squares[index]:g}, allowed are "
            f"{least:g} to {SQUARES[1]:g}; standardise the data, and leave out what is 0 throughout"
        )
    needed = 8 * KERNELS_AT_ONCE * len(x) ** 2
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if infinite and needed > there:
        most = int((there / 8 / KERNELS_AT_ONCE) ** 0.5)
        raise UserError(
            f"--points {len(x)}: their kernels need {needed / 2**30:.0f} GiB, at most {most} points fit here"
        )
    return x


def _infinite(
    net: MLP, x: npt.NDArray[np.float32] | None, kept: list[int], kernels: dict[int, Array], progress: bool
) -> list[tuple[Estimate[float], Estimate[float]]]:
    """gamma and the deviation of G_0 by depth; the kernels of those depths that are kept go into `kernels`."""
    names = net.norm, str(net.placement), net.activation
    if x is None:
        found = isotropic.gammas(*names, net.depth, net.variances)
        return [(_exactly(gamma), _exactly(guesses.standard_deviation(gamma, net.classes))) for gamma in found]
    numbers = []
    with bar(progress, net.depth, "layer") as done:
        for depth, outputs in enumerate(kernel.output_kernels(x, *names, net.depth, net.variances), start=1):
            numbers.append(_of_kernel(outputs, net))
            if depth in kept:
                kernels[depth] = outputs
            done.update()
    if not kernel.is_averaged(*names) or numbers[-1][0] < kernel.NO_MEAN:
        return [(_exactly(gamma), _exactly(deviation)) for gamma, deviation in numbers]
    # Nodes of one layer share its kernel's error, so that averages of other nodes tell how good one is.
    others = ([_of_kernel(outputs, net) for outputs in kernel.output_kernels(x, *names, net.depth, net.variances, seed)]
              for seed in range(1, AVERAGES))  # fmt: skip
    of_all = np.array([numbers, *others])
    return [
        (interval_of_mean(gammas), interval_of_mean(deviations)) for gammas, deviations in of_all.transpose(1, 2, 0)
    ]


def _of_kernel(outputs: Array, net: MLP) -> tuple[float, float]:
    return kernel.gamma(outputs), kernel.guess_fraction_std(outputs, net.classes)


def _exactly(value: float) -> Estimate[float]:
    return Estimate(float(value), float(value), float(value))
