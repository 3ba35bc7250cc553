"""What each command does with its options. Heavy imports wait until the options have been checked."""

import argparse
import csv
import io
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from normplace.errors import UserError
from normplace.files import (
    check_writable,
    sha256_of_arrays,
    sha256_of_text,
    versions,
    write_json,
    write_npz,
    write_text,
)
from normplace.networks.architecture import MLP, ImageNetwork, check_placement

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from normplace.data.datasets import DataRequest


def data_request(args: argparse.Namespace) -> "DataRequest":
    """The `DataRequest` that the data options say."""
    from normplace.data.datasets import DataRequest

    return DataRequest(
        args.dataset,
        args.data_root,
        args.classes,
        args.points,
        getattr(args, "shift", 0.0),
        args.standardise,
        not args.no_stand_in,
        getattr(args, "test_points", 0),
    )


def network_options(args: argparse.Namespace) -> dict[str, Any]:
    """The options of the network that results depend on, with the placement checked.

    An MLP's are the arguments of `MLP` but for the classes; of a network for images its name is one.
    """
    bn_statistics = getattr(args, "bn_statistics", "batch")
    if getattr(args, "network", "mlp") != "mlp":
        return image_network_options(args, bn_statistics)
    if args.depth is None:
        raise UserError("--depth is missing: an MLP needs a number of hidden layers, at least 1")
    if args.norm == "group":
        raise UserError("--norm group: is for --network resnet9 or cnn; an MLP's is layer")
    if bn_statistics == "running" and args.norm != "batch":
        raise UserError(f"--bn-statistics running: is for --norm batch, not {args.norm}")
    if getattr(args, "width", None) == 1 and args.norm == "layer":
        raise UserError("--width 1: LayerNorm over one node leaves nothing, at least 2 are needed")
    return {
        "norm": args.norm,
        "placement": check_placement(args.norm, args.placement),
        "depth": args.depth,
        **({"width": args.width or MLP.width} if hasattr(args, "width") else {}),  # theory has none
        "activation": args.activation or MLP.activation,
        "bn_statistics": bn_statistics,
    }


def image_network_options(args: argparse.Namespace, bn_statistics: str) -> dict[str, Any]:
    """The options of a network for images, whose depth, width and activation are its own.

    Raises:
        UserError: a norm that it cannot have, or an option that is for MLPs.
    """
    for option in ("depth", "width", "activation"):
        value = getattr(args, option)
        if value is not None:
            raise UserError(f"--{option} {value}: is for --network mlp; {args.network} has its own")
    if bn_statistics == "running":
        raise UserError(f"--bn-statistics running: is for --network mlp, not {args.network}")
    return {**vars(ImageNetwork(args.network, args.norm, args.placement)), "bn_statistics": bn_statistics}


def data_options(args: argparse.Namespace) -> dict[str, Any]:
    """The data options as they were given, for the record; not where this machine keeps its data."""
    names = ("dataset", "classes", "points", "test_points", "standardise", "shift", "no_stand_in")
    given = {name: getattr(args, name) for name in names if hasattr(args, name)}
    if (given["dataset"] or "").startswith("file:"):  # its provenance says what is in it, wherever it lies
        given["dataset"] = f"file:{Path(given['dataset']).name}"
    return given


def resolve_device(name: str) -> str:
    """The device to use: auto takes a GPU where there is one.

    Raises:
        UserError: an unknown device, or cuda where torch sees none.
    """
    import torch

    if name not in ("auto", "cpu", "cuda"):
        raise UserError(f"--device {name}: allowed are auto, cpu, cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: torch sees no GPU here; use --device cpu or auto")
    return "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"


def run_data(args: argparse.Namespace) -> None:
    """Run `normplace data`."""
    from normplace.data.datasets import prepare

    provenance = prepare(data_request(args), args.output)
    print(
        f"{provenance['label']}: {provenance['points']} points of shape {provenance['shape']}, {provenance['source']}"
    )


