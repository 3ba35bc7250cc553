"""From the user's model to a function that builds it afresh, with its own initialisation and seeded random numbers."""

import copy
import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from normplace.errors import UserError
from normplace.measuring.blame import blamed
from normplace.networks.random import network_generator

Builder = Callable[[], nn.Module]


def own_initialisation(model: Builder | nn.Module) -> tuple[Builder, str]:
    """A function that gives the model with freshly drawn weights, and what this initialisation is, in words."""
    if isinstance(model, nn.Module):
        words = "reset_parameters of every module (what the constructor did beyond that is not repeated)"
        return partial(_redrawn, model), words
    return partial(_built, model), "the builder, called anew for every network"


def _built(build: Builder) -> nn.Module:
    with blamed("the builder"):
        built = build()
    if not isinstance(built, nn.Module):
        raise UserError(f"the builder returned a {type(built).__name__}, but a torch.nn.Module is needed")
    return built


def _redrawn(model: nn.Module) -> nn.Module:
    refuse_meta(model)
    with blamed("copying the module (a function that builds it needs no copy)"):
        fresh = copy.deepcopy(model)
    with torch.no_grad(), blamed("reset_parameters"):
        drawn = {
            name: weights
            for name, weights in fresh.named_parameters()
            if not is_lazy(weights) and weights.is_floating_point()  # lazy ones are drawn when they first see points
        }
        for weights in drawn.values():
            weights.fill_(torch.nan)  # what is still NaN afterwards was not drawn
        for module in reversed(list(fresh.modules())):  # a parent after its children, as in constructors
            reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
            if reset is not None:
                reset()
        left = [name for name, weights in fresh.named_parameters() if name in drawn and bool(weights.isnan().any())]
    if left:
        names = ", ".join(left[:3]) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
        raise UserError(f"no reset_parameters draws {names}: give a function that builds the model instead")
    return fresh


def copied(network: nn.Module) -> nn.Module:
    """A copy of a network that cannot be built again.

    Raises:
        UserError: it cannot be copied.
    """
    with blamed("copying a network of a builder that the seed does not reach"):
        return copy.deepcopy(network)


def refuse_meta(network: nn.Module) -> None:
    """Refuse a model without weights.

    Raises:
        UserError: some of its weights are on the meta device.
    """
    if any(tensor.is_meta for tensor in network.parameters()):
        raise UserError("the model is on the meta device, so it has no weights: build it on a real one")


def fingerprint(network: nn.Module) -> str:
    """A hash of the modules' classes, weights and buffers: two networks that have the same were not drawn anew."""
    digest = hashlib.sha256(repr([(name, type(module).__name__) for name, module in network.named_modules()]).encode())
    with torch.no_grad():
        # numpy takes from a tensor that its size can change, as a buffer's may.
        for tensor in (*network.parameters(), *(buffer.clone() for buffer in network.buffers())):
            plain = tensor.detach() if tensor.layout == torch.strided else tensor.detach().to_dense()
            plain = torch.view_as_real(plain.resolve_conj()) if plain.is_complex() else plain
            # Not numpy's own types: it has no bfloat16.
            digest.update(plain.resolve_neg().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


@contextmanager
def seeded(seed: int, index: int) -> Iterator[None]:
    """Draw from the global generators of torch, numpy and Python as network `index` under `seed`.

    Afterwards they are as they were.
    """
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    # Where there is a GPU its generators are seeded too; elsewhere that takes a millisecond for nothing.
    seed_torch = torch.manual_seed if devices else torch.default_generator.manual_seed
    of_numpy, of_python = np.random.get_state(), random.getstate()  # noqa: NPY002
    drawn = network_generator(seed, index).initial_seed()
    try:
        with torch.random.fork_rng(devices=devices):
            seed_torch(drawn)
            np.random.seed(drawn % 2**32)  # noqa: NPY002
            random.seed(drawn)
            yield
    finally:
        np.random.set_state(of_numpy)  # noqa: NPY002
        random.setstate(of_python)
