"""torchvision, imported in one place."""

import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def import_torchvision() -> Any:
    """Import torchvision, also where its build does not fit torch's: see `mend_torchvision`."""
    mend_torchvision()
    import torchvision

    return torchvision


@cache
def mend_torchvision() -> None:
    """Let torchvision be imported where its PyPI wheel (built for CUDA) stands beside a CPU-only torch.

    There its compiled operators cannot be loaded, and its import fails for want of two of them, which nothing here
    uses, unless their schemas are declared first.
    """
    found = find_spec("torchvision")
    if found is None or found.origin is None or "torchvision" in sys.modules:
        return
    import torch

    for operators in Path(found.origin).parent.glob("_C*.so"):
        try:
            torch.ops.load_library(operators)  # type: ignore[no-untyped-call]
        except OSError:
            library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
            library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _KEPT.append(library)  # the definitions live as long as this object


_KEPT: list[Any] = []
