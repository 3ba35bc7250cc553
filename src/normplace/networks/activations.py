"""The activations of MLPs, one record each; their Gaussian averages, which theory needs, follow (`theories.duals`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from normplace.networks.lazy import torch_nn

if TYPE_CHECKING:
    import torch
    from torch import nn

LEAK = 0.01  # nn.LeakyReLU's default slope


@dataclass(frozen=True)
class Activation:
    """An activation phi.

    function: of numpy's arrays. module: makes its module. in_place: the function of torch that may overwrite what it is
    given; None calls the module. negative_slope: of a phi that is x above 0 and a multiple of x below, for which
    Gaussian averages have closed forms; None for a smooth phi.
    """

    name: str
    function: Callable[[Any], Any]
    module: Callable[[], nn.Module]
    in_place: Callable[[torch.Tensor], torch.Tensor] | None = None
    negative_slope: float | None = None

    def operation(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """The function of torch that the sampler calls, which owns what goes into it."""
        return self.in_place or self.module()


def _leaky_relu(x: Any) -> Any:
    return np.maximum(x, LEAK * x)


def _gelu(x: Any) -> Any:
    from scipy.special import ndtr

    return x * ndtr(x)


def _silu(x: Any) -> Any:
    from scipy.special import expit

    return x * expit(x)


def _relu_(x: torch.Tensor) -> torch.Tensor:
    return x.relu_()


def _leaky_relu_(x: torch.Tensor) -> torch.Tensor:
    import torch.nn.functional as F

    return F.leaky_relu_(x)


def _silu_(x: torch.Tensor) -> torch.Tensor:
    import torch.nn.functional as F

    return F.silu(x, inplace=True)


def _tanh_(x: torch.Tensor) -> torch.Tensor:
    return x.tanh_()


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("relu", lambda x: np.maximum(x, 0), torch_nn("ReLU"), _relu_, negative_slope=0.0),
        Activation("leaky_relu", _leaky_relu, torch_nn("LeakyReLU"), _leaky_relu_, negative_slope=LEAK),
        Activation("gelu", _gelu, torch_nn("GELU")),  # the exact one; torch has none in place
        Activation("silu", _silu, torch_nn("SiLU"), _silu_),
        Activation("tanh", np.tanh, torch_nn("Tanh"), _tanh_),
    )
}
