"""Decoders of text and their two kinds of feed-forward layers."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from normplace.networks.blocks import Attention, norm_here, residual
from normplace.networks.products import Linear

STD = 0.02  # of all weights and embeddings: GPT-2's and LLaMA's


@torch.no_grad()
def draw_as_gpt2(network: nn.Module, depth: int) -> None:
    """Draw all weights N(0, 0.02^2), those named "ends" by sqrt(2 depth) smaller; biases are 0."""
    for name, module in network.named_modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight.normal_(0, STD / math.sqrt(2 * depth) if name.endswith("ends") else STD)
        if isinstance(module, nn.Linear) and module.bias is not None:
            module.bias.zero_()


class Decoder(nn.Module):
    """Tokens int64 [n, positions] -> outputs [n, positions, vocabulary]; see `decoder`.

    Floats [n, positions, width] are taken for embeddings, in standard deviations of the embedding's weights.
    """

    def __init__(
        self,
        norm: str,
        placement: str,
        depth: int,
        width: int,
        vocabulary: int,
        heads: int,
        length: int,
        style: str,
        *,
        tied: bool,
    ) -> None:
        super().__init__()
        self.norm, self.placement, self.depth, self.style = norm, placement, depth, style
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(length, width) if style == "gpt" else None
        blocks: list[nn.Module] = []
        for _ in range(depth):
            attention = Attention(width, heads, causal=True, rotary=style == "llama", bias=style == "gpt")
            feed_forward = GELU(width) if style == "gpt" else GatedSiLU(width)
            blocks += [residual([half], width, norm=norm, placement=placement) for half in (attention, feed_forward)]
        self.blocks = nn.Sequential(*blocks)
        self.last_norm = nn.Sequential(*norm_here("before", norm, placement, width))
        self.output = Linear(width, vocabulary, bias=False)
        if tied:
            self.output.weight = self.embedding.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """[n, positions] or [n, positions, width] -> [n, positions, vocabulary]."""
        x = tokens * STD if tokens.is_floating_point() else self.embedding(tokens)
        if self.positions is not None:
            x = x + self.positions.weight[: x.shape[1]]
        outputs: torch.Tensor = self.output(self.last_norm(self.blocks(x)))
        return outputs


class GELU(nn.Module):
    """Two layers of GPT-2: four times as many nodes, GELU by its tanh formula."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.begins, self.ends = Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, positions, width] -> the same shape."""
        outputs: torch.Tensor = self.ends(F.gelu(self.begins(x), approximate="tanh"))
        return outputs


class GatedSiLU(nn.Module):
    """Three layers of LLaMA, without biases: down(silu(gate(x)) up(x)), four times as many nodes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate, self.up = (Linear(width, 4 * width, bias=False) for _ in range(2))
        self.ends = Linear(4 * width, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, positions, width] -> the same shape."""
        outputs: torch.Tensor = self.ends(F.silu(self.gate(x)) * self.up(x))
        return outputs
