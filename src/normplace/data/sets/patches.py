"""Patches of scikit-learn's two sample photographs."""

import numpy as np
import numpy.typing as npt

from normplace.data.record import DatasetRecord, Indices, Source, Where


def read(split: str, where: Where) -> Source:
    """32x32 patches of scikit-learn's two sample photographs: the stand-in for CIFAR-10.

    Its ten "classes" are five vertical strips of each photograph; they share CIFAR-10's numbers and nothing
    else. Training patches come from the upper 332 rows, test patches from the rows below, in steps of 4 pixels.
    """
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images().images
    size, step, strip = 32, 4, 128
    top, bottom = (0, 332) if split == "train" else (332, photographs[0].shape[0])
    corners = np.array(
        [
            (photograph, 5 * photograph + column // strip, row, column)
            for photograph in range(2)
            for row in range(top, bottom - size + 1, step)
            for column in range(0, 5 * strip, step)
            if column // strip == (column + size - 1) // strip
        ]
    )
    corners = corners[np.random.RandomState(0).permutation(len(corners))]

    def pixels_at(indices: Indices) -> npt.NDArray[np.uint8]:
        cut = [photographs[p][r : r + size, c : c + size] for p, _, r, c in corners[indices]]
        return np.stack(cut).transpose(0, 3, 1, 2)

    names = [f"photograph {p + 1}, strip {s + 1}" for p in range(2) for s in range(5)]
    labels = corners[:, 1].astype(np.int64)
    return Source(labels, names, pixels_at, "scikit-learn photographs", "patches of two photographs")


DATASET = DatasetRecord(
    "patches", read, classes="vehicles-animals", sizes={"vehicles-animals": (15_200, 3_200), "cats-dogs": (3_800, 800)}
)
