"""Random crops and flips of images, as the authors train their ResNet-9."""

from typing import NamedTuple

import torch
import torch.nn.functional as F

MARGIN = 4  # pixels that are reflected at each side before an image of the old size is cut out


class Moves(NamedTuple):
    """Where each image is cut out of its padded self, and whether it is flipped: int64 [n], [n], bool [n]."""

    down: torch.Tensor
    right: torch.Tensor
    flipped: torch.Tensor


def draw_moves(images: int, generator: torch.Generator) -> Moves:
    """Moves of so many images."""
    down, right = torch.randint(2 * MARGIN + 1, (2, images), generator=generator)
    return Moves(down, right, torch.rand(images, generator=generator) < 0.5)


def moved(x: torch.Tensor, moves: Moves) -> torch.Tensor:
    """Images [n, c, h, w], each cut out and flipped as its move says."""
    n, _, height, width = x.shape
    padded = F.pad(x, (MARGIN,) * 4, mode="reflect")
    down, right, flipped = (part.to(x.device)[:, None] for part in moves)
    rows, columns = (torch.arange(pixels, device=x.device) for pixels in (height, width))
    rows = down + rows
    columns = right + torch.where(flipped, width - 1 - columns, columns)
    each = torch.arange(n, device=x.device)[:, None, None]
    return padded[each, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
