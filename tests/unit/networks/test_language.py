"""Our decoders of text against GPT-2 and LLaMA of transformers, and what they promise of weights, inputs and order."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from normplace.data.vision import mend_torchvision
from normplace.errors import UserError
from normplace.measuring.measure import measure
from normplace.networks.blocks import rotated
from normplace.networks.language import CELLS, STYLES, decoder
from normplace.networks.language.modules import STD

DEPTH, WIDTH, VOCABULARY, HEADS, LENGTH = 3, 64, 100, 4, 32


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def transformers() -> Any:
    mend_torchvision()
    return pytest.importorskip("transformers")


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randint(VOCABULARY, (3, 12))


def ours(cell: str, style: str, **more: Any) -> nn.Module:
    return decoder(cell, DEPTH, WIDTH, VOCABULARY, HEADS, LENGTH, style, **more)


@torch.no_grad()
def copy_gpt2(network: Any, theirs: Any) -> None:
    network.embedding.weight.copy_(theirs.transformer.wte.weight)
    network.positions.weight.copy_(theirs.transformer.wpe.weight)
    network.output.weight.copy_(theirs.lm_head.weight)
    for index, block in enumerate(theirs.transformer.h):
        attention, feed_forward = (network.blocks[2 * index + half][0][-1] for half in (0, 1))
        for layer, of in (
            (attention.queries_keys_values, block.attn.c_attn),
            (attention.ends, block.attn.c_proj),
            (feed_forward.begins, block.mlp.c_fc),
            (feed_forward.ends, block.mlp.c_proj),
        ):
            layer.weight.copy_(of.weight.T)  # theirs is a convolution's
            layer.bias.copy_(of.bias)


@torch.no_grad()
def copy_llama(network: Any, theirs: Any) -> None:
    network.embedding.weight.copy_(theirs.model.embed_tokens.weight)
    network.output.weight.copy_(theirs.lm_head.weight)
    for index, block in enumerate(theirs.model.layers):
        attention, feed_forward = (network.blocks[2 * index + half][0][-1] for half in (0, 1))
        of = block.self_attn
        together = torch.cat([of.q_proj.weight, of.k_proj.weight, of.v_proj.weight])
        attention.queries_keys_values.weight.copy_(together)
        attention.ends.weight.copy_(of.o_proj.weight)
        for name, layer in {"gate": "gate_proj", "up": "up_proj", "ends": "down_proj"}.items():
            getattr(feed_forward, name).weight.copy_(getattr(block.mlp, layer).weight)


def gpt2(transformers: Any, **more: Any) -> Any:
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY, n_positions=LENGTH, n_embd=WIDTH, n_layer=DEPTH, n_head=HEADS,
        bos_token_id=None, eos_token_id=None, **more,
    )  # fmt: skip
    return transformers.GPT2LMHeadModel(config).eval()


def llama(transformers: Any) -> Any:
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=4 * WIDTH, num_hidden_layers=DEPTH,
        num_attention_heads=HEADS, num_key_value_heads=HEADS, max_position_embeddings=LENGTH,
        rms_norm_eps=torch.finfo(torch.float32).eps,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config).eval()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of transformers' own
@pytest.mark.parametrize(
    ("cell", "style", "build", "copy"),
    [
        ("layer-before", "gpt", partial(gpt2, tie_word_embeddings=False), copy_gpt2),
        ("rms-before", "llama", llama, copy_llama),
    ],
)
def test_with_their_weights_it_is_theirs(
    cell: str, style: str, build: Callable[..., Any], copy: Callable[..., None], transformers: Any, tokens: torch.Tensor
) -> None:
    theirs, network = build(transformers), ours(cell, style)
    with torch.no_grad():
        for weights in theirs.parameters():  # at their own 0.02 a block would hardly show
            weights.add_(torch.randn_like(weights) * 0.1)
        assert not torch.allclose(network(tokens), theirs(tokens).logits, atol=1e-2)
        copy(network, theirs)
        for norm, of in zip(norms(network), norms(theirs), strict=True):
            norm.load_state_dict(of.state_dict())
        expected = theirs(tokens).logits
        torch.testing.assert_close(network(tokens), expected, rtol=0, atol=2e-5 * float(expected.abs().max()))
        # The norm after each half block is another network.
        after = ours(cell.replace("before", "after"), style)
        copy(after, theirs)
        assert not torch.allclose(after(tokens), expected, atol=1e-2)


def norms(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if type(module).__name__.endswith(("LayerNorm", "RMSNorm"))]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_weights_are_drawn_as_gpt2s_are(transformers: Any) -> None:
    """Their draws and ours: the same means and standard deviations of each kind of weight."""
    theirs, network = gpt2(transformers, tie_word_embeddings=False), ours("layer-before", "gpt")
    moments = {name: spread(of) for name, of in network.named_parameters() if of.ndim > 1}
    copy_gpt2(network, theirs)
    of_theirs = {name: spread(of) for name, of in network.named_parameters() if of.ndim > 1}
    assert moments.keys() == of_theirs.keys()
    for name, (deviation, error) in moments.items():
        assert deviation == pytest.approx(of_theirs[name][0], abs=6 * error), name


def spread(weights: torch.Tensor) -> tuple[float, float]:
    """The standard deviation, and its standard error."""
    deviation = float(weights.detach().std())
    return deviation, deviation / (2 * weights.numel()) ** 0.5


@pytest.mark.parametrize("style", STYLES)
def test_standard_deviations(style: str) -> None:
    network = ours("layer-after", style)
    ending = STD / (2 * DEPTH) ** 0.5
    norms = [name for name, module in network.named_modules() if isinstance(module, torch.nn.LayerNorm)]
    assert len(norms) == 2 * DEPTH
    seen = 0
    for name, weights in network.named_parameters():
        if weights.ndim == 1:
            expected = float(name.removesuffix(".weight") in norms)
            assert torch.equal(weights.detach(), torch.full_like(weights, expected)), name
        else:
            deviation, error = spread(weights)
            expected, seen = (ending, seen + 1) if "ends" in name else (STD, seen)
            assert deviation == pytest.approx(expected, abs=5 * error), name
            assert float(weights.detach().mean()) == pytest.approx(0, abs=5 * deviation / weights.numel() ** 0.5), name
    assert seen == 2 * DEPTH
    tied = ours("none", style, tied=True)
    assert tied.output.weight is tied.embedding.weight
    assert network.output.weight is not network.embedding.weight


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"cell": "batch-after"}, "--cell batch-after: unknown, allowed are none, layer-before"),
        ({"style": "bert"}, "--style bert: unknown, allowed are gpt, llama"),
        ({"depth": 0}, "--depth 0: a whole number of at least 1"),
        ({"width": -4}, "--width -4: a whole number of at least 1"),
        ({"vocabulary": 2.5}, "--vocabulary 2.5: a whole number of at least 1"),
        ({"heads": True}, "--heads True: a whole number of at least 1"),
        ({"heads": 5}, "--heads 5: 64 nodes are not as many even shares"),
        ({"heads": 64, "style": "llama"}, "--heads 64: 64 nodes are not as many even shares"),  # a node has no partner
    ],
)
def test_one_line_for_what_is_wrong(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        decoder(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("cell", CELLS)
def test_floats_are_embeddings_in_standard_deviations(cell: str, style: str, tokens: torch.Tensor) -> None:
    network = ours(cell, style)
    with torch.no_grad():
        outputs = network(tokens)
        assert outputs.shape == (3, 12, VOCABULARY)
        torch.testing.assert_close(network(network.embedding(tokens) / STD), outputs)
        assert not torch.allclose(network(network.embedding(tokens)), outputs, rtol=1e-3, atol=0)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("cell", CELLS)
def test_no_output_sees_a_later_token(cell: str, style: str, tokens: torch.Tensor) -> None:
    network = ours(cell, style)
    with torch.no_grad():
        for weights in network.parameters():
            weights.mul_(5)  # so that attention is far from even
        outputs = network(tokens)
        changed = tokens.clone()
        changed[:, 7] = (changed[:, 7] + 1) % VOCABULARY
        others = network(changed)
        torch.testing.assert_close(others[:, :7], outputs[:, :7], rtol=1e-5, atol=1e-6)
        # The token's own output and every later one does.
        scale = outputs[:, 7:].abs().amax(dim=2)
        assert ((others - outputs)[:, 7:].abs().amax(dim=2) > 1e-4 * scale).all()


@pytest.mark.parametrize("style", STYLES)
def test_positions_are_seen(style: str) -> None:
    """Causal attention sees an order, but without positions it would not see that of the tokens before the last."""
    network = ours("layer-before", style)
    swapped = torch.tensor([[5, 9, 7, 3], [9, 5, 7, 3]])
    with torch.no_grad():
        for weights in network.parameters():
            weights.mul_(5)
        first, second = network(swapped)[:, -1]
        assert float((first - second).abs().max()) > 1e-4 * float(first.abs().max())


def test_rotations_turn_pairs_of_nodes_by_their_position() -> None:
    """Against complex numbers; a product of two depends on how far apart they are alone."""
    x = torch.randn(1, 1, 9, 8)
    angles = torch.arange(9.0)[:, None] * 10_000.0 ** (-torch.arange(4.0) / 4)
    turned = torch.complex(x[..., :4], x[..., 4:]) * torch.polar(torch.ones(9, 4), angles)
    torch.testing.assert_close(rotated(x), torch.cat([turned.real, turned.imag], dim=-1))
    query, key = (rotated(torch.randn(8).expand(1, 1, 9, 8))[0, 0] for _ in range(2))
    products = query @ key.T
    for lag in range(-8, 9):
        diagonal = products.diagonal(lag)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["none", "layer-before", "rms-before"])
def test_learned_positions_are_prejudice_and_rotary_ones_are_not(cell: str) -> None:
    """Learned positions are as large as the embeddings and the same for all points: gamma 1 where blocks add little."""
    embeddings = torch.randn(60, 6, WIDTH, generator=torch.Generator().manual_seed(1))
    gpt, llama = (measure(partial(ours, cell, style), embeddings, 25).batch for style in STYLES)
    assert gpt.gamma.value == pytest.approx(1, abs=0.15)
    assert llama.gamma.value < 0.05
    assert llama.regime == "neutral"
    assert gpt.gamma_of_guesses.value > 0.5
