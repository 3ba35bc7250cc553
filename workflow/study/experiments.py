"""The experiments of the workflow as data: which command runs on which points for every job."""

from dataclasses import dataclass
from typing import Any

from normplace.networks.activations import ACTIVATIONS
from normplace.networks.architecture import PLACEMENTS, configurations
from normplace.networks.images import IMAGE_NETWORKS
from normplace.networks.norms import halves
from study.configuration import LARGEST

# A cell is a norm and where it stands, such as batch-before; or none.
CELLS = {"none" if norm == "none" else f"{norm}-{place}": (norm, place) for norm, place in configurations()}
HALF_CELLS = {f"{norm}-{place}": (norm, place) for norm in halves() for place in PLACEMENTS}
GROUP_CELLS = {f"group-{place}": ("group", place) for place in PLACEMENTS}
# rms has the infinite-width gamma of layer-before, and batch-after's is 0 by construction: nothing to converge to.
WIDTH_CELLS = ("none", "batch-before", "layer-before", "layer-after")
BATCH_CELLS = ("batch-before", "batch-after")
TEN_CLASSES = ("width_convergence", "classes")
# gamma is all that the width experiment needs of its theory; these draws only fill the file format.
WIDTH_DRAWS = 1000
# The norm that a network for images is usually trained with.
USUAL_NORM = {"resnet9": "batch", "vit": "layer"}


@dataclass(frozen=True)
class Job:
    """One call of a command of `normplace`: the prepared points (data set, class map), the options."""

    dataset: str
    classes: str
    options: str


def data_options(config: dict[str, Any], use: str, dataset: str, classes: str) -> str:
    """Options of `normplace data` for the points that initial statistics ("init") or training ("training") use."""
    sizes = config["datasets"][dataset]
    points = f"--points {sizes['points']}"
    if use == "training":
        _, *there = LARGEST[dataset, classes]
        training, test = map(min, (sizes["training_points"], sizes["test_points"]), there)
        points = f"--points {training} --test-points {test}"
    stand_in = "" if config["stand_ins"] else " --no-stand-in"
    return f"--dataset {dataset} --classes {classes} {points}{stand_in}"


def samples(config: dict[str, Any]) -> dict[str, dict[str, Job]]:
    """experiment -> name of a sample -> how it is made."""
    placements, widths = config["placements"], config["width_convergence"]
    activations, shifts, networks = config["activations"], config["shift"], config["architectures"]
    points = config["datasets"]

    def job(
        dataset: str,
        cell: str,
        *,
        inits: int = placements["inits"],
        classes: str = "",
        activation: str = "",
        more: str = "",
    ) -> Job:
        options = (
            f"{_norm(cell)} --depth {placements['depth']} --width {placements['width']} "
            f"--activation {activation or placements['activation']} --inits {inits} --seed {config['seed']}{more}"
        )
        return Job(dataset, classes or points[dataset]["classes"], options)

    return {
        "placements": {f"{dataset}/{cell}": job(dataset, cell) for dataset in points for cell in CELLS},
        "width_convergence": {
            f"{cell}-{width}": Job(
                widths["dataset"],
                "all",  # ten output nodes a network say more about gamma than two
                f"{_norm(cell)} --depth {widths['depth']} --width {width} --points {widths['points']} "
                f"--inits {inits} --seed {config['seed']}",
            )
            for cell in WIDTH_CELLS
            for width, inits in widths["widths"].items()
        },
        "batch_statistics": {
            f"{cell}-running": job(config["batch_statistics"]["dataset"], cell, more=" --bn-statistics running")
            for cell in BATCH_CELLS
        },
        "centring": {cell: job(config["centring"]["dataset"], cell) for cell in HALF_CELLS},
        "activations": {
            f"{activation}/{cell}": job(activations["dataset"], cell, inits=activations["inits"], activation=activation)
            for activation in ACTIVATIONS
            if activation != placements["activation"]
            for cell in activations["cells"]
        },
        "shift": {
            f"{shift:g}/{cell}": job(shifts["dataset"], cell, inits=shifts["inits"], more=f" --shift {shift}")
            for shift in shifts["shifts"]
            for cell in shifts["cells"]
        },
        "classes": {
            f"{dataset}/{cell}": job(dataset, cell, classes="all")
            for dataset in config["classes"]["datasets"]
            for cell in config["classes"]["cells"]
        },
        "architectures": {
            f"{network}/{cell}": Job(
                networks["dataset"],
                points[networks["dataset"]]["classes"],
                f"--network {network} {_norm(cell)} --points {networks['points']} --inits {inits} "
                f"--seed {config['seed']}",
            )
            for network, inits in networks["inits"].items()
            for cell in networks["cells"]
            if _norm_of(cell)[0] in IMAGE_NETWORKS[network].norms
        },
    }


