"""Printed tables of networks for images and of well-known models, before training."""

from pathlib import Path

import pandas as pd

from figures import words
from figures.reading import read


def architectures(tidy: Path) -> pd.DataFrame:
    """gamma and guesses of networks for images, by network, norm and placement."""
    rows = read(tidy, "architectures", "gamma")
    columns = {
        "data": rows["label"],
        "network": rows["network"].map(words.network),
        "base width": rows["width"],
        "configuration": words.names(rows),
        "gamma [95 %]": words.with_interval(rows, "gamma"),
        "mean largest fraction": rows["mean_largest_fraction"].map(words.number),
        "largest fraction > .95 [95 %]": words.with_interval(rows, "share_extreme"),
        "networks": rows["inits"],
    }
    return pd.DataFrame(columns)


def zoo(tidy: Path) -> pd.DataFrame:
    """Models of torchvision and timm before training, with either of BatchNorm's statistics."""
    rows = read(tidy, "zoo", "models")
    columns = {
        "data": rows["label"],
        "model": rows["model"],
        "BatchNorm by": rows["bn_statistics"].replace("", "-"),
        "regime": rows["regime"],
        "gamma of the guesses [95 %]": words.with_interval(rows, "gamma_guesses", infinite="infinite"),
        "of a random readout [95 %]": words.with_interval(rows, "gamma_readout"),
        "mean largest fraction": rows["largest_fraction"].map(words.number),
        "rises most at": rows["rises_at"].fillna("-"),
        "networks": rows["inits"],
    }
    return pd.DataFrame(columns)


def language(tidy: Path) -> pd.DataFrame:
    """Untrained decoders' next-byte guesses, by style, norm and placement, and inputs."""
    rows = read(tidy, "language", "models")
    columns = {
        "data": rows["label"],
        "style": rows["style"],
        "configuration": rows["cell"],
        "inputs": rows["inputs"],
        "regime": rows["regime"],
        "gamma of the guesses [95 %]": words.with_interval(rows, "gamma_guesses", infinite="infinite"),
        "of the outputs [95 %]": words.with_interval(rows, "gamma_outputs", infinite="infinite"),
        "mean largest fraction": rows["largest_fraction"].map(words.number),
        "of fair guesses": rows["fair_largest_fraction"].map(words.number),
        "networks": rows["inits"],
    }
    return pd.DataFrame(columns)
