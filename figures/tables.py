"""Printed tables (CSV, Markdown, LaTeX with booktabs): `python -m figures.tables --tidy DIR --output DIR`."""

import argparse
from pathlib import Path

import pandas as pd

from figures import style
from figures.beyond_table import beyond_table
from figures.image_tables import image_tables

TRAININGS = ("dynamics", "start_matters", "learning_rates")


def headline_table(gamma: pd.DataFrame, regimes: pd.DataFrame) -> pd.DataFrame:
    """One row a configuration: its regime, and gamma at the last depth on each data set with theory in brackets."""
    deepest = gamma[gamma["depth"] == gamma["depth"].max()]
    rows = []
    for norm, placement in style.cells(regimes):
        mine = style.of_cell(regimes, norm=norm, placement=placement)
        agree = (mine["regime_seen"] == mine["regime_theory"]).sum()
        row = {
            "configuration": style.name(norm, placement),
            "regime by theory": mine["regime_theory"].iloc[0],
            "seen on": f"{agree} of {len(mine)}",
        }
        for dataset, label in style.labels(deepest).items():
            cell = style.of_cell(deepest, norm=norm, placement=placement, dataset=dataset)
            measured, theory = style.with_interval(cell, "gamma").iloc[0], style.number(cell["gamma_kernel"].iloc[0])
            row[label] = f"{measured} ({theory})"
        rows.append(row)
    return pd.DataFrame(rows)


def gamma_table(gamma: pd.DataFrame, depths: list[int]) -> pd.DataFrame:
    """gamma by configuration, data set and depth: measured with its 95 % interval, and both theories."""
    rows = _at(gamma, depths)
    return _finished(
        rows,
        measured=style.with_interval(rows, "gamma"),
        kernel=rows["gamma_kernel"].map(style.number),
        isotropic=rows["gamma_isotropic"].map(style.number),
    ).rename(columns={"measured": "gamma [95 %]", "kernel": "theory, own kernel", "isotropic": "theory, isotropic"})


def regime_table(regimes: pd.DataFrame) -> pd.DataFrame:
    """The regime by fixed-point analysis and as seen, with the growth exponent that decided it."""
    return pd.DataFrame(
        {
            "data": regimes["label"],
            "configuration": style.names(regimes),
            "by theory": regimes["regime_theory"],
            "fixed point rho": regimes["fixed_point_correlation"].map(style.number),
            "slope there": regimes["fixed_point_slope"].map(style.number),
            "seen": regimes["regime_seen"],
            "gamma of guesses [95 %]": style.with_interval(regimes, "gamma_guesses", infinite="infinite"),
            "growth exponent [95 %]": style.with_interval(regimes, "growth"),
            "networks": regimes["inits"],
        }
    )


def share_table(gamma: pd.DataFrame, depths: list[int]) -> pd.DataFrame:
    """How many networks put more than 95 %, or less than 60 %, of the data into their largest class."""
    rows = _at(gamma, depths)
    return _finished(
        rows, extreme=style.with_interval(rows, "share_extreme"), even=style.with_interval(rows, "share_even")
    ).rename(columns={"extreme": "largest fraction > .95 [95 %]", "even": "largest fraction < .6 [95 %]"})


def distance_table(gamma: pd.DataFrame, depths: list[int]) -> pd.DataFrame:
    """Kolmogorov-Smirnov distance of sampled G_0 to each theory, and what chance alone stays below (95 %)."""
    rows = _at(gamma, depths)
    return _finished(
        rows,
        kernel=rows["ks_kernel"].map(style.number),
        chance_kernel=rows["ks_critical_kernel"].map(style.number),
        isotropic=rows["ks_isotropic"].map(style.number),
        chance_isotropic=rows["ks_critical_isotropic"].map(style.number),
    ).rename(
        columns={
            "kernel": "to own kernel",
            "isotropic": "to isotropic",
            "chance_kernel": "chance, kernel",
            "chance_isotropic": "chance, isotropic",
        }
    )


