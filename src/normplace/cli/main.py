"""The entry of the command line: which commands there are, and where every run of one starts and ends."""

import atexit
import gc
import importlib
import io
import logging
import sys
from typing import Any, TextIO

import click

from normplace import __version__, environment
from normplace.cli.command import fail

COMMANDS = {
    "data": "Write points of a data set to a file that file:PATH loads.",
    "sample": "Guess fractions of random networks.",
    "theory": "Guess fractions by theory, at infinite or finite width.",
    "train": "Train many runs and record how the first guess is absorbed.",
    "measure": "How prejudiced is my network? Any PyTorch model that guesses.",
    "compare": "Two measurements side by side, with tests of their difference.",
    "verify": "Which claims hold; are files unaltered; do runs agree.",
    "summarise": "Tidy tables of samples: gamma, histograms, regimes, classes.",
    "phase": "Regimes of deep networks over weight and bias variance.",
    "curves": "Tidy tables of training runs: curves, gradients, milestones.",
    "measurements": "Tidy table of measured models.",
}


class LazyGroup(click.Group):
    """Commands whose files, and the libraries that these need, are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of COMMANDS."""
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands in the help, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The function of the file that is called like the command."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(importlib.import_module(f"normplace.cli.{name}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, which Ctrl-C ends with one line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print("normplace: interrupted; the output was not written", file=sys.stderr)
            sys.exit(130)


@click.group(
    cls=LazyGroup,
    commands={name: click.Command(name) for name in COMMANDS},  # the names, to suggest for one that is close
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 120},
    epilog="To complete commands and options with the Tab key, put this line into ~/.bashrc: "
    'eval "$(_NORMPLACE_COMPLETE=bash_source normplace)"; zsh and fish have zsh_source and fish_source.',
)
@click.version_option(__version__, message="%(version)s")
def commands() -> None:
    """Each step of the workflow as a command, for the DAG and for users alike."""


class Said(logging.StreamHandler[TextIO]):
    """Prints what the library has to say; that data are a stand-in it says again at the end."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.setFormatter(logging.Formatter("normplace: %(message)s"))
        self.last: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line."""
        super().emit(record)
        if label := getattr(record, "stand_in", None):
            self.last.append(f"normplace: WARNING: the data were a STAND-IN: {label}")

    def repeat(self) -> None:
        """Print the last lines."""
        print("".join(f"{line}\n" for line in dict.fromkeys(self.last)), end="", file=self.stream)


def main(arguments: list[str] | None = None) -> None:
    """Entry point: a user's mistake ends with one line and exit code 2, the machine's with 3, Ctrl-C with 130."""
    environment.prepare()
    atexit.register(gc.freeze)  # else Python ends with half a second's search for cycles in what torch has loaded
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error does: no terminal is too old for a result
    log = logging.getLogger("normplace")
    said = Said(sys.stderr)
    log.handlers = [said]
    try:
        commands.main(arguments, "normplace", standalone_mode=False)
        said.repeat()
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "normplace"
        fail(command, f"{error.format_message()} (see {command} --help)", 2)
