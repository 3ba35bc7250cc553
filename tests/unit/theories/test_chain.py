"""Networks of finite width by their pairs of points: quadrature, plain networks of two points, limits."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from normplace.data.datasets import load
from normplace.networks.activations import ACTIVATIONS
from normplace.networks.architecture import HE, MLP, Variances
from normplace.networks.norms import NORMS
from normplace.statistics import Array
from normplace.theories import chain, isotropic, kernel
from normplace.theories.duals import dual
from tests.cells import CELLS


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fifth of the draws: the tests' own allowances follow from the errors that replicas show."""
    chain._layer.cache_clear()
    monkeypatch.setattr(chain, "PAIRS", chain.PAIRS // 5)
    yield
    chain._layer.cache_clear()


REACHED = [cell for cell in CELLS if NORMS[cell[0]].axis == "nodes"]
OTHERS = [
    ("layer", "before", "gelu", HE),
    ("rms", "before", "tanh", Variances(3.0, 0.2)),
    ("layer", "after", "leaky_relu", Variances(1.5, 0.3)),
    ("layer", "before", "relu", Variances(2.0, 0.1)),
    ("none", "none", "leaky_relu", Variances(1.2, 0.0)),
]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("angle", [0.0, 0.4, np.pi / 2, 2.5, np.pi])
def test_quadrature_has_the_moments_of_the_duals(activation: str, angle: float) -> None:
    u, v, weights = chain._quadrature(angle)
    phi, averages, one = ACTIVATIONS[activation].function, dual(ACTIVATIONS[activation]), np.array(1.0)
    expected = float(averages.product(one, one, np.array(np.cos(angle))))
    assert float((phi(u) * phi(v)) @ weights) == pytest.approx(expected, abs=1e-9)
    assert float(phi(u) @ weights) == pytest.approx(float(averages.mean(one)), abs=1e-9)
    assert float((u * v) @ weights) == pytest.approx(np.cos(angle), abs=1e-9)
    assert float(weights.sum()) == pytest.approx(1, abs=1e-12)


def outputs_of_two_points(net: MLP, rho: float, networks: int) -> Array:
    """Covariance matrices [networks, 2, 2] of the outputs at two points, given the hidden layers: plain modules."""
    kind, phi = NORMS[net.norm].operation, ACTIVATIONS[net.activation].module()
    assert kind
    generator = torch.Generator().manual_seed(3)
    h = torch.tensor([[1.0, 0.0], [rho, (1 - rho**2) ** 0.5]]).expand(networks, 2, 2) * 2**0.5
    for _ in range(net.depth):
        weights = torch.randn(networks, h.shape[2], net.width, generator=generator)
        h = h @ weights * (net.weight_variance / h.shape[2]) ** 0.5
        h = h + net.bias_variance**0.5 * torch.randn(networks, 1, net.width, generator=generator)
        h = kind(h) if net.placement == "before" else h
        h = phi(h)
        h = kind(h) if net.placement == "after" else h
    h = h.double()
    return (net.weight_variance / net.width * h @ h.transpose(1, 2) + net.bias_variance).numpy()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("norm", "placement", "activation", "variances"),
    [(*cell, "relu", HE) for cell in REACHED] + OTHERS,
)
def test_two_points_of_narrow_networks(norm: str, placement: str, activation: str, variances: Variances) -> None:
    """At width 24 and depth 4: E K_ij over E K_ii, and how often two points get the same guess, but for chance."""
    net = MLP(norm, placement, 4, 24, activation, weight_variance=variances.weight, bias_variance=variances.bias)
    rho, networks = 0.3, 10_000
    sampled = outputs_of_two_points(net, rho, networks)
    shared = (variances.weight * rho + variances.bias) / (variances.weight + variances.bias)
    at_input = chain._cardinal(np.array([np.arccos(shared)]))[0]
    layer = chain.of_width(net)
    covariance, same = layer.readout, np.broadcast_to(np.pi / 2 - chain._angles(), layer.readout.shape)
    for depth in range(net.depth):
        covariance = np.einsum("rij,rj->ri", layer.covariance, covariance) if depth else covariance
        same = np.einsum("rij,rj->ri", layer.agreement, same)
    of_chain = covariance @ at_input / covariance[:, 0]
    trace = (sampled[:, 0, 0] + sampled[:, 1, 1]) / 2
    ratio = sampled[:, 0, 1].mean() / trace.mean()
    error = np.std(sampled[:, 0, 1] - ratio * trace) / trace.mean() / networks**0.5
    assert of_chain.mean() == pytest.approx(ratio, abs=4 * float(np.hypot(error, of_chain.std() / 8**0.5)))
    correlation = sampled[:, 0, 1] / np.sqrt(sampled[:, 0, 0] * sampled[:, 1, 1])
    angles = np.arcsin(correlation.clip(-1, 1))
    found = same @ at_input
    assert found.mean() == pytest.approx(
        angles.mean(), abs=4 * float(np.hypot(angles.std() / networks**0.5, found.std() / 8**0.5))
    )


