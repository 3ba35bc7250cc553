"""scikit-learn's handwritten digits."""

import numpy as np

from normplace.data.record import DatasetRecord, Source, Where

DIGITS = [str(digit) for digit in range(10)]


def read(split: str, where: Where) -> Source:
    """scikit-learn's 1797 handwritten digits, 8x8: the stand-in for MNIST. The last 360 are the test split."""
    from sklearn.datasets import load_digits

    data = load_digits()
    keep = slice(0, -360) if split == "train" else slice(-360, None)
    pixels = (data.images[keep] * 15.9375).astype(np.uint8)[:, None]  # 0..16 -> 0..255
    labels = data.target[keep].astype(np.int64)
    return Source(labels, DIGITS, lambda indices: pixels[indices], "scikit-learn digits", "scikit-learn digits")


DATASET = DatasetRecord("digits", read, classes="parity", sizes={"parity": (1_437, 360)})
