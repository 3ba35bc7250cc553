"""`normplace measure`: how prejudiced is my network?"""

import argparse
import math
import sys

from normplace.cli.commands import data_options, data_request, resolve_device
from normplace.errors import UserError
from normplace.files import check_writable, versions, write_json


def run_measure(args: argparse.Namespace) -> None:
    """Run `normplace measure`."""
    if args.output.suffix != ".json":
        raise UserError(f"--output {args.output}: needs the suffix .json; the picture goes beside it")
    pictures = [args.output.with_suffix(suffix) for suffix in (".png", ".pdf")]
    for picture in pictures:
        check_writable(picture)
    device = resolve_device(args.device)
    import torch

    from normplace.data.inputs import load_inputs
    from normplace.measuring import picture as measure_picture
    from normplace.measuring import report as measure_report
    from normplace.measuring.builders import find_model
    from normplace.measuring.measure import measure
    from normplace.measuring.prejudice import half_width

    torch.set_num_threads(args.threads)
    inputs = load_inputs(data_request(args), args.resize)
    of_torchvision = args.model.startswith("torchvision:")
    x = inputs.x
    if of_torchvision and x.ndim == 4 and x.shape[1] == 1:
        x = x.expand(-1, 3, -1, -1)  # torchvision's models are for colour images
    try:
        side = x.shape[3] if x.ndim == 4 and x.shape[2] == x.shape[3] else None
        model = find_model(args.model, len(inputs.class_names) if inputs.class_names else None, side)
        found = measure(model, x, args.inits, args.seed, device=device, progress=True)
    except UserError as error:
        hint = " (--resize N gives images another size)" if of_torchvision and " raised " in str(error) else ""
        raise UserError(f"MODEL {args.model}: {error}{hint}") from error
    options = {"model": args.model, **data_options(args), "resize": args.resize, "inits": args.inits}
    config = {
        "command": "measure",
        "options": {**options, "seed": args.seed, "device": device},
        "data": inputs.provenance,
        "versions": versions(),
        **measure_report.record(found),
    }
    title = f"{args.model} on {inputs.provenance['label']}"
    write_json(args.output, config)
    measure_picture.write(found, title, args.output)
    print(measure_report.report(found, title, inputs.class_names))
    print(f"written: {', '.join(map(str, [args.output, *pictures]))}")
    if found.inits < found.asked:
        print(f"normplace: interrupted after {found.inits} of {found.asked} networks", file=sys.stderr)
        sys.exit(130)
    reached = half_width(found.batch.gamma)
    if args.precision is not None and not reached <= args.precision:
        raise UserError(_too_imprecise(args.precision, reached, found.inits))


def _too_imprecise(asked: float, reached: float, inits: int) -> str:
    if not math.isfinite(reached):
        return f"--precision {asked:g}: cannot be reached, gamma is undefined or infinite here"
    needed = math.ceil(inits * (reached / asked) ** 2)  # an interval shrinks as 1/sqrt(networks)
    return (
        f"--precision {asked:g}: gamma's interval is ±{reached:.3g} of it with {inits} networks, about {needed} are "
        f"needed (--inits {needed}); what was measured is written"
    )
