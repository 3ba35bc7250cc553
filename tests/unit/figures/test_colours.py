"""The colours of figures are told apart by readers of any colour vision, and in grey where it must be."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from figures import words

# What a reader without one kind of cone sees, of linear RGB: Machado, Oliveira and Fernandes (2009), severity 1.
VISION = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
LINES = {
    name: colour for name, (colour, _) in words.LOOKS.items() if name in ("none", "batch", "layer", "rms", "group")
}
# Of the difference of two colours in CIELAB: some 2 can just be noticed side by side.
LINES_APART, BACKGROUNDS_APART = 15, 5


def lab(colour: str, vision: str) -> np.ndarray:
    """CIELAB coordinates, under daylight (D65), of a colour as someone sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(VISION[vision]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    ratio = xyz / [0.95047, 1, 1.08883]
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def nearest(colours: dict[str, str], vision: str) -> tuple[float, str]:
    """The two colours that are most alike, and how far apart."""
    return min(
        (float(np.linalg.norm(lab(colours[one], vision) - lab(colours[other], vision))), f"{one}, {other}")
        for one, other in combinations(colours, 2)
    )


def test_lab_is_that_of_known_colours() -> None:
    assert lab("#FFFFFF", "all cones") == pytest.approx([100, 0, 0], abs=0.05)
    assert lab("#FF0000", "all cones") == pytest.approx([53.24, 80.09, 67.20], abs=0.05)
    red, green = lab("#C04000", "deuteranopia"), lab("#608000", "deuteranopia")
    assert abs(red - green)[1] < 5  # what tells them apart for others is gone
    assert nearest({"red": "#C04000", "green": "#707000"}, "deuteranopia")[0] < LINES_APART  # such a pair would fail


@pytest.mark.parametrize("vision", VISION)
def test_norms_are_told_apart(vision: str) -> None:
    distance, which = nearest(LINES, vision)
    assert distance > LINES_APART, which


@pytest.mark.parametrize("vision", VISION)
def test_regimes_are_told_apart(vision: str) -> None:
    distance, which = nearest(words.REGIMES, vision)
    assert distance > BACKGROUNDS_APART, which