def theories(config: dict[str, Any]) -> dict[str, dict[str, Job]]:
    """experiment -> name of a kernel theory -> how it is made. Experiments without one compare samples only."""
    placements, widths, shifts = (config[name] for name in ("placements", "width_convergence", "shift"))
    at_depths = ",".join(str(depth) for depth in placements["histogram_depths"])
    points = config["datasets"]

    def job(
        dataset: str, cell: str, *, draws: int = placements["theory_draws"], classes: str = "", more: str = ""
    ) -> Job:
        options = (
            f"{_norm(cell)} --depth {placements['depth']} --activation {placements['activation']} "
            f"--points {min(placements['theory_points'], points[dataset]['points'])} "
            f"--draws {draws} --draws-depths {at_depths}{more}"
        )
        return Job(dataset, classes or points[dataset]["classes"], options)

    return {
        "placements": {f"{dataset}/{cell}": job(dataset, cell) for dataset in points for cell in CELLS},
        "width_convergence": {
            cell: Job(
                widths["dataset"],
                "all",
                f"{_norm(cell)} --depth {widths['depth']} --points {widths['points']} --draws {WIDTH_DRAWS}",
            )
            for cell in WIDTH_CELLS
        },
        "batch_statistics": {},
        "centring": {cell: job(config["centring"]["dataset"], cell) for cell in HALF_CELLS},
        "activations": {},  # on the Gaussian blobs, whose theory is that of isotropic data
        "shift": {
            f"{shift:g}/{cell}": job(shifts["dataset"], cell, more=f" --shift {shift}")
            for shift in shifts["shifts"]
            for cell in shifts["cells"]
        },
        "classes": {
            # ten classes have no closed form: every depth is drawn
            f"{dataset}/{cell}": job(dataset, cell, draws=config["classes"]["theory_draws"], classes="all")
            for dataset in config["classes"]["datasets"]
            for cell in config["classes"]["cells"]
        },
        "architectures": {},  # no theory of convolutions, pooling and attention here
    }


def trainings(config: dict[str, Any]) -> dict[str, dict[str, Job]]:
    """experiment -> name of a training -> how it is made."""
    general, starts, rates = config["training"], config["start_matters"], config["learning_rates"]
    images, points = config["resnet_dynamics"], config["datasets"]

    def job(dataset: str, cell: str, depth: int, runs: int, rate: float, select: str = "any", seed: int = 0) -> Job:
        return Job(
            dataset,
            points[dataset]["classes"],
            f"{_norm(cell)} --depth {depth} --width {config['placements']['width']} "
            f"--activation {config['placements']['activation']} --optimizer {general['optimizer']} --lr {rate} "
            f"--batch-size {general['batch_size']} --epochs {general['epochs']} --runs {runs} --select {select} "
            f"--seed {config['seed'] + seed}",
        )

    return {
        "dynamics": {
            f"{dataset}/{cell}-{depth}": job(dataset, cell, depth, general["runs"], general["learning_rate"])
            for dataset in points
            for depth in general["depths"]
            for cell in CELLS
        },
        "start_matters": {
            f"{cell}-{select}": job(
                starts["dataset"],
                cell,
                starts["depth"],
                starts["runs"],
                general["learning_rate"],
                select,
                seed=1,  # so that these runs are not among those of dynamics
            )
            for cell in starts["cells"]
            for select in ("prejudiced", "neutral")
        },
        "learning_rates": {
            f"{cell}-{rate:g}": job(rates["dataset"], cell, rates["depth"], rates["runs"], rate)
            for cell in rates["cells"]
            for rate in rates["rates"]
            if not _in_dynamics(config, rate)
        },
        "resnet_dynamics": {
            f"{network}/{classes}/{placement}": Job(
                images["dataset"],
                classes,
                f"--network {network} --norm {USUAL_NORM[network]} --placement {placement} "
                f"--points {images['points']} --test-points {images['test_points']} "
                f"--optimizer {images['optimizer']} --lr {images['learning_rate']} "
                f"--batch-size {images['batch_size']} --epochs {images['epochs']} --runs {runs} "
                f"--seed {config['seed']}",
            )
            for network, runs in images["runs"].items()
            for classes in images["classes"]
            for placement in PLACEMENTS
        },
    }


