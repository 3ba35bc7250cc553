"""Models that hide what they are: noise in eval(), BatchNorm called dropout, weights that no seed reaches, and more."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from normplace.errors import UserError
from normplace.measuring.measure import BOTH, measure

X = torch.from_numpy(np.random.default_rng(0).normal(0.4, 1, (60, 20)).astype(np.float32))
HIDDEN, CLASSES, NETWORKS = 30, 5, 20


class Net(nn.Module):
    """Linear, BatchNorm by hand, ReLU, Linear: what its kin below hide."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(20, HIDDEN), nn.Linear(HIDDEN, CLASSES)

    def normalised(self, h: torch.Tensor) -> torch.Tensor:
        return (h - h.mean(dim=0)) / (h.var(dim=0) + 1e-5).sqrt() if self.training else h

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.output(torch.relu(self.normalised(self.hidden(x))))
        return result


class NetWithDropout(Net):
    """Its class is called like a layer of noise, and does more."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = F.dropout(torch.relu(self.normalised(self.hidden(x))), 0.3, self.training)
        return F.dropout(self.output(h), 0.0, self.training)


class Small(Net):
    """Outputs that differ little beside what all of them share."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * 1e-3 + 100


class Overridden(Net):
    """What it does in training hangs on its own train(), not on the flag."""

    batch = True

    def train(self, mode: bool = True) -> "Overridden":
        super().train(mode)
        self.batch = mode
        return self

    def normalised(self, h: torch.Tensor) -> torch.Tensor:
        return (h - h.mean(dim=0)) / (h.var(dim=0) + 1e-5).sqrt() if self.batch else h


class History(Net):
    """A buffer that has another size after a pass in training mode, and one that is another tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(0, 20))
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.seen.resize_(len(x), 20).copy_(x)
            self.count = self.count + 1
        return super().forward(x)


def own_generator() -> nn.Module:
    """No seed reaches it."""
    network, random = Net(), np.random.default_rng()
    with torch.no_grad():
        for weights in network.parameters():
            weights.copy_(torch.from_numpy(random.normal(size=weights.shape) / weights.shape[-1] ** 0.5))
    return network


@pytest.mark.slow
@pytest.mark.parametrize("build", [NetWithDropout, Small, Overridden, History, own_generator])
def test_batch_norm_is_found_however_it_hides(build: Callable[[], nn.Module]) -> None:
    """In each mode the numbers are those of the plain network; own_generator's within the intervals."""
    plain, hidden = measure(Net, X, NETWORKS), measure(build, X, NETWORKS)
    assert plain.running is not None
    assert hidden.running is not None, "training and eval() do not guess the same"
    for ours, known in ((hidden.batch, plain.batch), (hidden.running, plain.running)):
        if build is own_generator:
            assert ours.gamma_of_guesses.low < known.gamma_of_guesses.high
            assert known.gamma_of_guesses.low < ours.gamma_of_guesses.high
        else:
            assert ours.agreement == pytest.approx(known.agreement, abs=0.03)
    assert not any("noise" in note or "anew" in note for note in hidden.notes)


