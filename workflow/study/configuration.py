"""What the rules need to know: a checked configuration, and the code and data that each stage depends on."""

import os
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from normplace import files as provenance
from normplace.data.on_disk import default_data_roots
from normplace.data.sets import DATASETS

ROOT = Path(__file__).resolve().parents[2]

# The modules that a stage's results depend on. A change in one of them, or in the lock, redoes the stage.
COMMON = (
    *("cli.main", "cli.command", "cli.options", "cli.data_options", "cli.network_options"),
    *("cli.data", "cli.sample", "cli.theory", "cli.train", "cli.summarise", "cli.finite_width", "cli.curves"),
    "cli.measurements",
    "errors",
    "files",
    "networks.architecture",
    "networks.norms",
    "networks.activations",
    "networks.lazy",
)
IMAGE_RECORDS = tuple(f"networks.images.{name}" for name in ("__init__", "record", "resnet9", "cnn", "mixer", "vit"))
DATA = (
    *("registry", "data.datasets", "data.classes", "data.record", "data.on_disk", "data.image_folder", "data.vision"),
    *(f"data.sets.{name}" for name in ("__init__", "gaussian", "mnist", "cifar10", "digits", "patches")),
)
NETWORKS = ("networks.products", "networks.random", "parallel")
IMAGES = ("networks.mlp", "networks.modules", "networks.blocks", *IMAGE_RECORDS)
THEORY = ("theories.duals", "theories.isotropic", "theories.guesses")
STAGES = {
    "data": (*COMMON, *DATA),
    "sample": (*COMMON, *DATA, *NETWORKS, *IMAGES, "sampling.mlps", "sampling.images", "statistics"),
    "theory": (*COMMON, *DATA, *THEORY, "theories.kernel"),
    "train": (*COMMON, *DATA, *NETWORKS, *IMAGES, "training.runs", "training.optimizers", "training.checkpoints"),
    "curves": (*COMMON, "statistics", "tables.learning_curves"),
    "summarise": (*COMMON, *THEORY, "statistics", "tables.records", "tables.samples", "tables.classes"),
    "finite_width": (*COMMON, "statistics", "tables.records", "tables.finite_width"),
    "measure": (
        *(
            *COMMON,
            *DATA,
            "networks.random",
            "theories.guesses",
            "statistics",
            "networks.mlp",
            "networks.products",
            "cli.measure",
            "data.inputs",
        ),
        *(
            "measuring.builders",
            "measuring.blame",
            "measuring.layers",
            "measuring.prejudice",
            "measuring.measure",
            "measuring.report",
            "measuring.picture",
        ),
    ),
    "measurements": (*COMMON, "tables.zoo"),
    "claims": (
        *(*COMMON, *THEORY, "statistics", "tables.records", "tables.classes", "tables.learning_curves"),
        *(
            "cli.verify",
            "verifying.claims",
            "tables.tidy",
            "verifying.checks",
            "verifying.judges",
            "verifying.report",
            "verifying.manifest",
            "verifying.comparison",
        ),
    ),
}
# Two-class data sets: how many points there are for initial statistics, for training and for testing.
LARGEST = {
    (name, classes): (training, training, test)
    for name, record in DATASETS.items()
    for classes, (training, test) in record.sizes.items()
}


@cache
def code(stage: str) -> str:
    """Hash of the modules that `stage` uses and of the lock."""
    modules = [ROOT / "src" / "normplace" / f"{name.replace('.', '/')}.py" for name in STAGES[stage]]
    return provenance.sha256_of_sources([*modules, ROOT / "requirements.lock"])[:16]


@cache
def data_found(dataset: str) -> str:
    """Which source of a data set is there now, so that data that arrive later replace a stand-in."""
    on_disk = DATASETS[dataset].on_disk
    if on_disk is None:
        return "built in"
    for root in default_data_roots():
        found = on_disk.locate(root)
        if found == "image folder":  # of which there are many; torchvision's files are checked when they are read
            return f"image folder {_listing(root / dataset)}"
        if found != "none":
            return found
    return "none"


