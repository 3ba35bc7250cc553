"""The fast sampler against a plain loop over nn.Module networks, with a negative control that must fail."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from torch import nn

from normplace import statistics
from normplace.networks.activations import ACTIVATIONS
from normplace.networks.architecture import MLP, PLACEMENTS
from normplace.networks.mlp import mlp
from normplace.networks.modules import initialise
from normplace.networks.norms import halves, norms_of_mlps
from normplace.networks.random import network_generator
from normplace.sampling import mlps as sampling
from normplace.sampling.mlps import compress, draw_weights, outputs_at_every_depth, sample_mlps, sample_part
from tests.cells import CELLS, every_cell
from tests.gammas import bootstrap_gamma, gamma

DEPTHS = (1, 3, 6)
NETWORKS = 400
# 7 cells x 3 depths x 2 tests below are at this level: a correct sampler fails any of them once in 2400 runs.
SIGNIFICANCE = 1e-5


def module_with(spec: MLP, hidden: list[torch.Tensor], output: torch.Tensor) -> nn.Sequential:
    """The nn.Sequential of `spec` with weights hidden [inputs, nodes] and output [classes, nodes], in training mode.

    BatchNorm then uses batch statistics.
    """
    network = mlp(spec, hidden[0].shape[0])
    initialise(network, torch.Generator())
    linear = [module for module in network if isinstance(module, nn.Linear)]
    with torch.no_grad():
        for module, weight in zip(linear, [*(layer.T for layer in hidden), output], strict=True):
            module.weight.copy_(weight)
    return network.train()


@every_cell
def test_biases_are_added_in_every_layer(norm: str, placement: str, digits: torch.Tensor) -> None:
    spec = MLP(norm, placement, depth=3, width=30, weight_variance=1.5, bias_variance=0.3, classes=3)
    weights = draw_weights(spec, 64, 64, [network_generator(0, index) for index in (5, 6)])
    for depth, of_both in enumerate(outputs_at_every_depth(digits, weights, [spec])[0], start=1):
        hidden = [layer[1] for layer in weights.hidden[:depth]]
        reference = module_with(replace(spec, depth=depth), hidden, weights.output[depth - 1][1])
        linear = [module for module in reference if isinstance(module, nn.Linear)]
        biases = [*(bias[1, 0] for bias in weights.hidden_bias[:depth]), weights.output_bias[depth - 1][1, :, 0]]
        with torch.no_grad():
            for module, bias in zip(linear, biases, strict=True):
                module.bias.copy_(bias)
        expected = reference(digits).detach()
        torch.testing.assert_close(of_both[1].T, expected, rtol=1e-3, atol=1e-3 * float(expected.std()))
    deep = draw_weights(replace(spec, width=400), 64, 64, [network_generator(0, 0)])
    drawn = torch.cat([bias.flatten() for bias in deep.hidden_bias])
    assert abs(drawn.var() / 0.3 - 1) < 5 * (2 / drawn.numel()) ** 0.5
    assert abs(deep.hidden[1].var() * 400 / 1.5 - 1) < 5 * (2 / 400**2) ** 0.5
    shallow = draw_weights(replace(spec, depth=2), 64, 64, [network_generator(0, 5)])
    assert torch.equal(shallow.hidden_bias[1][0], weights.hidden_bias[1][0])


@every_cell
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_same_weights_same_outputs_at_every_depth(
    norm: str, placement: str, activation: str, digits: torch.Tensor
) -> None:
    spec = MLP(norm, placement, depth=4, width=30, activation=activation, classes=3)
    features, basis = compress(digits)
    assert basis is not None  # border pixels of digits are constant, so their rank is below 64
    generators = [network_generator(0, index) for index in (5, 6)]
    weights = draw_weights(spec, features.shape[1], digits.shape[1], generators)
    hidden = [basis @ weights.hidden[0][1], *(layer[1] for layer in weights.hidden[1:])]
    for depth, of_both in enumerate(outputs_at_every_depth(features, weights, [spec])[0], start=1):
        outputs = of_both[1].T
        reference = module_with(replace(spec, depth=depth), hidden[:depth], weights.output[depth - 1][1])
        expected = reference(digits).detach()
        torch.testing.assert_close(outputs, expected, rtol=1e-3, atol=1e-3 * float(expected.std()))
        # Rounding may flip a point whose two largest outputs nearly tie, and no other.
        flipped = outputs.argmax(1) != expected.argmax(1)
        top = expected.topk(2).values
        assert bool((top[flipped, 0] - top[flipped, 1] < 1e-3 * expected.std()).all())


def reference_guess_fractions(spec: MLP, x: torch.Tensor, networks: int, generator: torch.Generator) -> np.ndarray:
    """G_0 the usual way: build each network, run it on all points, count."""
    fractions = []
    for _ in range(networks):
        network = mlp(spec, x.shape[1]).train()
        initialise(network, generator)
        with torch.no_grad():
            guesses = network(x).argmax(dim=1)
        fractions.append(float((guesses == 0).float().mean()))
    return np.array(fractions)


@pytest.fixture(scope="module")
def references(digits: torch.Tensor) -> dict[tuple[str, str, int], np.ndarray]:
    generator = torch.Generator().manual_seed(123)
    specs = [MLP(norm, placement, depth, width=30) for norm, placement, depth in _keys()]
    return {
        (spec.norm, spec.placement, spec.depth): reference_guess_fractions(spec, digits, NETWORKS, generator)
        for spec in specs
    }


def _keys() -> list[tuple[str, str, int]]:
    return [(*cell, depth) for cell in CELLS for depth in DEPTHS]


@every_cell
@pytest.mark.slow
def test_same_distribution_as_independent_draws_of_the_plain_loop(
    norm: str, placement: str, digits: torch.Tensor, references: dict[tuple[str, str, int], np.ndarray]
) -> None:
    ours = sample_mlps(digits, [MLP(norm, placement, max(DEPTHS), width=30)], NETWORKS, seed=7)[0].guess_fraction
    for depth in DEPTHS:
        p = ks_2samp(ours[depth - 1, :, 0], references[norm, placement, depth]).pvalue
        assert p > SIGNIFICANCE, f"depth {depth}: p = {p}"


@pytest.mark.parametrize("norm", ["batch", "layer"])
@pytest.mark.slow
def test_negative_control_the_norm_on_the_wrong_side_is_noticed(
    norm: str, digits: torch.Tensor, references: dict[tuple[str, str, int], np.ndarray]
) -> None:
    for wrong, right in (("before", "after"), ("after", "before")):
        ours = sample_mlps(digits, [MLP(norm, wrong, max(DEPTHS), width=30)], NETWORKS, seed=7)[0].guess_fraction
        p = ks_2samp(ours[-1, :, 0], references[norm, right, max(DEPTHS)]).pvalue
        assert p < SIGNIFICANCE


def test_rms_with_relu_guesses_exactly_as_no_norm_does(digits: torch.Tensor) -> None:
    """Scaling a point by a positive number passes through ReLU and cannot change the largest output."""
    plain = sample_mlps(digits, [MLP("none", "none", 5, width=30)], 20, seed=0)[0]
    for placement in ("before", "after"):
        scaled = sample_mlps(digits, [MLP("rms", placement, 5, width=30)], 20, seed=0)[0]
        assert np.mean(scaled.guess_fraction == plain.guess_fraction) > 0.99  # ties at rounding
        np.testing.assert_allclose(scaled.guess_fraction, plain.guess_fraction, atol=0.011)


@pytest.mark.slow
def test_same_seed_same_bytes_whatever_the_processes_and_the_number_of_networks(digits: torch.Tensor) -> None:
    spec = MLP("batch", "before", 3, width=20, classes=4)
    whole = sample_mlps(digits, [spec], 40, seed=3)[0]
    split = sample_mlps(digits, [spec], 40, seed=3, processes=2)[0]
    fewer = sample_mlps(digits, [spec], 11, seed=3)[0]
    shallower = sample_mlps(digits, [replace(spec, depth=2)], 40, seed=3)[0]
    for array, other, part, prefix in zip(whole, split, fewer, shallower, strict=True):
        assert array.shape[:2] == (3, 40)
        assert array.dtype == np.float32
        assert array.tobytes() == other.tobytes()
        assert array[:, :11].tobytes() == part.tobytes()
        assert array[:2].tobytes() == prefix.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("cached", [sampling.CACHED, 64 * 50])  # all points at once, and groups of 50
def test_cells_sampled_together_get_the_bytes_that_they_get_alone(
    cached: int, digits: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "CACHED", cached)
    specs = [MLP(*cell, 3, width=20, classes=4) for cell in CELLS]
    alone = [sample_mlps(digits, [spec], 12, seed=3)[0] for spec in specs]
    processes = 1 if cached == 64 * 50 else 2  # other processes do not know of smaller groups
    together = sample_mlps(digits, specs, 12, seed=3, processes=processes)
    for one, other in zip(alone, together, strict=True):
        assert [array.tobytes() for array in one] == [array.tobytes() for array in other]
    assert len({of_spec.guess_fraction.tobytes() for of_spec in together}) > 4  # RMSNorm guesses as no norm does


@every_cell
def test_several_networks_at_once_as_on_a_gpu(norm: str, placement: str, digits: torch.Tensor) -> None:
    spec = MLP(norm, placement, 3, width=20, classes=4)
    features, _ = compress(digits)
    arguments = (features.numpy(), digits.shape[1], [spec], range(3, 20), 3, "cpu")
    one, some = (sample_part(*arguments, at_once)[0] for at_once in (1, 5))
    for alone, among_others in zip(one, some, strict=True):
        np.testing.assert_allclose(alone, among_others, rtol=1e-4, atol=1e-4)
        assert alone.shape[:2] == (3, 17)


def test_the_bytes_do_not_depend_on_threads(digits: torch.Tensor) -> None:
    spec = MLP("batch", "before", 3, width=100)
    torch.set_num_threads(2)
    try:
        two = sample_mlps(digits, [spec], 5, seed=3)[0]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert [a.tobytes() for a in two] == [a.tobytes() for a in sample_mlps(digits, [spec], 5, seed=3)[0]]


def test_different_seeds_and_networks_differ(digits: torch.Tensor) -> None:
    spec = MLP("none", "none", 1, width=20)
    first, second = (sample_mlps(digits, [spec], 50, seed=seed)[0].output_mean for seed in (0, 1))
    assert not np.isin(first, second).any()
    assert len(np.unique(first)) == first.size


def test_no_two_networks_of_a_seed_share_a_generator() -> None:
    seeds = {network_generator(0, index).initial_seed() for index in range(20_000)}
    assert len(seeds) == 20_000
    assert max(seeds) < 2**32  # torch's CPU generator ignores higher bits


def test_weights_are_he_normal_also_after_compression(digits: torch.Tensor) -> None:
    spec = MLP("none", "none", 2, width=400)
    weights = draw_weights(spec, 50, 64, [network_generator(0, 0)])
    for weight, fan_in in ((weights.hidden[0], 64), (weights.hidden[1], 400), (weights.output[0], 400)):
        # The variance of n normals has relative standard error sqrt(2 / n).
        assert abs(weight.var() * fan_in / 2 - 1) < 5 * (2 / weight.numel()) ** 0.5
        assert abs(weight.mean()) < 5 * (2 / fan_in / weight.numel()) ** 0.5


@pytest.mark.parametrize("shape", [(50, 200), (200, 50), (80, 80)])
def test_compression_is_exact(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    x = torch.randn(shape)
    features, basis = compress(x)
    assert features.shape[1] == min(shape)
    whole = features if basis is None else features @ basis.T
    torch.testing.assert_close(whole, x, atol=1e-4, rtol=0)
    low_rank = torch.randn(60, 5) @ torch.randn(5, 40)
    features, basis = compress(low_rank)
    assert features.shape == (60, 5)
    assert basis is not None
    torch.testing.assert_close(features @ basis.T, low_rank, atol=1e-4, rtol=0)
    torch.testing.assert_close(basis.T @ basis, torch.eye(5), atol=1e-5, rtol=0)


def test_statistics_are_those_of_the_outputs(digits: torch.Tensor) -> None:
    spec = MLP("layer", "after", 1, width=20, classes=3)
    found = sample_mlps(digits, [spec], 1, seed=0)[0]
    features, _ = compress(digits)
    weights = draw_weights(spec, features.shape[1], 64, [network_generator(0, 0)])
    outputs = outputs_at_every_depth(features, weights, [spec])[0][0, 0].T
    np.testing.assert_allclose(found.output_mean[0, 0], outputs.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.output_var[0, 0], outputs.var(0, correction=0), rtol=1e-5)
    counts = torch.bincount(outputs.argmax(1), minlength=3) / len(digits)
    np.testing.assert_array_equal(found.guess_fraction[0, 0], counts)
    np.testing.assert_allclose(found.guess_fraction.sum(-1), 1, rtol=1e-6)


@pytest.mark.parametrize("classes", [2, 5])
@every_cell
def test_averages_over_output_layers_are_those_of_many_drawn_ones(
    norm: str, placement: str, classes: int, digits: torch.Tensor
) -> None:
    """One network's hidden layers, read by 4000 output layers with biases; its pairs are those of all its points."""
    spec = MLP(norm, placement, 2, width=40, classes=classes, bias_variance=0.1)
    x = digits[: sampling.COMPARED]
    found = sample_part(x.numpy(), 64, [spec], range(1), 0, "cpu", 1)[0]
    weights = draw_weights(spec, 64, 64, [network_generator(0, 0)])
    generator, drawn = torch.Generator().manual_seed(1), 4000
    read = torch.randn(1, drawn * classes, 40, generator=generator) * (2 / 40) ** 0.5
    bias = torch.randn(1, drawn * classes, 1, generator=generator) * 0.1**0.5
    many = weights._replace(output=[read] * 2, output_bias=[bias] * 2)
    outputs = outputs_at_every_depth(x, many, [spec])[0][1, 0].view(drawn, classes, len(x)).numpy()
    means, variances = outputs.mean(axis=2), outputs.var(axis=2)
    error = (2 / means.size) ** 0.5
    assert found.mean_var[1, 0] == pytest.approx(float(means.var()), rel=5 * error)
    spread = float(variances.std()) / drawn**0.5
    assert found.expected_var[1, 0] == pytest.approx(float(variances.mean()), abs=5 * spread)
    shares = np.stack([(outputs.argmax(axis=1) == label).mean(axis=1) for label in range(classes)])
    agreeing = (shares**2).sum(axis=0)
    assert found.agreement[1, 0] == pytest.approx(float(agreeing.mean()), abs=5 * float(agreeing.std()) / drawn**0.5)


