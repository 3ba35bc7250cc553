"""The one exception that means: the user's input is wrong, and this line says how."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class UserError(ValueError):
    """Bad input. The message names the option or file, the value, and what is allowed."""


def first_problem(error: "ValidationError") -> str:
    """The first thing that pydantic refuses, on one line: key, value and what is allowed."""
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"])) or "top level"
    value = "" if first["type"] in ("missing", "extra_forbidden", "json_invalid") else f" {first['input']!r:.200}"
    return " ".join(f"{key}{value}: {first['msg'].removeprefix('Value error, ')}".split())
