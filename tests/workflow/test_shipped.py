"""What the repository shows is what the workflow computed: README, gallery and reference agree."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from figures import __main__ as figures
from figures import style
from workflow.reference import ROOT, headline_in_readme


def test_the_readmes_table_is_the_references() -> None:
    assert headline_in_readme() == (ROOT / "reference" / "quick" / "tables" / "headline.md").read_text().strip()


def test_the_gallery_is_drawn_from_the_reference(tmp_path: Path) -> None:
    style.apply()
    for name in figures.NAMES:
        figures.draw(name, ROOT / "reference" / "quick" / "tidy", tmp_path)
        ours, shown = (plt.imread(folder / f"{name}.png") for folder in (tmp_path, ROOT / "figures" / "gallery"))
        assert ours.shape == shown.shape
        assert np.abs(ours - shown).mean() < 1 / 255  # other platforms may smooth edges differently


def test_the_readme_shows_only_pictures_that_are_there() -> None:
    text = (ROOT / "README.md").read_text()
    pictures = [part.split(")")[0] for part in text.split("](")[1:] if part.split(")")[0].endswith(".png")]
    assert len(pictures) == len(figures.NAMES)
    assert all((ROOT / picture).is_file() for picture in pictures)
