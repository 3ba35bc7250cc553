"""`normplace measure`: how prejudiced is my network?"""

import json
import math
import re
import sys
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from normplace.cli import options
from normplace.cli.data_options import data_options, data_record
from normplace.data.datasets import DataRequest
from normplace.errors import UserError
from normplace.files import check_writable
from normplace.tables.records import write_measurement

if TYPE_CHECKING:
    from collections.abc import Callable

    from normplace.data.inputs import Inputs
    from normplace.measuring.measure import Measurement

    Pair = tuple[str, Any]  # an argument's name and value
    Pairs = list[Pair]
    Varied = tuple[str, list[Any]]  # a name and its values
    Found = tuple[str, Pairs, Measurement]  # a model and those of its arguments that vary

MODEL = (
    "torchvision:NAME, timm:NAME, transformers:TYPE (or its config.json), or package.module:callable, a function or "
    "class of yours that returns a new torch.nn.Module. torchvision gets grey images as three equal channels. "
    "Of several models --output holds all, and the picture compares them"
)
MORE = (
    "; or npy:FILE.npy or npz:FILE.npz, floats or int64 tokens [n, ...] used as they are (arrays of an .npz are the "
    "arguments of their names), text:FILE,LENGTH or text:PACKAGE,LENGTH (bytes as tokens, of a file or of the texts of "
    "a Python package), gaussian:SHAPE such as gaussian:3x32x32, tokens:VOCABULARY,LENGTH"
)


class Argument(click.ParamType[tuple[str, Any]]):
    """NAME=VALUE as a pair, the value typed as YAML is; with `several`, values between commas."""

    name = "name=value"

    def __init__(self, *, several: bool = False) -> None:
        self.several = several

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """As the help shows it."""
        return "NAME=V,W,..." if self.several else "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """Refuse what has no name or is no YAML."""
        import yaml

        name, equals, text = str(value).partition("=")
        if not (name and equals and text):
            self.fail(f"{value!r} is not {self.get_metavar(param, ctx)}.", param, ctx)  # type: ignore[arg-type]
        try:
            typed = _plain(yaml.safe_load(f"[{text}]" if self.several else text))
        except yaml.YAMLError:
            self.fail(f"{text!r} is not valid YAML.", param, ctx)
        except ValueError as error:
            self.fail(f"{text!r} {error}.", param, ctx)
        if self.several and len({json.dumps(one) for one in typed}) < len(typed):
            self.fail(f"{value!r} has a value twice.", param, ctx)
        return name, typed


def _plain(value: Any) -> Any:
    """What JSON can hold, as the result keeps it. 1e-3 is a number, too, which YAML 1.1 takes for a word."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("is no finite number")
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?e[-+]?\d+", value, re.I):
        return float(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)  # a date as a word


