"""Networks for images: sizes by hand, where norms stand, the same outputs as networks by others, and their sampling."""

import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import fx, nn

from normplace import networks
from normplace.data.datasets import load
from normplace.data.vision import import_torchvision
from normplace.errors import UserError
from normplace.networks.architecture import HE, ImageNetwork, Variances
from normplace.networks.images import IMAGE_NETWORKS, image_network
from normplace.networks.modules import batch_norms, evaluating, initialise
from normplace.networks.random import network_generator
from normplace.sampling import images as image_sampling
from normplace.sampling.images import sample_images, sample_part
from normplace.training.evaluations import Points, gradient_norms
from normplace.training.plan import Plan
from normplace.training.runs import train_runs

CELLS = [
    (name, norm, placement)
    for name, record in IMAGE_NETWORKS.items()
    for norm in record.norms
    for placement in (("none",) if norm == "none" else ("before", "after"))
]
every_cell = pytest.mark.parametrize(("name", "norm", "placement"), CELLS, ids=["-".join(cell) for cell in CELLS])
NORM_CLASSES = (nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
CIFAR10 = (3, 32, 32)


def drawn(name: str, norm: str, placement: str, shape: tuple[int, ...], classes: int = 2, seed: int = 0) -> nn.Module:
    network = image_network(name, norm, placement, shape, classes)
    initialise(network, torch.Generator().manual_seed(seed))
    return network


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """70 digits as images [70, 1, 8, 8]."""
    return load("digits", points=70).x


def test_each_file_of_the_folder_is_found_by_its_name() -> None:
    files = {path.stem for path in (Path(networks.__file__).parent / "images").glob("*.py")} - {"__init__", "record"}
    assert files == set(IMAGE_NETWORKS) == {record.name for record in IMAGE_NETWORKS.values()}


@every_cell
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 12, 8)])
def test_shapes_and_gradients(name: str, norm: str, placement: str, shape: tuple[int, ...]) -> None:
    network = drawn(name, norm, placement, shape, classes=5)
    outputs = network(torch.randn(4, *shape))
    assert outputs.shape == (4, 5)
    F.cross_entropy(outputs, torch.arange(4)).backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.any(), key


# By hand, for CIFAR-10 and two classes: without a norm, and how many nodes have a norm before, after.
SIZES = {
    "resnet9": (1_792 + 73_856 + 2 * 147_584 + 295_168 + 1_180_160 + 2 * 2_359_808 + 1_026, 2_240, 2_240),
    "cnn": (896 + 18_496 + 73_856 + 4_098, 224, 224),
    "mixer": (6_272 + 8 * (2 * 4_160 + 66_048 + 65_664) + 258, 17 * 128, 16 * 128),
    "vit": (2_352 + 48 + 65 * 48 + 4 * (7_056 + 2_352 + 9_408 + 9_264) + 98, 9 * 48, 8 * 48),
}


@every_cell
def test_parameter_counts(name: str, norm: str, placement: str) -> None:
    without, before, after = SIZES[name]
    per_node = 1 if norm == "rms" else 2  # a scale, and but for RMSNorm an offset
    expected = without + {"none": 0, "before": before, "after": after}[placement] * per_node
    network = image_network(name, norm, placement, CIFAR10, 2)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


class Calls(fx.Tracer):
    """Traces into nn.Sequential and its subclasses, and takes all other modules as they are."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return not isinstance(module, nn.Sequential)


def calls(module: nn.Module) -> str:
    """The graph of calls as a formula of x, with N for any norm and the classes' names for the rest."""
    whole = nn.Sequential(module)
    formulas: dict[fx.Node, str] = {}
    for node in Calls().trace(whole).nodes:
        arguments = [formulas[argument] for argument in node.all_input_nodes]
        if node.op == "placeholder":
            formulas[node] = "x"
        elif node.op == "call_module":
            called = whole.get_submodule(str(node.target))
            kind = "N" if isinstance(called, NORM_CLASSES) else type(called).__name__
            formulas[node] = f"{kind}({', '.join(arguments)})"
        elif node.op == "output":
            return arguments[0]
        else:
            assert node.target.__name__ == "add"
            formulas[node] = " + ".join(arguments)
    raise AssertionError