def test_averages_do_not_depend_on_how_many_networks_are_taken_at_once(digits: torch.Tensor) -> None:
    spec = MLP("layer", "before", 3, width=20)
    alone, together = (sample_part(digits.numpy(), 64, [spec], range(5), 0, "cpu", at_once)[0] for at_once in (1, 5))
    for name in ("mean_var", "expected_var", "agreement"):
        np.testing.assert_allclose(getattr(alone, name), getattr(together, name), rtol=1e-4)


@pytest.mark.slow
def test_dead_layers_of_narrow_networks_guess_the_first_class(digits: torch.Tensor) -> None:
    """Where all nodes are 0, so are all outputs: the averages count these points as the guesses do."""
    found = sample_mlps(digits, [MLP("none", "none", 8, width=4)], 3000, seed=0)[0]
    g = found.guess_fraction[-1, :, 0].astype(float)
    assert (g == 1).mean() > (g == 0).mean() + 0.1  # some are dead for all points
    assert np.isfinite(found.agreement).all()
    second_moment, error = np.mean((g - 0.5) ** 2), np.std((g - 0.5) ** 2) / len(g) ** 0.5
    assert found.agreement[-1].mean() / 2 - 1 / 4 == pytest.approx(second_moment, abs=4 * error)


@pytest.mark.slow
def test_drawn_and_averaged_gammas_agree(digits: torch.Tensor) -> None:
    """Both estimate the same; the averaged one has the smaller error, far smaller behind a norm."""
    for cell, gain in ((("none", "none"), 1.3), (("batch", "before"), 10)):
        found = sample_mlps(digits, [MLP(*cell, 3, width=100)], 1500, seed=2)[0]
        averaged = statistics.gamma_of_readouts(found.mean_var, found.expected_var)
        drawn = gamma(found.output_mean, found.output_var)
        error = bootstrap_gamma(found.output_mean, found.output_var, 200, 0).std(axis=0)
        own = (averaged.high - averaged.low) / 4
        assert (np.abs(averaged.value - drawn) < 4.5 * np.hypot(error, own)).all()
        assert (gain * own < error).all()
        deviation = np.sqrt(found.agreement.mean(axis=1) / 2 - 1 / 4)
        seen = found.guess_fraction[:, :, 0].astype(float).std(axis=1)
        np.testing.assert_allclose(deviation, seen, rtol=0.1)


