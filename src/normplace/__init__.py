"""What a network guesses before it has learned anything, and how its norms and their placement decide that.

    import normplace as npl
    data = npl.load("mnist", classes="parity", points=1000)
    net = npl.MLP(norm="batch", placement="before", depth=20)
    seen = npl.sample(net, data, inits=1000, seed=0)
    theory = npl.theory(net, data)

Each name is imported when it is first used: torch takes seconds to import, and theory does without it.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from normplace.data.datasets import load as load
    from normplace.errors import UserError as UserError
    from normplace.measuring.measure import measure as measure
    from normplace.networks.architecture import MLP as MLP
    from normplace.networks.architecture import ImageNetwork as ImageNetwork
    from normplace.sampling.sample import sample as sample
    from normplace.theories.theory import theory as theory
    from normplace.training.train import train as train
    from normplace.verifying.verify import verify as verify

__version__ = "0.1.0"
_FOUND_IN = {
    "ImageNetwork": "networks.architecture",
    "MLP": "networks.architecture",
    "UserError": "errors",
    "load": "data.datasets",
    "measure": "measuring.measure",
    "sample": "sampling.sample",
    "theory": "theories.theory",
    "train": "training.train",
    "verify": "verifying.verify",
}
__all__ = ["ImageNetwork", "MLP", "UserError", "load", "measure", "sample", "theory", "train", "verify"]  # noqa: RUF022


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for (PEP 562)."""
    if name not in _FOUND_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_FOUND_IN[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
