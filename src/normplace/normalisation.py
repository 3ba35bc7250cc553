"""The norms of hidden layers and where they stand, on raw tensors: no learned scale or offset, as at initialisation."""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from normplace.errors import UserError

NORMS = ("none", "batch", "layer", "rms")
PLACEMENTS = ("before", "after")
BN_STATISTICS = ("batch", "running")
EPS = 1e-5  # of nn.BatchNorm1d and nn.LayerNorm; nn.RMSNorm's is the float's own machine epsilon

Norm = Callable[[torch.Tensor], torch.Tensor]


def configurations() -> list[tuple[str, str]]:
    """All (norm, placement): ("none", "none") first, then every norm before and after the activation."""
    return [("none", "none"), *((norm, place) for norm in NORMS[1:] for place in PLACEMENTS)]


def check_placement(norm: str, placement: str | None) -> str:
    """The placement to use: "none" without a norm, else the given one.

    Raises:
        UserError: an unknown norm or placement, or a norm without a placement.
    """
    if norm not in NORMS:
        raise UserError(f"--norm {norm}: allowed are {', '.join(NORMS)}")
    if norm == "none":
        return "none"
    if placement not in PLACEMENTS:
        given = "missing" if placement is None else placement
        raise UserError(f"--placement {given}: --norm {norm} needs one of {', '.join(PLACEMENTS)} (the activation)")
    return placement


def normalise(norm: str, bn_statistics: str = "batch") -> Norm:
    """The norm as a function of pre- or post-activations [points, nodes] -> the same shape.

    batch normalises each node over the points, layer and rms each point over the nodes.
    bn_statistics "running" is BatchNorm in eval mode with fresh running statistics (mean 0, variance 1):
    nearly the identity, which erases the effect; it exists to show that trap.
    """
    if norm == "batch" and bn_statistics == "running":
        return lambda z: z / (1 + EPS) ** 0.5
    return {
        "none": lambda z: z,
        "batch": lambda z: F.batch_norm(z, None, None, training=True, eps=EPS),
        "layer": lambda z: F.layer_norm(z, z.shape[-1:], eps=EPS),
        "rms": lambda z: F.rms_norm(z, z.shape[-1:]),
    }[norm]
