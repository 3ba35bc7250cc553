"""The same networks on other inputs, and remedies tried on the spot: does the data decide, or the architecture?"""

from collections.abc import Callable, Iterator

import torch

from normplace.measuring.look import Change
from normplace.measuring.points import Points

SMALLER = 0.1  # the factor of `--try`'s last layer


def contrasts(points: Points, seed: int) -> dict[str, Points]:
    """The points "shuffled", each one's places (pixels, tokens, features) in an order of its own, and random ones.

    "Gaussian" are floats with the mean and the deviation of all values; of tokens they are "evenly drawn" ones.
    """
    generator = torch.Generator().manual_seed(seed)
    first = points.first
    drawn = "Gaussian" if first.is_floating_point() else "evenly drawn"
    changes: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "shuffled": lambda x: _shuffled(x, points.mask, generator),
        drawn: lambda x: _drawn(x, generator),
    }
    return {name: _main_changed(points, change) for name, change in changes.items()}


def _main_changed(points: Points, change: Callable[[torch.Tensor], torch.Tensor]) -> Points:
    first = points.first  # masks and others stay as they are
    return points.map(lambda tensor: change(tensor) if tensor is first else tensor)


def _shuffled(x: torch.Tensor, mask: torch.Tensor | None, generator: torch.Generator) -> torch.Tensor:
    """The places of each point [n, c, h, w] or [n, ...] in an order of its own, channels together.

    mask: [n, positions], 0 at positions of padding, which stay where they are.
    """
    places = x.flatten(2) if x.ndim > 3 else x.flatten(1).unsqueeze(1)
    drawn = torch.rand(len(x), places.shape[2], generator=generator).to(x.device)
    order = drawn.argsort(dim=1)
    if mask is not None and x.ndim <= 3 and mask.shape == x.shape[:2]:
        padding = (mask == 0).repeat_interleave(places.shape[2] // mask.shape[1], dim=1).to(x.device)
        # The places that count, and behind them those of padding: by number, and in the order that was drawn.
        by_number = padding.to(torch.uint8).argsort(dim=1, stable=True)
        among = torch.where(padding, 1 + torch.arange(places.shape[2], device=x.device), drawn).argsort(dim=1)
        order = torch.empty_like(order).scatter_(1, by_number, among)
    return places.gather(2, order.unsqueeze(1).expand_as(places)).reshape(x.shape)


def _drawn(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    if x.is_floating_point():
        drawn = torch.randn(x.shape, generator=generator).to(x)
        return drawn * x.std() + x.mean()
    return torch.randint(int(x.max()) + 1, x.shape, generator=generator).to(x)


def centred(points: Points) -> Points | None:
    """The points less their mean over points, or None of tokens."""
    if not points.first.is_floating_point():
        return None
    return _main_changed(points, lambda x: x - x.mean(dim=0))


def without_mean(outputs: torch.Tensor) -> torch.Tensor:
    """Outputs [points, classes] less their mean over points: of a constant exactly 0, as float32 would not have it."""
    exact = outputs.double()
    return exact - exact.mean(dim=0)


def remedies(*, is_linear: bool) -> Iterator[tuple[str, Change]]:
    """What can be done to a last linear layer, as what that does to outputs [points, classes]."""
    if is_linear:
        yield "output bias set to minus the outputs' mean", Change(without_mean, False)
        yield f"last layer scaled by {SMALLER}", Change(lambda outputs: outputs * SMALLER, True)
