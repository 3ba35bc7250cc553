"""What every command has in common: several values after one option, and errors of one line."""

import itertools
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import click

from normplace.errors import UserError


class Command(click.Command):
    """A command that ends every mistake with one line: exit code 2, or 3 where the machine fails."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse `--theory a b` as `--theory=a --theory=b`, and never take an option for the value of another."""
        options = [param for param in self.params if isinstance(param, click.Option)]
        # --file takes four values, and --vary one: what follows may be a model.
        repeatable = [
            option for option in options if option.multiple and option.nargs == 1 and option.type.name == "path"
        ]
        args = list(_one_value_each(args, {name for option in repeatable for name in option.opts}))
        with_value = {name for option in options if not option.is_flag for name in option.opts}
        for name, value in itertools.pairwise(args):
            if name in with_value and value.startswith("--"):
                raise click.BadOptionUsage(name, f"Option {name!r} requires an argument, not {value!r}.", ctx)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # click's parser leaves it out of some
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            fail(ctx.command_path, str(error), 2)
        except MemoryError:
            fail(ctx.command_path, "more than memory holds; ask for fewer or smaller points, or for less at once", 3)
        except BrokenPipeError:  # whoever read what is printed has left, such as `head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(128 + signal.SIGPIPE)
        except OSError as error:  # a full disk, a folder that is gone
            fail(ctx.command_path, f"{error.filename or ctx.params.get('output')}: {error.strerror}", 3)


def fail(command: str, message: str, code: int) -> NoReturn:
    """Print the message as one line and exit."""
    print(f"{command}: error: {' '.join(line.strip() for line in message.splitlines())}", file=sys.stderr)
    sys.exit(code)


def _one_value_each(arguments: list[str], repeatable: set[str]) -> Iterator[str]:
    option = None
    for argument in arguments:
        if argument.startswith("-"):
            option = argument if argument in repeatable else None
        if option is None:
            yield argument
        elif argument != option:
            yield f"{option}={argument}"
