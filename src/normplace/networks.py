"""The networks as ordinary nn.Modules. The MLP is the reference that the fast sampler is tested against."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from normplace.architecture import MLP
from normplace.products import Linear

ACTIVATION_MODULES: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}
NORM_MODULES: dict[str, type[nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm, "rms": nn.RMSNorm}
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
EMBEDDING_STD = 0.02  # of what a ViT learns instead of computing from its input: the ViT paper's


def mlp(spec: MLP, inputs: int) -> nn.Sequential:
    """The MLP as a module [n, inputs] -> [n, classes], its weights not yet drawn: see `initialise`.

    Each hidden layer is linear, norm, activation (placement "before") or linear, activation, norm ("after").
    """
    layers: list[nn.Module] = []
    for fan_in in [inputs] + [spec.width] * (spec.depth - 1):
        layers.append(_undrawn_linear(fan_in, spec.width))
        if spec.placement == "before":
            layers.append(NORM_MODULES[spec.norm](spec.width))
        layers.append(ACTIVATION_MODULES[spec.activation]())
        if spec.placement == "after":
            layers.append(NORM_MODULES[spec.norm](spec.width))
    return nn.Sequential(*layers, _undrawn_linear(spec.width, spec.classes))


def _undrawn_linear(inputs: int, outputs: int) -> Linear:
    """A linear layer whose weights are left undrawn: nn.Linear would draw them from the global generator."""
    layer: Linear = nn.utils.skip_init(Linear, inputs, outputs)  # type: ignore[no-untyped-call]
    return layer


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
        elif isinstance(module, (*BATCH_NORMS, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)):
            module.reset_parameters()


def batch_norms(network: nn.Module) -> list[nn.BatchNorm1d | nn.BatchNorm2d]:
    """The network's BatchNorm modules."""
    return [module for module in network.modules() if isinstance(module, BATCH_NORMS)]


@contextmanager
def evaluating(network: nn.Module, bn_statistics: str) -> Iterator[None]:
    """Evaluate with BatchNorm's statistics of the points given ("batch") or its running ones ("running").

    Neither changes the running statistics; afterwards the network is in training mode.
    """
    norms = batch_norms(network)
    network.train(bn_statistics == "batch")
    for norm in norms:  # without tracking, training mode uses the batch and leaves the buffers alone
        norm.track_running_stats = bn_statistics != "batch"
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
        network.train()
