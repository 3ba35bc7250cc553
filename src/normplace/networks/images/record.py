"""What is known of a network for images before torch is imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normplace.errors import UserError, check_whole

if TYPE_CHECKING:
    from torch import nn

Shape = tuple[int, ...]  # of one point: channels, height, width


@dataclass(frozen=True)
class ImageNetworkRecord:
    """A network for images.

    label: in figures. norms: those it can have. build: norm, placement, shape of a point, classes, base width -> a
    module [n, *shape] -> [n, classes]. base_width: its own, of which others must be multiples of `multiple`. smallest:
    pixels a side. patch: pixels a side of the patches that an image must be made of.
    """

    name: str
    label: str
    norms: tuple[str, ...]
    build: Callable[[str, str, Shape, int, int], nn.Sequential]
    base_width: int
    multiple: int = 1
    smallest: int = 1
    patch: int = 1

    def check_base_width(self, width: int | None) -> None:
        """Refuse a base width that the network cannot have.

        Raises:
            UserError: it is below 1, or its heads or halves cannot share it.
        """
        check_whole("base-width", width, 1)
        assert width is not None
        if width % self.multiple:
            raise UserError(f"--base-width {width}: {self.name} needs a multiple of {self.multiple}")

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
