# Shared by all rules: the checked configuration, the experiments, and where results go.
import sys
from pathlib import Path

sys.path.insert(0, workflow.basedir)

from workflow import configuration, experiments

config = configuration.check(config)
RESULTS = f"results/{config['scale']}"
SAMPLES = experiments.samples(config)
THEORIES = experiments.theories(config)
TIDY = ["gamma.csv", "histograms.csv", "regimes.csv"]


report: "../report/workflow.rst"


wildcard_constraints:
    dataset="[a-z0-9]+",
    classes="[a-z-]+",
    experiment="[a-z_]+",


def data_of(job):
    """The prepared points that a job works on."""
    return f"{RESULTS}/data/{job.dataset}-{job.classes}.npz"
