"""`measure` on models of every kind: the numbers of a plain loop over the same networks, or one line of error."""

import random
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from normplace.errors import UserError
from normplace.measuring import trial
from normplace.measuring.builders import seeded
from normplace.measuring.measure import LAYERED, Measurement, measure
from normplace.measuring.report import report
from tests.unit.measuring import kinds
from tests.unit.measuring.kinds import CLASSES, INPUTS, POINTS

NETWORKS, SEED = 6, 5
# torch calls its scripts and traces deprecated, and data-parallel models too.
pytestmark = pytest.mark.filterwarnings("ignore")
Outputs = Callable[[nn.Module, Any], torch.Tensor]


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) + 0.3


X = drawn(POINTS, INPUTS)
TOKENS = torch.randint(9, (POINTS, 5), generator=torch.Generator().manual_seed(0))
MASK = (torch.arange(5) < torch.arange(POINTS)[:, None] % 5 + 1).long()  # of lengths 1 to 5
MASKED = {"input_ids": TOKENS, "attention_mask": MASK}


class Truth(NamedTuple):
    """What a plain loop finds: guess fractions [networks, classes], and gamma of the outputs as drawn."""

    fractions: np.ndarray
    gamma: float


def plain(outputs_of: Callable[[int], torch.Tensor], networks: int = NETWORKS) -> Truth:
    """outputs_of: those of a network [guesses, classes], by its index."""
    fractions, means, variances = [], [], []
    for index in range(networks):
        with seeded(SEED, index), torch.no_grad():
            outputs = outputs_of(index).double().numpy()
        wins = outputs == outputs.max(axis=1, keepdims=True)
        fractions.append((wins / wins.sum(axis=1, keepdims=True)).mean(axis=0))
        means.append(outputs.mean(axis=0))
        variances.append(outputs.var(axis=0))
    gamma = np.array(means).var(axis=0, ddof=1).mean() / np.mean(variances)
    return Truth(np.array(fractions), float(gamma))


def of(build: Callable[[], nn.Module], x: Any, training: bool, outputs: Outputs) -> Truth:
    return plain(lambda index: outputs(build().train(training), x))


def assert_is(found: Any, truth: Truth) -> None:
    np.testing.assert_allclose(found.guess_fraction, truth.fractions, atol=1e-12)
    assert found.gamma_drawn.value == pytest.approx(truth.gamma, rel=1e-4)


