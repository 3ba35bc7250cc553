"""What every layer of any module hands on, seen through forward hooks: where in a network its prejudice arises.

A layer's gamma is that of a fresh random linear readout of its output h: with weights of mean zero,
Var_W(E_x f) / E_W(Var_x f) = sum_u (E_x h_u)^2 / sum_u Var_x h_u over the units u. So `normplace sample`'s gamma
at depth l is the gamma of the l-th hidden layer here, and an activation is seen to raise it where it does so.

Hooks never fail a model: a layer that cannot be read is left out and counted.
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
SAFE = 1e-30  # of a sum of squares in float32


class Layer(NamedTuple):
    """Summed over a layer's units: the squared mean and the population variance over points.

    kind: the module's class, "input", or "functions" for what code around modules made. follows: the layer that this
    one was made from, or that ran last before functions; none for the input. bytes: of its output for one point.
    """

    squared_mean: float
    variance: float
    kind: str
    follows: str
    bytes: int


class Moments:
    """The mean of every unit, and the sum over units of population variances, of points that come in several parts.

    One pass over the numbers: squares are taken about the first point, so that no digits are lost where the mean is
    large, and in parts that stay in the cache.
    """

    def __init__(self) -> None:
        self.n = 0
        self._about: torch.Tensor
        self._sum: torch.Tensor | float = 0.0
        self._squares = 0.0

    def add(self, h: torch.Tensor) -> None:
        """Points h [n, ...]; every place of a map is a unit of its own."""
        if h.ndim == 4 and h.is_contiguous(memory_format=torch.channels_last):
            h = h.permute(0, 2, 3, 1)  # as it lies in memory
        h = h.detach().flatten(1)
        h = h if h.dtype in (torch.float32, torch.float64) else h.float()
        if self.n == 0:
            self._about = h[0].clone()
        self.n += len(h)
        points = max(1, (IN_CACHE if h.device.type == "cpu" else ELSEWHERE) // max(1, h.shape[1]))
        for part in (h,) if len(h) <= points else torch.split(h, points):
            centred = part - self._about
            self._sum = self._sum + centred.sum(dim=0)
            flat = centred.reshape(-1)
            square = float(torch.dot(flat, flat))
            if not SAFE < square < 1 / SAFE:  # beyond what float32 holds, or as good as 0
                square = float(flat.double().square().sum())
            self._squares += square

    def sums(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The squared mean and the variance over points, each summed over units."""
        shift = torch.as_tensor(self._sum).double() / self.n
        mean = self._about + shift
        variance = self._squares / self.n - torch.dot(shift, shift)
        return torch.dot(mean, mean), variance.clamp_min(0)


