"""Random number generators: one of its own for every network and every run."""

import numpy as np
import torch


def network_generator(seed: int, index: int, device: str = "cpu") -> torch.Generator:
    """The generator of network `index` under `seed`.

    torch's CPU generator uses 32 bits of its seed only. A bijection of the index keeps all networks of one
    seed apart, where hashing (seed, index) would repeat networks by the birthday paradox.
    """
    offset = int(np.random.SeedSequence(seed).generate_state(1)[0])
    mixed = (index + offset) % 2**32
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):  # invertible mixing steps
        mixed = ((mixed ^ (mixed >> shift)) * factor) % 2**32
    return torch.Generator(device).manual_seed(mixed)
