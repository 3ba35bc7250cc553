"""Networks for images: sizes by hand, where norms stand, the same outputs as networks by others."""

from functools import partial
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import fx, nn

from normplace import networks
from normplace.errors import UserError
from normplace.networks.architecture import ImageNetwork, Variances
from normplace.networks.images import IMAGE_NETWORKS, image_network
from normplace.networks.modules import batch_norms, initialise
from normplace.sampling.images import sample_images
from tests.images import CELLS, drawn

every_cell = pytest.mark.parametrize(("name", "norm", "placement"), CELLS, ids=["-".join(cell) for cell in CELLS])
NORM_CLASSES = (nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
CIFAR10 = (3, 32, 32)


def test_each_file_of_the_folder_is_found_by_its_name() -> None:
    files = {path.stem for path in (Path(networks.__file__).parent / "images").glob("*.py")} - {"__init__", "record"}
    assert files == set(IMAGE_NETWORKS) == {record.name for record in IMAGE_NETWORKS.values()}


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