def _listing(folder: Path) -> str:
    """Hash of the names, sizes and times of all files below a folder: reading 60,000 images would take seconds."""
    files = sorted(
        (str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    )
    return provenance.sha256_of_json({"files": files})[:16]


def settle_data(config: dict[str, Any], *, announce: bool) -> None:
    """Let all jobs do with the data that are there now, and say which are not.

    No job may download: one that could would make this or that, and a cached output must be what its key says.
    """
    os.environ["NORMPLACE_OFFLINE"] = "1"
    for name in config["datasets"]:
        if announce and data_found(name) == "none":
            print(f"normplace: {name} is not there; `python -m study.fetch CONFIG` downloads it", file=sys.stderr)


def versions() -> dict[str, str]:
    """Versions of all that computes: the lock says what should be installed, a shared cache must know what is."""
    more = {name: version(name) for name in ("pandas", "pillow", "scikit-learn", "matplotlib")}
    return {**provenance.versions(), **more}


def claimed_tables() -> list[str]:
    """The tidy tables, as experiment/table, that claims.yaml reads; `normplace verify` checks all else in it."""
    claims = yaml.safe_load((ROOT / "claims.yaml").read_text(encoding="utf-8"))["claims"]
    return sorted({test["reads"] for claim in claims for test in claim["tests"]})


def check(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration, or end with one line that names the key, its value and what is allowed."""
    if not config:
        sys.exit("configuration: none given, use --configfile config/quick.yaml")
    schema = yaml.safe_load((ROOT / "workflow" / "schemas" / "config.schema.yaml").read_text())
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    problem = _in_words(error) if error else _contradiction(config)
    if problem:
        sys.exit(f"configuration: {problem}")
    return config


def _in_words(error: ValidationError) -> str:
    key = ".".join(str(part) for part in error.absolute_path) or "top level"
    if error.validator == "additionalProperties":
        schema: Any = error.schema
        allowed, given = sorted(schema["properties"]), cast(dict[str, Any], error.instance)
        unknown = sorted(set(given) - set(allowed), key=str)
        return f"{key}: unknown key {', '.join(map(repr, unknown))}, allowed are {', '.join(allowed)}"
    return f"{key}: {error.message}"


def _contradiction(config: dict[str, Any]) -> str | None:
    """What a schema cannot say."""
    datasets, placements = config["datasets"], config["placements"]
    if max(placements["histogram_depths"]) > placements["depth"]:
        return f"placements.histogram_depths: {placements['histogram_depths']} goes beyond depth {placements['depth']}"
    for name, settings in datasets.items():
        if problem := _unknown_classes(f"datasets.{name}.classes", name, settings["classes"]):
            return problem
        largest = LARGEST[name, settings["classes"]]
        for key, limit in zip(("points", "training_points", "test_points"), largest, strict=True):
            if settings[key] > limit:
                return f"datasets.{name}.{key}: {settings[key]} is more than the {limit} there are"
    for experiment, settings in config.items():
        if not isinstance(settings, dict) or experiment == "datasets":
            continue
        for key in ("dataset", "datasets"):
            named = settings.get(key, [])
            for name in [named] if isinstance(named, str) else named:
                if name not in datasets:
                    return f"{experiment}.{key}: {name!r} is not one of datasets ({', '.join(datasets)})"
    for experiment in ("width_convergence", "architectures", "zoo"):
        settings = config[experiment]
        if settings["points"] > datasets[settings["dataset"]]["points"]:
            return f"{experiment}.points: {settings['points']} is more than datasets.{settings['dataset']}.points"
    return _contradiction_of_images(config["resnet_dynamics"], datasets)


def _unknown_classes(key: str, dataset: str, classes: str) -> str | None:
    if (dataset, classes) in LARGEST:
        return None
    allowed = ", ".join(known for name, known in LARGEST if name == dataset)
    return f"{key}: {classes!r} is not for {dataset}, allowed are {allowed}"


def _contradiction_of_images(images: dict[str, Any], datasets: dict[str, Any]) -> str | None:
    dataset = images["dataset"]
    for classes in images["classes"]:
        if problem := _unknown_classes("resnet_dynamics.classes", dataset, classes):
            return problem
        _, *largest = LARGEST[dataset, classes]
        pairs = (("points", "training_points"), ("test_points", "test_points"))
        for (key, prepared), limit in zip(pairs, largest, strict=True):
            there = min(datasets[dataset][prepared], limit)
            if images[key] > there:
                return f"resnet_dynamics.{key}: {images[key]} is more than the {there} of {dataset} {classes}"
    return None
