"""All benchmarks, written to benchmarks/results.md: `make bench`. One thread; ratios within one run."""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import torch

from benchmarks import cluster, dag, images, models, parts, resnet, sampling, scaling, theory, training
from benchmarks.timing import geometric_mean, machine
from normplace.data.on_disk import default_data_roots
from normplace.data.sets import DATASETS
from normplace.files import write_text

OUTPUT = Path(__file__).parent / "results.md"
HOW = (
    "One thread a process; alternatives run in turn. Sampling, parts and networks for images: medians of 3 to 15 "
    "runs; sweep and growth: of 2; everything else was run once."
)


@dataclass
class Targets:
    """What was asked of a measurement, what was found, and whether that is enough."""

    rows: list[dict[str, object]] = field(default_factory=list)

    def at_least(self, wanted: float, found: float, what: str) -> None:
        """The measurement must reach `wanted`."""
        self._add(what, f">= {wanted:g}", found, found >= wanted)

    def at_most(self, wanted: float, found: float, what: str) -> None:
        """The measurement must not go beyond `wanted`."""
        self._add(what, f"<= {wanted:g}", found, found <= wanted)

    def seconds_at_most(self, wanted: dict[str, float], table: pd.DataFrame) -> None:
        """These rows of a table with the columns what and seconds must not go beyond what is wanted."""
        for what, limit in wanted.items():
            self.at_most(limit, table.set_index("what")["seconds"][what], f"{what}, s")

    def _add(self, what: str, wanted: str, found: float, met: bool) -> None:
        self.rows.append({"target": what, "wanted": wanted, "measured": found, "met": "yes" if met else "no"})


