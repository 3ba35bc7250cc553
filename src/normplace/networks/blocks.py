"""What networks for images and for text are made of: layers and blocks that know where their norm stands."""

import torch
import torch.nn.functional as F
from torch import nn

from normplace.networks.images.record import Shape
from normplace.networks.norms import NORMS
from normplace.networks.products import Linear

Modules = list[nn.Module]
ROTARY_BASE = 10_000.0


def norm_here(here: str, norm: str, placement: str, nodes: int) -> Modules:
    """The norm if its placement is here, as a list of one module or none."""
    return [module(nodes)] if placement == here and (module := NORMS[norm].image_module) else []


class Residual(nn.Sequential):
    """x + branch(x)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, ...] -> the same shape."""
        branch: torch.Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return x + branch


# Convolutional networks


def convolution(inputs: int, channels: int, *, norm: str, placement: str, pool: bool = False) -> nn.Sequential:
    """A hidden layer [n, inputs, h, w] -> [n, channels, h, w]: 3x3 convolution and ReLU; with max-pooling h/2, w/2."""
    return nn.Sequential(
        nn.Conv2d(inputs, channels, 3, padding=1),
        *norm_here("before", norm, placement, channels),
        nn.ReLU(inplace=True),  # large activations take longer to write than to compute
        *norm_here("after", norm, placement, channels),
        *([nn.MaxPool2d(2)] if pool else []),
    )


# Networks of tokens, which are patches or words: tensors are [n, tokens, nodes]


def residual(branch: Modules, nodes: int, *, norm: str, placement: str) -> nn.Module:
    """x + branch(norm(x)) with the norm before, norm(x + branch(x)) after, x + branch(x) without one."""
    return nn.Sequential(
        Residual(*norm_here("before", norm, placement, nodes), *branch),
        *norm_here("after", norm, placement, nodes),
    )


def feed_forward(nodes: int, hidden: int) -> Modules:
    """Layers [n, tokens, nodes] -> the same shape."""
    return [Linear(nodes, hidden), nn.GELU(), Linear(hidden, nodes)]


class Transpose(nn.Module):
    """Swaps the last two axes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, a, b] -> [n, b, a]."""
        return x.transpose(1, 2)


def patches(shape: Shape, nodes: int, patch: int) -> Modules:
    """Layers [n, channels, h, w] -> [n, tokens, nodes]: a token is a linear map of the pixels of a patch."""
    return [nn.PixelUnshuffle(patch), nn.Flatten(2), Transpose(), Linear(shape[0] * patch**2, nodes)]


def number_of_patches(shape: Shape, patch: int) -> int:
    """Of an image."""
    return (shape[1] // patch) * (shape[2] // patch)


class MeanOfTokens(nn.Module):
    """Average over tokens."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, tokens, nodes] -> [n, nodes]."""
        return x.mean(dim=1)


class ClassTokenAndPositions(nn.Module):
    """Puts a class token before the patches and adds to every token its learned position."""

    def __init__(self, tokens: int, nodes: int) -> None:
        """tokens: the class token not among them."""
        super().__init__()
        self.class_token = nn.Embedding(1, nodes)
        self.positions = nn.Embedding(1 + tokens, nodes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, tokens, nodes] -> [n, 1 + tokens, nodes]."""
        class_token = self.class_token.weight.expand(x.shape[0], -1, -1)
        return torch.cat([class_token, x], dim=1) + self.positions.weight


class Attention(nn.Module):
    """Self-attention with several heads.

    causal: of each token to those before it and to itself. rotary: by the tokens' distance, see `rotated`.
    """

    def __init__(
        self, nodes: int, heads: int, *, causal: bool = False, rotary: bool = False, bias: bool = True
    ) -> None:
        """heads: divide the nodes among them."""
        super().__init__()
        self.heads, self.causal, self.rotary = heads, causal, rotary
        self.queries_keys_values = Linear(nodes, 3 * nodes, bias=bias)
        self.ends = Linear(nodes, nodes, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, tokens, nodes] -> the same shape."""
        by_head = self.queries_keys_values(x).unflatten(2, (3, self.heads, -1))
        queries, keys, values = by_head.permute(2, 0, 3, 1, 4)  # each [n, heads, tokens, nodes / heads]
        if self.rotary:
            queries, keys = rotated(queries), rotated(keys)
        attended = F.scaled_dot_product_attention(queries, keys, values, is_causal=self.causal)
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


class ClassToken(nn.Module):
    """The first token."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, tokens, nodes] -> [n, nodes]."""
        return x[:, 0]
