"""How prejudiced is my network? Any PyTorch classifier, drawn many times by its own initialisation, on any inputs."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from normplace.errors import UserError, check_whole
from normplace.measuring.blame import blamed
from normplace.measuring.builders import Builder, own_initialisation, seeded
from normplace.measuring.layers import Layer, recorded
from normplace.measuring.prejudice import Look, Place, Prejudice, together
from normplace.networks.architecture import BN_STATISTICS
from normplace.networks.modules import batch_norms, evaluating
from normplace.parallel import resolve_device
from normplace.progress import bar
from normplace.statistics import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAYERS_AT_ONCE = 3  # of the size of the largest: what a forward pass without gradients holds in memory, about


@dataclass(frozen=True, eq=False, repr=False)
class Measurement:
    """What `measure` found.

    batch: with BatchNorm's statistics of all points, as training sees it. running: as eval() with fresh running
    statistics shows it, or None without BatchNorm, where both are the same. inits: how many networks were drawn, of
    the `asked`; fewer after Ctrl-C. initialisation: how, in words. name: what the model is called. print gives the
    report that `normplace measure` prints.
    """

    batch: Prejudice
    running: Prejudice | None
    inits: int
    asked: int
    initialisation: str
    input_shape: tuple[int, ...]
    name: str

    @property
    def classes(self) -> int:
        """How many outputs the model has."""
        return int(self.batch.guess_fraction.shape[1])

    @property
    def by_statistics(self) -> dict[str, Prejudice]:
        """What was found by kind of BatchNorm statistics; without BatchNorm, "batch" alone."""
        return {"batch": self.batch} | ({} if self.running is None else {"running": self.running})

    def gamma(self) -> Estimate[float]:
        """gamma of the outputs by batch statistics, with its 95 % bootstrap interval over networks."""
        return self.batch.gamma

    def regime(self) -> str:
        """The regime at this depth by batch statistics, or "undecided", or "no guess"."""
        return self.batch.regime

    def plot(self) -> "Figure":
        """The guesses of the networks, and gamma layer by layer."""
        from normplace.measuring.picture import draw

        return draw(self, self.name)

    def __repr__(self) -> str:
        from normplace.measuring.report import report

        return report(self, self.name)


def measure(
    model: Builder | nn.Module,
    x: torch.Tensor,
    inits: int = 200,
    seed: int = 0,
    *,
    device: str = "cpu",
    progress: bool = False,
) -> Measurement:
    """Draw `inits` networks and see what they guess on the points x [n, ...], all n in one forward pass.

    model: a function (or class) that returns a new nn.Module with outputs [n, classes], called for every network,
    its own way of drawing weights being the initialisation; or an nn.Module, of which copies are redrawn by
    reset_parameters. It is evaluated without dropout and without gradients. torch's global generator is seeded for
    every network from (seed, index), and afterwards is as it was. Ctrl-C ends the drawing, and what was measured is
    returned, if it is 2 networks or more. seed: of all networks. progress: show a bar. device: where they run.

    Raises:
        UserError: the model fails, its outputs are not floats [n, classes] or not finite, its weights are the same
            in every network, or a forward pass would not fit into memory.

    >>> from torch import nn
    >>> from normplace import load
    >>> def build():
    ...     return nn.Sequential(nn.Flatten(), nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 2))
    >>> measure(build, load("digits", points=200).x, inits=40).regime()
    'deeply prejudiced'
    """
    check_whole("inits", inits, 2)
    check_whole("seed", seed, 0)
    device, x = resolve_device(device), torch.as_tensor(x)
    if x.ndim < 2 or len(x) < 2:
        raise UserError(f"inputs of shape {list(x.shape)}: at least 2 points [n, ...] are needed")
    if not bool((x != x[0]).any()):
        raise UserError(f"all {len(x)} points are the same")
    build, initialisation = own_initialisation(model)
    name = getattr(model, "__name__", type(model).__name__)
    x = x.to(device)
    _try_two_points(build, x, seed)
    looks: list[dict[str, Look]] = []
    try:
        with bar(progress, inits, "net") as networks:
            for index in range(inits):
                with seeded(seed, index):
                    looks.append(look_at(_complete(build(), x), x, f"network {index}"))
                if index == 1:
                    _refuse_the_same(*looks)
                networks.update()
    except KeyboardInterrupt:
        if len(looks) < 2:
            raise
    batch, running = (together([look[kind] for look in looks]) if kind in looks[0] else None for kind in BN_STATISTICS)
    assert batch is not None
    return Measurement(batch, running, len(looks), inits, initialisation, tuple(x.shape), name)


def look_at(network: nn.Module, x: torch.Tensor, name: str) -> dict[str, Look]:
    """What is seen of one network under "batch" and, if it has BatchNorm, "running" statistics."""
    looks = {}
    for kind in BN_STATISTICS if batch_norms(network) else BN_STATISTICS[:1]:
        points = x.clone()  # a first module that works in place would change the points of all others
        with evaluating(network, kind), recorded(network, points) as layers:
            outputs = _forward(network, points).double()
        if not bool(outputs.isfinite().all()):
            raise UserError(f"the outputs of {name} are not finite ({kind} statistics, inputs {list(x.shape)})")
        looks[kind] = _look(outputs, layers)
    return looks


def _complete(network: nn.Module, x: torch.Tensor) -> nn.Module:
    """The network on x's device; lazy modules have seen two points and know their shapes."""
    network.to(x.device)
    if any(map(is_lazy, (*network.parameters(), *network.buffers()))):
        with evaluating(network, "running"):
            _forward(network, x[:2].clone())
    return network


