"""The command line: each step of the workflow as a command, for the DAG and for users alike."""

import argparse
import csv
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

# One thread a process, set before numpy and torch start their pools: threads of several jobs fight over the
# cores, and results must not depend on how many there are. Parallel work is several processes.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[_variable] = "1"

from normplace import __version__  # noqa: E402
from normplace.architecture import ACTIVATIONS, BN_STATISTICS, MLP, NORMS, PLACEMENTS, check_placement  # noqa: E402
from normplace.errors import UserError  # noqa: E402
from normplace.provenance import check_writable, versions, write_npz, write_text  # noqa: E402

if TYPE_CHECKING:
    from normplace.datasets import DataRequest

DATASETS_HELP = "gaussian, mnist, cifar10, digits, patches, folder:PATH (images), or file:PATH (from `normplace data`)"


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line: the option, the value, and what is allowed."""

    def error(self, message: str) -> NoReturn:
        """Print the line and exit with code 2."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def positive(text: str) -> int:
    """An integer of at least 1, for argparse."""
    value = int(text) if text.lstrip("+-").isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: a whole number of at least 1 is needed")
    return value


def not_negative(text: str) -> int:
    """An integer of at least 0, for argparse."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text}: a whole number of at least 0 is needed")
    return int(text)


def depths(text: str) -> list[int]:
    """Comma-separated depths, for argparse."""
    return sorted({positive(part) for part in text.split(",")})


def finite(text: str) -> float:
    """A finite number, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: a finite number is needed")
    return value


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command."""
    parser = Parser(prog="normplace", description=__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        command.set_defaults(run=run)
        return command

    data = add("data", run_data, "Write the training points of a data set to one file that file:PATH loads.")
    add_data_options(data, required=True, shift=False)

    sample = add("sample", run_sample, "Guess fractions of many random networks, at every depth up to --depth.")
    add_data_options(sample, required=True)
    add_network_options(sample)
    sample.add_argument(
        "--bn-statistics",
        choices=BN_STATISTICS,
        default="batch",
        help="BatchNorm's statistics: of all points (batch), or eval mode with fresh ones (running)",
    )
    sample.add_argument("--inits", type=positive, default=1000, help="random networks (default 1000)")
    sample.add_argument("--seed", type=not_negative, default=0)
    sample.add_argument("--device", default="auto", help="auto (a GPU where there is one), cpu, or cuda")
    sample.add_argument("--processes", type=positive, default=1, help="processes side by side; no result depends on it")

    theory = add("theory", run_theory, "Infinite-width theory: isotropic, or on a data set's own kernel (--dataset).")
    add_data_options(theory, required=False)
    add_network_options(theory)
    theory.add_argument(
        "--draws-output",
        type=Path,
        metavar="F.npz",
        help="with --dataset: also write guess fractions drawn from the kernel, without any network",
    )
    theory.add_argument("--draws", type=positive, default=10_000, help="how many (default 10000)")
    theory.add_argument(
        "--draws-depths", type=depths, metavar="L,L,...", help="at these depths (default: 1 and --depth)"
    )

    summarise = add("summarise", run_summarise, "Tidy tables (gamma, histograms, regimes) of files of `sample`.")
    summarise.add_argument("samples", type=Path, nargs="+", metavar="SAMPLE.npz")
    summarise.add_argument(
        "--theory",
        type=Path,
        nargs="*",
        default=[],
        metavar="F.npz",
        help="files of `theory --draws-output`, matched by data set and configuration",
    )
    summarise.add_argument("--bootstrap", type=positive, default=1000, help="bootstrap samples (default 1000)")

    for command in commands.choices.values():
        what = "folder" if command is summarise else "file"
        command.add_argument("--output", type=Path, required=True, help=f"the {what} to write")
    return parser


def add_data_options(parser: argparse.ArgumentParser, *, required: bool, shift: bool = True) -> None:
    """The options that say which points to load."""
    group = parser.add_argument_group("data")
    group.add_argument("--dataset", required=required, help=DATASETS_HELP)
    group.add_argument("--data-root", type=Path, help="where MNIST and CIFAR-10 are (default: $DATA_ROOT, else data/)")
    group.add_argument("--classes", help="parity, vehicles-animals, cats-dogs, all, or a JSON map of class names")
    group.add_argument("--points", type=positive, help="the first N training points (default 1000, or all if fewer)")
    group.add_argument(
        "--standardise",
        choices=("paper", "own"),
        help="the paper's constants (default where it has some), or the data's own mean and deviation",
    )
    group.add_argument(
        "--no-stand-in",
        action="store_true",
        help="stop where MNIST or CIFAR-10 cannot be had, instead of going on with a stand-in",
    )
    if shift:
        group.add_argument("--shift", type=finite, default=0.0, help="added after standardisation (default 0)")


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which network."""
    group = parser.add_argument_group("network")
    group.add_argument("--norm", choices=NORMS, required=True)
    group.add_argument("--placement", choices=PLACEMENTS, help="of the norm: before or after the activation")
    group.add_argument("--depth", type=positive, required=True, help="hidden layers; every depth up to it is computed")
    group.add_argument("--width", type=positive, default=100, help="nodes a hidden layer (default 100)")
    group.add_argument("--activation", choices=ACTIVATIONS, default="relu")