@every_cell
def test_the_norm_stands_where_the_argument_says(name: str, norm: str, placement: str) -> None:
    layer = {"none": "ReLU(Conv2d({}))", "before": "ReLU(N(Conv2d({})))", "after": "N(ReLU(Conv2d({})))"}[placement]
    one, two = layer.format("x"), layer.format(layer.format("x"))
    pooled, both = f"MaxPool2d({one})", f"x + {two}"

    def half(branch: str) -> str:
        return {
            "none": f"x + {branch.format('x')}",
            "before": f"x + {branch.format('N(x)')}",
            "after": f"N(x + {branch.format('x')})",
        }[placement]

    attention, mlp = half("Attention({})"), half("Linear(GELU(Linear({})))")
    over_tokens = half("Transpose(Linear(GELU(Linear(Transpose({})))))")
    patches = ["PixelUnshuffle(x)", "Flatten(x)", "Transpose(x)", "Linear(x)"]
    last = ["N(x)"] if placement == "before" else []
    expected = {
        "resnet9": [one, pooled, both, pooled, pooled, both, "AdaptiveMaxPool2d(x)", "Flatten(x)", "Linear(x)"],
        "cnn": [pooled, pooled, pooled, "Flatten(x)", "Linear(x)"],
        "mixer": [*patches, *[over_tokens, mlp] * 8, *last, "MeanOfTokens(x)", "Linear(x)"],
        "vit": [*patches, "ClassTokenAndPositions(x)", *[attention, mlp] * 4, *last, "ClassToken(x)", "Linear(x)"],
    }
    assert [calls(module) for module in image_network(name, norm, placement, CIFAR10, 2)] == expected[name]


@every_cell
def test_the_norm_is_the_one_asked_for(name: str, norm: str, placement: str) -> None:
    norms = [module for module in image_network(name, norm, placement, CIFAR10, 2).modules() if "Norm" in repr(module)]
    found = {type(module) for module in norms if not list(module.children())}
    wanted = {"batch": nn.BatchNorm2d, "group": nn.GroupNorm, "layer": nn.LayerNorm, "rms": nn.RMSNorm}
    assert found == ({wanted[norm]} if norm != "none" else set())
    assert all(module.num_groups == 1 for module in norms if isinstance(module, nn.GroupNorm))


@every_cell
def test_every_tensor_is_set_from_the_generator_given(name: str, norm: str, placement: str) -> None:
    before = torch.get_rng_state()
    network, other = (image_network(name, norm, placement, CIFAR10, 2) for _ in range(2))
    with torch.no_grad():
        for tensor in [*network.parameters(), *network.buffers()]:
            tensor.fill_(7)
    initialise(network, torch.Generator().manual_seed(3))
    initialise(other, torch.Generator().manual_seed(3))
    assert torch.equal(torch.get_rng_state(), before)
    for key, tensor in network.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[key]), key
    n_weights = 0
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            weight = module.weight.detach()
            n_weights += 1
            fan_in = weight[0].numel()
            assert not module.bias.any()
            # Of n normals the mean has standard error 1 / sqrt(n), the variance sqrt(2 / n). Five of them.
            assert abs(float(weight.mean())) < 5 * (2 / fan_in / weight.numel()) ** 0.5
            assert abs(float(weight.var()) * fan_in / 2 - 1) < 5 * (2 / weight.numel()) ** 0.5
        elif isinstance(module, nn.Embedding):
            weight = module.weight.detach()
            assert abs(float(weight.var()) / 0.02**2 - 1) < 5 * (2 / weight.numel()) ** 0.5
        elif isinstance(module, NORM_CLASSES):
            assert (module.weight == 1).all()
            assert getattr(module, "bias", None) is None or not module.bias.any()
    assert n_weights == {"resnet9": 9, "cnn": 4, "mixer": 34, "vit": 18}[name]
    for module in batch_norms(network):
        assert not module.running_mean.any()
        assert (module.running_var == 1).all()
    initialise(other, torch.Generator().manual_seed(4))
    weights = [key for key, tensor in network.named_parameters() if tensor.ndim > 1]
    assert not any(torch.isclose(network.get_parameter(key), other.get_parameter(key)).all() for key in weights)


