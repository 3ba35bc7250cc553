"""The printed tables of networks for images and of well-known models."""

from pathlib import Path

import pandas as pd

from figures import style


def image_tables(tidy: Path) -> dict[str, pd.DataFrame]:
    """The tables of networks for images, by name, of those experiments that were run."""
    tables = {
        "architectures": (architecture_table, "architectures", "gamma"),
        "image_learning": (image_learning_table, "resnet_dynamics", "milestones"),
        "zoo": (zoo_table, "zoo", "models"),
    }
    return {
        name: table(style.read(tidy, experiment, source))
        for name, (table, experiment, source) in tables.items()
        if (tidy / experiment).is_dir()
    }


def architecture_table(gamma: pd.DataFrame) -> pd.DataFrame:
    """gamma and guesses of networks for images, by network, norm and placement."""
    return pd.DataFrame(
        {
            "data": gamma["label"],
            "network": gamma["network"].map(style.NETWORKS),
            "configuration": style.names(gamma),
            "gamma [95 %]": style.with_interval(gamma, "gamma"),
            "mean largest fraction": gamma["mean_largest_fraction"].map(style.number),
            "largest fraction > .95 [95 %]": style.with_interval(gamma, "share_extreme"),
            "networks": gamma["inits"],
        }
    )


def image_learning_table(milestones: pd.DataFrame) -> pd.DataFrame:
    """The gap between the favoured class and the other at the start of training, of networks for images."""
    rows = style.without_running(milestones)
    return pd.DataFrame(
        {
            "data": rows["label"],
            "classes": rows["class_names"],
            "network": rows["network"].map(style.NETWORKS),
            "configuration": style.names(rows),
            "gap at step 0 [95 %]": style.with_interval(rows, "gap_at_start"),
            "largest fraction at step 0 [95 %]": style.with_interval(rows, "largest_fraction_at_start"),
            "final test accuracy [95 %]": style.with_interval(rows, "final_accuracy"),
            "steps": rows["epochs"] * -(-rows["points"] // rows["batch_size"]),
            "runs": rows["n"],
            "diverged": rows["diverged"],
        }
    )


def zoo_table(models: pd.DataFrame) -> pd.DataFrame:
    """torchvision's models before training, with either of BatchNorm's statistics."""
    return pd.DataFrame(
        {
            "data": models["label"],
            "model": models["model"],
            "BatchNorm by": models["bn_statistics"].replace("", "-"),
            "regime": models["regime"],
            "gamma of the guesses [95 %]": style.with_interval(models, "gamma_guesses", infinite="infinite"),
            "of a random readout [95 %]": style.with_interval(models, "gamma_readout"),
            "mean largest fraction": models["largest_fraction"].map(style.number),
            "rises most at": models["rises_at"].fillna("-"),
            "networks": models["inits"],
        }
    )
