"""Small models of the kinds that users train, each a function or class that builds one.

They take POINTS points of INPUTS floats and give CLASSES outputs, unless their own words say otherwise. Where a plain
model draws the same weights and gives the same outputs, it is named: the tests hold one against the other.
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

POINTS, INPUTS, WIDTH, CLASSES = 12, 16, 20, 3


def mlp(*middle: nn.Module, classes: int = CLASSES) -> nn.Sequential:
    return nn.Sequential(nn.Linear(INPUTS, WIDTH), nn.ReLU(), *middle, nn.Linear(WIDTH, classes))


def normed() -> nn.Sequential:
    return mlp(nn.BatchNorm1d(WIDTH))


class Around(nn.Module):
    """The plain model, and what is done with it and its inputs."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        super().__init__()
        self.net, self.run = mlp(), forward

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.run(self.net, *inputs)


# BatchNorm that is none of torch's modules: as `normed`.


class ByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(WIDTH))
        self.register_buffer("variance", torch.ones(WIDTH))

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        mean, variance = self.mean, self.variance
        if self.training:
            variance, mean = torch.var_mean(h, dim=0, correction=0)
            self.mean.mul_(0.9).add_(0.1 * mean)
            self.variance.mul_(0.9).add_(0.1 * variance)
        return (h - mean) / (variance + 1e-5).sqrt()


def by_hand() -> nn.Module:
    return mlp(ByHand())


class ByFunction(ByHand):
    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return F.batch_norm(h, self.mean, self.variance, training=self.training)


def by_function() -> nn.Module:
    return mlp(ByFunction())


# What packs a model into something else.


def scripted() -> nn.Module:
    return torch.jit.script(mlp())


def traced() -> nn.Module:
    """Of a model in eval(), which it is in for good."""
    return torch.jit.trace(normed().eval(), torch.randn(4, INPUTS))


def exported() -> nn.Module:
    """In eval() for good, and for exactly POINTS points."""
    return torch.export.export(normed().eval(), (torch.randn(POINTS, INPUTS),)).module()


def compiled_in_place() -> nn.Module:
    network = normed()
    network.compile(backend="eager")
    return network


def lazy() -> nn.Module:
    """As `normed`: its first pass draws the weights, in the same order."""
    return nn.Sequential(nn.LazyLinear(WIDTH), nn.ReLU(), nn.LazyBatchNorm1d(), nn.LazyLinear(CLASSES))


class Complex(nn.Module):
    """Complex inside."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(INPUTS, WIDTH, dtype=torch.complex64)
        self.last = nn.Linear(WIDTH, CLASSES, dtype=torch.complex64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.returned(self.last(torch.tanh(self.first(x.to(torch.complex64)))))

    def returned(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs.abs()


class ComplexOutputs(Complex):
    def returned(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs


# What is returned.


class Recurrent(nn.Module):
    """An LSTM over 4 steps that returns its state too."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.head = nn.LSTM(INPUTS // 4, WIDTH, batch_first=True), nn.Linear(WIDTH, CLASSES)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        steps, (state, _) = self.rnn(x.unflatten(1, (4, -1)))
        return self.head(steps[:, -1]), state


class Returned(NamedTuple):
    loss: torch.Tensor | None
    scores: torch.Tensor
    hidden: torch.Tensor


def one_logit() -> nn.Module:
    return mlp(classes=1)


def one_probability() -> nn.Module:
    return nn.Sequential(*one_logit(), nn.Sigmoid())