class Noisy(Net):
    """Noise in both modes, as of a variational layer."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.normalised(self.hidden(x))
        return self.output(torch.relu(h + 0.3 * torch.randn_like(h)))  # type: ignore[no-any-return]


def test_noise_in_both_modes_does_not_hide_batch_norm() -> None:
    noisy, plain = measure(Noisy, X, 40), measure(Net, X, 40)
    assert noisy.running is not None
    assert plain.running is not None
    for ours, known in ((noisy.batch, plain.batch), (noisy.running, plain.running)):
        assert ours.gamma.value == pytest.approx(known.gamma.value, rel=0.25)


class NoisyInTraining(nn.Module):
    """Noise in training mode that no name gives away, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(20, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output(x + torch.randn_like(x) * self.training)  # type: ignore[no-any-return]


def test_training_mode_that_was_not_seen_is_not_said_to_be_the_same() -> None:
    found = measure(NoisyInTraining, X, NETWORKS)
    assert found.running is None
    assert found.shown == "eval()"
    assert "guess the same" not in repr(found)
    assert "training mode adds noise" in repr(found)


def test_a_seed_that_does_not_reach_the_builder_is_said() -> None:
    found = measure(own_generator, X, NETWORKS, contrast=True, remedy=True)
    assert any("the seed does not reach the builder" in note for note in found.notes)
    assert set(found.contrast) == {"shuffled", "Gaussian"}


def test_a_logit_that_starts_at_zero_is_no_probability() -> None:
    def build() -> nn.Module:
        output = nn.Linear(HIDDEN, 1)
        nn.init.zeros_(output.weight)
        nn.init.zeros_(output.bias)
        return nn.Sequential(nn.Linear(20, HIDDEN), nn.ReLU(), output)

    found = measure(build, X, NETWORKS)
    assert found.regime() == "no guess"
    assert "taken for the logit" in repr(found)


class Masked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(1, CLASSES)

    def forward(self, x: torch.Tensor, keep: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        assert keep.dtype == torch.bool
        total = (x * ~keep).sum(dim=1) * scale
        return self.output(total[:, None])  # type: ignore[no-any-return]


def test_masks_stay_masks_and_numbers_may_be_one_a_point() -> None:
    keep = torch.arange(60 * 20).reshape(60, 20) % 3 == 0
    found = measure(Masked, {"x": X, "keep": keep, "scale": torch.linspace(1, 2, 60)}, NETWORKS)
    assert found.shape == "x 20, keep 20, scale 1"


class Transposed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight, self.output = nn.Parameter(torch.randn(HIDDEN, 20) / 5), nn.Linear(HIDDEN, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output(torch.relu(self.weight @ x.T).T)  # type: ignore[no-any-return]


class ByKeyword(Net):
    def normalised(self, h: torch.Tensor) -> torch.Tensor:
        return h

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output(input=torch.relu(self.hidden(x)))  # type: ignore[no-any-return]


@pytest.mark.parametrize("build", [Transposed, ByKeyword])
def test_layers_and_the_last_one_are_read_however_they_are_called(build: type[nn.Module]) -> None:
    found = measure(build, X, NETWORKS, remedy=True)
    assert found.batch.gamma != found.batch.gamma_drawn, "the last layer is averaged by hand"
    assert "last layer scaled by 0.1" in found.remedies
    assert len(found.batch.layers) >= 2


class Odd(Net):
    def normalised(self, h: torch.Tensor) -> torch.Tensor:
        return h

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("sparse", torch.eye(60).to_sparse())
        self.register_buffer("conjugate", torch.zeros(3, dtype=torch.complex64).conj())


class Unregistered(nn.Module):
    """Weights that are no parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.randn(20, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight


@pytest.mark.parametrize("build", [Odd, Unregistered])
def test_weights_of_any_kind_are_drawn(build: type[nn.Module]) -> None:
    assert measure(build, X, NETWORKS).shown == BOTH


def test_a_model_without_weights_is_refused_as_such() -> None:
    with pytest.raises(UserError, match="no weights to draw"):
        measure(nn.ReLU, X, NETWORKS)


def test_a_last_layer_copied_from_an_embedding_is_not_averaged() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.output = nn.Embedding(50, 16), nn.Linear(16, 50, bias=False)
            with torch.no_grad():
                self.output.weight.copy_(self.words.weight)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.output(self.words(tokens))[:, -1]  # type: ignore[no-any-return]

    found = measure(Tied, torch.randint(50, (60, 6), generator=torch.Generator().manual_seed(0)), NETWORKS)
    assert found.batch.gamma == found.batch.gamma_drawn


@pytest.mark.slow
def test_eval_alone_that_overflows_is_left_out_and_named() -> None:
    def build() -> nn.Module:
        layers: list[nn.Module] = []
        for _ in range(45):  # N(0, 1) weights: BatchNorm undoes in training what grows in eval()
            linear = nn.Linear(20, 20)
            nn.init.normal_(linear.weight)
            layers += [linear, nn.BatchNorm1d(20), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(20, CLASSES)).half()

    found = measure(build, X, NETWORKS)
    assert found.running is None
    assert found.shown == "training mode"
    assert f"eval(): the outputs of {NETWORKS} of {NETWORKS} networks are not finite" in found.notes
    assert "guess the same" not in repr(found)
    assert found.inits == NETWORKS
    assert found.diverged == 0


def test_a_network_that_fails_does_not_take_the_others_with_it() -> None:
    class Fragile(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.output = nn.Linear(20, CLASSES)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if float(self.output.bias[0]) > threshold:
                raise ValueError("boom")
            return self.output(x)  # type: ignore[no-any-return]

    threshold = 0.15
    found = measure(Fragile, X, 40)
    (note,) = found.notes
    assert "of 40 networks failed: the model's forward raised ValueError: boom (" in note
    assert len(found.batch.agreement) == 40 - int(note.split()[0])
    threshold = -0.15
    with pytest.raises(UserError, match=r"boom"):
        measure(Fragile, X, 40)


def test_a_class_called_dropout_that_is_one_stays_off() -> None:
    class OwnDropout(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * (torch.rand_like(x) > 0.5) * 2 if self.training else x

    found = measure(lambda: nn.Sequential(nn.Linear(20, 30), OwnDropout(), nn.Linear(30, CLASSES)), X, NETWORKS)
    assert found.shown == BOTH
    assert not found.notes
