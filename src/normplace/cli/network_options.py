"""The options that say which network, and the checked specification that they make."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import click

from normplace.cli.options import Decorator, Names, Whole, gathered
from normplace.errors import UserError
from normplace.networks import architecture
from normplace.networks.architecture import MLP, check_image_network, check_placement


@dataclass(frozen=True)
class ImageNetwork:
    """A network for images, whose depth, width and activation are its own."""

    network: str
    norm: str
    placement: str
    bn_statistics: str = "batch"


def mlp_options(norms: Callable[[], Iterable[str]], *more: Decorator) -> Decorator:
    """Options that give the command a `network`: those of an MLP but for its width, and more."""
    return gathered(
        "network",
        specification,
        click.option("--norm", type=Names(norms), required=True),
        click.option(
            "--placement",
            type=Names(lambda: architecture.PLACEMENTS),
            help="of the norm: before or after the activation",
        ),
        click.option("--depth", type=Whole(1), help="hidden layers of an MLP (sample, theory: every depth up to it)"),
        click.option("--activation", type=Names(lambda: architecture.ACTIVATIONS), help="of an MLP (default: relu)"),
        *more,
    )


def network_options(norms: Callable[[], Iterable[str]], *more: Decorator) -> Decorator:
    """`mlp_options`, with a width, and networks for images."""
    return mlp_options(
        norms,
        click.option("--width", type=Whole(1), help="nodes a hidden layer of an MLP (default: 100)"),
        click.option(
            "--network",
            type=Names(lambda: ("mlp", *architecture.IMAGE_NETWORKS)),
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
        return ImageNetwork(network, norm, check_image_network(network, norm, placement))
    if depth is None:
        raise UserError("--depth is missing: an MLP needs a number of hidden layers, at least 1")
    if norm == "group":
        raise UserError("--norm group: is for --network resnet9 or cnn; an MLP's is layer")
    if bn_statistics == "running" and norm != "batch":
        raise UserError(f"--bn-statistics running: is for --norm batch, not {norm}")
    if width == 1 and norm == "layer":
        raise UserError("--width 1: LayerNorm over one node leaves nothing, at least 2 are needed")
    placement, activation = check_placement(norm, placement), activation or MLP.activation
    return MLP(norm, placement, depth, width or MLP.width, activation, bn_statistics=bn_statistics)


def network_record(network: MLP | ImageNetwork) -> dict[str, Any]:
    """The network as results keep it; how many classes there are, their data says."""
    return {name: value for name, value in asdict(network).items() if name != "classes"}
