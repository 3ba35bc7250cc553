"""Class maps: which classes of a data set become which class of the network."""

import json
from typing import Any

from normplace.data.names import as_text
from normplace.data.record import Source
from normplace.data.sets import cifar10
from normplace.data.sets.digits import DIGITS
from normplace.errors import UserError

# name -> {new class: original class numbers}; the first new class is class 0.
CLASS_MAPS: dict[str, dict[str, list[int]]] = {
    "parity": {"even": [0, 2, 4, 6, 8], "odd": [1, 3, 5, 7, 9]},
    "vehicles-animals": {"vehicles": [0, 1, 8, 9], "animals": [3, 4, 5, 7]},
    "cats-dogs": {"cats": [3], "dogs": [5]},
}


def class_map(classes: str, source: Source) -> dict[str, list[int]]:
    """New class -> the numbers of the source's classes that it is made of.

    classes: a name of CLASS_MAPS, "all", or a JSON map from new class to a list of class names or numbers.

    Raises:
        UserError: an unknown class or map, fewer than two classes, an empty one, or a class in two of them.
    """
    names = source.class_names
    wanted: Any
    if classes == "all":
        wanted = {name: [index] for index, name in enumerate(names)}
    elif classes in CLASS_MAPS:
        meant = DIGITS if classes == "parity" else list(cifar10.CLASSES)
        if names != meant and source.kind not in ("scikit-learn photographs", "stand-in"):
            raise UserError(
                f"--classes {classes}: is for the classes {', '.join(meant)}; {source.label} has {', '.join(names)}"
            )
        wanted = CLASS_MAPS[classes]
    else:
        wanted = _from_json(as_text(classes))
    resolved = {new: [_class_number(member, names, classes) for member in members] for new, members in wanted.items()}
    flat = [number for members in resolved.values() for number in members]
    if len(resolved) < 2 or not all(resolved.values()) or len(set(flat)) < len(flat):
        raise UserError(f"--classes {classes}: needs two or more classes, none empty, none in two of them")
    return resolved


def _from_json(classes: str) -> dict[str, list[object]]:
    try:
        pairs = json.loads(classes, object_pairs_hook=list)
    except json.JSONDecodeError:
        pairs = None
    well_formed = isinstance(pairs, list) and all(
        isinstance(pair, tuple) and isinstance(pair[1], list) and not any(isinstance(m, tuple) for m in pair[1])
        for pair in pairs
    )
    if not well_formed:
        raise UserError(
            f"--classes {classes}: allowed are {', '.join(CLASS_MAPS)}, all, or a JSON map from new class to "
            'a list of class names or numbers, such as {"cats": ["cat"], "dogs": ["dog"]}'
        )
    if len(dict(pairs)) < len(pairs):
        raise UserError(f"--classes {classes}: names a class twice")
    return dict(pairs)


def _class_number(member: object, names: list[str], classes: str) -> int:
    if isinstance(member, str) and as_text(member) in names:  # JSON may name letters by numbers
        return names.index(as_text(member))
    if isinstance(member, int) and not isinstance(member, bool) and 0 <= member < len(names):
        return member
    available = ", ".join(f"{index} ({name})" for index, name in enumerate(names))
    raise UserError(f"--classes {classes}: the data has no class {member!r}, it has {available}")
