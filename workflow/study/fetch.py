"""Download the data sets that a configuration names and that are not there: `python -m study.fetch CONFIG`.

This stands before the DAG, not in it: what a job makes, and what a shared cache keeps, then depends on nothing but
what is there when the run starts, and machines without a connection (the nodes of a cluster) can run every job.
"""

import sys
from pathlib import Path

import yaml

from normplace.data.on_disk import default_data_roots
from normplace.data.record import Where
from normplace.data.sets import DATASETS
from normplace.errors import UserError
from study import configuration


def main(path: str) -> None:
    """Download; where that fails, say that a stand-in takes the place, or end with one line if none may."""
    try:
        config = configuration.check(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        sys.exit(f"configuration: {path}: cannot be read ({' '.join(str(error).split())})")
    for name in config["datasets"]:
        if configuration.data_found(name) == "none":
            try:
                DATASETS[name].read("train", Where(tuple(default_data_roots()), config["stand_ins"]))
            except UserError as error:
                sys.exit(f"normplace: error: {error}")


if __name__ == "__main__":
    main(sys.argv[1])
