"""`normplace sample`: guess fractions of random networks."""

from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from normplace.cli import options
from normplace.cli.data_options import data_options, data_record
from normplace.cli.network_options import network_options, network_record
from normplace.data import datasets
from normplace.data.datasets import DataRequest
from normplace.errors import UserError
from normplace.files import versions, write_npz
from normplace.networks.architecture import BN_STATISTICS, MLP, ImageNetwork
from normplace.networks.norms import NORMS
from normplace.statistics import gamma

bn_statistics = click.option(
    "--bn-statistics",
    type=click.Choice(BN_STATISTICS),
    default="batch",
    help="BatchNorm's statistics: of all points (batch), or eval mode with fresh ones (running)",
)


@options.command()
@data_options()
@network_options(lambda: NORMS, bn_statistics)
@click.option("--inits", type=options.Whole(2), default=1000, help="random networks")
@options.seed
@options.device
@options.processes
@options.output()
def sample(
    request: DataRequest,
    network: MLP | ImageNetwork,
    inits: int,
    seed: int,
    device: str,
    processes: int,
    output: Path,
) -> None:
    """Guess fractions of random networks. Those of MLPs are given at every depth up to --depth."""
    device = options.resolve_device(device)
    from normplace.cli.image_builder import image_builder
    from normplace.sampling import images, mlps

    data = datasets.load(request)
    progress = f"{network.norm} {network.placement}"
    if isinstance(network, MLP):
        network = replace(network, classes=len(data.provenance["classes"]))
        guesses = mlps.sample(data.x, network, inits, seed, device=device, processes=processes, progress=progress)
    else:
        build = image_builder(network, data)
        guesses = images.sample_images(
            build, data.x, inits, seed, device=device, processes=processes, progress=progress
        )
    if not (np.isfinite(guesses.output_var).all() and guesses.output_var.any(axis=(1, 2)).all()):
        raise UserError("the outputs vanish or overflow in float32 at some depth: use fewer layers, or a norm")
    gammas = gamma(guesses.output_mean, guesses.output_var)
    given = {**data_record(request), **network_record(network), "inits": inits, "seed": seed, "device": device}
    config = {"command": "sample", "options": given, "data": data.provenance, "versions": versions()}
    write_npz(output, {**guesses._asdict(), "gamma": gammas}, config)
    found = f"gamma {gammas[0]:.4g}"
    if isinstance(network, MLP):
        found += f" at depth 1, {gammas[-1]:.4g} at depth {network.depth}"
    print(f"{data.provenance['label']}: {found}")