def measurements(config: dict[str, Any]) -> dict[str, Job]:
    """torchvision's name of a model -> how it is measured."""
    zoo = config["zoo"]
    return {
        model: Job(
            zoo["dataset"],
            "all",  # ten output nodes a network say more about gamma than two
            f"--points {zoo['points']} --inits {inits} --seed {config['seed']}",
        )
        for model, inits in zoo["inits"].items()
    }


def summarised(config: dict[str, Any], experiment: str) -> list[str]:
    """The samples, as experiment/name, that an experiment's tidy tables are made of."""
    return [
        *(f"placements/{name}" for name in _beside(config, experiment)),
        *(f"{experiment}/{name}" for name in samples(config)[experiment]),
    ]


def compared(config: dict[str, Any], experiment: str) -> list[str]:
    """The kernel theories, as experiment/name, that those samples are held against."""
    shared = [] if experiment in ("batch_statistics", "activations") else _beside(config, experiment)
    return [
        *(f"placements/{name}" for name in shared),
        *(f"{experiment}/{name}" for name in theories(config)[experiment]),
    ]


def sample_tables(experiment: str) -> list[str]:
    """The tidy tables of an experiment's samples.

    The last one says what their networks guess: regimes of two classes, or how all classes are guessed. It is of MLPs.
    """
    of_guesses = ["classes" if experiment in TEN_CLASSES else "regimes"] if experiment != "architectures" else []
    return ["gamma", "histograms", *of_guesses]


def _beside(config: dict[str, Any], experiment: str) -> list[str]:
    """What of the placements experiment an experiment shows beside its own samples."""
    if experiment not in ("batch_statistics", "centring", "activations", "shift"):
        return []
    cells = ("none", *BATCH_CELLS) if experiment == "batch_statistics" else config[experiment].get("cells", CELLS)
    return [f"{config[experiment]['dataset']}/{cell}" for cell in cells]


def trained(config: dict[str, Any], experiment: str) -> list[str]:
    """The trainings, as experiment/name, that an experiment's tidy tables are made of."""
    if experiment != "learning_rates":
        return [f"{experiment}/{name}" for name in trainings(config)[experiment]]
    sweep = config["learning_rates"]
    return [
        f"dynamics/{sweep['dataset']}/{cell}-{sweep['depth']}"
        if _in_dynamics(config, rate)
        else f"learning_rates/{cell}-{rate:g}"
        for cell in sweep["cells"]
        for rate in sweep["rates"]
    ]


def _in_dynamics(config: dict[str, Any], rate: float) -> bool:
    """Whether the dynamics experiment trains the networks of the learning-rate sweep at this rate anyway."""
    general, sweep = config["training"], config["learning_rates"]
    return bool(
        (rate, sweep["runs"]) == (general["learning_rate"], general["runs"]) and sweep["depth"] in general["depths"]
    )


def _norm_of(cell: str) -> tuple[str, str]:
    return (CELLS | HALF_CELLS | GROUP_CELLS)[cell]


def _norm(cell: str) -> str:
    norm, placement = _norm_of(cell)
    return "--norm none" if norm == "none" else f"--norm {norm} --placement {placement}"
