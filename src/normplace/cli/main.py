"""The command line: each step of the workflow as a command, for the DAG and for users alike."""

import argparse
import atexit
import gc
import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

# One thread a process, set before numpy and torch start their pools: threads of several jobs fight over the
# cores, and results must not depend on how many there are. Parallel work is several processes.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[_variable] = "1"

from normplace import __version__  # noqa: E402
from normplace.cli import commands  # noqa: E402
from normplace.cli import measure as measure_command  # noqa: E402
from normplace.cli import verify as verify_command  # noqa: E402
from normplace.errors import UserError  # noqa: E402
from normplace.files import check_writable  # noqa: E402
from normplace.networks.architecture import (  # noqa: E402
    ACTIVATIONS,
    BN_STATISTICS,
    HALVES,
    IMAGE_NETWORKS,
    NORMS,
    PLACEMENTS,
)

DATASETS_HELP = "gaussian, mnist, cifar10, digits, patches, folder:PATH (images), or file:PATH (from `normplace data`)"
MODEL_HELP = (
    "torchvision:NAME (grey images are given to it as three equal channels), or package.module:callable, a function or "
    "class of yours that returns a new torch.nn.Module"
)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line: the option, the value, and what is allowed."""

    def error(self, message: str) -> NoReturn:
        """Print the line and exit with code 2."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def positive(text: str) -> int:
    """An integer of at least 1, for argparse."""
    return _integer(text, 1)


def two_or_more(text: str) -> int:
    """An integer of at least 2, for argparse: a variance needs two."""
    return _integer(text, 2)


def not_negative(text: str) -> int:
    """An integer of at least 0, for argparse."""
    return _integer(text, 0)


def _integer(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"{text}: a whole number of at least {least} is needed")
    return value


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


