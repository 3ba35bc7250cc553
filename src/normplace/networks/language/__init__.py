"""Decoders of text, untrained: GPT-2's and LLaMA's kinds, with their norm before or after each block or without any.

With LayerNorm before they are transformers' GPT-2, with RMSNorm before its LLaMA, to the last bits (a test holds them
against both). Weights are drawn as GPT-2's are: N(0, 0.02^2), those that end a block smaller by sqrt(2 depth).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from normplace.errors import UserError, check_one_of, check_whole

if TYPE_CHECKING:
    from normplace.networks.language.modules import Decoder

STYLES = ("gpt", "llama")
CELLS = ("none", "layer-before", "layer-after", "rms-before", "rms-after")


def decoder(
    cell: str = "layer-before",
    depth: int = 4,
    width: int = 64,
    vocabulary: int = 256,
    heads: int = 4,
    length: int = 256,
    style: str = "gpt",
    tied: bool = False,
) -> Decoder:
    """A decoder of `depth` blocks of `width` nodes, its weights drawn from torch's global generator.

    cell: a norm (layer, rms) and its placement, "before" each half block, as GPT-2 and LLaMA have it, with one more
    before the output, or "after" it on the sum, as the first transformer had it; or none. style: "gpt" has learned
    positions, GELU and biases, "llama" rotary positions and gated SiLU. length: most positions of "gpt". tied: whether
    the output layer is the embedding's transpose, as GPT-2's.

    Raises:
        UserError: an unknown cell or style, or heads that cannot share the width.
    """
    check_one_of("cell", cell, CELLS)
    check_one_of("style", style, STYLES)
    for name, value in {"depth": depth, "width": width, "vocabulary": vocabulary, "heads": heads}.items():
        check_whole(name, value, 1)
    if width % heads or (style == "llama" and width // heads % 2):
        raise UserError(f"--heads {heads}: {width} nodes are not as many even shares")
    from normplace.networks.language.modules import Decoder, draw_as_gpt2

    norm, _, placement = cell.partition("-")
    network = Decoder(norm, placement, depth, width, vocabulary, heads, length, style, tied=tied)
    draw_as_gpt2(network, depth)
    return network
