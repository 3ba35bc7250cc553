"""The networks as ordinary nn.Modules. The MLP is the reference that the fast sampler is tested against."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from normplace.networks.architecture import MLP
from normplace.networks.products import Linear

ACTIVATION_MODULES: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}
NORM_MODULES: dict[str, type[nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm, "rms": nn.RMSNorm}
EMBEDDING_STD = 0.02  # of what a ViT learns instead of computing from its input: the ViT paper's


def mlp(spec: MLP, inputs: int) -> nn.Sequential:
    """The MLP as a module [n, inputs] -> [n, classes], its weights not yet drawn: see `initialise`.

    Each hidden layer is linear, norm, activation (placement "before") or linear, activation, norm ("after").
    """
    layers: list[nn.Module] = []
    for fan_in in [inputs] + [spec.width] * (spec.depth - 1):
        layers.append(Linear(fan_in, spec.width))
        if spec.placement == "before":
            layers.append(NORM_MODULES[spec.norm](spec.width))
        layers.append(ACTIVATION_MODULES[spec.activation]())
        if spec.placement == "after":
            layers.append(NORM_MODULES[spec.norm](spec.width))
    return nn.Sequential(*layers, Linear(spec.width, spec.classes))


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw He-normal weights N(0, 2/fan_in), zero all biases, and reset norms, running statistics included.

    Embeddings, which have no fan-in, are N(0, 0.02^2).
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=EMBEDDING_STD, generator=generator)
        elif isinstance(module, (_BatchNorm, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)):
            module.reset_parameters()


def batch_norms(model: nn.Module) -> list[_BatchNorm]:
    """All BatchNorm modules, of any number of dimensions."""
    return [module for module in model.modules() if isinstance(module, _BatchNorm)]


@contextmanager
def evaluating(model: nn.Module, bn_statistics: str) -> Iterator[None]:
    """Evaluation mode, so without dropout, but BatchNorm with the statistics of the points given ("batch").

    With "running" BatchNorm too is as eval() has it. Neither changes the running statistics, and modes are put back.
    """
    modes = {module: module.training for module in model.modules()}
    norms = batch_norms(model)
    tracking = [norm.track_running_stats for norm in norms]
    model.eval()
    if bn_statistics == "batch":
        for norm in norms:  # without tracking, training mode uses the batch and leaves the buffers alone
            norm.training, norm.track_running_stats = True, False
    try:
        yield
    finally:
        for norm, tracked in zip(norms, tracking, strict=True):
            norm.track_running_stats = tracked
        for module, mode in modes.items():
            module.training = mode
