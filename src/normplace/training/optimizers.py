"""Optimisers of training: torch's own update rules, fused, in their functional form.

The classes of torch.optim import torch._dynamo with their first step. That takes about a second, in which nothing here
gets compiled.
"""

import math
from collections.abc import Iterable

import torch
from torch import nn
from torch.optim.adam import adam
from torch.optim.sgd import sgd

ADAM_BETAS, ADAM_EPS = (0.9, 0.999), 1e-8  # torch.optim.Adam's own


class Optimizer:
    """Parameters, their learning rate, and what the rule remembers of each: tensors by name, one a parameter.

    The parameters are updated in place from their gradients.
    """

    remembers: tuple[str, ...] = ()

    def __init__(self, parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float = 0.0) -> None:
        """Remember nothing yet. weight_decay: adds so much of a parameter to its gradient."""
        self.parameters: list[torch.Tensor] = list(parameters)
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.memory = {name: [self._begin(name, p) for p in self.parameters] for name in self.remembers}

    @staticmethod
    def _begin(name: str, parameter: torch.Tensor) -> torch.Tensor:
        """What is remembered before the first step."""
        if name == "step":
            return torch.zeros((), device=parameter.device)
        return torch.zeros_like(parameter, requires_grad=False)

    @torch.no_grad()
    def step(self) -> None:
        """Update all parameters."""
        self._update(self.parameters, [p.grad for p in self.parameters if p.grad is not None])

    def _update(self, parameters: list[torch.Tensor], gradients: list[torch.Tensor]) -> None:
        raise NotImplementedError


class SGD(Optimizer):
    """Steps against the gradient, without momentum; as torch.optim.SGD(parameters, learning_rate, weight_decay=...)."""

    def _update(self, parameters: list[torch.Tensor], gradients: list[torch.Tensor]) -> None:
        sgd(
            parameters, gradients, [None] * len(parameters),
            foreach=False, fused=True, weight_decay=self.weight_decay, momentum=0.0, lr=self.learning_rate,
            dampening=0.0, nesterov=False, maximize=False,
        )  # fmt: skip


class Adam(Optimizer):
    """As torch.optim.Adam(parameters, learning_rate, weight_decay=weight_decay, fused=True)."""

    remembers = ("exp_avg", "exp_avg_sq", "step")

    def _update(self, parameters: list[torch.Tensor], gradients: list[torch.Tensor]) -> None:
        beta1, beta2 = ADAM_BETAS
        adam(
            parameters, gradients, self.memory["exp_avg"], self.memory["exp_avg_sq"], [], self.memory["step"],
            foreach=False, fused=True, amsgrad=False, beta1=beta1, beta2=beta2, lr=self.learning_rate,
            weight_decay=self.weight_decay, eps=ADAM_EPS, maximize=False,
        )  # fmt: skip


_RULES: dict[str, type[Optimizer]] = {"adam": Adam, "sgd": SGD}


def make_optimizer(name: str, parameters: Iterable[nn.Parameter], weight_decay: float) -> Optimizer:
    """The optimiser of this name (`plan.OPTIMIZERS`); its learning rate is set before each step."""
    return _RULES[name](parameters, math.nan, weight_decay)
