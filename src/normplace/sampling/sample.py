"""Sample random networks on a data set: what they guess, their gamma, and the regime that they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from normplace.data.datasets import Data
from normplace.errors import UserError, check_whole
from normplace.networks.architecture import MLP, ImageNetwork, check_classes
from normplace.networks.modules import builder
from normplace.parallel import resolve_device
from normplace.sampling.images import sample_images
from normplace.sampling.mlps import InitialGuesses, sample_mlps
from normplace.statistics import Array, Estimate, Floats, RegimeByGrowth, gamma_of_readouts, regime_by_growth
from normplace.theories.guesses import fraction_variance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESAMPLES = 1000


@dataclass(frozen=True, eq=False, repr=False)
class Guesses:
    """What `sample` found: networks of depth 1 to `net.depth`, or, of a network for images, of its one depth.

    guess_fraction, output_mean, output_var: float32 [depth, inits, classes]; means and population variances are over
    the points. mean_var, expected_var, agreement: float32 [depth, inits], averages over output layers, see
    `mlps.InitialGuesses`. provenance: of the points.
    """

    net: MLP | ImageNetwork
    provenance: dict[str, Any]
    guess_fraction: Floats
    output_mean: Floats
    output_var: Floats
    mean_var: Floats
    expected_var: Floats
    agreement: Floats

    def gamma(self) -> Estimate[Array]:
        """gamma with its 95 % interval, each [depth]: `.value`, `.low`, `.high`.

        gamma = Var_W(E_x f_c) / E_W(Var_x f_c), pooled over output nodes c. Output layers are averaged, so that
        chance is that of the hidden layers alone.
        """
        return gamma_of_readouts(self.mean_var, self.expected_var)

    def regime(self) -> RegimeByGrowth:
        """The regime that the guesses show, by their gamma and its growth over the last doubling of depth.

        Raises:
            UserError: more than two classes, or networks of one depth alone.
        """
        depth, _, classes = self.guess_fraction.shape
        if classes != 2 or depth < 2:
            raise UserError(
                f"a regime needs two classes and a depth of at least 2, not {classes} classes, depth {depth}"
            )
        return regime_by_growth(fraction_variance(self.agreement, classes), RESAMPLES, seed=0)

    def plot(self) -> Figure:
        """Left: the guesses of the shallowest and deepest networks. Right: gamma against depth."""
        from normplace import pictures

        return pictures.in_look(self._draw)

    def _draw(self) -> Figure:
        from normplace import pictures

        depths = len(self.guess_fraction)
        figure, (left, right) = pictures.new_figure(self._title(), 2)
        for at, colour in ((0, pictures.GREY), (depths - 1, pictures.BLUE))[-min(depths, 2) :]:
            values, label = pictures.guesses_of(self.guess_fraction[at])
            name = f"depth {at + 1}" if isinstance(self.net, MLP) else None
            pictures.histogram(left, values, colour, outline=colour == pictures.GREY, label=name)
            left.set_xlabel(label)
        if isinstance(self.net, MLP):
            left.legend(frameon=False, fontsize=7)
        value, low, high = self.gamma()
        bars = np.maximum([value - low, high - value], 0)
        right.errorbar(np.arange(1, depths + 1), value, bars, color=pictures.BLUE, fmt="o-", ms=3, lw=0.9)
        pictures.gamma_axis(right)
        pictures.depth_axis(right)
        return figure

    def _title(self) -> str:
        inits = self.guess_fraction.shape[1]
        width = f", width {self.net.width}" if isinstance(self.net, MLP) else ""
        label, points = self.provenance["label"], self.provenance["points"]
        return f"{inits:,} networks, {self.net}{width}, on {label}, {points:,} points"

    def __repr__(self) -> str:
        """The networks, the data, gamma at the first and the last depth, and the regime where there is one."""
        value, low, high = self.gamma()
        ends = [0, len(value) - 1] if len(value) > 1 else [0]
        found = ", ".join(f"{value[at]:.3g} [{low[at]:.3g}, {high[at]:.3g}] at depth {at + 1}" for at in ends)
        if not isinstance(self.net, MLP):
            found = found.removesuffix(" at depth 1")
        two_classes_deep = self.guess_fraction.shape[2] == 2 and len(value) > 1
        regime = f"; {self.regime().name}" if two_classes_deep else ""
        return f"<Guesses of {self._title()}: gamma {found}{regime}>"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def sample(
    net: MLP | ImageNetwork,
    data: Data,
    inits: int = 1000,
    seed: int = 0,
    *,
    device: str = "cpu",
    processes: int = 1,
    progress: bool = False,
) -> Guesses:
    """Sample `inits` random networks on the points of `data`, MLPs at every depth up to `net.depth` in one pass.

    Weights are N(0, weight variance / fan_in): He-normal, with biases 0, unless the network says otherwise (the
    authors' setting). Every network has a generator of its own, seeded by (seed, index): the same call gives the same
    bytes, whatever the number of processes. progress: show a bar.

    Raises:
        UserError: fewer than 2 networks, another number of classes than the network has, points that it cannot take, or
            outputs that vanish or overflow in float32.

    >>> from normplace import MLP, load
    >>> seen = sample(MLP("none", depth=10), load("digits", points=200), inits=200)
    >>> seen.guess_fraction.shape
    (10, 200, 2)
    >>> seen.regime().name
    'deeply prejudiced'
    """
    return sample_each([net], data, inits, seed, device=device, processes=processes, progress=progress)[0]


def sample_each(
    nets: Sequence[MLP | ImageNetwork],
    data: Data,
    inits: int,
    seed: int,
    *,
    device: str = "cpu",
    processes: int = 1,
    progress: bool = False,
) -> list[Guesses]:
    """What `sample` finds for each of the networks, in less time.

    MLPs of one width, depth and variances share what they have in common under one seed: the weights drawn and the
    first layer's product.

    Raises:
        UserError: as `sample`, of any of them.
    """
    for option, value, least in (("inits", inits, 2), ("seed", seed, 0), ("processes", processes, 1)):
        check_whole(option, value, least)
    device = resolve_device(device)
    for net in nets:
        check_classes(net, len(data.classes))
    how: dict[str, Any] = {"device": device, "processes": processes}
    found: dict[int, InitialGuesses] = {}
    for members in _together(nets):
        first = nets[members[0]]
        title = f"{len(members)} cells" if len(members) > 1 else f"{first.norm} {first.placement}"
        how["progress"] = title if progress else None
        if isinstance(first, MLP):
            mlps = [net for net in (nets[at] for at in members) if isinstance(net, MLP)]
            arrays = sample_mlps(data.x, mlps, inits, seed, **how)
        else:
            build = builder(first, tuple(data.x.shape[1:]), len(data.classes))
            arrays = [sample_images(build, data.x, inits, seed, variances=first.variances, **how)]
        found |= zip(members, arrays, strict=True)
    guesses = [Guesses(net, data.provenance, *found[at]) for at, net in enumerate(nets)]
    for one in guesses:
        if not (np.isfinite(one.output_var).all() and one.output_var.any(axis=(1, 2)).all()):
            raise UserError(f"{one.net}: outputs vanish or overflow in float32: use fewer layers, or a norm")
    return guesses


def _together(nets: Sequence[MLP | ImageNetwork]) -> list[list[int]]:
    """The positions of networks that are sampled in one pass: MLPs of one width, depth and variances; others alone."""
    groups: dict[object, list[int]] = {}
    for at, net in enumerate(nets):
        key = (net.width, net.depth, net.variances) if isinstance(net, MLP) else at
        groups.setdefault(key, []).append(at)
    return list(groups.values())
