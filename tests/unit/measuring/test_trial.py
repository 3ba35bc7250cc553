"""What a trial finds out where the first networks or a few points mislead, and what contrasts leave alone."""

import numpy as np
import pytest
import torch
from torch import nn

from normplace.errors import UserError
from normplace.measuring.measure import BOTH, measure
from normplace.measuring.named import find_model
from normplace.measuring.points import Points
from normplace.measuring.variants import contrasts
from normplace.statistics import gamma_of_outputs

X = torch.from_numpy(np.random.default_rng(0).normal(0.4, 1, (60, 20)).astype(np.float32))
HIDDEN, CLASSES, NETWORKS = 30, 5, 20


class GhostNorm(nn.Module):
    """BatchNorm by hand over groups of 20 points, as it trains on several devices."""

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return h
        groups = h.reshape(-1, 20, h.shape[1])  # fails with the 4 points of a trial
        scaled = (groups - groups.mean(dim=1, keepdim=True)) / groups.std(dim=1, keepdim=True)
        return scaled.reshape(h.shape)


class NeedsTargets(nn.Module):
    """In training it wants more than its inputs, whatever their number."""

    def forward(self, h: torch.Tensor, target: torch.Tensor | None = None) -> torch.Tensor:
        if self.training and target is None:
            raise ValueError("targets are missing")
        return h


