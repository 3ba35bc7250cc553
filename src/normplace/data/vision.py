"""torchvision, imported in one place."""

import sys
from typing import Any


def import_torchvision() -> Any:
    """Import torchvision, also where its PyPI wheel (built for CUDA) stands beside a CPU-only torch.

    There it fails for want of two compiled operators that nothing here uses, unless their schemas are declared first.
    """
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        import torch

        for module in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[module]
        library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(library)  # the definitions live as long as this object
        import torchvision
    return torchvision


_KEPT: list[Any] = []
