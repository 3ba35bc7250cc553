"""Networks for images: the authors' ResNet-9, MLP-Mixer and small ViT, and a CNN of three layers.

Norm and placement act in two places only. `convolution` is a hidden layer of the convolutional networks: its norm
stands before or after the activation. `residual` is half a block of Mixer and ViT: its norm stands before the branch
(pre-norm) or after the residual addition (post-norm).
"""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from normplace.errors import UserError
from normplace.networks.architecture import check_image_network
from normplace.networks.products import Linear

PATCH = 4  # pixels a side, of Mixer and ViT
POOLINGS = 3  # of ResNet-9 and CNN, each halves the image
Shape = tuple[int, ...]  # of one point: channels, height, width
Modules = list[nn.Module]

NORM_MODULES: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "group": partial(nn.GroupNorm, 1),  # one group: LayerNorm over channels and pixels
    "layer": nn.LayerNorm,
    "rms": nn.RMSNorm,
}


def image_network(name: str, norm: str, placement: str | None, shape: Shape, classes: int) -> nn.Sequential:
    """A network of NETWORKS as a module [n, *shape] -> [n, classes], its weights torch's own: see `initialise`.

    Raises:
        UserError: an unknown network, a norm or placement it cannot have, or images of a size it cannot take.
    """
    placement = check_image_network(name, norm, placement)
    if len(shape) != 3:
        raise UserError(f"--network {name}: needs images, a point of this data has shape {list(shape)}")
    height, width = shape[1:]
    if name in ("mixer", "vit") and (height % PATCH or width % PATCH):
        raise UserError(f"--network {name}: images of {height} x {width} pixels are not whole patches of {PATCH}")
    if name in ("resnet9", "cnn") and min(height, width) < 2**POOLINGS:
        raise UserError(f"--network {name}: images of {height} x {width} pixels are below {2**POOLINGS} a side")
    with torch.random.fork_rng(devices=[]):  # layers draw weights from the global generator
        return NETWORKS[name](norm, placement, shape, classes)


def _norm_here(here: str, norm: str, placement: str, nodes: int) -> Modules:
    """The norm if its placement is here, as a list of one module or none."""
    return [NORM_MODULES[norm](nodes)] if placement == here else []


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
        *_norm_here("before", norm, placement, channels),
        nn.ReLU(inplace=True),  # large activations take longer to write than to compute
        *_norm_here("after", norm, placement, channels),
        *([nn.MaxPool2d(2)] if pool else []),
    )


def resnet9(norm: str, placement: str, shape: Shape, classes: int) -> nn.Sequential:
    """Eight convolutional layers of 64 to 512 channels, two pairs of them in residual blocks, and a linear layer."""
    layer = partial(convolution, norm=norm, placement=placement)
    return nn.Sequential(
        layer(shape[0], 64),
        layer(64, 128, pool=True),
        Residual(layer(128, 128), layer(128, 128)),
        layer(128, 256, pool=True),
        layer(256, 512, pool=True),
        Residual(layer(512, 512), layer(512, 512)),
        nn.AdaptiveMaxPool2d(1),  # over the 4x4 pixels that are left of a CIFAR-10 image
        nn.Flatten(),
        Linear(512, classes),
    )