@options.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", help=MODEL)
@data_options(more=MORE)
@click.option("--model-arg", "arguments", type=Argument(), multiple=True, help="of the callable or model; a.b=1 nests")
@click.option(
    "--vary",
    type=Argument(several=True),
    multiple=True,
    help="measure for each of these values of a --model-arg; of several, for all combinations",
)
@click.option("--resize", type=options.Whole(1), help="images to N x N, for models that need it")
@click.option("--inits", type=options.Whole(2), default=200, help="random networks")
@click.option(
    "--positions",
    metavar="P",
    help="last, mean, all or an index, of outputs with positions (default: last of a sequence's, all of pixels)",
)
@click.option("--binary", type=click.Choice(("logit", "probability")), help="what the one output per point is")
@click.option("--contrast", is_flag=True, help="the same networks also on shuffled and on random inputs")
@click.option("--try", "remedy", is_flag=True, help="and with inputs centred, outputs centred, a smaller last layer")
@click.option("--no-trial", is_flag=True, help="give the model all points from the start, for one that needs so many")
@click.option(
    "--precision",
    type=options.Number(above=0),
    help="an error unless gamma's interval is within +-X of it (such as .1); it says how many --inits that takes",
)
@click.option("--threads", type=options.Whole(1), default=1, help="of one forward pass")
@options.seed
@options.device
@options.output("the file to write, F.json; the picture goes beside it", suffix=".json")
def measure(
    models: tuple[str, ...],
    request: DataRequest,
    arguments: tuple[tuple[str, Any], ...],
    vary: tuple[tuple[str, list[Any]], ...],
    resize: int | None,
    inits: int,
    positions: str | None,
    binary: str | None,
    contrast: bool,
    remedy: bool,
    no_trial: bool,
    precision: float | None,
    threads: int,
    seed: int,
    device: str,
    output: Path,
) -> None:
    """How prejudiced is my network? Any PyTorch model that guesses."""
    _check_arguments(models, arguments, vary)
    for beside in (".png", ".pdf"):
        check_writable(output.with_suffix(beside))
    written_to, output = output, output.absolute()  # a model's module may go to another folder when it is imported
    del sys.argv[1:]  # and may read it: these are no options of the module's
    from normplace.parallel import resolve_device

    device = resolve_device(device)
    import torch

    from normplace.data.inputs import load_inputs
    from normplace.measuring import measure as measuring
    from normplace.measuring.memory import bounded
    from normplace.measuring.named import find_model
    from normplace.measuring.outputs import check_positions
    from normplace.measuring.points import Points

    torch.set_num_threads(threads)
    bounded()
    inputs = load_inputs(request, resize)
    given = inputs.given()
    classes = len(inputs.class_names) if inputs.class_names else None
    check_positions(positions)

    def measured(model: str, more: "Pairs") -> "Measurement":
        x = given
        if model.startswith("torchvision:") and isinstance(x, torch.Tensor) and x.ndim == 4 and x.shape[1] == 1:
            x = x.expand(-1, 3, -1, -1)  # its models are for colour images
        try:
            build = find_model(model, Points.of(x), classes, _nested([*arguments, *more]))
            return measuring.measure(
                build, x, inits, seed, labels=inputs.labels, classes=classes, positions=positions, binary=binary,
                contrast=contrast, remedy=remedy, trial=not no_trial, device=device, progress=True,
            )  # fmt: skip
        except UserError as error:
            with_values = "".join(f", {name}={value}" for name, value in more)
            of_arguments = "builder raised" in str(error) and (arguments or more)
            size_may_help = _is_of_images(model, x, error) and not of_arguments
            hint = " (--resize N gives images another size)" if size_may_help else ""
            raise UserError(f"MODEL {model}{with_values}: {error}{hint}") from error

    wanted = [(model, more) for model in models for more in _combinations(vary)]
    found, failed = _measured_of(wanted, measured, inits)
    asked: dict[str, Any] = {
        "model": models[0] if len(models) == 1 else list(models),
        "model_arguments": dict(arguments),
        **data_record(request),
        **{"resize": resize, "inits": inits, "positions": positions, "binary": binary, "seed": seed, "device": device},
    }
    if len(wanted) == 1:
        asked["model_arguments"] |= dict(found[0][1])
        _write_one(found[0], asked, inputs, output)
    else:
        _write_sweep(found, _names(vary), asked, inputs, output)
    print(f"written: {', '.join(str(written_to.with_suffix(suffix)) for suffix in ('.json', '.png', '.pdf'))}")
    if failed:
        raise UserError(f"{len(failed)} of {len(wanted)} were not measured: {'; '.join(map(str, failed))}")
    if len(found) < len(wanted):
        print(f"normplace: interrupted after {len(found)} of {len(wanted)} models", file=sys.stderr)
        sys.exit(130)
    for _, _, of in found:
        _interrupted_or_imprecise(of, precision)


def _check_arguments(models: tuple[str, ...], arguments: "tuple[Pair, ...]", vary: "tuple[Varied, ...]") -> None:
    """Refuse what is given twice, or a value beside values inside it."""
    for option, names in (("MODEL", models), ("--model-arg", _names(arguments)), ("--vary", _names(vary))):
        if twice := [name for name in names if names.count(name) > 1]:
            raise UserError(f"{option} {twice[0]}: is given twice")
    _nested([*arguments, *((name, values[0]) for name, values in vary)])


