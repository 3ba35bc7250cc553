"""Matrix products in float32, the greater part of all work here.

Where networks are sampled they go through oneDNN. torch itself takes MKL, which uses half of what some AMD processors
can do; benchmarks/results.md has both. The operator is the one that torch.compile emits for nn.Linear.
"""

import torch
import torch.nn.functional as F
from torch import nn

HAS_ONEDNN: bool = torch.backends.mkldnn.is_available() and hasattr(  # type: ignore[no-untyped-call]
    torch.ops.mkldnn, "_linear_pointwise"
)


def linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """x [..., k] times the transpose of weight [m, k], plus bias [m]; not differentiable, see `Linear`."""
    if HAS_ONEDNN and x.device.type == "cpu" and x.dtype == torch.float32:
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return product
    return F.linear(x, weight, bias)


def batched(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Products [networks, n, m] of a [networks or 1, n, k] and b [networks, k, m]."""
    if HAS_ONEDNN and a.device.type == "cpu":
        products = [linear(left, right.T) for left, right in zip(a.expand(len(b), -1, -1), b, strict=True)]
        return products[0].unsqueeze(0) if len(products) == 1 else torch.stack(products)
    return a @ b


class Linear(nn.Linear):
    """nn.Linear, its products by `linear` where nothing is to be learned; its weights are left undrawn."""

    def reset_parameters(self) -> None:
        """Draw nothing: nn.Linear would draw from the global generator; `modules.initialise` has its own."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """[..., inputs] -> [..., outputs]."""
        # In training torch's own is 1.2 to 1.6 times as fast as oneDNN with a backward pass in Python.
        product = F.linear if torch.is_grad_enabled() else linear
        return product(input, self.weight, self.bias)