class Positions(nn.Module):
    """Of tokens below 9 [n, positions], outputs [n, positions, classes]; the mask hides some from a mean over them."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.net = nn.Embedding(9, INPUTS), mlp()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        h = self.embedding(input_ids)
        shown = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        return self.net(h + (h * shown[:, :, None]).sum(dim=1, keepdim=True) / shown.sum(dim=1)[:, None, None])


class Pixels(nn.Module):
    """Outputs [n, classes, 4, 4]: a guess for every pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, CLASSES, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x.view(-1, 1, 4, 4))


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = mlp()

    def forward(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return self.net(x * weight)


# What happens in forward.


class Forces(nn.Module):
    """The guess is an energy's derivative."""

    def __init__(self) -> None:
        super().__init__()
        self.energy = nn.Sequential(nn.Linear(INPUTS, WIDTH), nn.Tanh(), nn.Linear(WIDTH, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.requires_grad_()
        (force,) = torch.autograd.grad(self.energy(x).sum(), x)
        return force[:, :CLASSES]


class ForcesByFormula(Forces):
    """The same derivative, written down."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, _, last = self.energy
        slope = 1 - torch.tanh(first(x)) ** 2
        return ((slope * last.weight[0]) @ first.weight)[:, :CLASSES]


class Ensemble(nn.Module):
    """The mean of three."""

    def __init__(self) -> None:
        super().__init__()
        self.nets = nn.ModuleList(mlp() for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([net(x) for net in self.nets]).mean(dim=0)


class Vmapped(Ensemble):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stacked = stack_module_state(list(self.nets))
        return vmap(lambda weights, buffers: functional_call(self.nets[0], (weights, buffers), (x,)))(*stacked).mean(0)


class Encoder(nn.Module):
    """torch's encoder of 4 positions, of which the last is padding; in eval() it takes its way without modules."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(INPUTS // 4, 2, 8, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(INPUTS // 4, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padding = torch.tensor([[False, False, False, True]]).expand(len(x), 4)
        return self.head(self.encoder(x.unflatten(1, (4, -1)), src_key_padding_mask=padding)[:, 0])


class Shortened(Encoder):
    """The same without the padding at all."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(x.unflatten(1, (4, -1))[:, :3])[:, 0])


class Experts(nn.Module):
    """Each point goes to one of three layers: some may see none. As `AllExperts`."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(INPUTS, 3)
        self.experts = nn.ModuleList(nn.Linear(INPUTS, CLASSES) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        chosen, outputs = self.gate(x).argmax(dim=1), x.new_zeros(len(x), CLASSES)
        for index, expert in enumerate(self.experts):
            if (chosen == index).any():
                outputs[chosen == index] = expert(x[chosen == index])
        return outputs


class AllExperts(Experts):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        of_all = torch.stack([expert(x) for expert in self.experts])
        return of_all[self.gate(x).argmax(dim=1), torch.arange(len(x))]


class Remembers(nn.Module):
    """Takes the first batch's mean from every later output."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.memory = mlp(), None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs = self.net(x)
        self.memory = outputs.mean(dim=0) if self.memory is None else self.memory
        return outputs - self.memory


class Fixed(nn.Module):
    """For exactly POINTS points, as a network on one graph is."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.mix = mlp(), nn.Parameter(torch.randn(POINTS, POINTS) / 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(self.mix @ x)


class OwnNoise(nn.Module):
    """Noise under a name of its own, in training mode alone."""

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return h + torch.randn_like(h) if self.training else h


# How weights are drawn.


def weight_normed() -> nn.Module:
    """As `mlp`: the length of a row and its direction are drawn as one."""
    network = mlp()
    nn.utils.parametrizations.weight_norm(network[0])
    return network


def sets_a_seed() -> nn.Module:
    torch.manual_seed(42)
    return mlp()


def by_numpy() -> nn.Module:
    network = mlp()
    with torch.no_grad():
        for weights in network.parameters():
            weights.copy_(torch.from_numpy(np.random.standard_normal(weights.shape) / 4))  # noqa: NPY002
    return network


def by_python() -> nn.Module:
    network = mlp()
    with torch.no_grad():
        for weights in network.parameters():
            weights.fill_(0).view(-1).add_(torch.tensor([random.gauss(0, 0.25) for _ in range(weights.numel())]))
    return network


class Diverges(nn.Module):
    """One network in about five has infinite outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.by = mlp(), float(torch.rand(()) >= 0.2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x) / self.by


def on_meta() -> nn.Module:
    with torch.device("meta"):
        return mlp()


class Same:
    """A builder that returns one object again and again."""

    def __init__(self) -> None:
        self.network = mlp()

    def __call__(self) -> nn.Module:
        return self.network


def zero_last() -> nn.Module:
    network = mlp()
    nn.init.zeros_(network[-1].weight)
    nn.init.zeros_(network[-1].bias)
    return network


def zero_last_weights() -> nn.Module:
    """All points get the same guess, by the bias."""
    network = mlp()
    nn.init.zeros_(network[-1].weight)
    return network


class ConstantEmbedding(nn.Module):
    """A learned vector, given to a layer of its own: the same for all points, so it has no gamma."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.token, self.project = mlp(), nn.Embedding(1, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        learned = self.project(self.token(torch.zeros(len(x), dtype=torch.long)))
        return self.net[2](self.net[:2](x) + learned)