def sections(mnist: Path, targets: Targets) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """(title, what it says, table), one after the other. mnist: where the data set's own files are."""
    one_depth, sweep = sampling.measure(mnist, "cpu")
    ratios, rounded = (sampling.means(one_depth, f"usual / {way}") for way in ("ours", "bfloat16"))
    for dataset, in_float32, fastest in (("mnist", 1.7, 3), ("cifar10", 2.8, 5)):
        targets.at_least(in_float32, ratios[dataset], f"{dataset}, one depth: float32 against the usual way")
        targets.at_least(fastest, rounded[dataset], f"{dataset}, one depth: bfloat16 (not taken) against the usual way")
    targets.at_least(
        20, sweep["usual / ours"].min(), "depths 1 to 20, the slowest configuration, against the usual way"
    )
    for dataset, ratio in sampling.means(one_depth, "ours / floor").items():
        targets.at_most(1.5, ratio, f"{dataset}, one depth: float32 over its floor")
    yield "One depth", "Milliseconds a network; ours computes every depth up to it on the way.", one_depth
    yield "Depths 1 to 20", "Milliseconds a network; the usual way runs each depth, ours one pass.", sweep
    cells = sampling.together(mnist)
    for depth, wanted in ((1, 2.5), (20, 1.35)):
        ratio = cells.set_index("depth")["ratio"][depth]
        targets.at_least(wanted, ratio, f"mnist, depth {depth}: seven cells together against one by one")
    yield "Cells together", "Milliseconds of a network of each of the seven cells, MNIST.", cells
    yield "Parts of a pass", "Microseconds a call, in the shapes of MNIST at width 100.", parts.measure()

    text = (
        f"Milliseconds a network, {images.IMAGES} images, {images.NETWORKS} networks; stacked: torch.func's "
        "stack_module_state and vmap, BatchNorm with batch statistics."
    )
    yield "Networks for images", text, images.measure()

    if torch.cuda.is_available():
        for title, table in zip(("One depth", "Depths 1 to 20"), sampling.measure(mnist, "cuda"), strict=True):
            yield f"{title}, on the GPU", "Milliseconds a network; both there, ours many networks at a time.", table

    of_theory = theory.against_sampling(mnist)
    exact = of_theory.set_index(["norm", "placement"])["infinite width, s"]["batch", "before"]
    targets.at_most(15, exact, "BatchNorm's exact kernel of 1000 points at depth 20, with a histogram, s")
    targets.at_least(5, of_theory["ratio"].min(), "theory of a cell on 1000 points against 5000 networks, the slowest")
    text = (
        f"gamma at depths 1 to 20 and the histogram of G_0 at the last on 1000 points, {theory.NETWORKS} draws either "
        f"way; the networks' time is from {theory.SOME}."
    )
    yield "Theory against sampling", text, of_theory
    layers = theory.of_layers()
    targets.at_most(5, layers["seconds"].max(), "layers of the chain for one width, the slowest, s")
    yield "Layers of the chain", "Seconds to draw them anew; they serve every depth and data set.", layers
    readouts = theory.of_readouts(mnist)
    targets.at_most(1.1, geometric_mean([*readouts["averaged / plain"]]), "a pass with averaged readouts")
    yield "Averaged readouts", "Milliseconds a network of the sampler, MNIST, depths 1 to 20.", readouts

    memory = scaling.of_memory(mnist)
    targets.at_most(1.5, memory["MiB"][1] / 1024, "peak memory of 20,000 points at depth 20, GiB")
    yield "Memory of the sampler", "Peak resident memory of a process, torch's own included.", memory
    text = str(scaling.of_growth.__doc__).replace("\n    ", "\n")
    yield "Growth", text, scaling.of_growth(mnist)
    targets.at_least(1.8, scaling.of_processes(mnist), "two processes against one")
    of_kernel = scaling.of_kernel(mnist)
    targets.at_most(4, of_kernel.loc[of_kernel["points"] == 5000, "MiB"].max() / 1024, "theory of 5000 points, GiB")
    yield "Kernel theory", "Seconds a layer and peak memory of the process.", of_kernel

    runs = training.measure(mnist)
    for depth, wanted in ((1, 10), (20, 3)):
        slowest = runs.loc[runs["depth"] == depth, "usual / ours"].min()
        targets.at_least(wanted, slowest, f"a training run at depth {depth}, the slowest configuration")
    text = f"MNIST {training.TRAIN} + {training.TEST}, batch {training.BATCH}, {training.EPOCHS} epochs."
    yield "Training", f"Seconds a run: {text}", runs

    steps = training.steps(mnist)
    slowest = steps["ours / floor"].max()
    targets.at_most(1.8, slowest, "a training step at depth 20 over its floor, the slowest configuration")
    text = f"Milliseconds, MNIST, batch {training.BATCH}, depth 20; floor: the products, forwards and backwards."
    yield "Training steps", text, steps

    of_resnet = resnet.measure()
    faster = of_resnet.set_index("what")["ours / usual"]
    for what in ("step", "forward"):
        targets.at_least(1.3, faster[what], f"ResNet-9 at base width {resnet.BASE_WIDTH}, {what}, against a plain loop")
    text = (
        f"Images a second of one core, {resnet.IMAGES} CIFAR-10 images at once; usual: torch's own optimiser, images "
        "and weights in its usual order; floor: the convolutions alone, for a step with their gradients."
    )
    yield "ResNet-9", text, of_resnet

    of_measure = models.of_measure()
    for model, over in zip(of_measure["model"], of_measure["ratio"], strict=True):
        targets.at_most(2 if model == models.SMALL else 1.3, over, f"measure against a plain loop, {model}")
    text = f"Milliseconds a network of {models.INITS}, with the trial, both modes where they differ, and layers."
    yield "Measuring models", text, of_measure

    costs = dag.measure()
    targets.seconds_at_most({dag.DRY: 4, dag.NOTHING: 5, dag.SMOKE: 60, dag.QUICK: 360}, costs)
    targets.seconds_at_most({f"{dag.QUICK}: its jobs": 620}, dag.of_jobs(costs))
    text = f"Seconds by the clock, of processors, and of the jobs one after the other; {dag.CORES} cores."
    yield "Workflow", text, costs

    start = 2 * float(costs.set_index("what")["seconds"][dag.DRY])  # each job starts Snakemake twice on its node
    text = "The jobs of reference/paper as they were measured there, each with two starts of Snakemake on its node."
    yield "A cluster", text, cluster.measure(start)

    of_reference = dag.shipped()
    targets.seconds_at_most({dag.STUDY: 3600}, of_reference)
    yield (
        "Shipped runs",
        "Seconds of their jobs over the cores they had, not measured here: reference/ has them.",
        of_reference,
    )


def main() -> None:
    """Run all, print each table as it is ready, and write the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    args = parser.parse_args()
    torch.set_num_threads(1)
    on_disk = DATASETS["mnist"].on_disk
    assert on_disk is not None
    mnist = next((root for root in default_data_roots() if on_disk.find(root)), None)
    if mnist is None:
        parser.exit(2, "benchmarks: need MNIST's own files; `python -m study.fetch config/quick.yaml` downloads them\n")
    start, targets, written = time.monotonic(), Targets(), []
    head = f"# Benchmarks\n\nWritten by `make bench`: {machine()}\n\n{HOW}\n"
    for title, text, table in sections(mnist, targets):
        written.append(section(title, text, table))
        print(f"[{time.monotonic() - start:.0f} s] {written[-1]}", flush=True)
        about = "Geometric means over configurations and the depths 1 and 20, unless the slowest is named."
        verdicts = section("Targets", about, pd.DataFrame(targets.rows))
        write_text(args.output, "\n".join([head, verdicts, *written]))
    print(verdicts)


def section(title: str, text: str, table: pd.DataFrame) -> str:
    """A part of the file."""
    return f"## {title}\n\n{text}\n\n{table.to_markdown(index=False, floatfmt='.3g', missingval='')}\n"


if __name__ == "__main__":
    main()
