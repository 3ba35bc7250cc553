"""The fitted correction on made-up samples whose correction is known, and on refusals."""

from pathlib import Path

import numpy as np
import pytest

from normplace.errors import UserError
from normplace.files import write_npz
from normplace.tables.finite_width import first_order, through_origin
from normplace.tables.records import BY_DEPTH

DEPTHS = 10
SLOPE = -2.0
GAMMA = np.linspace(0.5, 5, DEPTHS)  # at infinite width

NOTHING = {name: np.zeros(DEPTHS) for name in BY_DEPTH[1:]}


def config(width: int | None) -> dict[str, object]:
    options: dict[str, object] = {
        "norm": "none", "placement": "none", "activation": "relu", "bn_statistics": "batch",
        "weight_variance": 2.0, "bias_variance": 0.0,
    }  # fmt: skip
    data = {
        "dataset": "digits", "label": "digits", "stand_in": False, "classes": {str(c): [str(c)] for c in range(2)},
        "shift": 0.0, "points": 10, "first_points_sha256": "x",
    }  # fmt: skip
    return {"options": options | ({} if width is None else {"width": width}), "data": data}


def files(folder: Path, widths: tuple[int, ...], inits: int = 3000) -> tuple[list[Path], list[Path]]:
    """Samples whose gamma is (1 + GAMMA) exp(SLOPE depth / width) - 1 in expectation."""
    generator = np.random.default_rng(0)
    samples = []
    for width in widths:
        depth = np.arange(1, DEPTHS + 1)
        gamma = (1 + GAMMA) * np.exp(SLOPE * depth / width) - 1
        means = np.sqrt(gamma)[:, None, None] * generator.standard_normal((DEPTHS, inits, 2))
        arrays = {
            "guess_fraction": np.full_like(means, 0.5), "output_mean": means, "output_var": np.ones_like(means),
        }  # fmt: skip
        samples.append(folder / f"{width}.npz")
        write_npz(samples[-1], {name: array.astype(np.float32) for name, array in arrays.items()}, config(width))
    theory = folder / "theory.npz"
    drawn = {"depths": np.array([1]), "guess_fraction": np.full((1, 5, 2), 0.5, np.float32)}
    write_npz(theory, {"gamma": GAMMA, **NOTHING, **drawn}, config(None))
    return samples, [theory]


def test_a_known_correction_is_found_within_its_interval(tmp_path: Path) -> None:
    table = first_order(*files(tmp_path, (50, 200, 800)), resamples=300)
    assert len(table) == 3 * DEPTHS
    by_depth = table.groupby("depth")[["c", "c_low", "c_high"]].first()
    expected = SLOPE * by_depth.index
    inside = (by_depth["c_low"] < expected) & (expected < by_depth["c_high"])
    assert inside.sum() >= DEPTHS - 3  # each fails once in twenty
    assert (by_depth["c_high"] - by_depth["c_low"]).max() < abs(SLOPE) * DEPTHS
    assert (table["fitted"] == (table["depth"] / table["width"] <= 0.1)).all()


def test_what_cannot_be_fitted_is_refused(tmp_path: Path) -> None:
    samples, theory = files(tmp_path, (15, 20), inits=20)
    with pytest.raises(UserError, match=r"none none relu: no sample has depth / width up to 0\.1 at depth 3"):
        first_order(samples, theory, resamples=10)
    with pytest.raises(UserError, match="--theory: none for none none relu"):
        first_order(samples, [], resamples=10)
    other = tmp_path / "other.npz"
    drawn = {"depths": np.array([1]), "guess_fraction": np.full((1, 5, 2), 0.5, np.float32)}
    of_other = config(None)
    of_other["data"] = {**dict(of_other["data"]), "first_points_sha256": "y"}  # type: ignore[call-overload]
    write_npz(other, {"gamma": GAMMA, **NOTHING, **drawn}, of_other)
    with pytest.raises(UserError, match="several data sets"):
        first_order(samples, [other], resamples=10)


def test_a_theory_of_other_shapes_is_refused(tmp_path: Path) -> None:
    samples, _ = files(tmp_path, (50, 100), inits=20)
    wrong = tmp_path / "wrong.npz"
    drawn = {"depths": np.array([DEPTHS + 1]), "guess_fraction": np.full((1, 5, 2), 0.5, np.float32)}
    write_npz(wrong, {"gamma": GAMMA, **NOTHING, **drawn}, config(None))
    with pytest.raises(UserError, match=r"wrong\.npz: not a file of `normplace theory"):
        first_order(samples, [wrong], resamples=10)


def test_through_origin() -> None:
    x = np.array([1.0, 2.0])
    assert through_origin(x, 3 * x, np.array([1.0, 5.0])) == pytest.approx(3)
    assert through_origin(x, np.array([1.0, 4.0]), np.array([0.0, 1.0])) == pytest.approx(2)