def run_sample(args: argparse.Namespace) -> None:
    """Run `normplace sample`."""
    network = network_options(args)
    device = resolve_device(args.device)
    import numpy as np

    from normplace.data.datasets import read
    from normplace.sampling.images import sample_images
    from normplace.sampling.mlps import sample
    from normplace.statistics import gamma

    data = read(data_request(args))
    classes = len(data.provenance["classes"])
    how = {"device": device, "processes": args.processes, "progress": f"{args.norm} {network['placement']}"}
    if "network" in network:
        build = image_network_builder(network, tuple(data.x.shape[1:]), classes)
        guesses = sample_images(build, data.x, args.inits, args.seed, **how)
    else:
        guesses = sample(data.x, MLP(**network, classes=classes), args.inits, args.seed, **how)
    if not (np.isfinite(guesses.output_var).all() and guesses.output_var.any(axis=(1, 2)).all()):
        raise UserError("the outputs vanish or overflow in float32 at some depth: use fewer layers, or a norm")
    gammas = gamma(guesses.output_mean, guesses.output_var)
    config = {
        "command": "sample",
        "options": {**data_options(args), **network, "inits": args.inits, "seed": args.seed, "device": device},
        "data": data.provenance,
        "versions": versions(),
    }
    write_npz(args.output, {**guesses._asdict(), "gamma": gammas}, config)
    found = f"gamma {gammas[0]:.4g}" + (f" at depth 1, {gammas[-1]:.4g} at depth {args.depth}" if args.depth else "")
    print(f"{data.provenance['label']}: {found}")


def image_network_builder(network: dict[str, Any], shape: tuple[int, ...], classes: int) -> "Callable[[], nn.Module]":
    """A function that makes a network for images of these options, for points of this shape.

    Raises:
        UserError: the points are no images, or of a size that the network cannot take.
    """
    from functools import partial

    from normplace.networks.images import image_network

    build = partial(image_network, network["network"], network["norm"], network["placement"], shape, classes)
    build()  # refuses at once what it cannot take
    return build


def run_theory(args: argparse.Namespace) -> None:
    """Run `normplace theory`."""
    network = network_options(args)
    import numpy as np

    from normplace.theories import guesses
    from normplace.theories import isotropic as theory

    at_depth = np.arange(1, args.depth + 1)
    if args.dataset is None:
        ignored = {**data_options(args), "data_root": args.data_root, "draws_output": args.draws_output}
        for name, value in ignored.items():
            if value:
                raise UserError(
                    f"--{name.replace('_', '-')}: needs --dataset; without one, theory is for isotropic data"
                )
        rho = theory.correlations(args.norm, network["placement"], network["activation"], args.depth)
        gammas = np.array([theory.gamma_of_correlation(value) for value in rho])
        deviations = np.array([guesses.standard_deviation(value) for value in gammas])
    else:
        gammas, deviations = kernel_theory(args, network)
        rho = gammas / (1 + gammas)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("depth", "gamma", "correlation", "guess_fraction_std"))
    table.writerows(zip(at_depth.tolist(), gammas.tolist(), rho.tolist(), deviations.tolist(), strict=True))
    write_text(args.output, text.getvalue())