def positive_number(text: str) -> float:
    """A finite number above 0, for argparse."""
    value = finite(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text}: a number above 0 is needed")
    return value


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command."""
    parser = Parser(prog="normplace", description=__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        command = subparsers.add_parser(name, help=text, description=text, allow_abbrev=False)
        command.set_defaults(run=run)
        return command

    data = add("data", commands.run_data, "Write points of a data set to one file that file:PATH loads.")
    add_data_options(data, required=True, shift=False)
    data.add_argument("--test-points", type=not_negative, default=0, help="the first N test points too (default 0)")

    sample = add("sample", commands.run_sample, "Guess fractions of random networks, MLPs at every depth to --depth.")
    add_data_options(sample, required=True)
    add_network_options(sample, norms=(*NORMS, *HALVES, "group"))
    sample.add_argument(
        "--bn-statistics",
        choices=BN_STATISTICS,
        default="batch",
        help="BatchNorm's statistics: of all points (batch), or eval mode with fresh ones (running)",
    )
    sample.add_argument("--inits", type=two_or_more, default=1000, help="random networks (default 1000)")
    add_run_options(sample)

    theory = add("theory", commands.run_theory, "Infinite-width theory, isotropic or on a data set's own kernel.")
    add_data_options(theory, required=False)
    add_mlp_options(theory.add_argument_group("network"), norms=(*NORMS, *HALVES))
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

    train = add("train", commands.run_train, "Train many runs and record how the first guess is absorbed.")
    add_data_options(train, required=True)
    train.add_argument("--test-points", type=positive, help="the first N test points (default: all)")
    add_network_options(train, norms=(*NORMS, "group"))
    train.add_argument("--optimizer", choices=("adam", "sgd"), default="adam")
    train.add_argument("--lr", type=positive_number, required=True, help="learning rate")
    train.add_argument("--batch-size", type=positive, default=512, help="points a step (default 512)")
    train.add_argument("--epochs", type=positive, required=True)
    train.add_argument("--runs", type=positive, default=10, help="independent runs (default 10)")
    train.add_argument(
        "--select",
        choices=("any", "prejudiced", "neutral"),
        default="any",
        help="redraw the start until guess fractions differ by more than .9, or less than .1 (default any)",
    )
    add_run_options(train)

    measure = add("measure", measure_command.run_measure, "How prejudiced is my network? Any PyTorch classifier.")
    measure.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    add_data_options(measure, required=True, more="; or npy:FILE.npy, floats [n, ...] used as they are")
    measure.add_argument("--resize", type=positive, metavar="N", help="images to N x N, for models that need it")
    measure.add_argument("--inits", type=two_or_more, default=200, help="random networks (default 200)")
    measure.add_argument(
        "--precision",
        type=positive_number,
        metavar="P",
        help="an error unless gamma's interval is within +-P of it (such as .1); it says how many --inits that takes",
    )
    measure.add_argument("--threads", type=positive, default=1, help="of one forward pass (default 1)")
    add_run_options(measure, processes=False)

    summarise = add("summarise", commands.run_summarise, "Tidy tables of samples: gamma, histograms, regimes, classes.")
    add_sample_options(summarise, theory_required=False)

    finite_width = add("finite-width", commands.run_finite_width, "How gamma changes with depth / width, fitted.")
    add_sample_options(finite_width, theory_required=True)

    curves = add("curves", commands.run_curves, "Tidy tables (curves, milestones) of training runs.")
    curves.add_argument("trainings", type=Path, nargs="+", metavar="TRAINING.csv")

    measurements = add("measurements", commands.run_measurements, "Tidy table of measured models.")
    measurements.add_argument("measured", type=Path, nargs="+", metavar="MEASURED.json")

    for command in subparsers.choices.values():
        what = "folder" if command in (summarise, curves) else "file"
        more = ", F.json; the picture goes beside it" if command is measure else ""
        command.add_argument("--output", type=Path, required=True, help=f"the {what} to write{more}")
    add_verify_options(
        add("verify", verify_command.run_verify, "Which claims hold; are files unaltered; do runs agree.")
    )
    return parser


def add_verify_options(parser: argparse.ArgumentParser) -> None:
    """What to verify: the claims, unless files or another run are asked for."""
    parser.add_argument("--results", type=Path, default=Path("results/quick"), help="a run (default results/quick)")
    parser.add_argument("--claims", type=Path, default=Path("claims.yaml"), help="the claims (default claims.yaml)")
    parser.add_argument(
        "--output", type=Path, help="folder to write claims.md, claims.csv, claims.json to (default RESULTS/tables)"
    )
    parser.add_argument(
        "--integrity", action="store_true", help="instead: name each file that is not as the manifest says"
    )
    parser.add_argument(
        "--against", type=Path, metavar="DIR", help="instead: compare with another run, such as reference/quick"
    )


def add_data_options(parser: argparse.ArgumentParser, *, required: bool, shift: bool = True, more: str = "") -> None:
    """The options that say which points to load; more: data sets that only this command takes."""
    group = parser.add_argument_group("data")
    group.add_argument("--dataset", required=required, help=DATASETS_HELP + more)
    group.add_argument("--data-root", type=Path, help="where MNIST and CIFAR-10 are (default: $DATA_ROOT, else data/)")
    group.add_argument("--classes", help="parity, vehicles-animals, cats-dogs, all, or a JSON map of class names")
    group.add_argument("--points", type=two_or_more, help="the first N training points (default 1000, or all if fewer)")
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


def add_sample_options(parser: argparse.ArgumentParser, *, theory_required: bool) -> None:
    """The files that tidy tables are made of, and the resamples of their intervals."""
    parser.add_argument("samples", type=Path, nargs="+", metavar="SAMPLE.npz")
    parser.add_argument(
        "--theory",
        type=Path,
        nargs="+" if theory_required else "*",
        default=[],
        required=theory_required,
        metavar="F.npz",
        help="files of `theory --draws-output`, matched by data set and configuration",
    )
    parser.add_argument("--bootstrap", type=positive, default=1000, help="bootstrap samples (default 1000)")


def add_run_options(parser: argparse.ArgumentParser, *, processes: bool = True) -> None:
    """The options that say how to run: only the seed changes results."""
    parser.add_argument("--seed", type=not_negative, default=0)
    parser.add_argument("--device", default="auto", help="auto (a GPU where there is one), cpu, or cuda")
    if processes:
        parser.add_argument(
            "--processes", type=positive, default=1, help="processes side by side; no result depends on it"
        )


def add_network_options(parser: argparse.ArgumentParser, *, norms: tuple[str, ...]) -> None:
    """The options that say which network, of those that have a width."""
    group = parser.add_argument_group("network")
    group.add_argument(
        "--network",
        choices=("mlp", *IMAGE_NETWORKS),
        default="mlp",
        help="an MLP (default), or a network for images of fixed depth, width and activation",
    )
    add_mlp_options(group, norms=norms)
    group.add_argument("--width", type=positive, help="nodes a hidden layer of an MLP (default 100)")


def add_mlp_options(group: argparse._ArgumentGroup, *, norms: tuple[str, ...]) -> None:
    """The options of an MLP that theory has too."""
    group.add_argument("--norm", choices=norms, required=True)
    group.add_argument("--placement", choices=PLACEMENTS, help="of the norm: before or after the activation")
    group.add_argument("--depth", type=positive, help="hidden layers of an MLP (sample, theory: every depth up to it)")
    group.add_argument("--activation", choices=ACTIVATIONS, help="of an MLP (default relu)")


def main(arguments: list[str] | None = None) -> None:
    """Entry point: a user's mistake ends with one line and exit code 2, the machine's with 3, Ctrl-C with 130."""
    atexit.register(gc.freeze)  # else Python ends with half a second's search for cycles in what torch has loaded
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error does: no terminal is too old for a result
    args = build_parser().parse_args(_with_negative_exponents(sys.argv[1:] if arguments is None else arguments))
    try:
        if args.command != "verify":  # whose output is optional
            check_writable(args.output / "x" if args.command in ("summarise", "curves") else args.output)
        if args.command == "train":
            if args.output.suffix == ".json":
                raise UserError(f"--output {args.output}: .json is for the settings beside it, name it .csv")
            check_writable(args.output.with_suffix(".json"))
        args.run(args)
    except UserError as error:
        print(f"normplace {args.command}: error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # a full disk, a folder that is gone
        print(f"normplace {args.command}: error: {error.filename or args.output}: {error.strerror}", file=sys.stderr)
        sys.exit(3)
    except KeyboardInterrupt:
        print("normplace: interrupted; the output was not written", file=sys.stderr)
        sys.exit(130)


def _with_negative_exponents(arguments: list[str]) -> list[str]:
    """Join "--lr", "-1e-3" to "--lr=-1e-3": argparse takes -1e-3 for an option, and says nothing of its value."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1].startswith("--") and re.fullmatch(r"-[\d.]+e[+-]?\d+", argument, re.IGNORECASE):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


if __name__ == "__main__":
    main()