def test_the_infinite_width_value_would_be_noticed() -> None:
    """The negative control of the test above: what it allows is far less than what width makes."""
    net = MLP("none", depth=4, width=24)
    sampled = outputs_of_two_points(net, 0.3, 20_000)
    angles = np.arcsin((sampled[:, 0, 1] / np.sqrt(sampled[:, 0, 0] * sampled[:, 1, 1])).clip(-1, 1))
    state = (2.0, 0.3)
    for _ in range(4):
        state = isotropic.layer_map("none", "none", "relu", *state)
    assert abs(angles.mean() - np.arcsin(state[1])) > 10 * angles.std() / 20_000**0.5


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "placement"), REACHED)
def test_wide_networks_tend_to_the_kernels_theory(norm: str, placement: str) -> None:
    x = load("patches", points=40).x.numpy()
    expected = [kernel.gamma(k) for k in kernel.output_kernels(x, norm, placement, "relu", 5)]
    far = []
    for width in (100, 400):
        net = MLP(norm, placement, 5, width)
        far.append([found.value for found, _ in chain.statistics(net, chain.of_data(x, net))] - np.array(expected))
    np.testing.assert_allclose(far[1], far[0] / 4, atol=0.003 * max(expected))


def test_one_layer_without_a_norm_has_the_gamma_of_infinite_width() -> None:
    x, net = load("patches", points=40).x.numpy(), MLP("none", depth=1)
    (found, _), *_ = chain.statistics(net, chain.of_data(x, net))
    (first,) = kernel.output_kernels(x, "none", "none", "relu", 1)
    assert found.value == pytest.approx(kernel.gamma(first), rel=1e-4)


@pytest.mark.slow
def test_scaling_alone_changes_no_guess_of_relu() -> None:
    """Without a norm and with RMSNorm at either placement, from the same draws."""
    angles = chain._angles()
    found = [
        chain.of_width(MLP(*cell, width=50)).agreement @ (np.pi / 2 - angles)
        for cell in CELLS
        if cell[0] in ("none", "rms")
    ]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=2e-3)


def test_pairs_by_rows_are_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    x, net = load("patches", points=50).x.numpy(), MLP("layer", "before", bias_variance=0.3)
    k = kernel.input_kernel(x, net.variances)
    deviation = np.sqrt(np.diag(k))
    series = chain._cardinal(np.arccos((k / np.outer(deviation, deviation)).clip(-1, 1)))
    monkeypatch.setattr(chain, "ROWS", 7)
    found = chain.of_data(x, net)
    np.testing.assert_allclose(found.plain, series.mean(axis=(0, 1)), atol=1e-7)
    np.testing.assert_allclose(
        found.scaled, (series * np.outer(deviation, deviation)[..., None]).mean(axis=(0, 1)), atol=1e-6
    )
    assert found.scale == pytest.approx(np.trace(k) / 50)


@pytest.mark.slow
def test_more_angles_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deep behind LayerNorm all that is left of E rho is a peak at correlation 1, which few angles must not smear."""
    x, net = load("patches", points=60).x.numpy(), MLP("layer", "after", 20, width=800)
    found = []
    for angles in (chain.ANGLES, 2 * chain.ANGLES):
        monkeypatch.setattr(chain, "ANGLES", angles)
        for cached in (chain._angles, chain._spline, chain._layer):
            cached.cache_clear()
        found.append([one.value for one, _ in chain.statistics(net, chain.of_data(x, net))])
    for cached in (chain._angles, chain._spline):
        cached.cache_clear()
    np.testing.assert_allclose(found[1], found[0], rtol=0.01)


@pytest.mark.slow
def test_a_layer_is_kept_and_a_damaged_one_drawn_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(chain, "PAIRS", 10_000)
    net = MLP("layer", "after", width=20)
    first = chain.of_width(net)
    (kept,) = (tmp_path / "normplace-chain").iterdir()
    chain._layer.cache_clear()
    monkeypatch.setattr(chain, "_drawn", lambda *_: pytest.fail("drawn again"))
    np.testing.assert_array_equal(chain.of_width(net).readout, first.readout)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(chain, "PAIRS", 10_000)
    good = kept.read_bytes()
    for bad in (good[:100], b"", good[:2000] + bytes([good[2000] ^ 1]) + good[2001:]):
        kept.write_bytes(bad)
        chain._layer.cache_clear()
        np.testing.assert_array_equal(chain.of_width(net).readout, first.readout)
        assert kept.read_bytes() == good
    chain._layer.cache_clear()
    chain.of_width(MLP("layer", "after", width=21))
    assert len(list((tmp_path / "normplace-chain").iterdir())) == 2


def test_where_nothing_can_be_kept_it_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(chain, "PAIRS", 10_000)
    assert chain.of_width(MLP("none", width=20)).readout.shape == (chain.REPLICAS, chain.ANGLES)


def test_where_there_is_a_chain() -> None:
    assert all(chain.reaches(MLP(*cell)) for cell in REACHED)
    assert not any(chain.reaches(MLP("batch", placement)) for placement in ("before", "after"))
    assert chain.reaches(MLP("layer", "before", activation="gelu"))
    for lacking, refused in (
        ("depends on the others", MLP("batch", "before")),
        ("gelu needs a norm before it", MLP("layer", "after", activation="gelu")),
        ("tanh needs a norm", MLP("none", activation="tanh")),
        ("biases must be 0", MLP("none", bias_variance=0.1)),
        (f"width of at least {chain.LEAST_WIDTH}", MLP("none", width=chain.LEAST_WIDTH - 1)),
        ("does not fix the variance", MLP("layer-centring", "after")),
    ):
        assert not chain.reaches(refused)
        assert lacking in chain.lacks(refused)
