# Shared by all rules: the checked configuration, the experiments, and where results go.
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, workflow.basedir)

from workflow import configuration, experiments, one_run, output_cache

config = configuration.check(config)
configuration.settle_data(config, announce=workflow.is_main_process)
RESULTS = f"results/{config['scale']}"
CACHE = output_cache.prepare()
INPUTS = ("figures", "src", "workflow", "claims.yaml")  # of this repository
if workflow.is_main_process:
    lock = one_run.hold_if_free()
    output_cache.check(CACHE)
    output_cache.unlink_lost(Path(RESULTS))
    output_cache.redate(Path(RESULTS), CACHE, *map(Path, INPUTS))
    output_cache.protect(CACHE)
VERSIONS = configuration.versions()
SAMPLES = experiments.samples(config)
THEORIES = experiments.theories(config)
TRAININGS = experiments.trainings(config)
MEASUREMENTS = experiments.measurements(config)
# The tidy tables of an experiment, by what it is made of.
TIDY = {
    name: [f"{table}.csv" for table in experiments.sample_tables(name)]
    for name in SAMPLES
}
TIDY["finite_width"] = ["first_order.csv"]
TIDY["zoo"] = ["models.csv"]
TIDY |= {name: ["curves.csv", "milestones.csv"] for name in TRAININGS}


report: "../report/workflow.rst"


onsuccess:
    output_cache.protect(CACHE)


onerror:
    output_cache.protect(CACHE)


wildcard_constraints:
    dataset="[a-z0-9]+",
    classes="[a-z-]+",
    experiment="[a-z_]+",
    use="init|training",


def data_of(job, use="init"):
    """The prepared points that a job works on."""
    return f"{RESULTS}/data/{use}/{job.dataset}-{job.classes}.npz"
