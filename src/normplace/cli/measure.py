"""`normplace measure`: how prejudiced is my network?"""

import math
import sys
from pathlib import Path

import click

from normplace.cli import options
from normplace.cli.data_options import data_options, data_record
from normplace.data.datasets import DataRequest
from normplace.errors import UserError
from normplace.files import check_writable
from normplace.tables.records import write_measurement

MODEL = (
    "torchvision:NAME (grey images are given to it as three equal channels), or package.module:callable, a function or "
    "class of yours that returns a new torch.nn.Module"
)


@options.command()
@click.argument("model", metavar="MODEL", help=MODEL)
@data_options(more="; or npy:FILE.npy, floats [n, ...] used as they are")
@click.option("--resize", type=options.Whole(1), help="images to N x N, for models that need it")
@click.option("--inits", type=options.Whole(2), default=200, help="random networks")
@click.option(
    "--precision",
    type=options.Number(above=0),
    help="an error unless gamma's interval is within +-X of it (such as .1); it says how many --inits that takes",
)
@click.option("--threads", type=options.Whole(1), default=1, help="of one forward pass")
@options.seed
@options.device
@options.output("the file to write, F.json; the picture goes beside it")
def measure(
    model: str,
    request: DataRequest,
    resize: int | None,
    inits: int,
    precision: float | None,
    threads: int,
    seed: int,
    device: str,
    output: Path,
) -> None:
    """How prejudiced is my network? Any PyTorch classifier."""
    if output.suffix != ".json":
        raise UserError(f"--output {output}: needs the suffix .json; the picture goes beside it")
    pictures = [output.with_suffix(suffix) for suffix in (".png", ".pdf")]
    for picture in pictures:
        check_writable(picture)
    from normplace.parallel import resolve_device

    device = resolve_device(device)
    import torch

    from normplace.data.inputs import load_inputs
    from normplace.measuring import measure as measuring
    from normplace.measuring import picture as measure_picture
    from normplace.measuring import report
    from normplace.measuring.builders import find_model
    from normplace.measuring.prejudice import half_width

    torch.set_num_threads(threads)
    inputs = load_inputs(request, resize)
    x, of_torchvision = inputs.x, model.startswith("torchvision:")
    if of_torchvision and x.ndim == 4 and x.shape[1] == 1:
        x = x.expand(-1, 3, -1, -1)  # torchvision's models are for colour images
    try:
        side = x.shape[3] if x.ndim == 4 and x.shape[2] == x.shape[3] else None
        build = find_model(model, len(inputs.class_names) if inputs.class_names else None, side)
        found = measuring.measure(build, x, inits, seed, device=device, progress=True)
    except UserError as error:
        hint = " (--resize N gives images another size)" if of_torchvision and " raised " in str(error) else ""
        raise UserError(f"MODEL {model}: {error}{hint}") from error
    given = {"model": model, **data_record(request), "resize": resize, "inits": inits, "seed": seed, "device": device}
    title = f"{model} on {inputs.provenance['label']}"
    write_measurement(output, given, inputs.provenance, report.record(found))
    measure_picture.write(found, title, output)
    print(report.report(found, title, inputs.class_names))
    print(f"written: {', '.join(map(str, [output, *pictures]))}")
    if found.inits < found.asked:
        print(f"normplace: interrupted after {found.inits} of {found.asked} networks", file=sys.stderr)
        sys.exit(130)
    reached = half_width(found.batch.gamma)
    if precision is not None and not math.isfinite(reached):
        raise UserError(f"--precision {precision:g}: cannot be reached, gamma is undefined or infinite here")
    if precision is not None and reached > precision:
        needed = math.ceil(inits * (reached / precision) ** 2)  # an interval shrinks as 1/sqrt(networks)
        raise UserError(
            f"--precision {precision:g}: gamma's interval is ±{reached:.3g} of it with {inits} networks, about "
            f"{needed} are needed (--inits {needed}); what was measured is written"
        )
