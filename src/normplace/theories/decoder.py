"""gamma of untrained decoders at infinite width: the kernel of the residual stream, from block to block.

Nodes of the stream are independent Gaussians over networks, so one covariance K[(i, p), (j, q)] between position p of
point i and position q of point j says all. With weights N(0, s^2), those that end a block N(0, t^2), N nodes, and n the
norm's map K -> K_ab / sqrt((K_aa + eps)(K_bb + eps)) or no map:

    tokens             K = s^2 [same token] + s^2 [p = q] (the last with learned positions)
    attention of C     t^2 N s^2 N mean_{p' <= p, q' <= q} C[(i, p'), (j, q')]
    GELU layers of C   4 N t^2 D_gelu(s^2 N C), the dual of GELU
    gated layers of C  4 N t^2 D_silu(s^2 N C) s^2 N C
    norm before        K + branch(n(K)); after: n(K + branch(K))

Attention takes the mean over positions since queries and keys of weights of 0.02 hardly agree: its logits are of the
order of s^2 N / sqrt(heads). So it holds for small weights, and rotary positions do not matter. LayerNorm's centring
takes nothing off, as nodes have mean 0. gamma = m / (tr - m) at the last position, m the mean of K over
pairs of points, tr that of its diagonal (docs/theory.md).
"""

import numpy as np

from normplace.networks.activations import ACTIVATIONS
from normplace.networks.norms import NORMS
from normplace.statistics import Array
from normplace.theories.duals import dual

MOST = 4000  # positions of all points together: the kernel is their square


def gamma_of_decoder(points: Array, style: str, norm: str, placement: str, depth: int, width: int, std: float) -> float:
    """gamma of the outputs at the last position, at infinite width.

    points: tokens, whole numbers [n, positions], or embeddings in standard deviations, floats [n, positions, width]; of
    more than MOST positions in all, the first points are taken. depth, width: of the decoder; std: s, of its weights.
    """
    n, positions = points.shape[:2]
    n = min(n, max(2, MOST // positions))
    points = points[:n]
    flat = points.reshape(n * positions, -1)
    is_token = np.issubdtype(points.dtype, np.integer)
    kernel = std**2 * (flat == flat.T if is_token else flat @ flat.T / flat.shape[1]).astype(float)
    if style == "gpt":
        place = np.tile(np.arange(positions), n)
        kernel += std**2 * (place[:, None] == place)
    ends = std**2 / (2 * depth)
    into = std**2 * width  # variance of a product with N nodes of unit variance

    def attention(c: Array) -> Array:
        means = c.reshape(n, positions, n, positions)
        counts = np.arange(1, positions + 1)
        means = means.cumsum(axis=1) / counts[:, None, None]
        means = means.cumsum(axis=3) / counts
        return np.asarray(ends * width * into * means.reshape(c.shape))

    def feed_forward(c: Array) -> Array:
        inner = into * c
        variance = inner.diagonal().copy()
        correlation = inner / np.sqrt(variance[:, None] * variance)
        of = dual(ACTIVATIONS["gelu" if style == "gpt" else "silu"])
        products = of.product(variance[:, None], variance[None, :], correlation)
        return np.asarray(4 * width * ends * (products if style == "gpt" else products * inner))

    for _ in range(depth):
        for branch in (attention, feed_forward):
            if placement == "before":
                kernel = kernel + branch(normalised(kernel, norm))
            else:
                kernel = normalised(kernel + branch(kernel), norm)
    if placement == "before":
        kernel = normalised(kernel, norm)
    last = np.arange(positions - 1, n * positions, positions)
    of_outputs = kernel[np.ix_(last, last)]
    mean = float(of_outputs.mean())
    return mean / (float(of_outputs.diagonal().mean()) - mean)


def normalised(kernel: Array, norm: str) -> Array:
    """What LayerNorm or RMSNorm over nodes makes of a kernel; "none" leaves it."""
    if norm == "none":
        return kernel
    scale = 1 / np.sqrt(kernel.diagonal() + NORMS[norm].eps)
    return np.asarray(kernel * scale[:, None] * scale)
