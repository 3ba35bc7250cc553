"""Networks as modules, from their specification: built, initialised, and evaluated with either kind of BatchNorm."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from normplace.networks.architecture import HE, MLP, ImageNetwork, Variances
from normplace.networks.images import image_network
from normplace.networks.mlp import mlp

EMBEDDING_STD = 0.02  # of what a ViT learns instead of computing from its input: the ViT paper's


def builder(net: MLP | ImageNetwork, shape: tuple[int, ...], classes: int) -> Callable[[], nn.Module]:
    """A function that makes the network for points of this shape, its weights not yet drawn: see `initialise`.

    Other processes can be given it. An MLP takes points as vectors.

    Raises:
        UserError: the network cannot take such points, or has a norm that is not trained.
    """
    if isinstance(net, MLP):
        build: Callable[[], nn.Module] = partial(mlp, net, math.prod(shape))
    else:
        build = partial(image_network, net.network, net.norm, str(net.placement), shape, classes, net.base_width)
    build()  # refuses at once what it cannot take
    return build


@torch.no_grad()
def initialise(network: nn.Module, generator: torch.Generator, variances: Variances = HE) -> None:
    """Draw weights N(0, weight variance / fan_in) and biases, and reset norms, running statistics included.

    Embeddings, which have no fan-in, are N(0, 0.02^2). Without a variance of biases none is drawn: they are 0.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            fan_in = module.weight[0].numel()
            module.weight.normal_(0, math.sqrt(variances.weight) / math.sqrt(fan_in), generator=generator)
            if module.bias is not None and variances.bias:
                module.bias.normal_(0, math.sqrt(variances.bias), generator=generator)
            elif module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=EMBEDDING_STD, generator=generator)
        elif isinstance(module, (_BatchNorm, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)):
            module.reset_parameters()


def output_layer(
    network: nn.Module, run: Callable[[], torch.Tensor], fits: Callable[[nn.Module], bool]
) -> tuple[str, nn.Module] | None:
    """The layer, with its name, whose output is the very tensor that `run`, a pass of the network, returns.

    fits: which modules may be it. None if there is none.
    """
    layers = {name: module for name, module in network.named_modules() if fits(module)}
    made: dict[str, torch.Tensor] = {}
    with ExitStack() as hooks:
        for name, layer in layers.items():
            keep = partial(lambda name, module, inputs, output: made.update({name: output}), name)
            hooks.enter_context(layer.register_forward_hook(keep))
        outputs = run()
    return next(((name, layers[name]) for name, output in made.items() if output is outputs), None)


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
