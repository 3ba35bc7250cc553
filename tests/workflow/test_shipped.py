"""What the repository shows is what the workflow computed: documents, gallery and reference agree."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from figures import __main__ as figures
from normplace.files import sha256_of_file
from study.reference import IN_GALLERY, IN_RESULTS, PAGE, ROOT, block
from tests.checkout import copy_of_repository, run


def test_the_documents_tables_are_the_references() -> None:
    for table, scale in IN_RESULTS.items():
        found = block(table).search(PAGE.read_text())
        assert found is not None, f"docs/results.md has no block for the table {table}"
        shown = found.group(0).removeprefix(found.group(1)).removesuffix(found.group(2)).strip()
        assert shown == (ROOT / "reference" / scale / "tables" / f"{table}.md").read_text().strip()


def test_the_references_are_what_their_manifests_say() -> None:
    for reference in (ROOT / "reference" / scale for scale in set(IN_RESULTS.values())):
        files = json.loads((reference / "manifest.json").read_text())["files"]
        shipped = [path for part in ("tidy", "tables") for path in (reference / part).rglob("*") if path.is_file()]
        assert len(shipped) > 10
        for path in shipped:
            assert files[path.relative_to(reference).as_posix()]["sha256"] == sha256_of_file(path), path


def test_a_clone_has_the_same_bytes_whatever_git_is_set_to(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    windows = ["-c", "core.autocrlf=true", "-c", "core.eol=crlf"]
    subprocess.run(["git", *windows, "clone", "--quiet", str(ROOT), str(tmp_path / "clone")], check=True)
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "-z", "HEAD"], cwd=tmp_path / "clone", capture_output=True, text=True, check=True
    )
    entries = [entry.split("\t") for entry in listed.stdout.split("\0") if entry]
    assert len(entries) > 500
    for details, name in entries:
        content = (tmp_path / "clone" / name).read_bytes()
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        assert blob == details.split()[2], name


def changed_pixels(first: Path, second: Path) -> float:
    """Share of pixels that differ visibly."""
    a, b = plt.imread(first), plt.imread(second)
    return float((np.abs(a - b).max(axis=2) > 0.1).mean()) if a.shape == b.shape else 1.0


def test_make_figures_on_a_fresh_clone_draws_the_gallery_without_torch(tmp_path: Path) -> None:
    clone = copy_of_repository(tmp_path / "clone")
    (clone / "src" / "torch.py").write_text("raise ImportError('figures must not import torch')")
    blocked = run(clone, "python", "-c", "import torch")
    assert "figures must not import torch" in blocked.stderr
    for scale in set(IN_GALLERY.values()):
        drawn = run(clone, "make", "--assume-old=.venv/installed", "figures", f"SCALE={scale}")
        assert drawn.returncode == 0, drawn.stderr
    allowed = 0.0 if sys.platform == "linux" else 0.005  # other platforms smooth edges differently
    for name, scale in IN_GALLERY.items():
        shown = ROOT / "figures" / "gallery" / f"{name}.png"
        assert changed_pixels(clone / "results" / scale / "figures" / f"{name}.png", shown) <= allowed, name
    for table, scale in IN_RESULTS.items():
        if table != "claims":
            shipped = ROOT / "reference" / scale / "tables" / f"{table}.md"
            assert (clone / "results" / scale / "tables" / f"{table}.md").read_text() == shipped.read_text()


def test_a_gallery_of_other_numbers_is_noticed(tmp_path: Path) -> None:
    tidy = tmp_path / "tidy"
    shutil.copytree(ROOT / "reference" / IN_GALLERY["gamma_by_depth"] / "tidy", tidy)
    table = pd.read_csv(tidy / "placements" / "gamma.csv", keep_default_na=False)
    layer_after = (table["norm"] == "layer") & (table["placement"] == "after")
    for column in ("gamma", "gamma_low", "gamma_high"):
        table[column] = table[column].where(~layer_after, 2 * table[column])
    table.to_csv(tidy / "placements" / "gamma.csv", index=False)
    figures.draw("gamma_by_depth", tidy, tmp_path)
    shown = ROOT / "figures" / "gallery" / "gamma_by_depth.png"
    assert changed_pixels(tmp_path / "gamma_by_depth.png", shown) > 0


def test_the_documents_show_every_picture_of_the_gallery() -> None:
    text = (ROOT / "docs" / "results.md").read_text()
    pictures = [part.split(")")[0] for part in text.split("](")[1:] if part.split(")")[0].endswith(".png")]
    assert sorted(Path(picture).stem for picture in pictures) == sorted(IN_GALLERY)
    assert all((ROOT / "docs" / picture).is_file() for picture in pictures)