def data_request(args: argparse.Namespace) -> "DataRequest":
    """The `DataRequest` that the data options say."""
    from normplace.datasets import DataRequest

    return DataRequest(
        args.dataset,
        args.data_root,
        args.classes,
        args.points,
        getattr(args, "shift", 0.0),
        args.standardise,
        not args.no_stand_in,
    )


def network_options(args: argparse.Namespace) -> dict[str, Any]:
    """The options of the network that results depend on, with the placement checked."""
    return {
        "norm": args.norm,
        "placement": check_placement(args.norm, args.placement),
        "depth": args.depth,
        "width": args.width,
        "activation": args.activation,
        "bn_statistics": getattr(args, "bn_statistics", "batch"),
    }


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
    from normplace.datasets import prepare

    provenance = prepare(data_request(args), args.output)
    print(
        f"{provenance['label']}: {provenance['points']} points of shape {provenance['shape']}, {provenance['source']}"
    )


def run_sample(args: argparse.Namespace) -> None:
    """Run `normplace sample`."""
    network = network_options(args)
    device = resolve_device(args.device)
    from normplace.datasets import load
    from normplace.sampling import sample
    from normplace.statistics import gamma

    data = load(data_request(args))
    spec = MLP(**network, classes=len(data.provenance["classes"]))
    guesses = sample(data.x, spec, args.inits, args.seed, device=device, processes=args.processes, progress=True)
    gammas = gamma(guesses.output_mean, guesses.output_var)
    config = {
        "command": "sample",
        "options": {**network, "inits": args.inits, "seed": args.seed, "device": device},
        "data": data.provenance,
        "versions": versions(),
    }
    write_npz(args.output, {**guesses._asdict(), "gamma": gammas}, config)
    print(f"{data.provenance['label']}: gamma {gammas[0]:.4g} at depth 1, {gammas[-1]:.4g} at depth {args.depth}")


def run_theory(args: argparse.Namespace) -> None:
    """Run `normplace theory`."""
    network = network_options(args)
    import numpy as np

    from normplace import guesses, theory

    at_depth = np.arange(1, args.depth + 1)
    if args.dataset is None:
        if args.draws_output:
            raise UserError("--draws-output: needs --dataset, whose kernel the guess fractions are drawn from")
        rho = theory.correlations(args.norm, network["placement"], args.activation, args.depth)
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

    from normplace import kernel
    from normplace.datasets import load_arrays

    draws_depths = args.draws_depths or sorted({1, args.depth})
    if draws_depths[-1] > args.depth:
        raise UserError(f"--draws-depths {draws_depths[-1]}: deeper than --depth {args.depth}")
    if args.draws_output:
        check_writable(args.draws_output)
    data = load_arrays(data_request(args))
    classes = len(data.provenance["classes"])
    gammas, deviations, drawn = [], [], []
    layers = kernel.hidden_kernels(data.x, args.norm, network["placement"], args.activation, args.depth)
    for layer, hidden in enumerate(tqdm(layers, total=args.depth, unit="layer", disable=None), start=1):
        gammas.append(kernel.gamma(hidden))
        fractions = None
        if classes > 2 or (args.draws_output and layer in draws_depths):
            fractions = kernel.draw_guess_fractions(hidden, classes, args.draws, seed=layer)
        if fractions is None or classes == 2:
            deviations.append(kernel.guess_fraction_std(hidden))
        else:
            deviations.append(float(fractions[:, 0].std()))
        if fractions is not None and layer in draws_depths:
            drawn.append(fractions)
    arrays = {"gamma": np.array(gammas), "guess_fraction_std": np.array(deviations)}
    if args.draws_output:
        config = {"command": "theory", "options": network, "data": data.provenance, "versions": versions()}
        more = {"depths": np.array(draws_depths), "guess_fraction": np.stack(drawn)}
        write_npz(args.draws_output, {**arrays, **more}, config)
    return arrays["gamma"], arrays["guess_fraction_std"]


def run_summarise(args: argparse.Namespace) -> None:
    """Run `normplace summarise`."""
    from normplace.summaries import summarise

    tables = summarise(args.samples, args.theory, args.bootstrap)
    for name, table in zip(("gamma", "histograms", "regimes"), tables, strict=True):
        write_text(args.output / f"{name}.csv", table.to_csv(index=False))


def main(arguments: list[str] | None = None) -> None:
    """Entry point: a user's mistake ends with one line and exit code 2, Ctrl-C with 130."""
    args = build_parser().parse_args(arguments)
    try:
        check_writable(args.output / "x" if args.command == "summarise" else args.output)
        args.run(args)
    except UserError as error:
        print(f"normplace {args.command}: error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("normplace: interrupted, nothing was written", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
