"""`normplace theory`: guess fractions of infinitely wide networks, without sampling any."""

import csv
import inspect
import io
from pathlib import Path
from typing import Any

import click
import numpy as np
from click.core import ParameterSource
from tqdm import tqdm

from normplace.cli import options
from normplace.cli.data_options import data_options, data_record, data_request
from normplace.cli.network_options import mlp_options, network_record
from normplace.data import datasets
from normplace.data.datasets import DataRequest
from normplace.errors import UserError
from normplace.files import versions, write_npz, write_text
from normplace.networks.architecture import MLP
from normplace.networks.norms import NORMS
from normplace.theories import guesses, isotropic, kernel


class Depths(click.ParamType[list[int]]):
    """Comma-separated depths, in order and each once."""

    name = "depths"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """Each a whole number of at least 1."""
        return sorted({options.Whole(1).convert(part, param, ctx) for part in value.split(",")})


@options.command()
@data_options(required=False)
@mlp_options(lambda: [norm.name for norm in NORMS.values() if norm.operation])
@click.option(
    "--draws-output",
    type=options.Output(),
    metavar="F.npz",
    help="with --dataset: also write guess fractions drawn from the kernel, without any network",
)
@click.option("--draws", type=options.Whole(1), default=10_000, help="how many")
@click.option("--draws-depths", type=Depths(), metavar="L,L,...", help="at these depths (default: 1 and --depth)")
@options.output()
def theory(
    request: DataRequest | None,
    network: MLP,
    draws_output: Path | None,
    draws: int,
    draws_depths: list[int] | None,
    output: Path,
) -> None:
    """Guess fractions by infinite-width theory. For isotropic data or, with --dataset, on the data's own kernel."""
    if request is None:
        _refuse_options_of_data()
        gammas, rho, deviations = _isotropic(network)
    else:
        if draws_depths and not draws_output:
            raise UserError("--draws-depths: needs --draws-output")
        draws_depths = draws_depths or sorted({1, network.depth})
        if draws_depths[-1] > network.depth:
            raise UserError(f"--draws-depths {draws_depths[-1]}: deeper than --depth {network.depth}")
        gammas, deviations = _of_kernel(request, network, draws, draws_depths, draws_output)
        rho = gammas / (1 + gammas)
    depths = np.arange(1, network.depth + 1)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("depth", "gamma", "correlation", "guess_fraction_std"))
    table.writerows(zip(depths.tolist(), gammas.tolist(), rho.tolist(), deviations.tolist(), strict=True))
    write_text(output, text.getvalue())


def _refuse_options_of_data() -> None:
    context = click.get_current_context()
    for name in (*inspect.signature(data_request).parameters, "draws_output", "draws_depths"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = name.replace("_", "-")
            raise UserError(f"--{option}: needs --dataset; without one, theory is for isotropic data")


def _isotropic(network: MLP) -> tuple[Any, Any, Any]:
    """gamma, correlation and the deviation of G_0 by depth, of isotropic data."""
    rho = isotropic.correlations(network.norm, network.placement or "none", network.activation, network.depth)
    gammas = np.array([isotropic.gamma_of_correlation(value) for value in rho])
    return gammas, rho, np.array([guesses.standard_deviation(value) for value in gammas])


def _of_kernel(
    request: DataRequest, network: MLP, draws: int, draws_depths: list[int], draws_output: Path | None
) -> tuple[Any, Any]:
    """gamma and the deviation of G_0 by depth on the data's own kernel; writes the draws where asked."""
    data = datasets.load_arrays(request)
    classes = len(data.provenance["classes"])
    gammas, deviations, drawn = [], [], []
    layers = kernel.hidden_kernels(data.x, network.norm, network.placement or "none", network.activation, network.depth)
    for layer, hidden in enumerate(tqdm(layers, total=network.depth, unit="layer", disable=None), start=1):
        gammas.append(kernel.gamma(hidden))
        deviations.append(kernel.guess_fraction_std(hidden, classes))
        if draws_output and layer in draws_depths:
            drawn.append(kernel.draw_guess_fractions(hidden, classes, draws, seed=layer))
    arrays = {"gamma": np.array(gammas), "guess_fraction_std": np.array(deviations)}
    if draws_output:
        given = {**data_record(request), **network_record(network), "draws": draws}
        del given["width"]  # it is infinite
        config = {"command": "theory", "options": given, "data": data.provenance, "versions": versions()}
        more = {"depths": np.array(draws_depths), "guess_fraction": np.stack(drawn)}
        write_npz(draws_output, {**arrays, **more}, config)
    return arrays["gamma"], arrays["guess_fraction_std"]
