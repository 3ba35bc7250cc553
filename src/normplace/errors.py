"""The one exception that means: the user's input is wrong, and this line says how."""

import math
from collections.abc import Iterable
from numbers import Integral
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class UserError(ValueError):
    """Bad input. The message names the option or file, the value, and what is allowed."""


def check_whole(option: str, value: object, least: int) -> None:
    """Refuse what is not a whole number of at least `least`.

    Raises:
        UserError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise UserError(f"--{option} {value}: a whole number of at least {least} is needed")


def check_number(option: str, value: float, above: float = -math.inf, least: float = -math.inf) -> None:
    """Refuse what is not a finite number above `above`, and at least `least`.

    Raises:
        UserError: it is not.
    """
    if not (above < value < math.inf and value >= least):
        more = f" above {above:g}" if math.isfinite(above) else ""
        more += f" of at least {least:g}" if math.isfinite(least) else ""
        raise UserError(f"--{option} {value}: a finite number{more} is needed")


def check_one_of(option: str, value: object, allowed: Iterable[str]) -> None:
    """Refuse what is not one of these names.

    Raises:
        UserError: it is not.
    """
    names = list(allowed)
    if value not in names:
        raise UserError(f"--{option} {value}: unknown, allowed are {', '.join(names)}")


def first_problem(error: "ValidationError") -> str:
    """The first thing that pydantic refuses, on one line: key, value and what is allowed."""
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"])) or "top level"
    value = "" if first["type"] in ("missing", "extra_forbidden", "json_invalid") else f" {first['input']!r:.200}"
    return " ".join(f"{key}{value}: {first['msg'].removeprefix('Value error, ')}".split())