def cnn(norm: str, placement: str, shape: Shape, classes: int) -> nn.Sequential:
    """Three convolutional layers of 32, 64 and 128 channels, each max-pooled, and a linear layer. Sizes are ours."""
    layer = partial(convolution, norm=norm, placement=placement, pool=True)
    pixels = (shape[1] // 2**POOLINGS) * (shape[2] // 2**POOLINGS)
    return nn.Sequential(
        layer(shape[0], 32),
        layer(32, 64),
        layer(64, 128),
        nn.Flatten(),
        Linear(128 * pixels, classes),
    )


# Networks of patches: tensors are [n, tokens, nodes]


def residual(branch: Modules, nodes: int, *, norm: str, placement: str) -> nn.Module:
    """x + branch(norm(x)) with the norm before, norm(x + branch(x)) after, x + branch(x) without one."""
    return nn.Sequential(
        Residual(*_norm_here("before", norm, placement, nodes), *branch),
        *_norm_here("after", norm, placement, nodes),
    )


def feed_forward(nodes: int, hidden: int) -> Modules:
    """Layers [n, tokens, nodes] -> the same shape."""
    return [Linear(nodes, hidden), nn.GELU(), Linear(hidden, nodes)]


class Transpose(nn.Module):
    """Swaps the last two axes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, a, b] -> [n, b, a]."""
        return x.transpose(1, 2)


def patches(shape: Shape, nodes: int) -> Modules:
    """Layers [n, channels, h, w] -> [n, tokens, nodes]: a token is a linear map of the pixels of a patch."""
    return [nn.PixelUnshuffle(PATCH), nn.Flatten(2), Transpose(), Linear(shape[0] * PATCH**2, nodes)]


def _number_of_patches(shape: Shape) -> int:
    return (shape[1] // PATCH) * (shape[2] // PATCH)


class MeanOfTokens(nn.Module):
    """Average over tokens."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, tokens, nodes] -> [n, nodes]."""
        return x.mean(dim=1)


def mixer(norm: str, placement: str, shape: Shape, classes: int) -> nn.Sequential:
    """MLP-Mixer with 8 blocks of 128 nodes: an MLP over tokens (64 hidden nodes), then one over nodes (512).

    Each MLP has its own residual addition and norm. Pre-norm has one norm more, before the output layer, as in the
    Mixer paper: its residual stream is otherwise never normalised. (Post-norm ends in a norm anyway.)
    """
    nodes, tokens = 128, _number_of_patches(shape)
    half = partial(residual, nodes=nodes, norm=norm, placement=placement)
    blocks: Modules = []
    for _ in range(8):
        blocks.append(half([Transpose(), *feed_forward(tokens, 64), Transpose()]))
        blocks.append(half(feed_forward(nodes, 512)))
    return nn.Sequential(
        *patches(shape, nodes),
        *blocks,
        *_norm_here("before", norm, placement, nodes),
        MeanOfTokens(),
        Linear(nodes, classes),
    )


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
    """Self-attention with several heads."""

    def __init__(self, nodes: int, heads: int) -> None:
        """heads: divide the nodes among them."""
        super().__init__()
        self.heads = heads
        self.queries_keys_values = Linear(nodes, 3 * nodes)
        self.output = Linear(nodes, nodes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, tokens, nodes] -> the same shape."""
        by_head = self.queries_keys_values(x).unflatten(2, (3, self.heads, -1))
        queries, keys, values = by_head.permute(2, 0, 3, 1, 4)  # each [n, heads, tokens, nodes / heads]
        attended = F.scaled_dot_product_attention(queries, keys, values)
        attended = attended.transpose(1, 2).flatten(2)
        outputs: torch.Tensor = self.output(attended)
        return outputs


class ClassToken(nn.Module):
    """The first token."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, tokens, nodes] -> [n, nodes]."""
        return x[:, 0]


def vit(norm: str, placement: str, shape: Shape, classes: int) -> nn.Sequential:
    """ViT with 4 blocks of 48 nodes: attention (4 heads), then an MLP (192 hidden nodes), each with addition and norm.

    Pre-norm has one norm more, before the output layer, for the reason given in `mixer`.
    """
    nodes = 48
    half = partial(residual, nodes=nodes, norm=norm, placement=placement)
    blocks: Modules = []
    for _ in range(4):
        blocks.append(half([Attention(nodes, heads=4)]))
        blocks.append(half(feed_forward(nodes, 4 * nodes)))
    return nn.Sequential(
        *patches(shape, nodes),
        ClassTokenAndPositions(_number_of_patches(shape), nodes),
        *blocks,
        *_norm_here("before", norm, placement, nodes),
        ClassToken(),
        Linear(nodes, classes),
    )


NETWORKS: dict[str, Callable[[str, str, Shape, int], nn.Sequential]] = {
    "resnet9": resnet9,
    "cnn": cnn,
    "mixer": mixer,
    "vit": vit,
}
