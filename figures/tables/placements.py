"""Printed tables of initial statistics, of the experiment with every norm and placement on every data set."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtri

from figures import words
from figures.reading import deepest, groups, read, where

NOTHING = 1e-9  # a gamma that is 0 but for rounding


def headline(tidy: Path) -> pd.DataFrame:
    """Each configuration: its regime, and gamma at the last depth on each data set with theory in round brackets."""
    gamma = deepest(read(tidy, "placements", "gamma"))
    gamma["in words"] = words.with_interval(gamma, "gamma") + " (" + gamma["gamma_finite"].map(words.number) + ")"
    rows = []
    for (norm, placement), of_cell in groups(read(tidy, "placements", "regimes"), "norm", "placement"):
        agree = (of_cell["regime_seen"] == of_cell["regime_theory"]).sum()
        row = {"configuration": words.name(norm, placement), "regime by theory": of_cell["regime_theory"].iloc[0]}
        row["seen on"] = f"{agree} of {len(of_cell)}"
        row["by value"] = words.limit_by_value(of_cell).iloc[0]
        rows.append(row | where(gamma, norm=norm, placement=placement).set_index("label")["in words"].to_dict())
    return pd.DataFrame(rows)


def gamma(tidy: Path) -> pd.DataFrame:
    """gamma by configuration, data set and depth: measured with its 95 % interval, and the theories."""
    theories = {"theory at this width": "gamma_finite", "infinite width": "gamma_kernel"}
    theories["infinite width, isotropic"] = "gamma_isotropic"
    return _by_depth(tidy, {"gamma [95 %]": "gamma"}, theories)


def at_width(tidy: Path) -> pd.DataFrame:
    """gamma at the last depth against theory at the networks' own width: how far apart, at which depth most.

    A deviation is that of log gamma in standard errors of networks and theory. BatchNorm after has gamma 0.
    """
    rows = read(tidy, "placements", "gamma")
    rows = rows[rows["gamma"] > NOTHING]
    of_networks = np.log(rows["gamma_high"] / rows["gamma_low"]) / 2
    error = np.hypot(of_networks, rows["gamma_finite_error"] / rows["gamma_finite"]) / ndtri(0.975)
    rows = rows.assign(deviation=np.log(rows["gamma"] / rows["gamma_finite"]) / error)
    largest = rows.loc[rows["deviation"].abs().groupby([rows["label"], rows["norm"], rows["placement"]]).idxmax()]
    keys = ["label", "norm", "placement"]
    last = deepest(rows).merge(largest[[*keys, "deviation", "depth"]], on=keys, suffixes=("", "_largest"))
    columns = {
        "data": last["label"],
        "configuration": words.names(last),
        "depth": last["depth"],
        "gamma [95 %]": words.with_interval(last, "gamma"),
        "theory": last["gamma_finite"].map(words.number),
        "off by": (last["gamma"] / last["gamma_finite"] - 1).map("{:+.1%}".format),
        "deviation": last["deviation"].map("{:+.1f}".format),
        "largest at any depth": last["deviation_largest"].map("{:+.1f}".format),
        "distance": last["ks_finite"].map(words.number),
        "to infinite width": last["ks_kernel"].map(words.number),
        "chance": last["ks_critical_finite"].map(words.number),
        "networks": last["inits"],
    }
    return pd.DataFrame(columns)


def shares(tidy: Path) -> pd.DataFrame:
    """How many networks put more than 95 %, or less than 60 %, of the data into their largest class."""
    extreme, even = "largest fraction > .95 [95 %]", "largest fraction < .6 [95 %]"
    return _by_depth(tidy, {extreme: "share_extreme", even: "share_even"})


def distances(tidy: Path) -> pd.DataFrame:
    """Kolmogorov-Smirnov distance of sampled G_0 to each theory, and what chance alone stays below (95 %)."""
    columns = {
        "to theory at this width": "ks_finite",
        "chance, this width": "ks_critical_finite",
        "to infinite width": "ks_kernel",
        "chance, infinite width": "ks_critical_kernel",
        "to isotropic": "ks_isotropic",
        "chance, isotropic": "ks_critical_isotropic",
    }
    return _by_depth(tidy, {}, columns)


def regimes(tidy: Path) -> pd.DataFrame:
    """The regime by fixed-point analysis and as seen, with the growth exponent that decided it."""
    rows = read(tidy, "placements", "regimes")
    columns = {
        "data": rows["label"],
        "configuration": words.names(rows),
        "by theory": rows["regime_theory"],
        "by theory, by value": words.limit_by_value(rows),
        "fixed point rho": rows["fixed_point_correlation"].map(words.number),
        "slope there": rows["fixed_point_slope"].map(words.number),
        "seen": rows["regime_seen"],
        "seen, by value": words.seen_by_value(rows),
        "gamma of guesses [95 %]": words.with_interval(rows, "gamma_guesses", infinite="infinite"),
        "growth exponent [95 %]": words.with_interval(rows, "growth"),
        "networks": rows["inits"],
    }
    return pd.DataFrame(columns)


def _by_depth(tidy: Path, measured: dict[str, str], computed: dict[str, str] | None = None) -> pd.DataFrame:
    """Columns of the table of gamma, with intervals and without, at those depths that histograms are drawn of."""
    rows = read(tidy, "placements", "gamma")
    rows = rows[rows["depth"].isin(read(tidy, "placements", "histograms")["depth"])]
    columns = {
        "data": rows["label"],
        "configuration": words.names(rows),
        "depth": rows["depth"],
        **{title: words.with_interval(rows, column) for title, column in measured.items()},
        **{title: rows[column].map(words.number) for title, column in (computed or {}).items() if column in rows},
        "networks": rows["inits"],
    }
    return pd.DataFrame(columns)
