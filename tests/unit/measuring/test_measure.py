"""`measure` against known truths: neutral and prejudiced models, the sampler, formulas by brute force."""

import os
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from torch import nn

from normplace.errors import UserError
from normplace.measuring.builders import seeded
from normplace.measuring.layers import recorded
from normplace.measuring.look import Look, look_at
from normplace.measuring.measure import measure
from normplace.measuring.named import find_model
from normplace.measuring.outputs import Rule
from normplace.measuring.points import Points
from normplace.measuring.prejudice import Estimate, regime_at_depth
from normplace.measuring.report import report, rises
from normplace.measuring.trial import tried
from normplace.networks.architecture import MLP
from normplace.networks.mlp import mlp
from normplace.networks.modules import evaluating, initialise
from normplace.sampling.mlps import sample_mlps
from tests.gammas import bootstrap_gamma, gamma

NETWORKS = 300
SIGNIFICANCE = 1e-4


def built(spec: MLP, inputs: int) -> nn.Module:
    """The MLP, drawn from the global generator as users' models are."""
    network = mlp(spec, inputs)
    initialise(network, torch.default_generator)
    return network


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(30, 3, 6, 6, generator=torch.Generator().manual_seed(0))


def look(network: nn.Module, x: torch.Tensor) -> Look:
    """What is seen of one network in training mode."""
    points = Points.of(x)
    looks = look_at(network, points, "batch", tried(lambda: network, points, 0, Rule(), trial=False))
    assert looks is not None
    return looks[""]


def convolutions(*, inplace: bool = True, dropout: float = 0.5) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=inplace),
        nn.Dropout(dropout),
        nn.Flatten(),
        nn.Linear(128, 3),
    )


def test_a_linear_model_without_bias_is_neutral_on_symmetric_data() -> None:
    half = torch.randn(50, 20, generator=torch.Generator().manual_seed(0))
    found = measure(partial(nn.Linear, 20, 2, bias=False), torch.cat([half, -half]), 40)
    assert found.batch.regime == "neutral"
    np.testing.assert_array_equal(found.batch.guess_fraction, 0.5)
    assert found.batch.gamma.high < 1e-12
    assert found.batch.gamma_of_guesses == (0, 0, 0)
    assert found.running is None


def test_a_huge_output_bias_is_deep_prejudice_though_it_is_the_same_in_every_network(digits: torch.Tensor) -> None:
    def biased() -> nn.Module:
        layer = nn.Linear(64, 4)
        nn.init.constant_(layer.bias, 0)
        layer.bias.data[2] = 1000
        return layer

    found = measure(biased, digits, 30)
    assert found.batch.regime == "deeply prejudiced"
    assert found.batch.favoured.tolist() == [0, 0, 1, 0]
    assert (found.batch.largest_fraction == 1).all()
    assert found.batch.gamma_of_guesses.low == np.inf
    # The outputs' gamma cannot see it, and is that of the model without the bias; a readout's gamma does see it.
    without = measure(partial(nn.Linear, 64, 4, bias=False), digits, 30).batch
    assert found.batch.gamma.value == pytest.approx(without.gamma.value, rel=0.5)
    assert without.regime != "deeply prejudiced"
    assert found.batch.layers["output"].low > 1e4 > 10 > without.layers["output"].high