def call(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return network(x)


class Kind(NamedTuple):
    """A model that is right if it gives what its plain twin gives, called by hand.

    modes: whether training mode differs from eval(), which the twin's then does too. notes: words that the notes must
    have, each in one of them; there are as many.
    """

    build: Callable[[], nn.Module]
    twin: Callable[[], nn.Module]
    modes: int = 1
    notes: tuple[str, ...] = ()
    outputs: Outputs = call
    given: Any = X
    options: Mapping[str, Any] = {}


def as_two(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """A logit of class 1 as two outputs; of a probability its guess is the same."""
    logit = network(x).reshape(-1, 1)
    return torch.cat([-logit / 2, logit / 2], dim=1)


def of_probability(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    p = network(x).reshape(-1, 1)
    return torch.cat([1 - p, p], dim=1)


def by_tokens(read: Callable[[torch.Tensor, int], torch.Tensor]) -> Outputs:
    """read: [positions, classes] of one point, and how many of them count -> [guesses, classes]."""

    def outputs(network: nn.Module, given: Any) -> torch.Tensor:
        of_all = network(**given) if isinstance(given, dict) else network(given)
        lengths = MASK.sum(dim=1).tolist() if isinstance(given, dict) else [5] * POINTS
        return torch.cat([read(one, length) for one, length in zip(of_all, lengths, strict=True)])

    return outputs


LAST = by_tokens(lambda one, length: one[length - 1 : length])
MEAN = by_tokens(lambda one, length: one[:length].mean(dim=0, keepdim=True))
ALL = by_tokens(lambda one, length: one[:length])
SECOND = by_tokens(lambda one, length: one[1:2])
FROM_END = by_tokens(lambda one, length: one[-2:-1])


def around(forward: Callable[..., Any]) -> Callable[[], nn.Module]:
    return partial(kinds.Around, forward)


DOUBLE, HALF, BFLOAT16 = (lambda to=to: kinds.mlp().to(to) for to in (torch.float64, torch.float16, torch.bfloat16))
DROPPED = around(lambda net, x: net[2](F.dropout(net[:2](x), 0.5)))  # in eval() too
AT_ONCE, NO_LAYERS = "given all points at once", "its layers cannot be recorded"
TWO = (X, drawn(POINTS, INPUTS, seed=1))
NAMED = {"weight": TWO[1], "x": TWO[0]}

RIGHT = {
    "plain": Kind(kinds.mlp, kinds.mlp),
    "BatchNorm": Kind(kinds.normed, kinds.normed, 2),
    "by hand": Kind(kinds.by_hand, kinds.normed, 2),
    "by function": Kind(kinds.by_function, kinds.normed, 2),
    "scripted": Kind(kinds.scripted, kinds.mlp, 1, (NO_LAYERS,)),
    "scripted norm": Kind(lambda: torch.jit.script(kinds.normed()), kinds.normed, 2, (NO_LAYERS,)),
    "traced": Kind(kinds.traced, kinds.normed),
    "symbolic": Kind(lambda: torch.fx.symbolic_trace(kinds.normed()), kinds.normed, 2),
    "exported": Kind(kinds.exported, kinds.normed, 1, (AT_ONCE,)),
    "compiled": Kind(lambda: torch.compile(kinds.normed(), backend="eager"), kinds.normed, 2),
    "compiled in place": Kind(kinds.compiled_in_place, kinds.normed, 2),
    "compiled inside": Kind(lambda: nn.Sequential(torch.compile(kinds.normed(), backend="eager")), kinds.normed, 2),
    "parallel": Kind(lambda: nn.DataParallel(kinds.normed()), kinds.normed, 2),
    "double": Kind(DOUBLE, DOUBLE, 1, ("cast to float64",), lambda net, x: net(x.double())),
    "half": Kind(HALF, HALF, 1, ("cast to float16",), lambda net, x: net(x.half())),
    "bfloat16": Kind(BFLOAT16, BFLOAT16, 1, ("cast to bfloat16",), lambda net, x: net(x.bfloat16())),
    "complex": Kind(kinds.Complex, kinds.Complex),
    "lazy": Kind(kinds.lazy, kinds.normed, 2),
    "recurrent": Kind(kinds.Recurrent, kinds.Recurrent, 1, ("outputs: 0 of the tuple",), lambda net, x: net(x)[0]),
    "dictionary": Kind(
        around(lambda net, x: {"hidden": net[:2](x), "logits": net(x)}), kinds.mlp, 1, ("outputs: logits of the dict",)
    ),
    "named": Kind(
        around(lambda net, x: kinds.Returned(None, net(x), net[:2](x))), kinds.mlp, 1,
        ("outputs: scores of the Returned",),
    ),
    "nested": Kind(
        around(lambda net, x: [x.argmax(dim=1), {"aux": None, "out": net(x)}]), kinds.mlp, 1,
        ("outputs: 1, out of the dict of the list",),
    ),
    "logit": Kind(kinds.one_logit, kinds.one_logit, 1, ("taken for the logit",), as_two),
    "squeezed": Kind(
        lambda: nn.Sequential(kinds.one_logit(), nn.Flatten(0)), kinds.one_logit, 1, ("taken for the logit",), as_two
    ),
    "probability": Kind(kinds.one_probability, kinds.one_probability, 1, ("for the probability",), of_probability),
    "said": Kind(kinds.one_logit, kinds.one_logit, 1, ("for the logit",), as_two, options={"binary": "logit"}),
    "said too": Kind(
        kinds.one_probability, kinds.one_probability, 1, ("for the probability",), of_probability, X,
        {"binary": "probability"},
    ),
    "last": Kind(kinds.Positions, kinds.Positions, 1, ("the last of the positions (5, of 3 classes)",), LAST, TOKENS),
    "mean": Kind(kinds.Positions, kinds.Positions, 1, ("the mean over",), MEAN, TOKENS, {"positions": "mean"}),
    "all": Kind(kinds.Positions, kinds.Positions, 1, ("each of the positions",), ALL, TOKENS, {"positions": "all"}),
    "second": Kind(kinds.Positions, kinds.Positions, 1, ("number 1 of",), SECOND, TOKENS, {"positions": 1}),
    "from end": Kind(kinds.Positions, kinds.Positions, 1, ("number -2 of",), FROM_END, TOKENS, {"positions": "-2"}),
    "last shown": Kind(kinds.Positions, kinds.Positions, 1, ("the last of",), LAST, MASKED),
    "mean shown": Kind(kinds.Positions, kinds.Positions, 1, ("the mean over",), MEAN, MASKED, {"positions": "mean"}),
    "all shown": Kind(kinds.Positions, kinds.Positions, 1, ("each of the",), ALL, MASKED, {"positions": "all"}),
    "pixels": Kind(
        kinds.Pixels, kinds.Pixels, 1, ("each of the pixels (4x4)",),
        lambda net, x: torch.stack([one[:, i, j] for one in net(x) for i in range(4) for j in range(4)]),
    ),
    "pixels' mean": Kind(
        kinds.Pixels, kinds.Pixels, 1, ("the mean over pixels (4x4)",),
        lambda net, x: net(x).mean(dim=(2, 3)), X, {"positions": "mean"},
    ),
    "two inputs": Kind(kinds.TwoInputs, kinds.mlp, outputs=lambda net, two: net(two[0] * two[1]), given=TWO),
    "by name": Kind(kinds.TwoInputs, kinds.mlp, outputs=lambda net, two: net(two["x"] * two["weight"]), given=NAMED),
    "forces": Kind(kinds.Forces, kinds.ForcesByFormula),
    "deployed": Kind(around(torch.inference_mode()(call)), kinds.mlp),
    "in place": Kind(
        around(lambda net, x: net(x.mul_(2).sub_(1))), kinds.mlp, outputs=lambda net, x: net(2 * x - 1)
    ),
    "vmapped": Kind(kinds.Vmapped, kinds.Ensemble),
    "encoder": Kind(kinds.Encoder, kinds.Shortened, outputs=lambda net, x: net.eval()(x)),
    "experts": Kind(kinds.Experts, kinds.AllExperts),
    "checkpointed": Kind(
        around(lambda net, x: net[2](checkpoint(net[:2], x, use_reentrant=False))), kinds.mlp
    ),
    "remembers": Kind(
        kinds.Remembers, kinds.mlp, 1, ("each pass is of a network built anew",),
        lambda net, x: net(x) - net(x).mean(dim=0),
    ),
    "fixed": Kind(kinds.Fixed, kinds.Fixed, 1, (AT_ONCE,)),
    "fixed, no trial": Kind(kinds.Fixed, kinds.Fixed, 1, (AT_ONCE,), options={"trial": False}),
    "plain, no trial": Kind(kinds.normed, kinds.normed, 2, (AT_ONCE,), options={"trial": False}),
    "dropout": Kind(lambda: kinds.mlp(nn.Dropout(0.5)), kinds.mlp),
    "dropout by function": Kind(DROPPED, kinds.mlp),
    "own noise": Kind(lambda: kinds.mlp(kinds.OwnNoise()), kinds.mlp, 1, ("training mode adds noise",)),
    "by numpy": Kind(kinds.by_numpy, kinds.by_numpy),
    "by Python": Kind(kinds.by_python, kinds.by_python),
    "weight norm": Kind(kinds.weight_normed, kinds.mlp),
    "no last weights": Kind(kinds.zero_last_weights, kinds.zero_last_weights),
}  # fmt: skip


def measured(kind: Kind, **more: Any) -> Measurement:
    return measure(kind.build, kind.given, NETWORKS, SEED, **{**kind.options, **more})


@pytest.mark.slow
@pytest.mark.parametrize("name", RIGHT)
def test_right_numbers_modes_and_notes(name: str) -> None:
    kind = RIGHT[name]
    found = measured(kind)
    assert len(found.by_statistics) == kind.modes
    for mode, seen in found.by_statistics.items():
        assert_is(seen, of(kind.twin, kind.given, mode == "batch" and kind.modes == 2, kind.outputs))
    assert len(found.notes) == len(kind.notes), found.notes
    for words, note in zip(kind.notes, found.notes, strict=True):
        assert words in note


def test_the_comparison_can_fail() -> None:
    by_hand, dropout = measured(RIGHT["by hand"]), measured(RIGHT["dropout by function"]).batch
    for seen, twin, training in (
        (by_hand.batch, kinds.normed, False),  # each mode is held against the other's truth
        (by_hand.running, kinds.normed, True),
        (by_hand.batch, kinds.mlp, True),
        (dropout, DROPPED, False),
    ):
        with pytest.raises(AssertionError):
            assert_is(seen, of(twin, X, training, call))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "BatchNorm", "last shown", "all shown", "pixels", "two inputs", "logit"])
def test_points_given_in_parts_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def watched() -> nn.Module:
        network = kind.build()
        network.register_forward_pre_hook(
            lambda _, given, named: sizes.append(len([*given, *named.values()][0])), with_kwargs=True
        )
        return network

    kind = RIGHT[name]
    whole = measured(kind)
    monkeypatch.setattr(trial, "BYTES_AT_ONCE", 1)
    parts = measured(kind._replace(build=watched))
    assert 1 in sizes  # a point at a time
    assert (POINTS in sizes) == (name == "BatchNorm")  # but all at once where they influence each other
    for mode, seen in parts.by_statistics.items():
        assert_is(seen, of(kind.twin, kind.given, mode == "batch" and kind.modes == 2, kind.outputs))
        assert seen.layers.keys() == whole.by_statistics[mode].layers.keys()
        for layer, gamma in seen.layers.items():
            assert gamma == pytest.approx(whole.by_statistics[mode].layers[layer], rel=1e-4), layer


def only_noise() -> nn.Module:
    """The same weights in every network; only its dropout differs."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return DROPPED()


LOCKED = partial(call, x=threading.Lock())
SAME = "exactly the same weights: the model is not drawn anew"
UNDRAWN = "no reset_parameters draws {}: give a function that builds the model instead"
REFUSED: dict[str, tuple[Callable[[], Any], str, Mapping[str, Any]]] = {
    "complex outputs": (lambda: kinds.ComplexOutputs, "returned a torch.complex64 tensor, but a float tensor", {}),
    "whole outputs": (lambda: around(lambda net, x: net(x).argmax(dim=1)), "returned a torch.int64 tensor", {}),
    "an array": (lambda: around(lambda net, x: net(x).numpy()), "returned a ndarray, but a float tensor", {}),
    "nothing": (lambda: around(lambda net, x: None), "returned a NoneType, but a float tensor", {}),
    "no floats": (lambda: around(lambda net, x: {"classes": net(x).argmax(1)}), "returned a dict, but a float", {}),
    "points lost": (lambda: around(lambda net, x: net(x)[1:]), r"outputs of shape \[3, 3\] for 4 points$", {}),
    "flattened": (lambda: around(lambda net, x: net(x).repeat(2, 1)), r"return \[n, positions, classes\], of wh", {}),
    "no positions": (lambda: kinds.mlp, r"--positions last: outputs \[4, 3\] have no positions", {"positions": "last"}),
    "unknown": (lambda: kinds.mlp, "--positions lost: allowed are last, mean, all and an ind", {"positions": "lost"}),
    "many outputs": (lambda: kinds.mlp, "--binary logit: the model has 3 outputs, not one", {"binary": "logit"}),
    "no probability": (lambda: kinds.one_logit, "outside 0..1, so it is no probability", {"binary": "probability"}),
    "unknown binary": (lambda: kinds.one_logit, "--binary odds: unknown, allowed are logit", {"binary": "odds"}),
    "one seed": (lambda: kinds.sets_a_seed, SAME, {}),
    "one object": (kinds.Same, SAME, {}),
    "only noise": (lambda: only_noise, SAME, {}),
    "diverging": (lambda: around(lambda net, x: -net(x) / 0), "the outputs of 6 of 6 networks are not finite", {}),
    "meta": (lambda: kinds.on_meta, "on the meta device, so it has no weights: build it on a real one", {}),
    "meta module": (kinds.on_meta, "on the meta device, so it has no weights", {}),
    "unpicklable module": (lambda: around(LOCKED)(), "copying the module .*no copy.* raised .* cannot pickle", {}),
    "lazy module": (kinds.lazy, "copying the module .*needs no copy.* raised ValueError: .*uninitialized param", {}),
    "weight-normed module": (kinds.weight_normed, UNDRAWN.format(".*parametrizations.weight.original0.*"), {}),
    "scripted module": (kinds.scripted, UNDRAWN.format("0.weight, 0.bias, 2.weight and 1 more"), {}),
    "exported module": (kinds.exported, UNDRAWN.format("0.weight, .*"), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_one_line_for_what_cannot_be_measured(name: str) -> None:
    make, words, options = REFUSED[name]
    with pytest.raises(UserError, match=words) as caught:
        measure(make(), X, NETWORKS, SEED, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("build", [kinds.by_numpy, kinds.by_python])
def test_random_numbers_of_numpy_and_python_are_seeded_and_put_back(build: Callable[[], nn.Module]) -> None:
    np.random.seed(3)  # noqa: NPY002
    random.seed(3)
    expected = np.random.random(), random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    random.seed(3)
    first, again, other = (measure(build, X, NETWORKS, seed).batch for seed in (SEED, SEED, SEED + 1))
    assert (np.random.random(), random.random()) == expected  # noqa: NPY002
    assert first.layers == again.layers
    assert first.layers["2"] != other.layers["2"]
    np.testing.assert_array_equal(first.guess_fraction, again.guess_fraction)


def test_networks_that_diverge_are_counted_and_left_out() -> None:
    networks = 20
    finite = []
    for index in range(networks):
        with seeded(SEED, index):
            finite += [index] if kinds.Diverges().by else []
    assert 2 <= networks - len(finite) <= 9  # 4 of 20 on average
    found = measure(kinds.Diverges, X, networks, SEED)
    assert (found.inits, found.diverged) == (networks, networks - len(finite))
    assert f"the outputs of {found.diverged} of {networks} networks are not finite, and left out" in repr(found)
    every = [of_index(kinds.Diverges, index) for index in finite]
    fractions = [outputs.argmax(dim=1).bincount(minlength=CLASSES) / POINTS for outputs in every]
    np.testing.assert_allclose(found.batch.guess_fraction, torch.stack(fractions), atol=1e-7)


def of_index(build: Callable[[], nn.Module], index: int) -> torch.Tensor:
    with seeded(SEED, index), torch.no_grad():
        return build()(X)


def test_a_last_layer_of_zeros_makes_no_guess() -> None:
    found = measure(kinds.zero_last, X, NETWORKS, SEED).batch
    assert (found.regime, found.tied) == ("no guess", 1)
    np.testing.assert_allclose(found.guess_fraction, 1 / CLASSES)
    assert np.isnan(found.gamma.value)
    assert found.gamma_of_guesses == (0, 0, 0)
    # Biases that are drawn do make a guess, the same for all points.
    other = measure(kinds.zero_last_weights, X, 20, SEED).batch
    assert other.regime == "deeply prejudiced"
    assert (other.largest_fraction == 1).all()


def test_labels_that_do_not_fit_the_outputs() -> None:
    two = torch.arange(POINTS) % 2
    found = measure(kinds.mlp, X, NETWORKS, SEED, labels=two)
    assert found.notes == ("the model has 3 outputs, the data 2 classes",)
    every = [nn.functional.cross_entropy(of_index(kinds.mlp, index), two) for index in range(NETWORKS)]
    assert found.batch.loss.value == pytest.approx(float(torch.stack(every).mean()), rel=1e-5)
    assert measure(kinds.mlp, X, NETWORKS, SEED, labels=two, classes=3).notes == ()  # of which these points lack one
    five = measure(kinds.mlp, X, NETWORKS, SEED, labels=torch.arange(POINTS) % 5)
    assert five.notes == ("the model has 3 outputs, the data 5 classes",)
    assert not five.labelled
    evenly = [-of_index(kinds.mlp, index).log_softmax(dim=1).mean() for index in range(NETWORKS)]
    assert five.batch.loss.value == pytest.approx(float(torch.stack(evenly).mean()), rel=1e-5)


def test_a_layer_that_is_the_same_for_all_points_is_left_out_and_counted() -> None:
    found = measure(kinds.ConstantEmbedding, X, NETWORKS, SEED)
    assert list(found.batch.layers) == ["input", "net.0", "net.1", "before net.2", "net.2"]
    assert found.batch.left_out == 2  # the embedding, and the layer that reads it
    assert "layers that could not be read: 2" in report(found, "it")
    means, variances = [], []
    for index in range(NETWORKS):
        with seeded(SEED, index), torch.no_grad():
            network = kinds.ConstantEmbedding()
            h = network.net[:2](X) + network.project(network.token.weight)
        means.append(float(h.mean(dim=0).square().sum()))
        variances.append(float(h.var(dim=0, correction=0).sum()))
    assert found.batch.layers["before net.2"].value == pytest.approx(sum(means) / sum(variances), rel=1e-4)
    for gamma in found.batch.layers.values():
        assert 0 < gamma.low <= gamma.value <= gamma.high < np.inf


@pytest.mark.slow
def test_hooks_are_taken_off_again_and_layers_are_of_the_first_networks_alone() -> None:
    networks: list[nn.Module] = []

    def build() -> nn.Module:
        networks.append(kinds.Encoder())
        return networks[-1]

    found = measure(build, X, LAYERED + 5, SEED)
    assert "encoder.layers.1.self_attn" in found.batch.layers
    assert not any(module._forward_hooks or module._forward_pre_hooks for net in networks for module in net.modules())
    first = measure(kinds.Encoder, X, LAYERED, SEED)
    assert found.batch.layers == first.batch.layers
    np.testing.assert_array_equal(found.batch.guess_fraction[:LAYERED], first.batch.guess_fraction)
