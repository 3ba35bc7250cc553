"""Modules of torch by name, so that records of networks can name them before torch is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def torch_nn(name: str, *first: int) -> Callable[..., nn.Module]:
    """A function that makes the module of torch.nn of this name; first: arguments that stand before those given."""

    def build(*arguments: int) -> nn.Module:
        from torch import nn

        module: nn.Module = getattr(nn, name)(*first, *arguments)
        return module

    return build
