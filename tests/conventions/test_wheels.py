"""The wheel is the library and the command line alone: built from the source distribution, used elsewhere."""

import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.checkout import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an sdist and of the wheel that is made from it."""
    copy, out = (tmp_path_factory.mktemp(name) for name in ("source", "dist"))
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("reference/", "figures/gallery/")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_both_hold_the_library_alone(built: Path) -> None:
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    modules = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src" / "normplace").rglob("*.py")}
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == {*modules, "normplace/py.typed"}
    with tarfile.open(sdist) as opened:
        packed = {name.partition("/")[2] for name in opened.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml"} | {f"src/{name}" for name in names} <= packed


def test_the_installed_wheel_measures_a_model(built: Path, tmp_path: Path) -> None:
    """Outside the checkout, with no other package of ours to import."""
    (wheel,) = built.glob("*.whl")
    site = tmp_path / "site"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--target",
        str(site),
        str(wheel),
    ]
    subprocess.run(pip, check=True)
    model = "nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 2))"
    module = f"from torch import nn\n\n\ndef build():\n    return {model}\n"
    (tmp_path / "my_models.py").write_text(module, encoding="utf-8")
    # -S: no site-packages of their own, of which an editable install of ours is a part; -P: nor the working directory.
    start = (
        f"import sys; sys.path[:0] = [{str(site)!r}, '.']; sys.path.append({sysconfig.get_path('purelib')!r})\n"
        "from normplace.cli.main import main\nimport normplace, importlib.util\n"
        f"assert normplace.__file__.startswith({str(site)!r}), normplace.__file__\n"
        "assert not any(map(importlib.util.find_spec, ('figures', 'study')))\n"
        "sys.exit(main())"
    )
    options = ["--dataset", "digits", "--inits", "20", "--output", "found.json"]
    command = [sys.executable, "-S", "-P", "-c", start, "measure", "my_models:build", *options]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env={"PATH": "", "HOME": str(tmp_path)}
    )
    assert done.returncode == 0, done.stderr
    assert "gamma" in done.stdout
    assert (tmp_path / "found.json").is_file()


def test_extras_are_in_the_wheel_and_the_documents_name_them(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    opened = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in opened.namelist() if name.endswith("METADATA"))
    extras = set(re.findall(r"^Provides-Extra: (\w+)$", opened.read(metadata).decode(), re.MULTILINE))
    assert extras == {"workflow", "models", "slurm", "docs", "dev"}
    installing = (ROOT / "docs" / "usage.md").read_text(encoding="utf-8")
    assert all(f"`{extra}`" in installing for extra in extras)