@pytest.mark.parametrize(
    ("norm", "placement", "bn_statistics"),
    [
        ("none", "none", "batch"),
        ("layer", "after", "batch"),
        ("batch", "before", "batch"),
        ("batch", "after", "running"),
    ],
)
@pytest.mark.slow
def test_an_mlp_agrees_with_sample(norm: str, placement: str, bn_statistics: str, digits: torch.Tensor) -> None:
    spec = MLP(norm, placement, depth=3, width=30, bn_statistics=bn_statistics)
    found = measure(partial(built, spec, 64), digits, NETWORKS)
    assert (found.running is not None) == (norm == "batch")
    seen = found.running if bn_statistics == "running" else found.batch
    assert seen is not None
    ours = sample_mlps(digits, [spec], NETWORKS, seed=5)[0]
    assert ks_2samp(seen.guess_fraction[:, 0], ours.guess_fraction[2, :, 0]).pvalue > SIGNIFICANCE
    wrong = {"none": "layer", "layer": "none", "batch": "none" if bn_statistics == "batch" else "layer"}[norm]
    other = sample_mlps(digits, [MLP(wrong, "none" if wrong == "none" else "after", 3, width=30)], NETWORKS, seed=5)[0]
    assert ks_2samp(seen.guess_fraction[:, 0], other.guess_fraction[2, :, 0]).pvalue < SIGNIFICANCE  # it can fail
    resampled = bootstrap_gamma(ours.output_mean, ours.output_var, 500, seed=0)
    gammas, errors = gamma(ours.output_mean, ours.output_var), resampled.std(axis=0)
    width = (seen.gamma.high - seen.gamma.low) / 4  # the standard error of ours
    assert seen.gamma.value == pytest.approx(gammas[2], abs=4 * (errors[2] ** 2 + width**2) ** 0.5)
    # A hidden layer's gamma is the one that `sample` measures at its depth, with readouts of its own.
    per_layer = 2 if norm == "none" else 3
    for depth in range(3):
        layer = seen.layers[str((depth + 1) * per_layer - 1)]
        width = (layer.high - layer.low) / 4
        assert layer.value == pytest.approx(gammas[depth], abs=4 * (errors[depth] ** 2 + width**2) ** 0.5)


def test_relu_is_where_prejudice_arises_and_batch_norm_is_where_it_goes(digits: torch.Tensor) -> None:
    found = measure(partial(built, MLP("batch", "before", 3), 64), digits, 20)
    for at in (1, 4, 7):  # norms, each after its linear layer and before its activation
        assert found.batch.layers[str(at)].value < 1e-10
        # Gaussian nodes of variance 1: 1 / (pi - 1); real data are near it.
        assert found.batch.layers[str(at + 1)].value == pytest.approx(1 / (np.pi - 1), rel=0.2)
    first = rises(found.batch)[0]
    assert (first.kind, first.rising, first.all) == ("ReLU", 3, 3)
    assert "ReLU: 3 of 3, typically" in report(found, "an MLP")


def test_the_largest_rise_of_a_kind_is_named(digits: torch.Tensor) -> None:
    class Shifted(nn.Module):
        """Like a layer of position embeddings: the same is added to every point."""

        def __init__(self, by: float) -> None:
            super().__init__()
            self.by = by

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.by

    def build() -> nn.Module:
        return nn.Sequential(nn.BatchNorm1d(64), Shifted(0.3), Shifted(0.3), Shifted(3), Shifted(1), nn.Linear(64, 3))

    found = measure(build, digits, 3)
    (rise,) = rises(found.batch)
    assert (rise.kind, rise.rising, rise.all, rise.most.at) == ("Shifted", 4, 4, "3")
    # Of standardised nodes, but for pixels that never change, gamma becomes the square of the shift.
    assert rise.most.after / rise.most.before == pytest.approx((3.6 / 0.6) ** 2, rel=1e-3)  # but for eps
    said = f"most {rise.most.before:.3g} -> {rise.most.after:.3g} at 3"
    assert said in report(found, "shifts")


def test_a_layers_gamma_is_that_of_random_readouts(digits: torch.Tensor) -> None:
    with seeded(0, 0), torch.no_grad():
        hidden = nn.Sequential(nn.Linear(64, 40), nn.ReLU())
        with recorded(hidden) as recorder:
            recorder.start(digits, len(digits))
            h = hidden(digits)
        outputs = h @ torch.randn(40, 20_000)
    layer = recorder.layers()["1"]
    found = layer.squared_mean / layer.variance
    variance, mean = torch.var_mean(outputs, dim=0, correction=0)
    # The mean of 20,000 squared Gaussians has a relative standard error of sqrt(2 / 20,000) = .01.
    assert float(mean.square().mean() / variance.mean()) == pytest.approx(found, rel=0.04)


