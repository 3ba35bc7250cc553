"""`normplace sample`: guess fractions of random networks."""

from pathlib import Path

import click

from normplace.cli import options
from normplace.cli.data_options import data_options, data_record
from normplace.cli.network_options import network_options, network_record, with_classes
from normplace.data import datasets
from normplace.data.datasets import DataRequest
from normplace.networks.architecture import BN_STATISTICS, MLP, ImageNetwork
from normplace.networks.norms import NORMS
from normplace.tables.records import OF_SAMPLE, write_sample

bn_statistics = click.option(
    "--bn-statistics",
    type=click.Choice(BN_STATISTICS),
    default="batch",
    help="BatchNorm's statistics: of all points (batch), or eval mode with fresh ones (running)",
)


@options.command()
@data_options()
@network_options(lambda: NORMS, bn_statistics, suffix=".npz")
@click.option("--inits", type=options.Whole(2), default=1000, help="random networks")
@options.seed
@options.device
@options.processes
def sample(
    request: DataRequest,
    networks: list[tuple[MLP | ImageNetwork, Path]],
    inits: int,
    seed: int,
    device: str,
    processes: int,
) -> None:
    """Guess fractions of random networks. Those of MLPs are given at every depth up to --depth."""
    from normplace.parallel import resolve_device
    from normplace.sampling import sample as sampling

    device = resolve_device(device)
    data = datasets.read(request)
    nets = [with_classes(network, len(data.classes)) for network, _ in networks]
    found = sampling.sample_each(nets, data, inits, seed, device=device, processes=processes, progress=True)
    for guesses, (_, output) in zip(found, networks, strict=True):
        gammas = guesses.gamma().value
        given = {**data_record(request), **network_record(guesses.net), "inits": inits, "seed": seed, "device": device}
        arrays = {name: getattr(guesses, name) for name in OF_SAMPLE}
        write_sample(output, given, data.provenance, **arrays, gamma=gammas)
        deep = f" at depth 1, {gammas[-1]:.4g} at depth {guesses.net.depth}" if isinstance(guesses.net, MLP) else ""
        print(f"{data.provenance['label']}, {guesses.net}: gamma {gammas[0]:.4g}{deep}")
