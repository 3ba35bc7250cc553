"""The data sets by name: one file a data set, found by its record DATASET."""

from normplace.data.record import DatasetRecord
from normplace.registry import records

DATASETS: dict[str, DatasetRecord] = records(__name__, list(__path__), "DATASET")