def test_both_kinds_of_batch_norm_statistics_and_no_dropout(images: torch.Tensor) -> None:
    models = []

    def build() -> nn.Module:
        models.append(convolutions().train())
        return models[-1]

    found = measure(build, images, 5)
    assert found.running is not None
    for index, model in enumerate(models[-5:]):  # after those of the trial
        norm = model[1]
        assert model.training
        assert norm.training
        assert norm.track_running_stats
        assert norm.num_batches_tracked == 0
        assert not norm.running_mean.any()
        with torch.no_grad():
            running = model.eval()(images)
            model[3] = nn.Identity()
            batch = model.train()(images)
        for outputs, seen in ((batch, found.batch), (running, found.running)):
            expected = outputs.argmax(1).bincount(minlength=3) / len(images)
            np.testing.assert_allclose(seen.guess_fraction[index], expected.numpy(), rtol=1e-6)
    assert (found.batch.guess_fraction != found.running.guess_fraction).any()


def test_lazy_modules_and_any_last_layer(images: torch.Tensor) -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.LazyConv2d(8, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(3), nn.Softmax(1))

    found = measure(build, images, 4)
    assert found.running is not None
    assert list(found.running.layers) == ["input", "0", "1", "2", "3", "4"]
    assert "Softmax" not in [rise.kind for rise in rises(found.batch)]  # a mean of 1/3 in every output is no prejudice


def test_a_lazy_instance_is_drawn_as_its_builder_draws_it(images: torch.Tensor) -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.LazyLinear(3))

    found = measure(build(), images, 40)
    assert found.initialisation.startswith("reset_parameters")
    assert len(np.unique(found.batch.guess_fraction, axis=0)) > 10
    built = measure(build, images, 40)
    assert abs(np.log(found.batch.gamma.value / built.batch.gamma.value)) < np.log(2)


def test_in_place_operations_change_neither_data_nor_what_was_recorded(images: torch.Tensor) -> None:
    before = images.clone()
    looks = []
    for inplace in (True, False):
        with seeded(1, 0):
            model = nn.Sequential(nn.ReLU(inplace=inplace), convolutions(inplace=inplace))
        looks.append(look(model, images))
    assert torch.equal(images, before)
    assert looks[0].layers == looks[1].layers
    assert list(looks[0].layers) == ["input", "0", "1.0", "1.1", "1.2", "1.4", "1.5"]  # no dropout, no container
    assert looks[0].layers["1.2"][2:4] == ("ReLU", "1.1")