def milestone_table(milestones: pd.DataFrame) -> pd.DataFrame:
    """What training runs did when: gaps, steps and accuracies with their 95 % intervals over runs."""
    return pd.DataFrame(
        {
            "data": milestones["label"],
            "configuration": style.names(milestones),
            "depth": milestones["depth"],
            "start": milestones["select"],
            "rate": milestones["learning_rate"].map("{:g}".format),
            "BatchNorm by": milestones["bn_statistics"].replace("", "-"),
            "gap at step 0 [95 %]": style.with_interval(milestones, "gap_at_start"),
            "steps to a gap < 5 points": style.with_interval(milestones, "steps_to_closed_gap"),
            "for good": style.with_interval(milestones, "steps_to_gap_closed_for_good"),
            "to 80 % of final accuracy": style.with_interval(milestones, "steps_to_80"),
            "to 90 %": style.with_interval(milestones, "steps_to_90"),
            "test accuracy after a tenth": style.with_interval(milestones, "early_accuracy"),
            "final test accuracy": style.with_interval(milestones, "final_accuracy"),
            "runs": milestones["n"],
            "diverged": milestones["diverged"],
        }
    )


def learning_table(milestones: pd.DataFrame) -> pd.DataFrame:
    """How the deepest networks of each configuration start and learn, unselected starts, batch statistics."""
    deep = style.of_cell(milestones, depth=milestones["depth"].max())
    full = milestone_table(style.without_running(deep))
    return full[
        [
            "data",
            "configuration",
            "gap at step 0 [95 %]",
            "steps to a gap < 5 points",
            "for good",
            "to 90 %",
            "final test accuracy",
            "runs",
            "diverged",
        ]
    ].rename(columns={"to 90 %": "steps to 90 % of final accuracy"})


def _at(table: pd.DataFrame, depths: list[int]) -> pd.DataFrame:
    return table[table["depth"].isin(depths)]


def _finished(rows: pd.DataFrame, **columns: "pd.Series[str]") -> pd.DataFrame:
    head = {
        "data": rows["label"],
        "configuration": style.names(rows),
        "depth": rows["depth"],
    }
    return pd.DataFrame({**head, **columns, "networks": rows["inits"]})


def initial_tables(tidy: Path) -> dict[str, pd.DataFrame]:
    """The tables of initial statistics, by name."""
    gamma, regimes = (style.read(tidy, "placements", table) for table in ("gamma", "regimes"))
    depths = sorted(style.read(tidy, "placements", "histograms")["depth"].unique())
    return {
        "headline": headline_table(gamma, regimes),
        "gamma": gamma_table(gamma, depths),
        "regimes": regime_table(regimes),
        "shares": share_table(gamma, depths),
        "distances": distance_table(gamma, depths),
    }


def learning_tables(tidy: Path) -> dict[str, pd.DataFrame]:
    """The tables of training runs, by name, of those experiments that were run; none without dynamics."""
    milestones = {name: style.read(tidy, name, "milestones") for name in TRAININGS if (tidy / name).is_dir()}
    if "dynamics" not in milestones:
        return {}
    return {
        "learning": learning_table(milestones["dynamics"]),
        "milestones": milestone_table(pd.concat(milestones.values())),
    }


def main() -> None:
    """Write every table in three formats."""
    parser = argparse.ArgumentParser(prog="python -m figures.tables", description=__doc__)
    parser.add_argument("--tidy", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    tables = initial_tables(args.tidy) | learning_tables(args.tidy) | image_tables(args.tidy)
    beyond = beyond_table(args.tidy)
    if not beyond.empty:
        tables["beyond"] = beyond
    args.output.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(args.output / f"{name}.csv", index=False)
        (args.output / f"{name}.md").write_text(
            table.to_markdown(index=False, disable_numparse=True) + "\n", encoding="utf-8"
        )
        styled = table.style.hide(axis="index").format(escape="latex").format_index(escape="latex", axis=1)
        tex = styled.to_latex(hrules=True).replace("<", "$<$").replace(">", "$>$")
        (args.output / f"{name}.tex").write_text(tex, encoding="utf-8")


if __name__ == "__main__":
    main()
