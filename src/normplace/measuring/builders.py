"""The user's model: from its name to a function that builds it afresh, with its own initialisation."""

import copy
import difflib
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from normplace.data.vision import import_torchvision
from normplace.errors import UserError
from normplace.measuring.blame import blamed
from normplace.networks.random import network_generator

Builder = Callable[[], nn.Module]


def find_model(name: str, classes: int | None, side: int | None = None) -> Builder | nn.Module:
    """The builder, or the module, that `torchvision:NAME` or `package.module:callable` names.

    classes: outputs of a torchvision model (None: its own default, 1000). side: pixels a side of square images, for
    torchvision's ViTs (None: 224); its other models take any. Modules are looked for in the current folder too.

    Raises:
        UserError: there is none of that name, or the import fails.
    """
    package, _, attribute = name.partition(":")
    if not package or not attribute or package.endswith(".py") or "/" in package:
        raise UserError("allowed are torchvision:NAME and package.module:callable, such as my_models:build")
    if package == "torchvision":
        return _of_torchvision(attribute, classes, side)
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        with blamed(f"importing {package}"):
            found: Any = importlib.import_module(package)
    except UserError as error:
        if isinstance(error.__cause__, ModuleNotFoundError) and package.startswith(str(error.__cause__.name)):
            raise UserError(f"there is no module {error.__cause__.name} in the current folder or installed") from None
        raise
    if not hasattr(found, attribute):
        raise UserError(f"{package} has no {attribute}{_close(attribute, dir(found))}")
    found = getattr(found, attribute)
    if not callable(found):
        raise UserError(
            f"{attribute} is of type {type(found).__name__}, but a callable that returns a module is needed"
        )
    model: Builder | nn.Module = found
    return model


def _of_torchvision(name: str, classes: int | None, side: int | None) -> Builder:
    models = import_torchvision().models
    known = models.list_models(module=models)  # the classifiers; detection and others are in modules of their own
    if name not in known:
        raise UserError(f"torchvision has no classifier {name}{_close(name, known)}")
    options = {"num_classes": classes, "image_size": side if name.startswith("vit_") else None}
    given = {option: value for option, value in options.items() if value is not None}
    return partial(models.get_model, name, weights=None, **given)


def _close(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known)
    return f"; close names are {', '.join(close)}" if close else ""


def own_initialisation(model: Builder | nn.Module) -> tuple[Builder, str]:
    """A function that gives the model with freshly drawn weights, and what this initialisation is, in words."""
    if isinstance(model, nn.Module):
        words = "reset_parameters of every module (what the constructor did beyond that is not repeated)"
        return partial(_redrawn, model), words
    return partial(_built, model), "the builder, called anew for every network"


def _built(build: Builder) -> nn.Module:
    with blamed("the builder"):
        built = build()
    if not isinstance(built, nn.Module):
        raise UserError(f"the builder returned a {type(built).__name__}, but a torch.nn.Module is needed")
    return built


def _redrawn(model: nn.Module) -> nn.Module:
    fresh = copy.deepcopy(model)
    with torch.no_grad(), blamed("reset_parameters"):
        drawn = {name: weights for name, weights in fresh.named_parameters() if weights.is_floating_point()}
        for weights in drawn.values():
            weights.fill_(torch.nan)  # what is still NaN afterwards was not drawn
        for module in reversed(list(fresh.modules())):  # a parent after its children, as in constructors
            reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
            if reset is not None:
                reset()
        left = [name for name, weights in fresh.named_parameters() if name in drawn and bool(weights.isnan().any())]
    if left:
        names = ", ".join(left[:3]) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
        raise UserError(f"no reset_parameters draws {names}: give a function that builds the model instead")
    return fresh


@contextmanager
def seeded(seed: int, index: int) -> Iterator[None]:
    """Draw from torch's global generators as network `index` under `seed`; afterwards they are as they were."""
    started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    devices = range(torch.cuda.device_count()) if started else ()
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(network_generator(seed, index).initial_seed())
        yield
