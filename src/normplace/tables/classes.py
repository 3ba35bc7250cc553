"""More than two classes: how the guesses of a network are spread over the classes, beside theory."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from normplace import statistics
from normplace.tables.records import KernelTheory, Sample
from normplace.tables.tidy import with_interval

Fractions = npt.NDArray[np.floating[Any]]


def class_rows(sample: Sample, beside: Mapping[str, KernelTheory]) -> list[dict[str, Any]]:
    """One row per depth and rank of a sample, at the depths where its kernel theory was drawn.

    rank 1 is the class that a network guesses most, whichever it is: mean fraction and quartiles over networks.
    entropy: of a network's guess fractions, over log C (1: all classes alike, 0: one class); mean over networks.
    Theory is given by guesses drawn from the data's own kernel, with an interval since draws are a sample too, and by
    those drawn at the networks' own width, where given (`beside`, see `samples.summarise`).
    """
    classes, kernel = sample.guess_fraction.shape[2], beside.get("kernel")
    rows = []
    for depth, drawn in zip(kernel.depths, kernel.guess_fraction, strict=True) if kernel else []:
        found = sample.guess_fraction[depth - 1]
        quartiles = np.quantile(ranked(found), [0.25, 0.75], axis=0)
        columns = {
            "fraction": ranked(found).mean(axis=0),
            "fraction_low": quartiles[0],
            "fraction_high": quartiles[1],
            "fraction_kernel": ranked(drawn).mean(axis=0),
        }
        of_depth = {
            **sample.cell._asdict(),
            "inits": len(found),
            "depth": int(depth),
            "gamma_kernel": float(kernel.gamma[depth - 1]),  # type: ignore[union-attr]
            **with_interval("entropy", *statistics.interval_of_mean(entropy(found))),
            **with_interval("entropy_kernel", *statistics.interval_of_mean(entropy(drawn))),
        }
        at_width = beside["finite"].drawn(int(depth)) if "finite" in beside else None
        if at_width is not None:
            columns["fraction_finite"] = ranked(at_width).mean(axis=0)
            of_depth |= with_interval("entropy_finite", *statistics.interval_of_mean(entropy(at_width)))
        for rank in range(classes):
            rows.append({**of_depth, "rank": rank + 1, **{name: values[rank] for name, values in columns.items()}})
    return rows


def ranked(fractions: Fractions) -> Fractions:
    """Guess fractions [networks, classes], each network's largest first."""
    return -np.sort(-fractions.astype(np.float64), axis=1)


def entropy(fractions: Fractions) -> npt.NDArray[np.float64]:
    """Entropy of each network's guess fractions [networks, classes] over log C, [networks]."""
    share = fractions.astype(np.float64)
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    return np.asarray(-(share * logs).sum(axis=1) / np.log(share.shape[1]))