class Fragile(nn.Module):
    """Fails, or gives what is not finite, in the networks whose first weight says so."""

    def __init__(self, *, fails: bool) -> None:
        super().__init__()
        self.fails = fails
        self.hidden, self.norm, self.output = nn.Linear(20, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.Linear(HIDDEN, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.output(torch.relu(self.norm(self.hidden(x))))
        if float(self.hidden.weight[0, 0].detach()) < -0.1:
            if self.fails:
                raise RuntimeError("not this one")
            outputs = outputs * float("nan")
        return outputs


def with_layer(layer: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(20, HIDDEN), layer, nn.ReLU(), nn.Linear(HIDDEN, CLASSES))


def in_training() -> float:
    """gamma of the outputs of GhostNorm's networks by a plain loop."""
    means, variances = [], []
    for seed in range(200):
        torch.manual_seed(seed)
        with torch.no_grad():
            outputs = with_layer(GhostNorm()).train()(X).double().numpy()
        means.append(outputs.mean(axis=0))
        variances.append(outputs.var(axis=0))
    return gamma_of_outputs(np.array(means), np.array(variances)).value


@pytest.mark.slow
def test_training_mode_that_fails_on_a_few_points_is_tried_on_all() -> None:
    found = measure(lambda: with_layer(GhostNorm()), X, 100)
    assert found.running is not None
    assert found.batch.gamma.value == pytest.approx(in_training(), rel=0.3)
    assert found.running.gamma.value > 1.5 * found.batch.gamma.value
    assert "given all points at once" in repr(found)


def test_training_mode_that_fails_on_all_points_says_why() -> None:
    found = measure(lambda: with_layer(NeedsTargets()), X, NETWORKS)
    assert found.shown == "eval()"
    assert any("training mode fails: " in note and "targets are missing" in note for note in found.notes)


def first_index(*, fragile: bool) -> int:
    """A seed whose first network is fragile, or is not, and has two others of the other kind behind it."""
    from normplace.measuring.builders import seeded

    for seed in range(1000):
        states = []
        for index in range(3):
            with seeded(seed, index):
                states.append(float(Fragile(fails=False).hidden.weight[0, 0].detach()) < -0.1)
        if states == [fragile, not fragile, not fragile]:
            return seed
    raise AssertionError


@pytest.mark.parametrize("fails", [True, False])
def test_a_first_network_that_is_lost_hides_nothing(fails: bool) -> None:
    found = measure(lambda: Fragile(fails=fails), X, NETWORKS, seed=first_index(fragile=True))
    assert found.running is not None
    assert found.shown != BOTH
    assert 0 not in found.batch.networks
    assert 1 in found.batch.networks
    assert len(found.batch.networks) < NETWORKS


def test_a_model_that_always_fails_ends_at_once() -> None:
    calls = []

    class Fails(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(20, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            calls.append(1)
            raise RuntimeError("never")

    with pytest.raises(UserError, match="RuntimeError: never"):
        measure(Fails, X, 1000)
    assert len(calls) < 40


def test_frozen_scripted_modules_have_no_modes() -> None:
    def build() -> nn.Module:
        frozen: nn.Module = torch.jit.freeze(torch.jit.script(nn.Sequential(nn.Linear(20, 3)).eval()))
        return frozen

    with pytest.warns(DeprecationWarning, match="torch.jit"):
        frozen = measure(build, X, NETWORKS)
    plain = measure(lambda: nn.Linear(20, 3), X, NETWORKS)
    assert frozen.shown == BOTH
    assert frozen.batch.gamma_of_guesses == plain.batch.gamma_of_guesses


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("last", [nn.Sigmoid(), nn.Softmax(dim=1)])
def test_probabilities_that_rounding_makes_0_have_a_loss(last: nn.Module) -> None:
    classes = 1 if isinstance(last, nn.Sigmoid) else CLASSES

    def build() -> nn.Module:
        layers = nn.Linear(20, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, classes)
        with torch.no_grad():
            layers[2].weight.mul_(10**4)
        return nn.Sequential(*layers, last)

    found = measure(build, X, NETWORKS)
    assert 5 < found.batch.loss.low < found.batch.loss.high < 100


def test_a_remedy_leaves_nothing_of_constant_outputs() -> None:
    def build() -> nn.Module:
        network = nn.Sequential(nn.Linear(20, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, CLASSES))
        nn.init.zeros_(network[2].weight)
        return network

    found = measure(build, X, NETWORKS, remedy=True)
    name = "output bias set to minus the outputs' mean"
    assert found.remedies[name].regime == "no guess"


def test_padding_stays_where_it_is() -> None:
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(1, 30, (12, 9), generator=generator)
    lengths = torch.randint(2, 10, (12,), generator=generator)
    right = torch.arange(9) < lengths[:, None]
    for mask in (right, right.flip(1)):
        given = torch.where(mask, tokens, 0)
        shuffled = contrasts(Points.of({"input_ids": given, "attention_mask": mask.long()}), 0)["shuffled"]
        changed = shuffled.named["input_ids"]
        assert bool((changed[~mask] == 0).all())
        assert not torch.equal(changed, given)
        for one, other, counts in zip(given, changed, mask, strict=True):
            assert torch.equal(one[counts].sort().values, other[counts].sort().values)
    floats = torch.randn(5, 4, 3, generator=generator)
    mask = torch.tensor([[1, 1, 0, 0]] * 5)
    changed = contrasts(Points.of({"x": floats, "attention_mask": mask}), 0)["shuffled"].named["x"]
    assert torch.equal(changed[:, 2:], floats[:, 2:])
    assert torch.equal(changed[:, :2].flatten(1).sort().values, floats[:, :2].flatten(1).sort().values)


def test_arrays_in_a_tuple_are_inputs_and_in_a_list_points() -> None:
    arrays = np.zeros((6, 4)), np.arange(24.0).reshape(6, 4)
    assert len(Points.of(arrays)) == 6  # type: ignore[arg-type]
    assert len(Points.of(arrays).positional) == 2  # type: ignore[arg-type]
    assert len(Points.of(list(arrays))) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize("labels", ["cat", ["a"] * len(X), [0.5] * len(X)])
def test_labels_that_are_no_numbers(labels: object) -> None:
    with pytest.raises(UserError, match="whole numbers from 0 are needed"):
        measure(lambda: nn.Linear(20, 3), X, 5, labels=labels)  # type: ignore[arg-type]


def test_positions_of_another_type() -> None:
    with pytest.raises(UserError, match="--positions"):
        measure(lambda: nn.Linear(20, 3), X, 5, positions=[1])  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "close"), [("n_layr", "n_layer"), ("num_hiden_layers", "num_hidden_layers")])
def test_settings_that_transformers_does_not_know(name: str, close: str) -> None:
    pytest.importorskip("transformers")
    tokens = Points.of(torch.randint(30, (5, 9)))
    with pytest.raises(UserError, match=f"no {name}; close names are .*{close}"):
        find_model("transformers:gpt2", tokens, arguments={name: 2})
    find_model("transformers:gpt2", tokens, arguments={"n_layer": 2, "num_attention_heads": 2, "vocab_size": 30})


class Unreached(nn.Module):
    """Its weights are drawn, but its outputs are of the points alone."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :2] + 0 * self.layer(x)[:, :2]


def test_outputs_that_no_weight_reaches_are_said_so() -> None:
    x = torch.randn(20, 8, generator=torch.Generator().manual_seed(0))
    same = "two networks give the same outputs: no weight that is drawn reaches them"
    assert same in measure(Unreached, x, inits=4).notes
    assert same not in measure(lambda: nn.Linear(8, 2), x, inits=4).notes
    assert same not in measure(lambda: nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Linear(8, 2)), x, 4).notes
