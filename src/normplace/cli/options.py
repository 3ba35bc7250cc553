"""Types of options, and the options that several commands share."""

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from normplace.cli.command import Command
from normplace.errors import UserError
from normplace.files import check_writable

Decorator = Callable[[Callable[..., Any]], Any]
command = functools.partial(click.command, cls=Command)
path = click.Path(path_type=Path)


class Whole(click.IntRange):
    """A whole number."""

    def __init__(self, least: int) -> None:
        super().__init__(min=least)
        self.name = f"whole number of at least {least}"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Short, because the help gives the range too."""
        return "N"


class Number(click.FloatRange):
    """A finite number."""

    def __init__(self, above: float | None = None, least: float | None = None) -> None:
        self.name = "finite number"
        if above is not None:
            self.name += f" above {above:g}"
        if least is not None:
            self.name += f" of at least {least:g}"
        low = least if least is not None else above if above is not None else -math.inf
        super().__init__(min=low, max=math.inf, min_open=least is None, max_open=True)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Short, because the help gives the range too."""
        return "X"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Refuse nan too, which is in every range."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a valid {self.name}.", param, ctx)
        return number


class Names(click.Choice[str]):
    """One of the names that a table of the library has when the command runs, not when its file is imported."""

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        self._names = names
        self.case_sensitive = True

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        """The names, read anew."""
        return tuple(self._names())


class Output(click.Path[Path]):
    """Where to write a file, or a folder of files; refused before any work where nothing can be written."""

    def __init__(self, *, folder: bool = False, suffix: str = "") -> None:
        super().__init__(path_type=Path, file_okay=not folder, dir_okay=folder)
        self.suffix = suffix

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Check that it can be written."""
        output = Path(value)
        return check_output(output, param.opts[0] if param else "--output", folder=self.dir_okay, suffix=self.suffix)


def check_output(path: Path, option: str, *, folder: bool = False, suffix: str = "") -> Path:
    """The path of a file, which ends in the suffix, or of a folder of files.

    Raises:
        click.UsageError: nothing can be written there, or the name promises another kind of file.
    """
    try:
        check_writable(path / "x" if folder else path, option)
    except UserError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None
    except OSError as error:  # such as a name that is too long
        message = f"{option} {path}: cannot be written ({error.strerror})"
        raise click.UsageError(message, click.get_current_context()) from None
    if path.suffix != suffix and suffix:
        raise click.UsageError(f"{option} {path}: needs the suffix {suffix}", click.get_current_context())
    return path


def output(what: str = "the file to write", *, folder: bool = False, suffix: str = "") -> Decorator:
    """The option --output."""
    return click.option("--output", type=Output(folder=folder, suffix=suffix), required=True, help=what)


def refuse_beside(option: str, given: Mapping[str, object]) -> None:
    """Refuse what `option` says already.

    Raises:
        UserError: one of these, by the names of their options, was given.
    """
    for name, value in given.items():
        if value is not None:
            raise UserError(f"{name} {value}: {option} says it already; use one of the two")


def gathered(name: str, build: Callable[..., object], *options: Decorator) -> Decorator:
    """Add options to a command, which gets what `build` makes of their values as the argument `name`.

    The parameters of `build` name the options, and may name others of the command.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def with_built(**values: Any) -> Any:
            own = {key: values.pop(key) for key in inspect.signature(build).parameters if key in values}
            return function(**values, **{name: build(**own)})

        return functools.reduce(lambda decorated, option: option(decorated), reversed(options), with_built)

    return decorate


seed = click.option("--seed", type=Whole(0), default=0, help="of all random numbers")
device = click.option(
    "--device", type=click.Choice(("auto", "cpu", "cuda")), default="auto", help="auto takes a GPU where there is one"
)
processes = click.option(
    "--processes", type=Whole(1), default=1, help="processes side by side; no result depends on it"
)
bootstrap = click.option("--bootstrap", type=Whole(1), default=1000, help="bootstrap samples")
samples = click.argument("samples", type=path, nargs=-1, required=True, metavar="SAMPLE.npz...")


kernel_theory = click.option(
    "--theory",
    type=path,
    multiple=True,
    metavar="F.npz...",
    help="files of `normplace theory --draws-output`, matched by data set, configuration and width",
)
