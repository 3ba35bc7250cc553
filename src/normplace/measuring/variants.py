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
        "shuffled": lambda x: _shuffled(x, generator),
        drawn: lambda x: _drawn(x, generator),
    }
    return {name: _main_changed(points, change) for name, change in changes.items()}


def _main_changed(points: Points, change: Callable[[torch.Tensor], torch.Tensor]) -> Points:
    first = points.first  # masks and others stay as they are
    return points.map(lambda tensor: change(tensor) if tensor is first else tensor)


def _shuffled(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The places of each point [n, c, h, w] or [n, ...] in an order of its own, channels together."""
    places = x.flatten(2) if x.ndim > 3 else x.flatten(1).unsqueeze(1)
    order = torch.rand(len(x), places.shape[2], generator=generator).argsort(dim=1).to(x.device)
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


def remedies(*, is_linear: bool) -> Iterator[tuple[str, Change]]:
    """What can be done to a last linear layer, as what that does to outputs [points, classes]."""
    if is_linear:
        yield "output bias set to minus the outputs' mean", Change(lambda outputs: outputs - outputs.mean(dim=0), False)
        yield f"last layer scaled by {SMALLER}", Change(lambda outputs: outputs * SMALLER, True)
