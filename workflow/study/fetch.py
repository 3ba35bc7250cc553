"""Download the data sets that a configuration names and that are not there: `python -m study.fetch CONFIG...`.

This stands before the DAG, not in it: what a job makes, and what a shared cache keeps, then depends on nothing but
what is there when the run starts, and machines without a connection (the nodes of a cluster) can run every job.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from normplace.data.on_disk import default_data_roots
from normplace.data.record import Where
from normplace.data.sets import DATASETS
from study import configuration, data
from study.one_line import or_one_line


def main(paths: Iterable[Path]) -> None:
    """Download them; where that fails a stand-in takes the place, or one line ends the process if none is allowed."""
    study = configuration.check(configuration.read(paths))
    roots = default_data_roots()
    with or_one_line("normplace", roots[0]):
        for name in study.datasets:
            if data.found(name) == "none":
                DATASETS[name].read("train", Where(tuple(roots), study.stand_ins))


if __name__ == "__main__":
    main(map(Path, sys.argv[1:]))