def kernel_theory(args: argparse.Namespace, network: dict[str, Any]) -> tuple[Any, Any]:
    """gamma and the deviation of G_0 by depth on the data's own kernel; writes --draws-output where asked."""
    import numpy as np
    from tqdm import tqdm

    from normplace.data.datasets import read_arrays
    from normplace.theories import kernel

    if args.draws_depths and not args.draws_output:
        raise UserError("--draws-depths: needs --draws-output")
    draws_depths = args.draws_depths or sorted({1, args.depth})
    if draws_depths[-1] > args.depth:
        raise UserError(f"--draws-depths {draws_depths[-1]}: deeper than --depth {args.depth}")
    if args.draws_output:
        check_writable(args.draws_output, "--draws-output")
    data = read_arrays(data_request(args))
    classes = len(data.provenance["classes"])
    gammas, deviations, drawn = [], [], []
    layers = kernel.hidden_kernels(data.x, args.norm, network["placement"], network["activation"], args.depth)
    for layer, hidden in enumerate(tqdm(layers, total=args.depth, unit="layer", disable=None), start=1):
        gammas.append(kernel.gamma(hidden))
        deviations.append(kernel.guess_fraction_std(hidden, classes))
        if args.draws_output and layer in draws_depths:
            drawn.append(kernel.draw_guess_fractions(hidden, classes, args.draws, seed=layer))
    arrays = {"gamma": np.array(gammas), "guess_fraction_std": np.array(deviations)}
    if args.draws_output:
        config = {
            "command": "theory",
            "options": {**data_options(args), **network, "draws": args.draws},
            "data": data.provenance,
            "versions": versions(),
        }
        more = {"depths": np.array(draws_depths), "guess_fraction": np.stack(drawn)}
        write_npz(args.draws_output, {**arrays, **more}, config)
    return arrays["gamma"], arrays["guess_fraction_std"]


def run_train(args: argparse.Namespace) -> None:
    """Run `normplace train`."""
    network = network_options(args)
    device = resolve_device(args.device)
    from normplace.data.datasets import read
    from normplace.networks.architecture import ImageNetwork
    from normplace.training.runs import Plan
    from normplace.training.train import summary, train

    data = read(data_request(args))
    if not len(data.test_y):
        raise UserError(f"--dataset {args.dataset}: has no test points; a prepared file needs --test-points")
    if "network" in network:
        net: MLP | ImageNetwork = ImageNetwork(*(network[name] for name in ("network", "norm", "placement")))
    else:
        net = MLP(**network, classes=len(data.classes))
    plan = vars(Plan(args.optimizer, args.lr, args.batch_size, args.epochs, args.runs, args.select, args.seed))
    how = {name: value for name, value in plan.items() if name not in ("learning_rate", "runs", "seed")}
    unfinished = args.output.with_name(f".{args.output.name}.unfinished")
    rows = train(
        net, data, args.runs, args.seed, lr=args.lr, **how,
        device=device, processes=args.processes, unfinished=unfinished, progress=True,
    )  # fmt: skip
    text = rows.to_csv(index=False, float_format="%.8g")
    of_test = {
        "test_sha256": sha256_of_arrays([data.test_x.numpy(), data.test_y.numpy()]),
        "test_class_counts": data.test_y.bincount().tolist(),
    }
    config = {
        "command": "train",
        "options": {**data_options(args), **network, **plan, "device": device},
        "data": {**data.provenance, **of_test},
        "versions": versions(),
    }
    write_json(args.output.with_suffix(".json"), {**config, "rows_sha256": sha256_of_text(text)})
    write_text(args.output, text)
    shutil.rmtree(unfinished, ignore_errors=True)
    print(summary(rows))


def run_summarise(args: argparse.Namespace) -> None:
    """Run `normplace summarise`."""
    from normplace.tables.samples import summarise

    for name, table in summarise(args.samples, args.theory, args.bootstrap).items():
        write_text(args.output / f"{name}.csv", table.to_csv(index=False))


def run_finite_width(args: argparse.Namespace) -> None:
    """Run `normplace finite-width`."""
    from normplace.tables.finite_width import first_order

    write_text(args.output, first_order(args.samples, args.theory, args.bootstrap).to_csv(index=False))


def run_curves(args: argparse.Namespace) -> None:
    """Run `normplace curves`."""
    from normplace.tables.learning_curves import summarise

    for name, table in zip(("curves", "milestones"), summarise(args.trainings), strict=True):
        write_text(args.output / f"{name}.csv", table.to_csv(index=False))


def run_measurements(args: argparse.Namespace) -> None:
    """Run `normplace measurements`."""
    from normplace.tables.zoo import measurements

    write_text(args.output, measurements(args.measured).to_csv(index=False))