class Recorder:
    """The layers of forward passes, in the order of execution, the input first: see `recorded`."""

    def __init__(self) -> None:
        self.left_out: set[str] = set()
        self._moments: dict[str, Moments] = {}
        self._places: dict[str, tuple[str, str, int]] = {}  # kind, follows, bytes per point

    def start(self, x: torch.Tensor, n: int) -> None:
        """A pass of n points begins, whose main input is x [n, ...]."""
        self.n = n
        self._calls: dict[str, int] = {}
        self._names: dict[int, tuple[Any, int, str]] = {}  # of a tensor by its id: a weak reference, its version, name
        # Of the modules that run now, the outermost first: their name, the layer they were given, how many there were.
        self._running: list[tuple[str, str, int]] = []
        self._last = ""
        self._seen = 0
        if x.is_floating_point():
            self._add("input", x, "input", "")

    def _add(self, name: str, h: torch.Tensor, kind: str, follows: str) -> None:
        self._calls[name] = self._calls.get(name, 0) + 1
        if self._calls[name] > 1:
            name = f"{name} ({self._calls[name]})"
        self._seen += 1
        version = -1 if h.is_inference() else h._version
        self._names[id(h)] = weakref.ref(h), version, name
        if name not in self._moments:
            self._moments[name] = Moments()
            self._places[name] = kind, follows, h.numel() * h.element_size() // self.n
        self._moments[name].add(h)
        self._last = name

    def _name(self, h: torch.Tensor) -> str | None:
        """Of the layer that gave h, unless h was changed in place since."""
        reference, version, name = self._names.get(id(h), (None, 0, ""))
        if reference is None or reference() is not h:
            return None
        return name if h.is_inference() or version == h._version else None

    def _points(self, value: Any) -> torch.Tensor | None:
        """The first tensor of a module's input or output, if it is floats [n, ...] of plain memory."""
        while isinstance(value, (tuple, list, dict)) and value:
            value = next(iter(value.values())) if isinstance(value, dict) else value[0]
        h = value
        fits = (
            isinstance(h, torch.Tensor)
            and h.is_floating_point()
            and not h.is_nested
            and h.layout == torch.strided
            and h.ndim > 1
            and len(h) == self.n
            and not torch._C._functorch.is_functorch_wrapped_tensor(h)
        )
        return h if fits else None

    def before(self, name: str, module: nn.Module, positional: Any, named: Any) -> None:
        """A module is about to run. What functions made since the last one is a layer too: "before name"."""
        try:
            h = self._points(positional or named)
            if h is not None and self._name(h) is None:
                self._add(f"before {name}", h, "functions", self._last)
            given = None if h is None else self._name(h)
            self._running.append((name, given or self._last, self._seen))
        except Exception:  # whatever a tensor or a module of the user cannot do
            self.left_out.add(name)

    def after(self, name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        """A module has run. If modules inside it did, it is its functions that made something new."""
        try:
            given, seen = self._last, self._seen
            while self._running:  # an error that the model caught can have left some
                ran, given, seen = self._running.pop()
                if ran == name:
                    break
            h = self._points(output)
            if h is None:
                self.left_out.add(name)
            elif self._name(h) is None:
                is_whole = self._seen == seen
                self._add(name, h, *((type(module).__name__, given) if is_whole else ("functions", self._last)))
        except Exception:
            self.left_out.add(name)

    def layers(self) -> dict[str, Layer]:
        """All that was recorded. Left out: a layer that is the same for all points, up to rounding.

        What follows such a layer follows what that one was made from.
        """
        sums = {name: of.sums() for name, of in self._moments.items()}
        # One transfer from the device for all layers, not one each.
        numbers = torch.stack([torch.stack(pair) for pair in sums.values()]).tolist() if sums else []
        layers: dict[str, Layer] = {}
        of_constant: dict[str, str] = {}
        for name, (squared_mean, variance) in zip(sums, numbers, strict=True):
            kind, follows, size = self._places[name]
            follows = of_constant.get(follows, follows)
            if variance <= ROUNDING * squared_mean:
                of_constant[name] = follows
                self.left_out.add(name)
            else:
                layers[name] = Layer(squared_mean, variance, kind, follows, size)
        return layers


ROUNDING = (8 * torch.finfo(torch.float32).eps) ** 2  # of a variance, in squared means


@contextmanager
def recorded(model: nn.Module) -> Iterator[Recorder]:
    """Record the layers of forward passes, each begun by `Recorder.start` with the very tensors the model is given.

    Their statistics are taken at once, so that a later in-place operation does not change them. A module's next
    call is "name (2)"; the model's own name is "output". Left out: whatever only hands on what another gave (many
    containers, dropout when it is off), and outputs that are not floats with the points as their first axis.
    """
    recorder = Recorder()
    with ExitStack() as hooks:
        for name, module in model.named_modules():
            before, after = partial(recorder.before, name or "output"), partial(recorder.after, name or "output")
            try:
                hooks.enter_context(module.register_forward_pre_hook(before, with_kwargs=True))
                hooks.enter_context(module.register_forward_hook(after))
            except RuntimeError:  # such as a scripted module, which takes no hooks
                recorder.left_out.add(name or "output")
        yield recorder
