"""The Python face: wrong arguments are one sentence before any work, and what is convenient is taken."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import normplace as npl

NET = npl.MLP("none", depth=2)
LAYER = npl.MLP("layer", "after", depth=2)


@pytest.fixture(scope="module")
def data() -> Any:
    return npl.load("digits", points=100, test_points=40)


def build() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 2))


def with_points(data: Any, x: torch.Tensor) -> Any:
    """The data with other points."""
    return replace(data, x=x)


def huge(x: torch.Tensor) -> torch.Tensor:
    """A million points, which take no memory: only the first ones differ."""
    far = torch.full((1,), 2.0).expand(10**6, 1)
    assert len(x) < len(far)
    return torch.cat([torch.ones(1, 1), far])


def scaled(x: torch.Tensor) -> torch.Tensor:
    """Points that differ in their scale alone."""
    return x[:1] * torch.linspace(0.5, 2, len(x)).view(-1, *[1] * (x.ndim - 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda data: npl.train(NET, data, lr=1e-3, optimizer="lamb"),
            "--optimizer lamb: unknown, allowed are adam, sgd",
        ),
        (lambda data: npl.train(NET, data, lr=1e-3, select="odd"), "--select odd: unknown, allowed are any"),
        (lambda data: npl.train(NET, data, lr=1e-3, batch_size=0), "--batch-size 0: a whole number of at least 1"),
        (lambda data: npl.train(NET, data, lr=1e-3, runs=0), "--runs 0: a whole number of at least 1"),
        (lambda data: npl.train(NET, data, lr=1e-3, epochs=0), "--epochs 0: a whole number of at least 1"),
        (lambda data: npl.train(NET, data, lr=-1), "--lr -1: a finite number above 0"),
        (lambda data: npl.sample(NET, data, inits=5.0), "--inits 5.0: a whole number of at least 2"),
        (lambda data: npl.sample(NET, data, inits=5, seed=-1), "--seed -1: a whole number of at least 0"),
        (lambda data: npl.sample(NET, data, inits=5, processes=0), "--processes 0: a whole number of at least 1"),
        (
            lambda data: npl.sample(NET, data, inits=5, device="tpu"),
            "--device tpu: unknown, allowed are auto, cpu, cuda",
        ),
        (
            lambda data: npl.sample(npl.MLP("none", classes=3), data),
            "--classes 3: the network has as many, but the data have 2",
        ),
        (lambda data: npl.theory(npl.ImageNetwork("cnn", "none")), "there is theory of MLPs only"),
        (
            lambda data: npl.theory(NET, depths=[3]) and npl.theory(NET, data, depths=[3]),
            "--depths 3: allowed are 1 to 2",
        ),
        (lambda data: npl.theory(npl.MLP("batch", "before")), "isotropic data have no points to simulate"),
        (lambda data: npl.theory(npl.MLP("batch", "before"), data, simulate=0), "--simulate N draws the hidden layers"),
        (lambda data: npl.theory(NET, data, width=0), "--width 0: a whole number of at least 1"),
        (lambda data: npl.theory(NET, data, width=20.0), "--width 20.0: a whole number of at least 1"),  # type: ignore[arg-type]
        (lambda data: npl.theory(NET, data, simulate=1), "--simulate 1: a whole number of at least 2"),
        (lambda data: npl.theory(npl.MLP("batch", "after", bn_statistics="running"), data), "batch statistics only"),
        (lambda data: npl.theory(NET, with_points(data, data.x * np.nan)), "some values are not finite"),
        (lambda data: npl.theory(NET, with_points(data, data.x * 0 + 1)), "all 100 points are alike"),
        (lambda data: npl.theory(NET, with_points(data, huge(data.x)), width=None), "points fit here"),
        (
            lambda data: npl.theory(NET, with_points(data, data.x * (data.x != data.x[7]))),
            "point 7 has a mean square of 0",
        ),
        (lambda data: npl.theory(NET, with_points(data, data.x * 1e25)), "point 0 has a mean square of"),
        (lambda data: npl.theory(LAYER, with_points(data, scaled(data.x))), "alike but for their scale"),
        (lambda data: npl.theory(LAYER, with_points(data, scaled(data.x)), width=None), "alike but for their scale"),
        (lambda data: npl.measure(build, data.x[:1], inits=3), "at least 2 points"),
        (lambda data: npl.MLP("none", depth=True), "--depth True: a whole number of at least 1"),
        (lambda data: npl.MLP("batch", depth=1), "--placement is missing"),
        (lambda data: npl.load("digits", points=0), "--points 0: digits has 1437 points"),
        (lambda data: npl.load("digits", points=5.5), "--points 5.5: a whole number"),
        (lambda data: npl.load("digits", shift=float("nan")), "--shift nan: a finite number"),
        (lambda data: npl.load("digits", classes={"a": [0], "b": [99]}), "the data has no class 99"),
    ],
)
def test_a_wrong_argument_is_one_sentence(call: Callable[[Any], object], message: str, data: Any) -> None:
    with pytest.raises(npl.UserError) as caught:
        call(data)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_strings_mappings_and_arrays_are_taken(data: Any, tmp_path: Path) -> None:
    own = npl.load("digits", classes={"low": [0, 1], "high": ["8", 9]}, data_root=str(tmp_path), points=50)
    assert own.classes == ["low", "high"]
    curves = npl.train(NET, data, runs=1, epochs=1, batch_size=50, lr=1e-3, unfinished=str(tmp_path / "unfinished"))
    assert set(curves["split"]) == {"train", "test"}
    assert list((tmp_path / "unfinished").glob("*.pt"))
    assert npl.measure(build, data.x.numpy(), inits=3).inits == 3
    assert npl.sample(NET, data, inits=np.int64(3), device="auto").guess_fraction.shape == (2, 3, 2)


@pytest.mark.slow
def test_results_say_and_draw_what_they_are(data: Any) -> None:
    seen, theory, measured = npl.sample(NET, data, inits=30), npl.theory(NET, data), npl.measure(build, data.x, inits=3)
    assert "30 networks, no norm, relu, depth 2, width 100, on scikit-learn digits, 100 points" in repr(seen)
    assert repr(seen)[1:10] in seen._repr_html_()
    assert "width 100, pair chain" in repr(theory)
    assert "infinite width" in repr(npl.theory(NET, data, width=None))
    assert npl.theory(npl.MLP("batch", "after"), data, simulate=5).method == "simulated"
    assert "build: 100 points" in repr(measured)
    for result in (seen, theory, measured):
        assert len(result.plot().axes) == 2
    with pytest.raises(npl.UserError, match="two classes and a depth of at least 2"):
        npl.sample(npl.MLP("none"), data, inits=3).regime()


def test_theory_draws_what_its_density_says() -> None:
    """On isotropic data: 20,000 draws against the integral of the density, within three standard errors."""
    theory = npl.theory(npl.MLP("batch", "before", depth=3), width=None)
    drawn = theory.draw(20_000, seed=1)[:, 0]
    grid = np.linspace(0.3, 0.7, 2001)
    share = np.trapezoid(theory.density(grid), grid)
    assert abs(((drawn > 0.3) & (drawn < 0.7)).mean() - share) < 3 * np.sqrt(share * (1 - share) / 20_000)
    with pytest.raises(npl.UserError, match="finite gamma above 0"):
        npl.theory(npl.MLP("batch", "after", depth=3), width=None).density(grid)
    with pytest.raises(npl.UserError, match="--depth 4: allowed are 1 to 3"):
        theory.draw(10, depth=4)
