"""Every figure, drawn from the shipped tables: what it says, that all can be read, and that only its input matters."""

import importlib
import re
from functools import cache
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from figures import FIGURES, HERE, look, message, words
from figures.__main__ import draw
from tests.checkout import ROOT, copy_of_repository, run, snakemake

pytestmark = pytest.mark.slow

PRINTED = 6.75  # inches: the width of a page's text, to which a wider figure is scaled
MOST_PANELS = 24
TIDY = ROOT / "reference" / "quick" / "tidy"
TOY = '''"""A toy: how many networks there are by depth."""

from matplotlib import pyplot as plt

from figures import panels, words
from figures.reading import read

EXPERIMENT = "placements"


def draw(tidy):
    """Draw a line."""
    table = read(tidy, EXPERIMENT, "gamma")
    figure, axes = plt.subplots()
    axes.plot(table["depth"], table["inits"])
    panels.caption(figure, words.sampling(table))
    return figure
'''


def lay_out(figure: Figure) -> list[Text]:
    """All words that are seen in a figure, each in its place."""
    seen = []
    original = Text.draw

    def draw_text(self: Text, *arguments: object) -> None:
        if self.get_text():
            seen.append(self)
        original(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", draw_text)
        figure.draw_without_rendering()
    plt.close(figure)
    return seen


@cache
def drawn(name: str) -> tuple[Figure, list[Text]]:
    """A figure of the quick scale and its words."""
    with look.applied():
        figure = importlib.import_module(f"figures.{name}").draw(TIDY)
        return figure, lay_out(figure)


def test_the_figures_found_are_the_modules_that_draw() -> None:
    modules = [path.stem for path in HERE.glob("*.py") if "\ndef draw(tidy" in path.read_text()]
    assert set(FIGURES) == set(modules)
    assert len(modules) >= 18
    assert {name: importlib.import_module(f"figures.{name}").EXPERIMENT for name in modules} == FIGURES


@pytest.mark.parametrize("name", FIGURES)
def test_the_picture_alone_says_n_and_settings_and_the_report_does_not_say_them_again(name: str) -> None:
    figure, _ = drawn(name)
    caption = " ".join(figure.get_supxlabel().split())
    assert re.search(r"n = [\d,]+( to [\d,]+)? (networks|runs)", caption)
    assert re.search(r"[\d,]+ (points|images)", caption)
    assert "{" not in caption
    assert not re.search(r"n = |\d (networks|runs|points)", message(name))
    assert message(name)[-1] == "."


@pytest.mark.parametrize("name", FIGURES)
def test_all_words_are_large_enough_and_none_is_cut_off(name: str) -> None:
    figure, texts = drawn(name)
    assert len(texts) > 10
    for text in texts:
        assert text.get_fontsize() * min(1, PRINTED / figure.get_figwidth()) >= 6, text
        box = text.get_window_extent()
        assert box.x0 >= -1, text
        assert box.y0 >= -1, text
        assert box.x1 <= figure.bbox.x1 + 1, text
        assert box.y1 <= figure.bbox.y1 + 1, text


@pytest.mark.parametrize("name", FIGURES)
def test_one_message_has_few_panels(name: str) -> None:
    figure, _ = drawn(name)
    assert len([axes for axes in figure.get_axes() if axes.axison]) <= MOST_PANELS


@pytest.mark.parametrize("name", FIGURES)
def test_legend_and_caption_touch_no_panel(name: str) -> None:
    figure, _ = drawn(name)
    panels = [axes.get_tightbbox(for_layout_only=True) for axes in figure.get_axes() if axes.axison]
    (caption,) = (text for text in figure.texts if text.get_text() == figure.get_supxlabel())
    for around in (caption, *figure.legends):
        box = around.get_window_extent()
        assert not any(box.y0 < panel.y1 - 1 and panel.y0 + 1 < box.y1 for panel in panels), around


def test_the_users_matplotlibrc_changes_nothing(tmp_path: Path) -> None:
    draw("shift", TIDY, tmp_path / "plain")
    theirs = {"savefig.bbox": "tight", "text.usetex": True, "font.size": 20, "savefig.dpi": 50, "axes.grid": True}
    with mpl.rc_context(theirs):
        draw("shift", TIDY, tmp_path / "theirs")
        assert mpl.rcParams["font.size"] == 20
    for suffix in ("pdf", "png"):
        ours, others = (tmp_path / folder / f"shift.{suffix}" for folder in ("plain", "theirs"))
        assert ours.read_bytes() == others.read_bytes()


def test_text_in_a_pdf_stays_text(tmp_path: Path) -> None:
    draw("width_convergence", TIDY, tmp_path)
    content = (tmp_path / "width_convergence.pdf").read_bytes()
    assert b"/Type3" not in content
    assert content.count(b"/FontFile2") == content.count(b"/FontDescriptor /") > 0  # each font is embedded
    assert b"/CreationDate" not in content


def test_norms_have_colours_of_okabe_and_ito() -> None:
    palette = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"}
    assert {colour for name, (colour, _) in words.LOOKS.items() if name != "none"} < palette
    assert words.norm("some norm").colour in palette - {colour for colour, _ in words.LOOKS.values()} | {words.ORANGE}
    assert words.norm("some norm") == words.norm("some norm")


def test_a_norm_that_is_not_listed_is_drawn_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "placements").mkdir()
    for table in ("gamma", "histograms", "regimes"):
        rows = pd.read_csv(TIDY / "placements" / f"{table}.csv", keep_default_na=False, na_values=[""])
        rows.replace({"norm": {"rms": "toy"}}).to_csv(tmp_path / "placements" / f"{table}.csv", index=False)
    with look.applied():
        modules = [importlib.import_module(f"figures.{name}") for name in ("gamma_by_depth", "regimes")]
        gamma, regimes = (module.draw(tmp_path) for module in modules)
        told = [text.get_text() for text in lay_out(regimes)]
    plt.close(gamma)
    assert [text.get_text() for text in gamma.legends[0].get_texts()] == ["no norm", "BatchNorm", "LayerNorm", "toy"]
    assert "toy\nbefore the activation" in told


def test_a_figure_is_one_file(tmp_path: Path) -> None:
    clone = copy_of_repository(tmp_path)
    (clone / "figures" / "toy.py").write_text(TOY)
    made = run(clone, "python", "-m", "figures", "toy", "--tidy", "reference/quick/tidy", "--output", "drawn")
    assert made.returncode == 0, made.stderr
    assert (clone / "drawn" / "toy.pdf").read_bytes().startswith(b"%PDF")
    listed = run(clone, "python", "-m", "figures", "--help")
    assert re.search(r"\btoy\b", listed.stdout)
    target = snakemake(clone, "--dry-run", "results/smoke/figures/toy.pdf")
    assert target.returncode == 0, target.stderr
