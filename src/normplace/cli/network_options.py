"""The options that say which network, and the specification that they make."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any

import click

from normplace.cli.options import Decorator, Names, Whole, gathered
from normplace.errors import UserError
from normplace.networks.activations import ACTIVATIONS
from normplace.networks.architecture import MLP, PLACEMENTS, ImageNetwork
from normplace.networks.images import IMAGE_NETWORKS
from normplace.networks.norms import NORMS


def mlp_options(norms: Callable[[], Iterable[str]], *more: Decorator) -> Decorator:
    """Options that give the command a `network`: those of an MLP but for its width, and more."""
    return gathered(
        "network",
        specification,
        click.option("--norm", type=Names(norms), required=True),
        click.option("--placement", type=click.Choice(PLACEMENTS), help="of the norm: before or after the activation"),
        click.option("--depth", type=Whole(1), help="hidden layers of an MLP (sample, theory: every depth up to it)"),
        click.option("--activation", type=Names(lambda: ACTIVATIONS), help="of an MLP (default: relu)"),
        *more,
    )


def network_options(norms: Callable[[], Iterable[str]], *more: Decorator) -> Decorator:
    """`mlp_options`, with a width, and networks for images."""
    return mlp_options(
        norms,
        click.option("--width", type=Whole(1), help="nodes a hidden layer of an MLP (default: 100)"),
        click.option(
            "--network",
            type=Names(lambda: ("mlp", *IMAGE_NETWORKS)),
            default="mlp",
            help="an MLP, or a network for images of fixed depth, width and activation",
        ),
        *more,
    )


def specification(
    norm: str,
    placement: str | None,
    depth: int | None,
    activation: str | None,
    width: int | None = None,
    network: str = "mlp",
    bn_statistics: str = "batch",
) -> MLP | ImageNetwork:
    """The network; the number of classes comes from the data later.

    Raises:
        UserError: options that do not go together, or of another kind of network.
    """
    if network != "mlp":
        for option, value in {"depth": depth, "width": width, "activation": activation}.items():
            if value is not None:
                raise UserError(f"--{option} {value}: is for --network mlp; {network} has its own")
        if bn_statistics == "running":
            raise UserError(f"--bn-statistics running: is for --network mlp, not {network}")
        return ImageNetwork(network, norm, placement)
    if depth is None:
        raise UserError("--depth is missing: an MLP needs a number of hidden layers, at least 1")
    if not NORMS[norm].operation:
        networks = [name for name, record in IMAGE_NETWORKS.items() if norm in record.norms]
        raise UserError(f"--norm {norm}: is not for MLPs, but for --network {' or '.join(networks)}")
    return MLP(norm, placement, depth, width or MLP.width, activation or MLP.activation, bn_statistics=bn_statistics)


def with_classes(network: MLP | ImageNetwork, classes: int) -> MLP | ImageNetwork:
    """The network for data of so many classes."""
    return replace(network, classes=classes) if isinstance(network, MLP) else network


def network_record(network: MLP | ImageNetwork) -> dict[str, Any]:
    """The network as results keep it; how many classes there are, their data says."""
    return {"bn_statistics": "batch"} | {name: value for name, value in asdict(network).items() if name != "classes"}