def test_eval_mode_with_fresh_statistics_erases_batch_norm(digits: torch.Tensor) -> None:
    plain = sample_mlps(digits, [MLP("none", "none", 4, width=30)], 10, seed=0)[0].guess_fraction
    running = MLP("batch", "before", 4, width=30, bn_statistics="running")
    erased = sample_mlps(digits, [running], 10, seed=0)[0].guess_fraction
    kept = sample_mlps(digits, [MLP("batch", "before", 4, width=30)], 10, seed=0)[0].guess_fraction
    np.testing.assert_allclose(erased, plain, atol=0.011)
    assert np.abs(kept - plain).max() > 0.1


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("half", halves())
def test_halves_of_norms_by_hand(half: str, placement: str, digits: torch.Tensor) -> None:
    spec = MLP(half, placement, 3, width=20)
    weights = draw_weights(spec, 64, 64, [network_generator(0, 0)])
    axis = 0 if half.startswith("batch") else 1

    def norm(z: torch.Tensor) -> torch.Tensor:
        return (
            z - z.mean(axis, keepdim=True)
            if half.endswith("centring")
            else z / (z.var(axis, correction=0) + 1e-5).sqrt()
        )

    h = digits
    of_layers = outputs_at_every_depth(digits, weights, [spec])[0]
    for hidden, output, found in zip(weights.hidden, weights.output, of_layers, strict=True):
        h = h @ hidden[0]
        h = norm(h).relu() if placement == "before" else norm(h.relu())
        torch.testing.assert_close(found[0].T, h @ output[0].T, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("half", "placement", "whole"), [
    ("batch-centring", "after", True), ("layer-centring", "after", True), ("batch-scaling", "after", False),
])  # fmt: skip
def test_centring_after_the_activation_neutralises_and_scaling_does_not(
    half: str, placement: str, whole: bool, digits: torch.Tensor
) -> None:
    guesses = sample_mlps(digits, [MLP(half, placement, 10, width=50)], 100, seed=0)[0].guess_fraction[-1, :, 0]
    assert (guesses.std() < 0.15) == whole


@pytest.mark.parametrize("norm", norms_of_mlps())
def test_points_in_groups_are_the_same_points(norm: str, digits: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = MLP(norm, "none" if norm == "none" else "after", 3, width=20, classes=3)
    weights = draw_weights(spec, 64, 64, [network_generator(0, index) for index in range(2)])
    whole = outputs_at_every_depth(digits, weights, [spec])[0]
    monkeypatch.setattr(sampling, "CACHED", 64 * 50)  # groups of 50 points
    torch.testing.assert_close(outputs_at_every_depth(digits, weights, [spec])[0], whole, rtol=1e-4, atol=1e-4)
    assert whole.shape == (3, 2, 3, len(digits))
