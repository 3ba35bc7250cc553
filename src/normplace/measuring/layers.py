"""What every layer of any module hands on, seen through forward hooks: where in a network its prejudice arises.

A layer's gamma is that of a fresh random linear readout of its output h: with weights of mean zero,
Var_W(E_x f) / E_W(Var_x f) = sum_u (E_x h_u)^2 / sum_u Var_x h_u over the units u. So `normplace sample`'s gamma
at depth l is the gamma of the l-th hidden layer here, and an activation is seen to raise it where it does so.
"""

import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn

IN_CACHE = 2**18  # numbers at a time: what stays in a processor's cache
ELSEWHERE = 2**27


class Layer(NamedTuple):
    """Summed over a layer's units: the squared mean and the population variance over points.

    kind: the module's class, "input", or "functions" for what code around modules made. follows: the layer that this
    one was made from, or that ran last before functions; none for the input. bytes: of its output.
    """

    squared_mean: torch.Tensor
    variance: torch.Tensor
    kind: str
    follows: str
    bytes: int


def layer_moments(h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Squared mean and variance of h [n, ...] over points, summed; every place of a map is a unit of its own."""
    mean = h.mean(dim=0, dtype=torch.promote_types(h.dtype, torch.float32))
    points = max(1, (IN_CACHE if h.device.type == "cpu" else ELSEWHERE) // max(1, mean.numel()))
    parts = torch.split(h, points)
    squares = torch.stack([(part - mean).square_().sum().double() for part in parts])
    return mean.double().square().sum(), squares.sum() / len(h)


class Recorder:
    """The layers of forward passes on points x [n, ...], in the order of execution, x the first: see `recorded`."""

    def __init__(self, x: torch.Tensor) -> None:
        self.n = len(x)
        self.layers: dict[str, Layer] = {}
        self._calls: dict[str, int] = {}
        self._names: dict[int, tuple[Any, int, str]] = {}  # of a tensor by its id: a weak reference, its version, name
        # Of the modules that run now, the outermost first: the layer they were given, how many layers there were.
        self._running: list[tuple[str, int]] = []
        self._add("input", x, "input", "")

    def _add(self, name: str, h: torch.Tensor, kind: str, follows: str) -> None:
        self._calls[name] = self._calls.get(name, 0) + 1
        if self._calls[name] > 1:
            name = f"{name} ({self._calls[name]})"
        self._names[id(h)] = weakref.ref(h), h._version, name
        self.layers[name] = Layer(*layer_moments(h), kind, follows, h.numel() * h.element_size())

    def _name(self, h: torch.Tensor) -> str | None:
        """Of the layer that gave h, unless h was changed in place since."""
        reference, version, name = self._names.get(id(h), (None, 0, ""))
        return name if reference is not None and reference() is h and version == h._version else None

    def _points(self, value: Any) -> torch.Tensor | None:
        """The first tensor of a module's input or output, if it is floats [n, ...]."""
        h = value[0] if isinstance(value, (tuple, list)) and value else value
        fits = isinstance(h, torch.Tensor) and h.is_floating_point() and h.ndim > 1 and len(h) == self.n
        return h if fits else None

    def before(self, name: str, module: nn.Module, inputs: Any) -> None:
        """A module is about to run. What functions made since the last one is a layer too: "before name"."""
        h = self._points(inputs)
        if h is not None and self._name(h) is None:
            self._add(f"before {name}", h, "functions", self._last())
        given = None if h is None else self._name(h)
        self._running.append((given or self._last(), len(self.layers)))

    def after(self, name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        """A module has run. If modules inside it did, it is its functions that made something new."""
        (given, layers_before), h = self._running.pop(), self._points(output)
        if h is not None and self._name(h) is None:
            is_whole = len(self.layers) == layers_before
            self._add(name, h, *((type(module).__name__, given) if is_whole else ("functions", self._last())))

    def _last(self) -> str:
        return next(reversed(self.layers))


@contextmanager
def recorded(model: nn.Module, x: torch.Tensor) -> Iterator[dict[str, Layer]]:
    """Record the layers of one forward pass on x [n, ...], which must be given to the model as this very tensor.

    Their statistics are taken at once, so that a later in-place operation does not change them. A module's next
    call is "name (2)"; the model's own name is "output". Left out: whatever only hands on what another gave (many
    containers, dropout when it is off), and outputs that are not floats with the points as their first axis.
    """
    recorder = Recorder(x)
    with ExitStack() as hooks:
        for name, module in model.named_modules():
            hooks.enter_context(module.register_forward_pre_hook(partial(recorder.before, name or "output")))
            hooks.enter_context(module.register_forward_hook(partial(recorder.after, name or "output")))
        yield recorder.layers