def _forward(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Outputs [n, classes], checked."""
    with torch.no_grad(), blamed("the model's forward", f", given inputs of shape {list(x.shape)}"):
        outputs = network(x)
    if not isinstance(outputs, torch.Tensor) or not outputs.is_floating_point():
        kind = f"{outputs.dtype} tensor" if isinstance(outputs, torch.Tensor) else type(outputs).__name__
        raise UserError(f"the model returned a {kind}, but a float tensor [{len(x)}, classes] is needed")
    if outputs.ndim != 2 or len(outputs) != len(x) or outputs.shape[1] < 2:
        hint = "; for one logit f, return torch.cat([-f, f], 1)" if outputs.shape[1:] == (1,) else ""
        raise UserError(
            f"the model returned outputs of shape {list(outputs.shape)} for inputs of shape {list(x.shape)}, "
            f"but [{len(x)}, classes] with at least 2 classes is needed{hint}"
        )
    return outputs


def _look(outputs: torch.Tensor, layers: dict[str, Layer]) -> Look:
    n = len(outputs)
    largest = outputs == outputs.max(dim=1, keepdim=True).values
    ties = largest.sum(dim=1, keepdim=True)
    counts = (largest / ties).sum(dim=0, dtype=torch.float64)
    agreement = float((counts.square().sum() - (1 / ties.double()).sum()) / (n * (n - 1)))  # a point is no pair
    tied = float((ties > 1).double().mean())
    var_mean = torch.var_mean(outputs, dim=0, correction=0)
    fraction, variance, mean = (array.cpu().numpy() for array in (counts / n, *var_mean))
    # One transfer from the device for all layers, not one each.
    sums = torch.stack([torch.stack([layer.squared_mean, layer.variance]) for layer in layers.values()]).tolist()
    of_layers = {name: (squared_mean, spread) for name, (squared_mean, spread) in zip(layers, sums, strict=True)}
    places = {name: Place(layer.kind, layer.follows) for name, layer in layers.items()}
    return Look(fraction, mean, variance, agreement, tied, of_layers, places)


def _try_two_points(build: Builder, x: torch.Tensor, seed: int) -> None:
    """Run two points first: a broken model fails at once, and a forward pass that is too large is not tried."""
    with seeded(seed, 0):
        network, points = _complete(build(), x), x[:2].clone()
        with evaluating(network, "batch"), recorded(network, points) as layers:
            _forward(network, points)
    if x.device.type == "cpu":
        largest = max(layer.bytes for layer in layers.values())
        needed = LAYERS_AT_ONCE * largest / 2 * len(x)
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        if needed > there:
            raise UserError(
                f"a forward pass of {len(x)} points needs about {needed / 2**30:.0f} GiB, this machine has "
                f"{there / 2**30:.0f}: use at most {int(len(x) * there / needed)} points"
            )


def _refuse_the_same(*looks: dict[str, Look]) -> None:
    seen = [[(*kind.output_mean, *kind.output_var, *kind.layers.values()) for kind in look.values()] for look in looks]
    if seen[0] == seen[1]:
        raise UserError(
            "two networks are exactly the same: the model is not drawn anew (does it set a seed, load weights, start "
            "from constants, or return the same module again?)"
        )
