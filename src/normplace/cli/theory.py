"""`normplace theory`: what networks guess, by theory, at infinite width or at their own."""

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from click.core import ParameterSource

from normplace.cli import options
from normplace.cli.data_options import data_options, data_record, data_request
from normplace.cli.network_options import mlp_options, network_record, variances
from normplace.data import datasets
from normplace.data.datasets import DataRequest
from normplace.errors import UserError
from normplace.files import write_text
from normplace.networks.architecture import MLP
from normplace.networks.norms import NORMS
from normplace.tables.records import BY_DEPTH, write_kernel_theory
from normplace.theories import theory as theories
from normplace.theories.theory import Theory


class Depths(click.ParamType[list[int]]):
    """Comma-separated depths, in order and each once."""

    name = "depths"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """Each a whole number of at least 1."""
        return sorted({options.Whole(1).convert(part, param, ctx) for part in value.split(",")})


@options.command()
@data_options(required=False)
@mlp_options(
    lambda: [norm.name for norm in NORMS.values() if norm.operation],
    click.option("--width", type=options.Whole(1), help="nodes a hidden layer (default: infinitely many)"),
    *variances,
    suffix=".csv",
)
@click.option(
    "--simulate",
    type=options.Whole(2),
    metavar="N",
    help="with --width: where no theory is known, such as for BatchNorm, draw the hidden layers of N networks; others' "
    "guesses are drawn from N networks' hidden layers, too (300 unless said, where there is theory)",
)
@click.option(
    "--draws-output",
    type=options.Output(suffix=".npz"),
    metavar="F.npz",
    help="with --dataset: also write guess fractions drawn from the kernel, without any network (with --cells: always, "
    "to CELL.npz)",
)
@click.option("--draws", type=options.Whole(1), default=10_000, help="how many")
@click.option("--draws-depths", type=Depths(), metavar="L,L,...", help="at these depths (default: 1 and --depth)")
def theory(
    request: DataRequest | None,
    networks: list[tuple[MLP, Path]],
    simulate: int | None,
    draws_output: Path | None,
    draws: int,
    draws_depths: list[int] | None,
) -> None:
    """Guess fractions by theory, at infinite or finite width. For isotropic data or, with --dataset, on its points."""
    width = click.get_current_context().params["width"]
    if simulate and not width:
        raise UserError(f"--simulate {simulate}: needs --width; at infinite width nothing is simulated")
    if width:
        for network, _ in networks:
            theories.check_width(network, isotropic_data=request is None, simulate=bool(simulate))
    if request is None:
        _refuse_options_of_data()
        for network, output in networks:
            _write(output, theories.theory(network, width=width))
        return
    files = [(network, output, draws_output) for network, output in networks]
    if click.get_current_context().params["cells"]:
        if draws_output:
            raise UserError(f"--draws-output {draws_output}: with --cells, draws go to CELL.npz")
        files = [(network, output, output.with_suffix(".npz")) for network, output in networks]
    for network, _, of_draws in files:
        depths = _depths(network, draws_depths, of_draws)
    data = datasets.read_arrays(request)
    for network, output, of_draws in files:
        network = replace(network, classes=len(data.provenance["classes"]))
        found = theories.theory(
            network, data, width=width, simulate=simulate or theories.NETWORKS, depths=depths, progress=True
        )
        if of_draws:
            how = {"width": width or 0, "method": found.method, "simulate": found.networks if width else 0}
            given = {**data_record(request), **network_record(network), "draws": draws, **how}
            drawn = np.stack([found.draw(draws, seed=depth, depth=depth) for depth in depths])
            by_depth = {name: getattr(found, name) for name in BY_DEPTH}
            arrays = {**by_depth, "depths": np.array(depths), "guess_fraction": drawn}
            write_kernel_theory(of_draws, given, data.provenance, **arrays)
        _write(output, found)


def _write(output: Path, found: Theory) -> None:
    names = ["gamma", "correlation", *BY_DEPTH[1:]]
    rows = zip(range(1, found.net.depth + 1), *(getattr(found, name).tolist() for name in names), strict=True)
    lines = [",".join(["depth", *names]), *(",".join(map(str, row)) for row in rows)]
    write_text(output, "\n".join(lines) + "\n")
    click.echo(repr(found).strip("<>"))


def _refuse_options_of_data() -> None:
    context = click.get_current_context()
    for name in (*inspect.signature(data_request).parameters, "draws_output", "draws_depths", "draws"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = name.replace("_", "-")
            raise UserError(f"--{option}: needs --dataset; without one, theory is for isotropic data")


def _depths(network: MLP, asked: list[int] | None, draws_output: Path | None) -> list[int]:
    """The depths to draw guesses at."""
    if asked and not draws_output:
        raise UserError("--draws-depths: needs --draws-output")
    given = click.get_current_context().get_parameter_source("draws") is ParameterSource.COMMANDLINE
    if given and not draws_output:
        raise UserError("--draws: needs --draws-output")
    if asked and asked[-1] > network.depth:
        raise UserError(f"--draws-depths {asked[-1]}: deeper than --depth {network.depth}")
    return asked or sorted({1, network.depth})
