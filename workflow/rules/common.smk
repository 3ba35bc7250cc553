# Shared by all rules: the checked configuration, the experiments, and where results go.
import json
import os
import sys
from pathlib import Path

# Where the Python of the study and of the figures is, for this process and for every job.
IMPORTED = [str(Path(workflow.basedir) / "workflow"), workflow.basedir]
sys.path[:0] = IMPORTED
os.environ["PYTHONPATH"] = os.pathsep.join(
    [*IMPORTED, *filter(None, [os.environ.get("PYTHONPATH")])]
)

from study import cache, configuration, experiments, one_run

config = configuration.check(config)
configuration.settle_data(config, announce=workflow.is_main_process)
RESULTS = f"results/{config['scale']}"
CACHE = cache.prepare()
INPUTS = ("figures", "src", "workflow", "claims.yaml")  # of this repository
if workflow.is_main_process:
    lock = one_run.hold_if_free()
    cache.check(CACHE)
    cache.unlink_lost(Path(RESULTS))
    cache.redate(Path(RESULTS), CACHE, *map(Path, INPUTS))
    cache.protect(CACHE)
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
    cache.protect(CACHE)


onerror:
    cache.protect(CACHE)


wildcard_constraints:
    dataset="[a-z0-9]+",
    classes="[a-z-]+",
    experiment="[a-z_]+",
    use="init|training",


def data_of(job, use="init"):
    """The prepared points that a job works on."""
    return f"{RESULTS}/data/{use}/{job.dataset}-{job.classes}.npz"
