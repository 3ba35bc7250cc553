"""What theory costs: BatchNorm's exact kernel, layers of the chain, a cell against sampling it, averaged readouts."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import torch

from benchmarks.sampling import ours, points
from benchmarks.timing import medians
from normplace.networks.architecture import MLP, configurations
from normplace.networks.random import network_generator
from normplace.sampling.mlps import compress, draw_weights, guess_moments, outputs_at_every_depth
from normplace.theories import chain, kernel, simulated

NETWORKS = 5000  # of one histogram of G_0
DEPTH = 20
SOME = 50  # networks that are timed


@contextmanager
def nothing_kept() -> Iterator[None]:
    """Layers of the chain are drawn, not read."""
    before = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        try:
            yield
        finally:
            os.environ.pop("XDG_CACHE_HOME")
            if before is not None:
                os.environ["XDG_CACHE_HOME"] = before


def against_sampling(data_root: Path) -> pd.DataFrame:
    """Seconds to gamma at 20 depths and a histogram of G_0 at the last: theory of either width, and 5000 networks."""
    rows = []
    x = points("mnist", data_root)
    features, _ = compress(x)
    for norm, placement in configurations():
        net = MLP(norm, placement, DEPTH)

        def infinite(net: MLP = net) -> None:
            for outputs in kernel.output_kernels(x.numpy(), net.norm, str(net.placement), "relu", DEPTH):
                kernel.gamma(outputs)
            kernel.draw_guess_fractions(outputs, 2, NETWORKS, seed=0)

        def finite(net: MLP = net) -> None:
            if chain.reaches(net):
                chain._layer.cache_clear()
                with nothing_kept():
                    list(chain.statistics(net, chain.of_data(x.numpy(), net)))
            else:
                simulated.statistics(x.numpy(), net, 300, 0, False)
            simulated.draw_guess_fractions(x.numpy(), net, 300, NETWORKS, 0)

        ways = {"infinite": infinite, "finite": finite, "sample": ours(features, 784, net, SOME, "cpu")}
        found = medians(ways, 1)
        networks = found["sample"] * NETWORKS / SOME
        row = {"norm": norm, "placement": placement, "infinite width, s": found["infinite"]}
        row |= {"width 100, s": found["finite"], "5000 networks, s": networks}
        rows.append({**row, "ratio": networks / max(found["infinite"], found["finite"])})
    return pd.DataFrame(rows)


def of_layers() -> pd.DataFrame:
    """Seconds to draw the layers of the chain, for one width; they serve every depth."""
    rows = []
    for norm, placement in configurations():
        for width in (100, 1600):
            net = MLP(norm, placement, DEPTH, width)
            if chain.reaches(net):

                def draw(net: MLP = net) -> None:
                    chain._layer.cache_clear()
                    with nothing_kept():
                        chain.of_width(net)

                seconds = medians({"draw": draw}, 1)["draw"]
                rows.append({"norm": norm, "placement": placement, "width": width, "seconds": seconds})
    return pd.DataFrame(rows)


def of_readouts(data_root: Path) -> pd.DataFrame:
    """What averaging output layers adds to a pass: milliseconds a network with and without, MNIST at depth 20."""
    rows = []
    features, _ = compress(points("mnist", data_root))
    for norm, placement in configurations():
        net = MLP(norm, placement, DEPTH)

        @torch.inference_mode()
        def plain(net: MLP = net) -> None:
            for index in range(SOME):
                weights = draw_weights(net, features.shape[1], 784, [network_generator(0, index)])
                guess_moments(outputs_at_every_depth(features, weights, [net])[0])

        found = medians({"averaged": ours(features, 784, net, SOME, "cpu"), "plain": plain}, 7)
        costs = {f"{name}, ms": 1000 * found[name] / SOME for name in ("plain", "averaged")}
        ratio = found["averaged"] / found["plain"]
        rows.append({"norm": norm, "placement": placement, **costs, "averaged / plain": ratio})
    return pd.DataFrame(rows)
