"""The MLP as an ordinary nn.Module: the reference that the fast sampler is tested against, and what is trained."""

from torch import nn

from normplace.errors import UserError
from normplace.networks.activations import ACTIVATIONS
from normplace.networks.architecture import MLP
from normplace.networks.norms import NORMS
from normplace.networks.products import Linear


def mlp(spec: MLP, inputs: int) -> nn.Sequential:
    """The MLP as a module [n, inputs] -> [n, classes], its weights not yet drawn: see `modules.initialise`.

    Each hidden layer is linear, norm, activation (placement "before") or linear, activation, norm ("after").

    Raises:
        UserError: a norm that is sampled, but has no module.
    """
    norm, activation = NORMS[spec.norm].module, ACTIVATIONS[spec.activation].module
    if norm is None and spec.norm != "none":
        raise UserError(f"--norm {spec.norm}: has no module, so it is sampled but not trained")
    layers: list[nn.Module] = []
    for fan_in in [inputs] + [spec.width] * (spec.depth - 1):
        layers.append(Linear(fan_in, spec.width))
        if norm and spec.placement == "before":
            layers.append(norm(spec.width))
        layers.append(activation())
        if norm and spec.placement == "after":
            layers.append(norm(spec.width))
    return nn.Sequential(*layers, Linear(spec.width, spec.classes))
