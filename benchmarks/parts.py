"""What else was tried for the parts of a pass: other arithmetic, other normals."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

from benchmarks.timing import medians
from normplace.networks.norms import NORMS
from normplace.networks.products import linear

CALLS = 20  # a measurement; one call is too short for the clock


def measure(n: int = 1000, rank: int = 600, width: int = 100) -> pd.DataFrame:
    """Microseconds of one call of each alternative, in the shapes of a pass over MNIST."""
    generator = torch.Generator().manual_seed(0)
    x, h = torch.randn(n, rank), torch.randn(n, width)
    first, hidden = torch.randn(width, rank), torch.randn(width, width)
    grouped, z = torch.randn(8 * width, rank), torch.randn(1, n, width)
    buffer, draws = torch.empty(rank * width), np.empty(rank * width, np.float32)
    layer_norm = NORMS["layer"].operation
    assert layer_norm is not None
    numbers = np.random.Generator(np.random.SFC64(0))
    output, usual_output = torch.randn(2, width), torch.randn(width, 2)
    groups: dict[str, dict[str, Callable[[], object]]] = {
        f"first product [{n} x {rank} x {width}]": {
            "oneDNN (taken)": lambda: linear(x, first),
            "torch's own": lambda: F.linear(x, first),
            "8 networks at once, a network": lambda: linear(x, grouped),
            "bfloat16": _bfloat16(x, first),
        },
        f"hidden product [{n} x {width} x {width}]": {
            "oneDNN (taken)": lambda: linear(h, hidden),
            "torch's own": lambda: F.linear(h, hidden),
            "bfloat16": _bfloat16(h, hidden),
        },
        f"output product [{n} x {width} x 2]": {
            "from the left (taken)": lambda: output @ h.T,
            "from the right": lambda: h @ usual_output,
        },
        f"{rank * width} normals": {
            "torch (taken)": lambda: buffer.normal_(generator=generator),
            "numpy SFC64": lambda: numbers.standard_normal(out=draws, dtype=np.float32),
        },
        "LayerNorm": {
            "centring, then rms_norm (taken)": lambda: layer_norm(z),
            "F.layer_norm": lambda: F.layer_norm(z, (width,)),
        },
    }
    rows = []
    with torch.inference_mode():
        for part, alternatives in groups.items():
            found = medians({name: _repeated(run) for name, run in alternatives.items()}, 15)
            for name, seconds in found.items():
                share = 8 if name.startswith("8 networks") else 1
                rows.append({"part": part, "way": name, "microseconds": 1e6 * seconds / CALLS / share})
    return pd.DataFrame(rows)


def _bfloat16(x: torch.Tensor, weight: torch.Tensor) -> Callable[[], object]:
    rounded, weights = x.bfloat16(), weight.bfloat16()
    return lambda: F.linear(rounded, weights)


def _repeated(run: Callable[[], object]) -> Callable[[], object]:
    def repeat() -> None:
        for _ in range(CALLS):
            run()

    return repeat
