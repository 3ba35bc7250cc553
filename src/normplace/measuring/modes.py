"""Training mode and eval() of any model, with dropout off; whether the two differ is found out by their outputs.

No list of classes would do: BatchNorm is also written by hand, called as a function, or inside a scripted model.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

Modes = frozenset[str]  # names of the modules that are in training mode
NAMES = {"batch": "training mode", "running": "eval()"}  # of kinds of looks
NOISE = ("dropout", "droppath", "stochasticdepth", "dropblock")  # in the names of classes
DROPOUTS = {
    F.dropout,
    F.dropout1d,
    F.dropout2d,
    F.dropout3d,
    F.alpha_dropout,
    F.feature_alpha_dropout,
    torch.dropout,
    torch.alpha_dropout,
    torch.feature_dropout,
    torch.feature_alpha_dropout,
}
ATTENTION = F.multi_head_attention_forward
ATTENTION_ARGUMENTS = list(signature(ATTENTION).parameters)
SCALED = F.scaled_dot_product_attention
SCALED_ARGUMENTS = ["query", "key", "value", "attn_mask", "dropout_p", "is_causal"]


class WithoutDropout(TorchFunctionMode):
    """Dropout by functions hands on what it is given. found: whether there was any that was on."""

    found = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Every call of a function of torch on tensors comes here."""
        kwargs = kwargs or {}
        if func in DROPOUTS:
            given = dict(zip(("input", "p", "training"), args, strict=False)) | kwargs
            self.found |= bool(given.get("training", True)) and given.get("p", 0.5) > 0
            return given["input"]
        if func in (ATTENTION, SCALED):
            names = ATTENTION_ARGUMENTS if func is ATTENTION else SCALED_ARGUMENTS
            kwargs = dict(zip(names, args, strict=False)) | kwargs
            self.found |= kwargs.get("dropout_p", 0) > 0 and bool(kwargs.get("training", True))
            args, kwargs = (), kwargs | {"dropout_p": 0.0}
        return func(*args, **kwargs)


def modes_of(model: nn.Module) -> tuple[Modes, Modes]:
    """The modules that train() and those that eval() put into training mode; twice what they are where neither works.

    An exported model has no modes, for one.
    """
    before = {module: is_training(module) for module in model.modules()}
    now = in_training(model)
    try:
        model.train()
        training = in_training(model)
        model.eval()
        return training, in_training(model)
    except Exception:
        return now, now
    finally:
        _put_back(before)


def without_noise(model: nn.Module, training: Modes, evaluation: Modes) -> Modes:
    """Training mode, but that modules which only add noise stay as eval() has them."""
    named = dict(model.named_modules())
    return frozenset(name for name in training if name in evaluation or not is_noise(named[name]))


def in_training(model: nn.Module) -> Modes:
    """The names of the modules that are in training mode."""
    return frozenset(name for name, module in model.named_modules() if is_training(module))


def is_training(module: nn.Module) -> bool:
    """Whether a module is in training mode; a frozen one of TorchScript has none."""
    return bool(getattr(module, "training", False))


def is_noise(module: nn.Module) -> bool:
    """Whether a module does nothing in eval(), and adds noise in training."""
    kind = _kind(module).lower()
    return any(word in kind for word in NOISE)


def _kind(module: nn.Module) -> str:
    return str(getattr(module, "original_name", type(module).__name__))  # the first of a scripted module


@contextmanager
def step_by_step() -> Iterator[None]:
    """Encoders of torch run their modules one by one in eval() too, so that layers are seen and modes round alike."""
    is_fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(is_fused)


@contextmanager
def in_mode(model: nn.Module, modes: Modes) -> Iterator[None]:
    """With these modules in training mode; modes and buffers, such as running statistics, are put back."""
    before = {module: is_training(module) for module in model.modules()}
    buffers = [
        (module, name, buffer, buffer.clone())
        for module in (model.modules() if modes else ())
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    overridden = any(type(module).train not in (nn.Module.train, torch.jit.ScriptModule.train) for module in before)
    if overridden:  # and may do more than set flags
        model.train(bool(modes))
    for name, module in model.named_modules():
        if is_training(module) != (name in modes):
            module.training = name in modes
    try:
        yield
    finally:
        if overridden:
            model.train(before[model])
        _put_back(before)
        with torch.no_grad():
            for module, name, buffer, saved in buffers:
                if buffer.shape != saved.shape:
                    buffer.resize_(saved.shape)
                buffer.copy_(saved)
                if module._buffers[name] is not buffer:
                    module._buffers[name] = buffer


def _put_back(before: dict[nn.Module, bool]) -> None:
    for module, mode in before.items():
        if is_training(module) != mode:
            module.training = mode


def training_modes(
    model: nn.Module,
    outputs: Callable[[Modes, int], torch.Tensor | None],
    same: Callable[[torch.Tensor | None, torch.Tensor | None], bool],
) -> tuple[Modes, Modes, bool]:
    """Training mode without its noise, eval(), and whether some of training mode had to be left out.

    outputs: of the model in a mode, with one of several seeds of noise, and dropout by functions off; None where it
    fails. Modules that add noise beyond dropout, or that fail in training mode without more than their inputs, stay as
    eval() has them. What eval() itself adds is the same in both modes under one seed.
    """
    training, evaluation = modes_of(model)
    quiet = without_noise(model, training, evaluation)
    usual, trained, without = outputs(evaluation, 0), outputs(training, 0), outputs(quiet, 0)
    if same(usual, trained) and same(usual, without):
        return evaluation, evaluation, False
    is_noisy = not same(usual, outputs(evaluation, 1))

    def is_more_than_noise(modes: Modes, seen: torch.Tensor | None) -> bool:
        return seen is not None and not same(seen, usual) and (is_noisy or same(seen, outputs(modes, 1)))

    for modes, seen in ((quiet, without), (training, trained)):  # what is called dropout may be more than that
        if is_more_than_noise(modes, seen) and (is_noisy or same(seen, trained)):
            return modes, evaluation, False
    named = dict(model.named_modules())
    chosen = quiet if is_more_than_noise(quiet, without) else evaluation
    for kind in sorted({_kind(named[name]) for name in training - chosen}):
        one = chosen | {name for name in training if _kind(named[name]) == kind}
        seen = outputs(one, 0)
        if is_more_than_noise(one, seen) and not same(seen, outputs(chosen, 0)):
            chosen = one
    return chosen, evaluation, not same(outputs(chosen, 0), without)
