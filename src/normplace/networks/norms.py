"""The norms of hidden layers, one record each.

Theory follows from what a record says of its axis, centring and scaling; the sampler takes its operation, training its
module. torch is imported when one of these two is called, not before: theory and the command line need the records
alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from normplace.networks.lazy import torch_nn

if TYPE_CHECKING:
    import torch
    from torch import nn

EPS = 1e-5  # of nn.BatchNorm1d and nn.LayerNorm
RMS_EPS = 2.0**-23  # of nn.RMSNorm: the machine epsilon of its numbers, here of single precision


@dataclass(frozen=True)
class Norm:
    """What a norm does to the values of a hidden layer, without learned scale or offset, as at initialisation.

    name: on the command line, in files and tables. label: in figures. axis: over which it takes its mean and deviation,
    the "points" of the data set (batch norms) or the "nodes" of the layer. centres, scales: whether it subtracts the
    mean, divides by the deviation (by the root mean square where it does not centre over nodes). eps: what it adds to
    the square of what it divides by.
    operation: [networks, points, nodes] -> the same shape; None for a norm that MLPs do not have.
    running: the same in eval mode with fresh running statistics; None for a norm that keeps none.
    module: nodes -> the module of an MLP's layer; None for no norm, and for one that is sampled but not trained.
    image_module: channels or nodes -> the module in a network for images.
    """

    name: str
    label: str
    axis: Literal["points", "nodes"]
    centres: bool
    scales: bool
    operation: Callable[[torch.Tensor], torch.Tensor] | None = None
    running: Callable[[torch.Tensor], torch.Tensor] | None = None
    module: Callable[[int], nn.Module] | None = None
    image_module: Callable[[int], nn.Module] | None = None
    eps: float = EPS

    @property
    def is_half(self) -> bool:
        """Whether it is a part of a norm that leaves a layer's variance free. RMSNorm, LayerNorm's, fixes it."""
        return self.centres != self.scales and (self.axis == "points" or self.centres)


def _batch(z: torch.Tensor) -> torch.Tensor:
    """All networks' nodes side by side are one call; a single network is not copied."""
    import torch.nn.functional as F

    networks, points, nodes = z.shape
    side_by_side = z.transpose(0, 1).reshape(points, networks * nodes)
    normalised = F.batch_norm(side_by_side, None, None, training=True, eps=EPS)
    by_network: torch.Tensor = normalised.view(points, networks, nodes).transpose(0, 1)
    return by_network


def _batch_running(z: torch.Tensor) -> torch.Tensor:
    """Mean 0 and variance 1: nearly the identity, which erases the effect. It exists to show that trap."""
    return z / float((1 + EPS) ** 0.5)


def _batch_centring(z: torch.Tensor) -> torch.Tensor:
    return z - z.mean(dim=1, keepdim=True)


def _batch_scaling(z: torch.Tensor) -> torch.Tensor:
    """A mean of squares is ten times as fast as torch's `var` over a dimension that is not the last."""
    variance = (z - z.mean(dim=1, keepdim=True)).square_().mean(dim=1, keepdim=True)
    return z * (variance + EPS).rsqrt()


def _layer(z: torch.Tensor) -> torch.Tensor:
    """Centring and rms_norm are faster than layer_norm."""
    import torch.nn.functional as F

    return F.rms_norm(z - z.mean(dim=-1, keepdim=True), z.shape[-1:], eps=EPS)


def _layer_centring(z: torch.Tensor) -> torch.Tensor:
    return z - z.mean(dim=-1, keepdim=True)


def _rms(z: torch.Tensor) -> torch.Tensor:
    import torch.nn.functional as F

    return F.rms_norm(z, z.shape[-1:])


NORMS: dict[str, Norm] = {
    norm.name: norm
    for norm in (
        Norm("none", "no norm", "nodes", centres=False, scales=False, operation=lambda z: z),
        Norm(
            "batch", "BatchNorm", "points", centres=True, scales=True, operation=_batch, running=_batch_running,
            module=torch_nn("BatchNorm1d"), image_module=torch_nn("BatchNorm2d"),
        ),
        Norm(
            "layer", "LayerNorm", "nodes", centres=True, scales=True, operation=_layer,
            module=torch_nn("LayerNorm"), image_module=torch_nn("LayerNorm"),
        ),
        # LayerNorm's other half: it scales without centring.
        Norm(
            "rms", "RMSNorm", "nodes", centres=False, scales=True, operation=_rms,
            module=torch_nn("RMSNorm"), image_module=torch_nn("RMSNorm"), eps=RMS_EPS,
        ),
        Norm("batch-centring", "BatchNorm's centring", "points", centres=True, scales=False, operation=_batch_centring),
        Norm("batch-scaling", "BatchNorm's scaling", "points", centres=False, scales=True, operation=_batch_scaling),
        Norm("layer-centring", "LayerNorm's centring", "nodes", centres=True, scales=False, operation=_layer_centring),
        # One group: LayerNorm over channels and pixels.
        Norm("group", "GroupNorm", "nodes", centres=True, scales=True, image_module=torch_nn("GroupNorm", 1)),
    )
}  # fmt: skip


def norms_of_mlps() -> list[str]:
    """The norms whose place in an MLP is studied: "none" first, halves left out."""
    return [norm.name for norm in NORMS.values() if norm.operation and not norm.is_half]


def halves() -> list[str]:
    """The halves of norms: sampled and in theory, but not trained."""
    return [norm.name for norm in NORMS.values() if norm.operation and norm.is_half]
