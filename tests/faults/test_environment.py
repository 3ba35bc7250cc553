"""Other people's machines: their settings of matplotlib, and what their systems do not have."""

import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest

import normplace as npl
from normplace.files import sha256_of_file
from tests.checkout import ROOT, environment

# Text of a matplotlibrc, None where there is no such file; variables beside it.
THEIRS = b"savefig.bbox: tight\ntext.usetex: True\nfont.family: Nowhere Sans\nfont.size: 20\nbackend: qtagg\n"
HOSTILE = {
    "of the user's taste": (THEIRS, {"MPLBACKEND": "module://nowhere"}),
    "of mistakes": (b"axes.grid maybe\naxes.linewidth: thick\nno.such.key: 3\nbackend: nowhere\n", {"MPLBACKEND": "x"}),
    "not UTF-8": (b"font.family: D\xe9j\xe0\n", {"MPLBACKEND": "tkagg", "DISPLAY": ""}),
    "not there": (None, {"MPLCONFIGDIR": "/dev/null/none"}),
    "no home": (None, {"HOME": "/dev/null/none", "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": ""}),
}
FIGURE = ["figures", "shift", "--tidy", "reference/quick/tidy", "--output"]
MODEL = "from torch import nn\n\ndef build():\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 2))\n"


def run(*arguments: str | Path, **variables: str) -> str:
    """What a module said as a program, which ended well."""
    command = [sys.executable, "-m", *map(str, arguments)]
    found = subprocess.run(
        command, cwd=ROOT, env=environment(ROOT) | variables, capture_output=True, text=True, check=False
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


def test_nor_do_they_change_the_pictures_of_measure(tmp_path: Path) -> None:
    (tmp_path / "模型.py").write_text(MODEL)
    (tmp_path / "matplotlibrc").write_bytes(THEIRS)
    hostile = {"MATPLOTLIBRC": str(tmp_path), "MPLBACKEND": "x", "MPLCONFIGDIR": "/dev/null/none"}
    measure = ["normplace.cli", "measure", "模型:build", "--dataset", "digits", "--points", "20", "--inits", "5"]
    path = os.pathsep.join([environment(ROOT)["PYTHONPATH"], str(tmp_path)])
    for name, variables in (("plain", {}), ("theirs", hostile)):
        said = run(*measure, "--output", tmp_path / name / "m.json", PYTHONPATH=path, **variables)
        assert "atplotlib" not in said
        assert "Glyph" not in said
    assert pictures(tmp_path / "theirs") == pictures(tmp_path / "plain")


def test_a_plot_looks_the_same_in_every_session_and_leaves_its_settings(tmp_path: Path) -> None:
    seen = npl.theory(npl.MLP("none", depth=2), npl.load("digits", points=20))
    for name, theirs in (("plain", {}), ("theirs", {"text.usetex": True, "axes.grid": True, "xtick.major.size": 9.0})):
        with mpl.rc_context(theirs):
            before = dict(mpl.rcParams)
            seen.plot().savefig(tmp_path / f"{name}.png")
            assert dict(mpl.rcParams) == before
    assert sha256_of_file(tmp_path / "theirs.png") == sha256_of_file(tmp_path / "plain.png")
