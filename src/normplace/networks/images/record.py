"""What is known of a network for images before torch is imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normplace.errors import UserError

if TYPE_CHECKING:
    from torch import nn

Shape = tuple[int, ...]  # of one point: channels, height, width


@dataclass(frozen=True)
class ImageNetworkRecord:
    """A network for images.

    label: in figures. norms: those it can have. build: norm, placement, shape of a point, classes -> a module
    [n, *shape] -> [n, classes]. smallest: pixels a side. patch: pixels a side of the patches that an image must be
    made of.
    """

    name: str
    label: str
    norms: tuple[str, ...]
    build: Callable[[str, str, Shape, int], nn.Sequential]
    smallest: int = 1
    patch: int = 1

    def check_size(self, height: int, width: int) -> None:
        """Refuse images that the network cannot take.

        Raises:
            UserError: they are too small, or not whole patches.
        """
        if height % self.patch or width % self.patch:
            raise UserError(
                f"--network {self.name}: images of {height} x {width} pixels are not whole patches of {self.patch}"
            )
        if min(height, width) < self.smallest:
            raise UserError(
                f"--network {self.name}: images of {height} x {width} pixels are below {self.smallest} a side"
            )
