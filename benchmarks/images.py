"""Networks for images: one after the other, as `normplace sample` does it, against stacked with torch.func."""

import copy
from collections.abc import Callable
from functools import partial
from unittest.mock import patch

import pandas as pd
import torch
from torch.func import functional_call, stack_module_state, vmap

from benchmarks.timing import medians
from normplace.networks import products
from normplace.networks.architecture import HE
from normplace.networks.images import image_network
from normplace.networks.modules import evaluating, initialise
from normplace.networks.random import network_generator
from normplace.sampling.images import sample_part

NETWORKS, IMAGES, CLASSES = 8, 40, 2
NORMS = {"cnn": "batch", "resnet9": "batch", "mixer": "layer", "vit": "layer"}


def stacked(build: Callable[[], torch.nn.Module], x: torch.Tensor) -> torch.Tensor:
    """Outputs [networks, images, classes] of as many networks in one batched call."""
    networks = [build() for _ in range(NETWORKS)]
    for index, network in enumerate(networks):
        initialise(network, network_generator(0, index, "cpu"))
    state = stack_module_state(networks)
    skeleton = copy.deepcopy(networks[0]).to("meta")

    def one(parameters: dict[str, torch.Tensor], buffers: dict[str, torch.Tensor]) -> torch.Tensor:
        outputs: torch.Tensor = functional_call(skeleton, (parameters, buffers), (x,))
        return outputs

    plain = patch.object(products, "HAS_ONEDNN", False)  # vmap knows no rule for its operator: torch's own products
    with plain, torch.inference_mode(), evaluating(skeleton, "batch"):
        return vmap(one)(*state)


def measure() -> pd.DataFrame:
    """Milliseconds a network, by network and size of the images, with the norm that it is usually trained with."""
    rows = []
    for pixels in (8, 32):
        x = torch.randn(IMAGES, 3, pixels, pixels, generator=torch.Generator().manual_seed(0))
        for name, norm in NORMS.items():
            build = partial(image_network, name, norm, "before", tuple(x.shape[1:]), CLASSES)
            found = medians(
                {
                    "one by one": partial(sample_part, build, x.numpy(), 0, HE, "cpu", range(NETWORKS)),
                    "stacked": partial(stacked, build, x),
                },
                3,
            )
            times = {way: 1000 * seconds / NETWORKS for way, seconds in found.items()}
            ratio = times["stacked"] / times["one by one"]
            rows.append({"network": name, "norm": norm, "pixels": pixels, **times, "stacked / one by one": ratio})
    return pd.DataFrame(rows)
