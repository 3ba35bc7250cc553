"""Other people's machines: their settings of matplotlib, and what their systems do not have."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib as mpl
import pytest

import normplace as npl
from normplace.files import sha256_of_file
from tests.checkout import ROOT, TINY, TINY_TARGETS, environment, tiny_checkout

# Text of a matplotlibrc, None where there is no such file; variables beside it.
THEIRS = b"savefig.bbox: tight\ntext.usetex: True\nfont.family: Nowhere Sans\nfont.size: 20\nbackend: qtagg\n"
HOSTILE = {
    "of the user's taste": (THEIRS, {"MPLBACKEND": "module://nowhere"}),
    "of mistakes": (b"axes.grid maybe\naxes.linewidth: thick\nno.such.key: 3\nbackend: nowhere\n", {"MPLBACKEND": "x"}),
    "not UTF-8": (b"font.family: D\xe9j\xe0\n", {"MPLBACKEND": "tkagg", "DISPLAY": ""}),
    "not there": (None, {"MPLCONFIGDIR": "/dev/null/none"}),
    "no home": (None, {"HOME": "/dev/null/none", "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": ""}),
}
FIGURE = ["figures", "shift", "--tidy", ROOT / "reference/quick/tidy", "--output"]
MODEL = "from torch import nn\n\ndef build():\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 2))\n"


def run(*arguments: str | Path, where: Path = ROOT, **variables: str) -> str:
    """What a module said as a program, which ended well."""
    command = [sys.executable, "-m", *map(str, arguments)]
    found = subprocess.run(
        command, cwd=where, env=environment(ROOT) | variables, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    return found.stdout + found.stderr


def pictures(folder: Path) -> dict[str, str]:
    """The SHA-256 of each."""
    return {path.name: sha256_of_file(path) for path in folder.iterdir() if path.suffix in (".png", ".pdf")}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A figure where nobody has set anything."""
    folder = tmp_path_factory.mktemp("plain")
    assert run(*FIGURE, folder) == ""
    return pictures(folder)


@pytest.mark.parametrize("named", HOSTILE)
def test_no_settings_of_matplotlib_change_a_figure(named: str, tmp_path: Path, plain: dict[str, str]) -> None:
    text, variables = HOSTILE[named]
    if text:
        (tmp_path / "matplotlibrc").write_bytes(text)
    assert run(*FIGURE, tmp_path / "drawn", MATPLOTLIBRC=str(tmp_path / "matplotlibrc"), **variables) == ""
    assert pictures(tmp_path / "drawn") == plain
    if text:  # matplotlib looks in the working directory first
        path = os.pathsep.join([environment(ROOT)["PYTHONPATH"], str(ROOT)])
        assert run(*FIGURE, tmp_path / "here", where=tmp_path, PYTHONPATH=path, **variables) == ""
        assert pictures(tmp_path / "here") == plain


def test_nor_do_they_change_the_pictures_of_measure(tmp_path: Path) -> None:
    (tmp_path / "模型.py").write_text(MODEL)
    (tmp_path / "matplotlibrc").write_bytes(THEIRS)
    hostile = {"MATPLOTLIBRC": str(tmp_path), "MPLBACKEND": "x", "MPLCONFIGDIR": "/dev/null/none"}
    measure = ["normplace.cli", "measure", "模型:build", "--dataset", "digits", "--points", "20", "--inits", "5"]
    path = os.pathsep.join([environment(ROOT)["PYTHONPATH"], str(tmp_path)])
    for name, where, variables in (("plain", ROOT, {}), ("theirs", ROOT, hostile), ("here", tmp_path, hostile)):
        if name == "here":
            (tmp_path / "matplotlibrc").write_bytes(HOSTILE["not UTF-8"][0])
        said = run(*measure, "--output", tmp_path / name / "m.json", where=where, PYTHONPATH=path, **variables)
        assert "atplotlib" not in said
        assert "Glyph" not in said
    assert pictures(tmp_path / "here") == pictures(tmp_path / "theirs") == pictures(tmp_path / "plain")


def test_a_plot_looks_the_same_in_every_session_and_leaves_its_settings(tmp_path: Path) -> None:
    seen = npl.theory(npl.MLP("none", depth=2), npl.load("digits", points=20))
    for name, theirs in (("plain", {}), ("theirs", {"text.usetex": True, "axes.grid": True, "xtick.major.size": 9.0})):
        with mpl.rc_context(theirs):
            before = dict(mpl.rcParams)
            seen.plot().savefig(tmp_path / f"{name}.png")
            assert dict(mpl.rcParams) == before
    assert sha256_of_file(tmp_path / "theirs.png") == sha256_of_file(tmp_path / "plain.png")


FOREIGN = 12345  # a user's number that the system does not know, as containers are started with
THEORY = ["normplace.cli", "theory", "--norm", "layer", "--placement", "after", "--depth", "2", "--width", "20"]


@pytest.fixture
def as_foreign(tmp_path: Path) -> list[str]:
    """What a command is started with, as a user without a name who owns the folder and can read all else."""
    number = str(FOREIGN)
    reads = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]  # also a Python in root's home
    start = ["setpriv", "--reuid", number, "--regid", number, "--clear-groups", *reads]
    if os.getuid() != 0 or subprocess.run([*start, "true"], capture_output=True, check=False).returncode:
        pytest.skip("becoming another user needs root and setpriv")
    for folder in [tmp_path, *tmp_path.parents]:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)
    os.chown(tmp_path, FOREIGN, FOREIGN)
    return start


@pytest.mark.parametrize("home", ["/", "", None])
def test_a_user_whom_the_system_does_not_know(home: str | None, as_foreign: list[str], tmp_path: Path) -> None:
    checkout = tiny_checkout(tmp_path / "checkout")
    for path in [checkout, *checkout.rglob("*")]:
        os.chown(path, FOREIGN, FOREIGN)
    nobody = {"HOME", "USER", "LOGNAME", "XDG_CACHE_HOME", "SNAKEMAKE_OUTPUT_CACHE"}
    known = {name: value for name, value in environment(checkout).items() if name not in nobody}
    known |= {} if home is None else {"HOME": home}
    replicate = ["study.one_run", "snakemake", "-n", "--cores", "1", "--configfile", *TINY, "--", TINY_TARGETS[0]]
    # What torch asks for when it compiles, and where a session of the user's own, which prepares nothing, keeps layers.
    compiles = "from normplace.environment import prepare; prepare(); import torch._dynamo.config"
    session = "from normplace.environment import user_cache; user_cache()"
    theory = ["-m", *THEORY, "--output", str(tmp_path / "theory.csv")]
    for arguments in (theory, ["-m", *replicate], ["-c", compiles], ["-c", session]):
        found = subprocess.run(
            [*as_foreign, sys.executable, *arguments], cwd=checkout, env=known, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert found.returncode == 0, found.stderr
        assert "Traceback" not in found.stderr
