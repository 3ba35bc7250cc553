"""Two Gaussian blobs, the authors' isotropic data."""

import numpy as np
import numpy.typing as npt

from normplace.data.record import SPLITS, DatasetRecord, Indices, Source, Where


def read(split: str, where: Where) -> Source:
    """Two Gaussian blobs in d = 1000 at +-1/sqrt(d) in every coordinate, unit variance.

    10,000 training and 500 test points per class, in a fixed shuffled order that no seed changes
    (geometry: the authors' code). RandomState is used because numpy guarantees its stream for good.
    """
    d, per_class = 1000, {"train": 10_000, "test": 500}[split]
    random = np.random.RandomState(SPLITS.index(split))
    labels = random.permutation(np.repeat(np.arange(2, dtype=np.int64), per_class))

    def points_at(indices: Indices) -> npt.NDArray[np.float32]:
        noise = np.random.RandomState(100 + SPLITS.index(split))
        points = np.empty((len(labels), d), dtype=np.float32)
        for start in range(0, len(labels), 1000):  # in blocks: float64 of everything would be 160 MB
            points[start : start + 1000] = noise.standard_normal((1000, d))
        signs = (1 - 2 * labels[indices]).astype(np.float32)
        return points[indices] + signs[:, None] / np.float32(np.sqrt(d))

    return Source(labels, ["plus", "minus"], points_at, "generated", "Gaussian blobs")


DATASET = DatasetRecord("gaussian", read, sizes={"all": (20_000, 1_000)})