@pytest.mark.parametrize("placement", ["before", "after"])
def test_the_vit_is_a_stack_of_torchs_own_encoder_layers(placement: str) -> None:
    shape, nodes = (3, 8, 12), 48
    network = drawn("vit", "layer", placement, shape)
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    tokens, *layers, output = [module.weight.detach() for module in linear]
    x = torch.randn(5, *shape)
    with torch.no_grad():
        # A patch's pixels are ordered channel, row, column.
        cut = torch.stack([x[:, :, i : i + 4, j : j + 4].flatten(1) for i in (0, 4) for j in (0, 4, 8)], dim=1)
        embedded = dict(network.named_parameters())
        h = torch.cat([embedded["4.class_token.weight"].expand(5, 1, nodes), cut @ tokens.T], dim=1)
        h = h + embedded["4.positions.weight"]
        for qkv, out, up, down in zip(*[iter(layers)] * 4, strict=True):
            layer = nn.TransformerEncoderLayer(
                nodes, 4, 4 * nodes, dropout=0, activation="gelu", batch_first=True, norm_first=placement == "before"
            )
            state = layer.state_dict()
            weights = {
                "self_attn.in_proj_weight": qkv,
                "self_attn.out_proj.weight": out,
                "linear1.weight": up,
                "linear2.weight": down,
            }
            zeros = {key: torch.zeros_like(value) for key, value in state.items() if "norm" not in key}
            layer.load_state_dict(state | zeros | weights)
            h = layer(h)
        if placement == "before":
            h = F.layer_norm(h, (nodes,))
        torch.testing.assert_close(network(x), h[:, 0] @ output.T, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("placement", ["before", "after"])
def test_the_mixer_by_hand(placement: str) -> None:
    network = drawn("mixer", "rms", placement, (1, 8, 8))
    embed, *layers, output = [module.weight.detach() for module in network.modules() if isinstance(module, nn.Linear)]
    x = torch.randn(5, 1, 8, 8)

    def rms(h: torch.Tensor) -> torch.Tensor:
        return h / h.pow(2).mean(dim=2, keepdim=True).add(torch.finfo(torch.float32).eps).sqrt()

    def gelu(h: torch.Tensor) -> torch.Tensor:
        return h * torch.special.ndtr(h)

    h = torch.stack([x[:, 0, i : i + 4, j : j + 4].flatten(1) for i in (0, 4) for j in (0, 4)], dim=1) @ embed.T
    for number, (up, down) in enumerate(zip(layers[::2], layers[1::2], strict=True)):
        inside = rms(h) if placement == "before" else h
        if number % 2 == 0:  # i, j are tokens, k, l hidden nodes
            branch = torch.einsum("jk,nka->nja", down, gelu(torch.einsum("ki,nia->nka", up, inside)))
        else:
            branch = gelu(inside @ up.T) @ down.T
        h = h + branch if placement == "before" else rms(h + branch)
    if placement == "before":
        h = rms(h)
    torch.testing.assert_close(network(x).detach(), h.mean(dim=1) @ output.T, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("norm", "placement"), [("batch", "before"), ("batch", "after"), ("group", "after")])
def test_the_resnet_by_hand(norm: str, placement: str) -> None:
    network = drawn("resnet9", norm, placement, CIFAR10)
    *kernels, output = [m.weight.detach() for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    x = torch.randn(6, *CIFAR10)
    axes = (0, 2, 3) if norm == "batch" else (1, 2, 3)

    def normalised(h: torch.Tensor) -> torch.Tensor:
        variance, mean = torch.var_mean(h, dim=axes, correction=0, keepdim=True)
        return (h - mean) / (variance + 1e-5).sqrt()

    def layer(h: torch.Tensor, index: int) -> torch.Tensor:
        h = F.conv2d(h, kernels[index], padding=1)
        return normalised(h).clamp(min=0) if placement == "before" else normalised(h.clamp(min=0))

    h = F.max_pool2d(layer(layer(x, 0), 1), 2)
    h = h + layer(layer(h, 2), 3)
    h = F.max_pool2d(layer(F.max_pool2d(layer(h, 4), 2), 5), 2)
    h = h + layer(layer(h, 6), 7)
    expected = F.max_pool2d(h, 4).flatten(1) @ output.T
    torch.testing.assert_close(network(x).detach(), expected, rtol=1e-3, atol=1e-3 * float(expected.std()))


SAMPLED = [cell for cell in CELLS if cell[0] == "cnn"] + [("resnet9", "batch", "after"), ("vit", "layer", "after")]


@pytest.mark.parametrize(("name", "norm", "placement"), SAMPLED)
def test_the_sampler_against_a_plain_loop(
    name: str, norm: str, placement: str, images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_sampling, "CPU_PIXELS", 32 * 64)  # without BatchNorm 32, 32 and 6 points
    build = partial(image_network, name, norm, placement, (1, 8, 8), 3)
    found = sample_images(build, images, 3, seed=5)
    for index in range(3):
        network = build()
        initialise(network, network_generator(5, index))
        with torch.no_grad():
            outputs = network.train()(images).double()  # all points at once
        mean, variance = outputs.mean(0), outputs.var(0, correction=0)
        np.testing.assert_allclose(found.output_mean[0, index], mean, rtol=1e-4, atol=1e-4 * float(outputs.std()))
        np.testing.assert_allclose(found.output_var[0, index], variance, rtol=1e-4)
        counts = torch.bincount(outputs.argmax(1), minlength=3) / len(images)
        near = np.diff(np.sort(outputs, axis=1)[:, 1:]).min() < 1e-4 * float(outputs.std())
        np.testing.assert_allclose(found.guess_fraction[0, index], counts, atol=1.01 / len(images) if near else 1e-7)
    for array in found:
        assert array.shape[:2] == (1, 3)
        assert array.dtype == np.float32


def test_same_seed_same_bytes_wherever_a_network_is_computed(images: torch.Tensor) -> None:
    build = partial(image_network, "cnn", "batch", "before", (1, 8, 8), 2)
    whole = sample_images(build, images, 40, seed=3)
    there = pickle.loads(pickle.dumps(partial(sample_part, build, images.numpy(), 3, HE, "cpu")))  # as processes get it
    for array, part in zip(whole, *there(range(7, 9)), strict=True):
        assert array[:, 7:9].tobytes() == part.tobytes()
    assert not np.isin(whole.output_mean, sample_images(build, images, 40, seed=4).output_mean).any()


@pytest.mark.parametrize("placement", ["before", "after"])
def test_batch_norm_uses_all_points_and_keeps_its_running_statistics(placement: str, images: torch.Tensor) -> None:
    network = drawn("cnn", "batch", placement, (1, 8, 8))
    network(images)  # moves them once
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    sample_images(lambda: network, images, 1, seed=0)
    norms = batch_norms(network)
    assert len(norms) == 3
    assert all(norm.num_batches_tracked == 0 for norm in norms)  # drawn afresh, and not moved by the evaluation
    network.load_state_dict(before)
    with evaluating(network, "batch"):
        batch = network(images)
    assert all(torch.equal(before[key], tensor) for key, tensor in network.state_dict().items())
    with evaluating(network, "running"):
        running = network(images)
    assert torch.equal(running, network.eval()(images))
    assert not torch.allclose(batch, running, rtol=0.1)
    seen: list[torch.Tensor] = []
    norms[0].register_forward_hook(lambda module, inputs, outputs: seen.append(outputs.clone()))
    sample_images(lambda: network, images, 1, seed=0)
    assert [len(points) for points in seen] == [2, len(images)]  # to find the output layer, and all at once
    variance, mean = torch.var_mean(seen[1], dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(mean, torch.zeros(32), rtol=0, atol=1e-5)
    torch.testing.assert_close(variance, torch.ones(32), rtol=1e-3, atol=0)


def test_training_knows_the_two_kinds_of_batch_statistics_of_images(images: torch.Tensor) -> None:
    points = Points(images, (images.mean(dim=(1, 2, 3)) > 0).long())
    build = partial(image_network, "cnn", "batch", "before", (1, 8, 8), 2)
    rows = train_runs(build, points, points, Plan("adam", 1e-3, 35, epochs=2, runs=1))
    batch, running = ([row["loss"] for row in rows if row["bn_statistics"] == kind] for kind in ("batch", "running"))
    assert len(batch) == len(running) > 2
    assert batch[-1] < batch[0]
    assert not np.allclose(batch, running)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resnet10", "none", None), r"--network resnet10: unknown, allowed are cnn, mixer, resnet9, vit"),
        (("resnet9", "layer", "before"), r"--norm layer: not for resnet9, allowed are none, batch, group"),
        (("vit", "batch", "before"), r"--norm batch: not for vit, allowed are none, layer, rms"),
        (("mixer", "rms", None), r"--placement is missing: --norm rms needs one of before, after"),
        (("cnn", "group", "inside"), r"--placement inside: --norm group needs one of before, after"),
    ],
)
def test_what_is_not_there_says_what_is(arguments: tuple[str, str, str | None], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ImageNetwork(*arguments)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("vit", (1, 6, 8), r"--network vit: images of 6 x 8 pixels are not whole patches of 4"),
        ("resnet9", (1, 28, 7), r"--network resnet9: images of 28 x 7 pixels are below 8 a side"),
        ("cnn", (1000,), r"--network cnn: needs images, a point of this data has shape \[1000\]"),
    ],
)
def test_images_of_a_wrong_size_are_refused(name: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        image_network(name, "none", "none", shape, 2)


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
def test_the_base_width_scales_every_layer(name: str) -> None:
    """Twice the base width is twice the inputs and outputs of every layer but those that the data fix."""
    record = IMAGE_NETWORKS[name]
    norm = record.norms[1]
    width = 4 * record.multiple

    def shapes(base_width: int) -> list[torch.Size]:
        network = image_network(name, norm, "after", (3, 16, 16), 2, base_width)
        return [module.weight.shape for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]

    for narrow, wide in zip(shapes(width), shapes(2 * width), strict=True):
        ratios = {b / a for a, b in zip(narrow[:2], wide[:2], strict=True)}
        assert 2 in ratios
        assert ratios <= {1, 2}
    own = ImageNetwork(name, norm, "after")
    assert own == ImageNetwork(name, norm, "after", record.base_width)
    assert "base width" in str(ImageNetwork(name, norm, "after", width))
    assert "base width" not in str(own)


@pytest.mark.parametrize(("name", "width", "words"), [("resnet9", 0, "at least 1"), ("vit", 6, "a multiple of 4")])
def test_base_widths_that_cannot_be(name: str, width: int, words: str) -> None:
    with pytest.raises(UserError, match=f"--base-width {width}: .*{words}"):
        ImageNetwork(name, "none", base_width=width)


def test_weights_and_biases_have_the_variances_asked_for() -> None:
    network = image_network("resnet9", "batch", "before", (3, 8, 8), 10)
    initialise(network, torch.Generator().manual_seed(0), Variances(weight=0.5, bias=0.2))
    for layer in (module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)):
        fan_in, error = layer.weight[0].numel(), (2 / layer.weight.numel()) ** 0.5
        assert abs(float(layer.weight.detach().var()) * fan_in / 0.5 - 1) < 5 * error
    biases = torch.cat([m.bias.detach() for m in network.modules() if isinstance(m, nn.Conv2d)])
    assert abs(float(biases.var()) / 0.2 - 1) < 5 * (2 / len(biases)) ** 0.5
    images = torch.randn(20, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    build = partial(image_network, "resnet9", "none", "none", (3, 8, 8), 2, 8)
    drawn = sample_images(build, images, 20, 0, variances=Variances(bias=4.0))
    usual = sample_images(build, images, 20, 0)
    share = [(found.output_mean.var(axis=1) / found.output_var.mean(axis=1)).mean() for found in (drawn, usual)]
    assert share[0] > 3 * share[1]  # a bias is the same for all points


CLIP, DECAY, RATE, EPOCHS, BATCH, IMAGES = 0.002, 0.05, 3e-3, 6, 20, 70


@pytest.mark.parametrize("placement", ["before", "after"])
def test_resnet9_is_trained_as_by_a_plain_pytorch_loop(placement: str, images: torch.Tensor) -> None:
    """Adam with weight decay, clipping, crops, flips and the schedule, by torch's and torchvision's own functions."""
    labels = load("digits", points=IMAGES).y
    images = images.double()  # in float32, rounding grows by a hundredth in 24 steps

    def build() -> nn.Module:
        return image_network("resnet9", "batch", placement, (1, 8, 8), 2, 4).double()

    plan = Plan(
        "adam", RATE, BATCH, EPOCHS, runs=1, seed=5, schedule="power", weight_decay=DECAY, clip=CLIP, augment=True,
        evaluated=50,
    )  # fmt: skip
    rows = train_runs(build, Points(images, labels), Points(images[:30], labels[:30]), plan)
    transforms = import_torchvision().transforms.functional
    network = build()
    initialise(network, network_generator(5, 0))
    adam = torch.optim.Adam(network.parameters(), lr=RATE, weight_decay=DECAY)
    order = network_generator(5, 2**31)
    expected, step, clipped = {}, 0, 0

    def loss_of_batch_statistics() -> float:
        with torch.no_grad(), evaluating(network, "batch"):
            return float(F.cross_entropy(network(images[:50]), labels[:50]))

    for epoch in range(EPOCHS):
        permutation = torch.randperm(IMAGES, generator=order)
        down, right = torch.randint(9, (2, IMAGES), generator=order).tolist()
        flipped = (torch.rand(IMAGES, generator=order) < 0.5).tolist()
        adam.param_groups[0]["lr"] = plan.rate(epoch)
        for batch in permutation.split(BATCH):
            expected[step] = loss_of_batch_statistics()
            cut = []
            for at in batch.tolist():
                image = transforms.crop(
                    transforms.pad(images[at], 4, padding_mode="reflect"), down[at], right[at], 8, 8
                )
                cut.append(transforms.hflip(image) if flipped[at] else image)
            adam.zero_grad()
            F.cross_entropy(network(torch.stack(cut)), labels[batch]).backward()
            clipped += max(float(p.grad.abs().max()) for p in network.parameters() if p.grad is not None) > CLIP
            nn.utils.clip_grad_value_(network.parameters(), CLIP)
            adam.step()
            step += 1
    expected[step] = loss_of_batch_statistics()
    assert clipped > 0
    chosen = [row for row in rows if row["split"] == "train" and row["bn_statistics"] == "batch"]
    assert len(chosen) > 10
    for row in chosen:
        assert row["loss"] == pytest.approx(expected[int(row["step"])], rel=1e-4)
    assert abs(float(chosen[-1]["loss"]) - float(chosen[0]["loss"])) > 0.02


def test_gradients_of_the_favoured_class_and_the_others_by_layer(images: torch.Tensor) -> None:
    labels = load("digits", points=70).y
    network = drawn("vit", "layer", "before", (1, 8, 8)).double()
    x = images.double()
    norms = gradient_norms(network, network(x), labels, majority=1)
    weights = [module.weight for module in network.modules() if isinstance(module, nn.Linear)]
    assert len(norms) == 2 * len(weights)
    for side, chosen in (("majority", labels == 1), ("minority", labels == 0)):
        network.zero_grad()
        F.cross_entropy(network(x)[chosen], labels[chosen]).backward()
        for layer, weight in enumerate(weights, start=1):
            assert norms[f"gradient_norm_{side}_{layer}"] == pytest.approx(float(weight.grad.norm()), rel=1e-9)
