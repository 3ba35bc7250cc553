"""Printed tables of training runs."""

from pathlib import Path

import pandas as pd

from figures import words
from figures.reading import deepest, read, those_run, without_running


def milestones(tidy: Path) -> pd.DataFrame:
    """What training runs did when: gaps, steps and accuracies with their range over runs."""
    experiments = those_run(tidy, "dynamics", "start_matters", "learning_rates", "output_bias")
    return _in_words(pd.concat([read(tidy, experiment, "milestones") for experiment in experiments]))


def learning(tidy: Path) -> pd.DataFrame:
    """How the deepest networks of each configuration start and learn, unselected starts, batch statistics."""
    rows = _in_words(without_running(deepest(read(tidy, "dynamics", "milestones"))))
    left_out = [
        "depth",
        "start",
        "output bias",
        "rate",
        "BatchNorm by",
        "to 80 % of what is learned",
        "test accuracy after a tenth",
    ]
    return rows.drop(columns=left_out).rename(columns={"to 90 %": "steps to 90 % of what is learned"})


def image_learning(tidy: Path) -> pd.DataFrame:
    """The gap between the favoured class and the other at the start of training, of networks for images."""
    rows = without_running(read(tidy, "resnet_dynamics", "milestones"))
    columns = {
        "data": rows["label"],
        "classes": rows["class_names"],
        "network": rows["network"].map(words.network),
        "base width": rows["width"],
        "configuration": words.names(rows),
        "gap at step 0 [range]": words.with_interval(rows, "gap_at_start"),
        "largest fraction at step 0 [range]": words.with_interval(rows, "largest_fraction_at_start"),
        "final test accuracy [range]": words.with_interval(rows, "final_accuracy"),
        "steps": rows["epochs"] * -(-rows["points"] // rows["batch_size"]),
        "runs": rows["n"],
        "diverged": rows["diverged"],
    }
    return pd.DataFrame(columns)


def _in_words(rows: pd.DataFrame) -> pd.DataFrame:
    columns = {
        "data": rows["label"],
        "configuration": words.names(rows),
        "depth": rows["depth"],
        "start": rows["select"],
        "output bias": rows["output_bias"],
        "rate": rows["learning_rate"].map("{:g}".format),
        "BatchNorm by": rows["bn_statistics"].replace("", "-"),
        "gap at step 0 [range]": words.with_interval(rows, "gap_at_start"),
        "steps to a gap < 5 points": words.with_interval(rows, "steps_to_closed_gap"),
        "for good": words.with_interval(rows, "steps_to_gap_closed_for_good"),
        "to 80 % of what is learned": words.with_interval(rows, "steps_to_80"),
        "to 90 %": words.with_interval(rows, "steps_to_90"),
        "test accuracy after a tenth": words.with_interval(rows, "early_accuracy"),
        "final training accuracy": words.with_interval(rows, "final_training_accuracy"),
        "final test accuracy": words.with_interval(rows, "final_accuracy"),
        "runs": rows["n"],
        "diverged": rows["diverged"],
    }
    return pd.DataFrame(columns)