def _measured_of(
    wanted: "list[tuple[str, Pairs]]", measured: "Callable[[str, Pairs], Measurement]", inits: int
) -> "tuple[list[Found], list[UserError]]":
    """What could be measured, and why the others could not be; after Ctrl-C, what there is by then.

    Raises:
        UserError: nothing could be measured.
    """
    found: list[Found] = []
    failed = []
    try:
        for model, more in wanted:
            try:
                found.append((model, more, measured(model, more)))
            except UserError as error:
                failed.append(error)
            if found and found[-1][2].inits < inits:
                break
    except KeyboardInterrupt:
        if not found:
            raise
    if not found:
        raise failed[0]
    return found, failed


def _write_one(found: "Found", asked: dict[str, Any], inputs: "Inputs", output: Path) -> None:
    from normplace.measuring import picture, report

    model, _, one = found
    title = f"{model} on {inputs.provenance['label']}"
    write_measurement(output, asked, inputs.provenance, report.record(one))
    picture.write(one, title, output)
    print(report.report(one, title, inputs.class_names))


def _write_sweep(
    found: "list[Found]", varied: list[str], asked: dict[str, Any], inputs: "Inputs", output: Path
) -> None:
    from normplace.measuring import picture, report

    several = isinstance(asked["model"], list)
    models = f"{len(asked['model'])} models" if several else asked["model"]
    title = f"{models} on {inputs.provenance['label']}"
    written = [{"model": model, "arguments": dict(more), **report.record(of)} for model, more, of in found]
    write_measurement(output, asked, inputs.provenance, {"measurements": written})
    by_value = {", ".join([model] * several + [str(value) for _, value in more]): of for model, more, of in found}
    argument = ", ".join(["model"] * several + varied)
    picture.write_sweep(by_value, argument, title, output)
    print(report.sweep(by_value, argument, title))


def _names(pairs: "tuple[Pair | Varied, ...]") -> list[str]:
    return [name for name, _ in pairs]


def _combinations(vary: "tuple[Varied, ...]") -> "list[Pairs]":
    """All combinations of values, each as pairs of name and value; one without any where nothing varies."""
    return [list(zip([name for name, _ in vary], values, strict=True)) for values in product(*(of for _, of in vary))]


def _nested(arguments: "Pairs") -> dict[str, Any]:
    """Arguments by name, a.b=1 as {"a": {"b": 1}}."""
    found: dict[str, Any] = {}
    for name, value in arguments:
        *outer, last = name.split(".")
        inside = found
        for part in outer:
            inside = inside.setdefault(part, {})
            if not isinstance(inside, dict):
                raise UserError(f"--model-arg {name}: {part} has a value of its own")
        if isinstance(inside.get(last), dict) and not isinstance(value, dict):
            raise UserError(f"--model-arg {name}: has a value inside it, too")
        inside[last] = value
    return found


def _is_of_images(model: str, given: Any, error: UserError) -> bool:
    is_image = getattr(given, "ndim", 0) == 4
    return is_image and model.split(":")[0] in ("torchvision", "timm") and " raised " in str(error)


def _interrupted_or_imprecise(found: "Measurement", precision: float | None) -> None:
    from normplace.measuring.prejudice import half_width

    if found.inits < found.asked:
        print(f"normplace: interrupted after {found.inits} of {found.asked} networks", file=sys.stderr)
        sys.exit(130)
    reached = half_width(found.batch.gamma)
    if precision is not None and not math.isfinite(reached):
        raise UserError(f"--precision {precision:g}: cannot be reached, gamma is undefined or infinite here")
    if precision is not None and reached > precision:
        needed = math.ceil(found.inits * (reached / precision) ** 2)  # an interval shrinks as 1/sqrt(networks)
        raise UserError(
            f"--precision {precision:g}: gamma's interval is ±{reached:.3g} of it with {found.inits} networks, about "
            f"{needed} are needed (--inits {needed}); what was measured is written"
        )
