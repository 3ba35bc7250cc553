"""Guess fractions of many initialisations of a network for images, or of any module that `initialise` knows.

Networks come one after the other, side by side only in processes: on a processor, stacking them with torch.func takes
longer (benchmarks/results.md, networks for images).
"""

import math
from collections.abc import Callable
from functools import partial
from typing import cast

import torch
from torch import nn

from normplace.networks.architecture import HE, Variances
from normplace.networks.modules import batch_norms, evaluating, initialise, output_layer
from normplace.networks.random import network_generator
from normplace.parallel import one_thread
from normplace.sampling.mlps import (
    PARTS_A_PROCESS,
    HiddenSums,
    InitialGuesses,
    Readout,
    draw_compared,
    guess_moments,
    in_parts,
    joined,
)
from normplace.statistics import Floats

CPU_PIXELS = 2**15  # at once, 32 CIFAR-10 images: activations stay in the cache
GPU_PIXELS = 2**20  # at once, 1024 CIFAR-10 images: the largest activation of ResNet-9 is half a GiB


@one_thread()
def sample_images(
    build: Callable[[], nn.Module],
    x: torch.Tensor,
    inits: int,
    seed: int,
    *,
    variances: Variances = HE,
    device: str = "cpu",
    processes: int = 1,
    progress: str | None = None,
) -> InitialGuesses:
    """Sample `inits` initialisations of the network that `build` makes, on the points x [n, ...].

    Returns arrays [1, inits, classes], and averages over output layers [1, inits]; the same bytes for the same seed
    whatever the number of processes. BatchNorm uses the statistics of all points, which it needs in memory together:
    for ResNet-9 1.5 MiB per CIFAR-10 image.

    build: must be known by name in other processes (a function of a module, or a partial of one). progress: what a
    progress bar is to show.
    """
    step = math.ceil(inits / (PARTS_A_PROCESS * processes))
    of_part = partial(sample_part, build, x.numpy(), seed, variances, device)
    return in_parts(of_part, inits, step, processes, progress)[0]


@torch.inference_mode()
def sample_part(
    build: Callable[[], nn.Module], arrays: Floats, seed: int, variances: Variances, device: str, part: range
) -> list[InitialGuesses]:
    """Sample the networks of these indices on the points [n, ...]."""
    network = build().to(device)
    x = torch.from_numpy(arrays).to(device)
    if device == "cpu" and x.ndim == 4:  # convolutions are up to 2.5 times as fast
        x = x.to(memory_format=torch.channels_last)  # .contiguous would leave images of one channel as they are
    pixels = CPU_PIXELS if device == "cpu" else GPU_PIXELS
    at_once = len(x) if batch_norms(network) else max(1, pixels // x[0, 0].numel())
    last = _output_layer(network, x[:2])
    read: list[torch.Tensor] = []
    last.register_forward_pre_hook(lambda module, inputs: read.append(inputs[0]))
    readout = Readout(last.in_features, last.out_features, variances.weight, variances.bias)
    guesses = []
    for index in part:
        initialise(network, network_generator(seed, index, device), variances)
        sums, outputs = HiddenSums(readout, draw_compared(len(x), seed, [index]).to(device), len(x)), []
        with evaluating(network, "batch"):
            for start in range(0, len(x), at_once):
                outputs.append(network(x[start : start + at_once]))
                h = read.pop().unsqueeze(0)
                sums.begin(start, h.shape[1])
                sums.add(0, h)
        guesses.append(InitialGuesses(*guess_moments(torch.cat(outputs).T[None, None]), *sums.averages()))
    return [joined(guesses)]


def _output_layer(network: nn.Module, x: torch.Tensor) -> nn.Linear:
    """The linear layer whose outputs are the network's.

    Raises:
        ValueError: there is none.
    """
    with evaluating(network, "batch"):
        found = output_layer(network, partial(network, x), lambda module: isinstance(module, nn.Linear))
    if found is None:
        raise ValueError("the network's outputs are not those of a linear layer")
    return cast(nn.Linear, found[1])
