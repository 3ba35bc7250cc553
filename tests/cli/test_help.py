"""What the command line says of itself: help, version, close names, completion."""

import os
import re
import subprocess
import sys

import pytest

from normplace import __version__
from normplace.cli.main import COMMANDS, main

DATA = {"--dataset", "--data-root", "--classes", "--points", "--standardise", "--no-stand-in", "--skip-unreadable"}
MLP = {"--norm", "--placement", "--cells", "--depth", "--activation"}
DRAWN = {"--network", "--width", "--base-width", "--weight-variance", "--bias-variance"}
RUN = {"--seed", "--device"}
# Programs of others call these.
OPTIONS = {
    "data": DATA | {"--test-points", "--file"},
    "sample": DATA | MLP | RUN | DRAWN | {"--shift", "--bn-statistics", "--inits", "--processes"},
    "theory": DATA | MLP | {"--shift", "--draws-output", "--draws", "--draws-depths"}
    | {"--width", "--simulate", "--weight-variance", "--bias-variance"},
    "train": DATA | MLP | RUN | DRAWN | {"--shift", "--test-points", "--processes"}
    | {"--optimizer", "--lr", "--batch-size", "--epochs", "--runs", "--first-run", "--select", "--output-bias"}
    | {"--schedule", "--weight-decay", "--clip", "--augment", "--evaluated"},
    "measure": DATA | RUN | {"--shift", "--resize", "--inits", "--precision", "--threads"}
    | {"--model-arg", "--vary", "--positions", "--binary", "--contrast", "--try", "--no-trial"},
    "compare": set(),
    "verify": {"--results", "--claims", "--integrity", "--against"},
    "summarise": {"--theory", "--bootstrap"},
    "curves": set(),
    "phase": set(),
    "measurements": set(),
}  # fmt: skip


def python(code: str, *arguments: str, **environment: str) -> str:
    """What a new Python prints."""
    env = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | environment
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(OPTIONS) == set(COMMANDS)
    for command, options in OPTIONS.items():
        main([command, "--help"])
        printed = capsys.readouterr().out
        assert printed.startswith(f"Usage: normplace {command} ")
        written = {"--output"} if command != "compare" else set()  # which prints alone
        assert set(re.findall(r"^  (?:-h, )?(--[a-z-]+)", printed, re.MULTILINE)) == options | written | {"--help"}


LOADED = "import sys; print('loaded:', {'numpy', 'torch', 'pandas', 'matplotlib'} & set(sys.modules))"


def test_help_lists_the_commands_and_imports_none() -> None:
    printed = python(f"from normplace.cli.main import main; main(['--help']); {LOADED}")
    for command, text in COMMANDS.items():
        assert re.search(rf"^  {command} +{re.escape(text)}$", printed, re.MULTILINE)
    assert printed.endswith("loaded: set()\n")


def test_help_of_a_command_says_the_same_and_needs_no_torch(capsys: pytest.CaptureFixture[str]) -> None:
    for command, text in COMMANDS.items():
        main([command, "--help"])
        assert f"\n\n  {text}" in capsys.readouterr().out
    every = "from normplace.cli.main import COMMANDS, main; [main([command, '--help']) for command in COMMANDS]"
    assert python(f"{every}; {LOADED}").endswith("loaded: {'numpy'}\n")


def test_only_the_file_of_the_command_is_imported() -> None:
    code = (
        "import sys; from normplace.cli.main import main; main(['curves', '--help']); "
        "print(*sorted(name for name in sys.modules if name.startswith('normplace')))"
    )
    files = [
        "normplace",
        "normplace.cli",
        *(f"normplace.cli.{name}" for name in ("command", "curves", "main", "options", "tables")),
    ]
    assert python(code).splitlines()[-1].split() == [
        *files,
        *(f"normplace.{name}" for name in ("environment", "errors", "files")),
    ]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--version"])
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sampel"], "normplace: error: No such command 'sampel'. Did you mean 'sample'?"),
        (["summarize"], "'summarise'"),
        (["samp"], "No such command 'samp'"),
        ([], "normplace: error: Missing command."),
        (["--verison"], "normplace: error: No such option '--verison'. Did you mean '--version'?"),
    ],
)
def test_a_wrong_name_is_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert line.endswith("(see normplace --help)")


def test_a_missing_choice_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["theory", "--depth", "3", "--output", "x.csv"])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("normplace theory: error: Missing option '--norm'. Choose from: none, batch, layer, ")
    assert line.endswith("(see normplace theory --help)")


def test_completion() -> None:
    code = "from normplace.cli.main import main; main()"
    for shell in ("zsh", "fish"):
        assert "_NORMPLACE_COMPLETE" in python(code, _NORMPLACE_COMPLETE=f"{shell}_source")
    typed = {"_NORMPLACE_COMPLETE": "bash_complete", "COMP_CWORD": "2"}
    assert python(code, COMP_WORDS="normplace sample --no", **typed).split() == ["plain,--no-stand-in", "plain,--norm"]
    words = python(code, COMP_WORDS="normplace me", **typed | {"COMP_CWORD": "1"}).split()
    assert words == ["plain,measure", "plain,measurements"]