class Branches(nn.Module):
    """A module called twice, a tuple, a function between modules, and a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.linear(x)
        second = self.linear(torch.relu(first))
        mixed, _ = self.attention(second, second, second)
        return self.head((mixed + first).mean(dim=1)).log_softmax(dim=1)


def test_repeated_modules_functions_and_tuples_are_layers_too() -> None:
    x = torch.randn(10, 4, 8, generator=torch.Generator().manual_seed(0))
    with seeded(0, 0):
        model = Branches()
    with torch.no_grad(), evaluating(model, "batch"), recorded(model) as recorder:
        recorder.start(x, len(x))
        model(x)
    assert {name: (layer.kind, layer.follows) for name, layer in recorder.layers().items()} == {
        "input": ("input", ""),
        "linear": ("Linear", "input"),
        "before linear": ("functions", "linear"),
        "linear (2)": ("Linear", "before linear"),
        "attention": ("MultiheadAttention", "linear (2)"),
        "before head": ("functions", "attention"),
        "head": ("Linear", "before head"),
        "output": ("functions", "head"),
    }
    assert not model.linear._forward_hooks


def test_the_same_seed_gives_the_same_and_fewer_networks_the_first(images: torch.Tensor) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, again, fewer = (measure(convolutions, images, inits, seed=8).batch for inits in (6, 6, 4))
    assert torch.equal(torch.rand(1), expected)  # the caller's random numbers are as they were
    np.testing.assert_array_equal(first.guess_fraction, again.guess_fraction)
    np.testing.assert_array_equal(first.guess_fraction[:4], fewer.guess_fraction)
    assert first.layers == again.layers
    assert (first.guess_fraction != measure(convolutions, images, 6, seed=9).batch.guess_fraction).any()


def test_ties_are_shared_and_a_zero_output_layer_makes_no_guess(digits: torch.Tensor) -> None:
    def headless() -> nn.Module:
        model = nn.Sequential(nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 5))
        nn.init.zeros_(model[2].weight)
        nn.init.zeros_(model[2].bias)
        return model

    found = measure(headless, digits, 25)
    assert found.batch.regime == "no guess"
    np.testing.assert_allclose(found.batch.guess_fraction, 0.2)
    assert np.isnan(found.batch.gamma.value)
    assert "of layer 1, would have gamma" in report(found, "headless")


def test_agreement_counts_pairs_of_different_points() -> None:
    x = torch.tensor([[3.0, 1, 0], [2, 0, 1], [0, 5, 1], [1, 1, 0]])
    seen = look(nn.Identity(), x)
    np.testing.assert_allclose(seen.guess_fraction, [2.5 / 4, 1.5 / 4, 0])
    # Of the 6 pairs, points 0 and 1 agree; the tied point agrees by half with each of the others.
    assert seen.agreement == pytest.approx((1 + 3 * 0.5) / 6)
    assert seen.tied == 0.25


@pytest.mark.slow
def test_a_module_is_redrawn_by_reset_parameters(digits: torch.Tensor) -> None:
    model = nn.Sequential(nn.Linear(64, 20), nn.LayerNorm(20), nn.ReLU(), nn.Linear(20, 2))
    weights = model[0].weight.clone()
    as_module = measure(model, digits, 150)
    assert torch.equal(model[0].weight, weights)
    assert "reset_parameters" in as_module.initialisation

    def build() -> nn.Module:
        return nn.Sequential(nn.Linear(64, 20), nn.LayerNorm(20), nn.ReLU(), nn.Linear(20, 2))

    as_function = measure(build, digits, 150, seed=1)
    assert "builder" in as_function.initialisation
    p = ks_2samp(as_module.batch.guess_fraction[:, 0], as_function.batch.guess_fraction[:, 0]).pvalue
    assert p > SIGNIFICANCE

    model.register_parameter("token", nn.Parameter(torch.zeros(3)))
    with pytest.raises(UserError, match="no reset_parameters draws token"):
        measure(model, digits, 5)


def stopping(after: int) -> Callable[[], nn.Module]:
    calls = []

    def build() -> nn.Module:
        calls.append(1)
        if len(calls) > after:
            raise KeyboardInterrupt
        return nn.Linear(64, 2)

    return build


def count_trial(x: torch.Tensor) -> int:
    """How many networks the trial of a linear model takes."""
    built: list[nn.Module] = []

    def build() -> nn.Module:
        built.append(nn.Linear(64, 2))
        return built[-1]

    measure(build, x, 2)
    return len(built) - 2


def test_what_was_measured_before_an_interrupt_is_kept(digits: torch.Tensor) -> None:
    tried_first = count_trial(digits)
    found = measure(stopping(tried_first + 4), digits, 50)
    assert (found.inits, found.asked) == (4, 50)
    whole = measure(partial(nn.Linear, 64, 2), digits, 4)
    np.testing.assert_array_equal(found.batch.guess_fraction, whole.batch.guess_fraction)
    with pytest.raises(KeyboardInterrupt):
        measure(stopping(tried_first + 1), digits, 50)


def test_regimes() -> None:
    assert regime_at_depth(Estimate(0.05, 0.01, 0.09), 20, 0) == "neutral"
    assert regime_at_depth(Estimate(0.5, 0.2, 0.9), 20, 0) == "prejudiced"
    assert regime_at_depth(Estimate(3, 1.1, np.inf), 20, 0) == "deeply prejudiced"
    assert regime_at_depth(Estimate(0.5, 0.05, 0.9), 20, 0) == "undecided"
    assert regime_at_depth(Estimate(0.8, 0.2, 1.1), 20, 0) == "undecided"
    assert regime_at_depth(Estimate(0.5, 0.2, 0.9), 19, 0) == "undecided"
    assert regime_at_depth(Estimate(0.05, 0.01, 0.09), 20, 0.9) == "no guess"


class Broken(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise KeyError("no such thing")


def same() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(64, 2)


class Infinite(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) / 0 if len(x) > 2 else super().forward(x)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (Broken, r"forward raised KeyError: 'no such thing' \(.*test_measure.py, line \d+\), .* \[4, 64\]"),
        (lambda: 1 / 0, r"builder raised ZeroDivisionError: division by zero \(.*test_measure.py, line \d+\)"),
        (lambda: torch.zeros, "returned a builtin_function_or_method, but a torch.nn.Module"),
        (partial(nn.Linear, 63, 2), r"raised RuntimeError: mat1 and mat2 shapes .* inputs of shape \[4, 64\]"),
        (partial(nn.Flatten, 0), r"outputs of shape \[256\] for 4 points"),
        (partial(Infinite, 64, 2), "the outputs of 5 of 5 networks are not finite"),
        (same, "exactly the same weights: the model is not drawn anew"),
    ],
)
def test_one_clear_line_for_what_is_wrong_with_a_model(
    build: Callable[[], nn.Module], words: str, digits: torch.Tensor
) -> None:
    with pytest.raises(UserError, match=words) as caught:
        measure(build, digits, 5)
    assert "\n" not in str(caught.value)


def coupled() -> nn.Module:
    return nn.Sequential(nn.BatchNorm1d(64), nn.Linear(64, 100))


def test_too_little_memory_says_how_many_points_fit(digits: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 100, "SC_PAGE_SIZE": 1024}.__getitem__)
    with pytest.raises(UserError, match="use at most 85 points"):  # 102,400 bytes, 3 times 400 per point
        measure(coupled, digits, 5)


def test_too_few_networks_or_points(digits: torch.Tensor) -> None:
    with pytest.raises(UserError, match="--inits 1: a whole number of at least 2"):
        measure(partial(nn.Linear, 64, 2), digits, 1)
    for x in (digits[:1], digits[:, 0]):
        with pytest.raises(UserError, match=r"at least 2 points \[n, ...\] are needed"):
            measure(partial(nn.Linear, 64, 2), x, 5)
    with pytest.raises(UserError, match="points are the same"):
        measure(partial(nn.Linear, 64, 2), torch.ones(5, 64), 5)


@pytest.mark.slow
def test_a_vit_of_torchvision_is_built_for_the_images_size() -> None:
    for side, expected in (((32, 32), 32), ((32, 64), 224)):
        images = Points.of(torch.rand(2, 3, *side))
        with torch.device("meta"):  # no weights are drawn
            assert find_model("torchvision:vit_b_16", images, 10)().image_size == expected
    with torch.device("meta"):
        assert find_model("torchvision:resnet18", images, 10)().fc.out_features == 10


def test_a_zero_output_layer_behind_dropout_and_batch_norm_has_layers_without_noise(digits: torch.Tensor) -> None:
    def build(*, dropout: float = 0.5) -> nn.Module:
        model = nn.Sequential(
            nn.Linear(64, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Dropout(dropout), nn.Linear(20, 3, bias=False)
        )
        nn.init.zeros_(model[4].weight)
        return model

    noisy, quiet = (measure(partial(build, dropout=dropout), digits, 4).batch.layers for dropout in (0.5, 0.0))
    assert noisy == quiet
