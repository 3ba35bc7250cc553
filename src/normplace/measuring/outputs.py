"""From whatever a model returns to outputs [points, classes]: which tensor, which positions, a logit or a probability.

Every rule that was applied is said in the report.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch

from normplace.errors import UserError

LOGITS = ("logits", "out")  # of transformers' and of torchvision's outputs
POSITIONS = ("last", "mean", "all")
BINARY = ("logit", "probability")


class Rule(NamedTuple):
    """How outputs are read.

    positions: "last", "mean", "all" or an index, or None: last of [n, positions, classes], all of [n, classes, h, w].
    binary: what the one output per point is, "logit" or "probability"; None where it is not known yet.
    """

    positions: str | int | None = None
    binary: str | None = None


def check_positions(positions: str | int | None) -> str | int | None:
    """The positions, an index as a number.

    Raises:
        UserError: none of POSITIONS, and no index.
    """
    if positions is None or positions in POSITIONS:
        return positions
    try:
        return int(positions)
    except (TypeError, ValueError):
        raise UserError(f"--positions {positions}: allowed are {', '.join(POSITIONS)} and an index such as 0") from None


def tensor_of(returned: Any) -> tuple[torch.Tensor, str]:
    """The tensor of outputs in what a model returned, and where it stood ("" for the whole).

    A tensor itself; of a dictionary or a ModelOutput its logits, its out, else its first floats; of a tuple or a list
    its first floats.

    Raises:
        UserError: there is none.
    """
    if isinstance(returned, torch.Tensor):
        if not returned.is_floating_point():
            raise UserError(f"the model returned a {returned.dtype} tensor, but a float tensor [n, classes] is needed")
        if returned.layout != torch.strided or returned.is_nested:
            raise UserError("the model returned a sparse or nested tensor, but a plain one [n, classes] is needed")
        return returned if returned.element_size() > 1 else returned.float(), ""  # 8 bits have no arithmetic
    kind = type(returned).__name__
    if isinstance(returned, Mapping):
        names = [*(name for name in LOGITS if name in returned), *returned]
        found = _first_floats((str(name), returned[name]) for name in names)
    elif isinstance(returned, (tuple, list)):
        names = list(getattr(returned, "_fields", range(len(returned))))
        found = _first_floats((str(name), value) for name, value in zip(names, returned, strict=True))
    else:
        found = None
    if found is None:
        raise UserError(f"the model returned a {kind}, but a float tensor [n, classes] is needed")
    tensor, name = found
    return tensor, f"{name} of the {kind}"


def _first_floats(items: Iterable[tuple[str, Any]]) -> tuple[torch.Tensor, str] | None:
    for name, value in items:
        if isinstance(value, torch.Tensor) and value.is_floating_point() and value.ndim:  # a loss has no axis
            return tensor_of(value)[0], name
        if isinstance(value, (Mapping, tuple, list)):
            try:
                inside, within = tensor_of(value)
            except UserError:
                continue
            return inside, f"{name}, {within}"
    return None


def at_positions(tensor: torch.Tensor, n: int, mask: torch.Tensor | None, rule: Rule) -> tuple[torch.Tensor, str]:
    """Outputs [points, classes] from [n, classes], [n, positions, classes] or [n, classes, h, w], and the rule.

    mask: [n, positions], not 0 at positions that count: "last" is then each point's last such position.

    Raises:
        UserError: another shape, or no such position.
    """
    if tensor.ndim < 1 or len(tensor) != n or not tensor.numel():
        flat = tensor.ndim == 2 and tensor.numel() and len(tensor) % n == 0
        hint = "; return [n, positions, classes], of which --positions all makes a guess each" if flat else ""
        raise UserError(f"the model returned outputs of shape {list(tensor.shape)} for {n} points{hint}")
    if tensor.ndim <= 2:
        if rule.positions is not None:
            raise UserError(f"--positions {rule.positions}: outputs {list(tensor.shape)} have no positions")
        return tensor.reshape(n, -1), ""
    if tensor.ndim == 3:
        places, what, default = tensor, f"positions ({tensor.shape[1]}, of {tensor.shape[2]} classes)", "last"
    else:
        places = tensor.flatten(2).transpose(1, 2)
        what, default = f"pixels ({'x'.join(map(str, tensor.shape[2:]))})", "all"
    chosen, count = default if rule.positions is None else rule.positions, places.shape[1]
    valid = mask.bool() if mask is not None and mask.shape == places.shape[:2] else None
    if valid is not None and not bool(valid.any(dim=1).all()):
        raise UserError("attention_mask leaves a point without any position")
    if chosen == "all":
        kept = places.flatten(0, 1) if valid is None else places[valid]
        return kept, f"each of the {what} is a guess of its own"
    if chosen == "mean":
        weights = torch.ones_like(places[:, :, 0]) if valid is None else valid.to(places.dtype)
        mean = torch.einsum("npc,np->nc", places, weights / weights.sum(dim=1, keepdim=True))
        return mean, f"the mean over {what}: one guess a point"
    if chosen == "last":
        last = torch.full((n,), count - 1) if valid is None else (valid * torch.arange(1, count + 1)).argmax(dim=1)
        return places[torch.arange(n), last.to(places.device)], f"the last of the {what}: one guess a point"
    if not -count <= int(chosen) < count:
        raise UserError(f"--positions {chosen}: outputs {list(tensor.shape)} have {count} positions")
    return places[:, int(chosen)], f"number {chosen} of the {what}: one guess a point"


def two_classes(outputs: torch.Tensor, binary: str) -> torch.Tensor:
    """Outputs [points, 2] of one output per point: a logit f of class 1 is -f/2, f/2, a probability p is 1-p, p."""
    return torch.cat([-outputs / 2, outputs / 2] if binary == "logit" else [1 - outputs, outputs], dim=1)


def are_probabilities(outputs: torch.Tensor) -> bool:
    """Whether all rows [points, classes] are shares of 1."""
    tolerance = 64 * torch.finfo(outputs.dtype).eps
    return bool((outputs >= 0).all()) and bool(((outputs.sum(dim=1) - 1).abs() < tolerance * outputs.shape[1]).all())
