"""The options that say which network, and the specification that they make."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from normplace.cli.options import Decorator, Names, Number, Whole, check_output, gathered, path, refuse_beside
from normplace.errors import UserError
from normplace.networks.activations import ACTIVATIONS
from normplace.networks.architecture import HE, MLP, PLACEMENTS, ImageNetwork
from normplace.networks.architecture import cells as all_cells
from normplace.networks.images import IMAGE_NETWORKS
from normplace.networks.norms import NORMS


class Cells(click.ParamType[list[str]]):
    """Comma-separated names of cells, a norm with its placement, each once."""

    name = "cells"

    def __init__(self, norms: Callable[[], Iterable[str]]) -> None:
        self._one = Names(lambda: all_cells(norms()))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """Each a known one."""
        return list(dict.fromkeys(self._one.convert(name, param, ctx) for name in value.split(",")))


variances = (
    click.option("--weight-variance", type=Number(above=0), default=HE.weight, help="of a weight, times its fan-in"),
    click.option("--bias-variance", type=Number(least=0), default=HE.bias, help="of a bias"),
)


def mlp_options(norms: Callable[[], Iterable[str]], *more: Decorator, suffix: str) -> Decorator:
    """Options of MLPs but for their width, and more; the command gets `networks`, each with the file to write.

    suffix: of these files.
    """
    return gathered(
        "networks",
        partial(specifications, suffix),
        click.option("--norm", type=Names(norms)),
        click.option("--placement", type=click.Choice(PLACEMENTS), help="of the norm: before or after the activation"),
        click.option(
            "--cells",
            type=Cells(norms),
            metavar="CELL,CELL,...",
            help="several norms with their placements (none,batch-before,...), instead of --norm and --placement: the "
            "files that each alone would give, in less time",
        ),
        click.option("--depth", type=Whole(1), help="hidden layers of an MLP (sample, theory: every depth up to it)"),
        click.option("--activation", type=Names(lambda: ACTIVATIONS), help="of an MLP (default: relu)"),
        *more,
        click.option(
            "--output",
            type=path,
            required=True,
            metavar=f"F{suffix}",
            help=f"the file to write; with --cells a folder, of a file CELL{suffix} each",
        ),
    )


def network_options(norms: Callable[[], Iterable[str]], *more: Decorator, suffix: str) -> Decorator:
    """`mlp_options`, with a width, and networks for images."""
    return mlp_options(
        norms,
        click.option("--width", type=Whole(1), help="nodes a hidden layer of an MLP (default: 100)"),
        *variances,
        click.option(
            "--network",
            type=Names(lambda: ("mlp", *IMAGE_NETWORKS)),
            default="mlp",
            help="an MLP, or a network for images of fixed depth and activation",
        ),
        click.option(
            "--base-width",
            type=Whole(1),
            help="channels of the first layer, or nodes of a token, of a network for images (default: its own)",
        ),
        *more,
        suffix=suffix,
    )


def specifications(
    suffix: str,
    norm: str | None,
    placement: str | None,
    cells: list[str] | None,
    output: Path,
    depth: int | None,
    activation: str | None,
    width: int | None = None,
    network: str = "mlp",
    base_width: int | None = None,
    weight_variance: float = HE.weight,
    bias_variance: float = HE.bias,
    bn_statistics: str = "batch",
) -> list[tuple[MLP | ImageNetwork, Path]]:
    """The networks, each with the file to write; the number of classes comes from the data later.

    Raises:
        UserError: options that do not go together, or of another kind of network.
        click.UsageError: no norm, or a file that cannot be written.
    """
    pairs: dict[Path, tuple[str, str | None]]
    networks: list[MLP | ImageNetwork]
    if cells:
        refuse_beside("--cells", {"--norm": norm, "--placement": placement})
        if output.suffix == suffix:
            raise UserError(f"--output {output}: with --cells it is a folder, of a file CELL{suffix} each")
        pairs = {output / f"{cell}{suffix}": all_cells(NORMS)[cell] for cell in cells}
    elif norm is None:
        context = click.get_current_context()
        param = next(param for param in context.command.params if param.name == "norm")
        raise click.MissingParameter(ctx=context, param=param)
    else:
        pairs = {output: (norm, placement)}
    drawn: dict[str, Any] = {"weight_variance": weight_variance, "bias_variance": bias_variance}
    if network != "mlp":
        for option, value in {"depth": depth, "width": width, "activation": activation}.items():
            if value is not None:
                raise UserError(f"--{option} {value}: is for --network mlp; {network} has its own")
        if bn_statistics == "running":
            raise UserError(f"--bn-statistics running: is for --network mlp, not {network}")
        networks = [ImageNetwork(network, *pair, base_width, **drawn) for pair in pairs.values()]
    else:
        if base_width is not None:
            of_images = ", ".join(IMAGE_NETWORKS)
            raise UserError(f"--base-width {base_width}: is for --network {of_images}; an MLP has --width")
        if depth is None:
            raise UserError("--depth is missing: an MLP needs a number of hidden layers, at least 1")
        for named, _ in pairs.values():
            if not NORMS[named].operation:
                others = " or ".join(name for name, record in IMAGE_NETWORKS.items() if named in record.norms)
                raise UserError(f"--norm {named}: is not for MLPs, but for --network {others}")
        drawn |= {"width": width or MLP.width, "activation": activation or MLP.activation}
        networks = [MLP(*pair, depth, bn_statistics=bn_statistics, **drawn) for pair in pairs.values()]
    return [(of, check_output(file, "--output", suffix=suffix)) for of, file in zip(networks, pairs, strict=True)]


def with_classes(network: MLP | ImageNetwork, classes: int) -> MLP | ImageNetwork:
    """The network for data of so many classes."""
    return replace(network, classes=classes) if isinstance(network, MLP) else network


def network_record(network: MLP | ImageNetwork) -> dict[str, Any]:
    """The network as results keep it; how many classes there are, their data says."""
    return {"bn_statistics": "batch"} | {name: value for name, value in asdict(network).items() if name != "classes"}
