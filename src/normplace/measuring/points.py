"""Points as the arguments of a model: one tensor or several, by position or by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from normplace.data.inputs import MASK
from normplace.errors import UserError

Given = torch.Tensor | Sequence[torch.Tensor] | Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Points:
    """n points: tensors [n, ...] that a model is called with, `positional` ones and `named` ones."""

    positional: tuple[torch.Tensor, ...]
    named: dict[str, torch.Tensor]

    @classmethod
    def of(cls, given: Given) -> Self:
        """A tensor or several in order, or a dictionary of named ones.

        Raises:
            UserError: no tensors [n, ...] of one n of at least 2, or all points are the same.
        """
        if isinstance(given, Mapping):
            points = cls((), {name: _tensor(value) for name, value in given.items()})
        elif isinstance(given, (tuple, list)) and all(
            isinstance(value, torch.Tensor) or (isinstance(given, tuple) and isinstance(value, np.ndarray))
            for value in given
        ):  # a list of arrays is one of points
            points = cls(tuple(map(_tensor, given)), {})
        else:
            points = cls((_tensor(given),), {})
        shapes = ", ".join(str(list(tensor.shape)) for tensor in points.tensors) or "none"
        if not points.tensors or min(tensor.ndim for tensor in points.tensors) < 1 or points.first.ndim < 2:
            raise UserError(f"inputs of shape {shapes}: at least 2 points [n, ...] are needed")
        if len({len(tensor) for tensor in points.tensors}) > 1 or len(points) < 2:
            raise UserError(f"inputs of shape {shapes}: at least 2 points [n, ...] are needed, as many of each")
        if not any(bool((tensor != tensor[0]).any()) for tensor in points.tensors):
            raise UserError(f"all {len(points)} points are the same")
        return points

    @property
    def tensors(self) -> list[torch.Tensor]:
        """All of them, the positional ones first."""
        return [*self.positional, *self.named.values()]

    @property
    def first(self) -> torch.Tensor:
        """The main input: the first floats [n, ...], else the first tensor."""
        return next((tensor for tensor in self.tensors if tensor.is_floating_point()), self.tensors[0])

    @property
    def mask(self) -> torch.Tensor | None:
        """attention_mask [n, positions], where there is one."""
        return self.named.get(MASK)

    @property
    def shape(self) -> str:
        """Of one point, such as 3x32x32, or "input_ids 12, attention_mask 12"."""
        named = [f"{name} {_shape(tensor)}" for name, tensor in self.named.items()]
        return ", ".join([*map(_shape, self.positional), *named])

    def __len__(self) -> int:
        return len(self.tensors[0])

    def map(self, function: Callable[[torch.Tensor], torch.Tensor]) -> "Points":
        """Every tensor changed by the function."""
        return Points(tuple(map(function, self.positional)), {name: function(of) for name, of in self.named.items()})

    def __getitem__(self, part: slice) -> "Points":
        return self.map(lambda tensor: tensor[part])

    def clone(self) -> "Points":
        """A copy: a first module that works in place would change the points of all others."""
        return self.map(torch.clone)

    def floats_to(self, dtype: torch.dtype | None) -> "Points":
        """Floats as the model's weights are; None leaves them as they are."""
        return self.map(lambda tensor: tensor.to(dtype) if dtype and tensor.is_floating_point() else tensor)

    def call(self, model: nn.Module) -> Any:
        """What the model returns for them."""
        return model(*self.positional, **self.named)


def _shape(points: torch.Tensor) -> str:
    return "x".join(map(str, points.shape[1:])) or "1"


def _tensor(given: Any) -> torch.Tensor:
    if isinstance(given, torch.Tensor):
        return given  # wherever it is: not where tensors are made by default
    try:
        is_list = isinstance(given, list) and all(isinstance(value, np.ndarray) for value in given)
        return torch.as_tensor(np.array(given) if is_list else given)  # torch warns of lists of arrays
    except (TypeError, ValueError, RuntimeError):
        raise UserError(f"inputs of type {type(given).__name__}: tensors [n, ...] are needed") from None
