"""The modules of decoders of text: causal attention and two kinds of feed-forward layers, with their norm anywhere."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from normplace.networks.norms import NORMS
from normplace.networks.products import Linear

STD = 0.02  # of all weights and embeddings: GPT-2's and LLaMA's
ROTARY_BASE = 10_000.0


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
            attention = CausalAttention(width, heads, rotary=style == "llama", bias=style == "gpt")
            feed_forward = GELU(width) if style == "gpt" else GatedSiLU(width)
            blocks += [Half(half, norm_module(norm, width), placement) for half in (attention, feed_forward)]
        self.blocks = nn.Sequential(*blocks)
        self.last_norm = norm_module(norm if placement == "before" else "none", width)
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


def norm_module(norm: str, width: int) -> nn.Module:
    """LayerNorm or RMSNorm over the nodes of a position, or nothing."""
    module: Callable[[int], nn.Module] | None = NORMS[norm].image_module
    return nn.Identity() if module is None else module(width)


class Half(nn.Module):
    """Half a block: x + branch(norm(x)) with the norm before, norm(x + branch(x)) after it."""

    def __init__(self, branch: nn.Module, norm: nn.Module, placement: str) -> None:
        super().__init__()
        self.branch, self.norm, self.after = branch, norm, placement == "after"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, positions, width] -> the same shape."""
        summed: torch.Tensor = self.norm(x + self.branch(x)) if self.after else x + self.branch(self.norm(x))
        return summed


class CausalAttention(nn.Module):
    """Self-attention to the positions before and to its own."""

    def __init__(self, width: int, heads: int, *, rotary: bool, bias: bool) -> None:
        super().__init__()
        self.heads, self.rotary = heads, rotary
        self.queries_keys_values = Linear(width, 3 * width, bias=bias)
        self.ends = Linear(width, width, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, positions, width] -> the same shape."""
        by_head = self.queries_keys_values(x).unflatten(2, (3, self.heads, -1))
        queries, keys, values = by_head.permute(2, 0, 3, 1, 4)  # each [n, heads, positions, width / heads]
        if self.rotary:
            queries, keys = rotated(queries), rotated(keys)
        attended = F.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        outputs: torch.Tensor = self.ends(attended.transpose(1, 2).flatten(2))
        return outputs


def rotated(x: torch.Tensor) -> torch.Tensor:
    """Rotary positions: node k and its partner half a head away turn by position / 10,000^(2 k / nodes)."""
    positions, nodes = x.shape[-2:]
    frequencies = ROTARY_BASE ** (-torch.arange(0, nodes, 2, device=x.device) / nodes)
    angles = torch.arange(positions, device=x.device)[:, None] * frequencies
    cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)


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
