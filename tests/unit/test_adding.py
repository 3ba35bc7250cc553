"""What docs/extending.md promises of adding something: one record, and everything knows it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import normplace as npl
from normplace.cli.main import main
from normplace.data.record import DatasetRecord, Source, Where
from normplace.data.sets import DATASETS
from normplace.networks.activations import ACTIVATIONS, Activation
from normplace.networks.images import IMAGE_NETWORKS
from normplace.networks.images.record import ImageNetworkRecord, Shape
from normplace.networks.lazy import torch_nn
from normplace.networks.norms import NORMS, Norm


def l1(z: torch.Tensor) -> torch.Tensor:
    """Each point divided by the mean size of its values."""
    return z / z.abs().mean(dim=-1, keepdim=True)


class L1Norm(nn.Module):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return l1(z)


L1 = Norm("l1", "L1Norm", "nodes", centres=False, scales=True, operation=l1, module=lambda nodes: L1Norm())
SOFTPLUS = Activation("softplus", lambda x: np.logaddexp(0, x), torch_nn("Softplus"))
NETWORK = "--depth 3 --width 300 --inits 300 --dataset gaussian --points 100".split()


@pytest.mark.slow
def test_a_norm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NORMS, "l1", L1)
    data = npl.load("gaussian", points=100, test_points=20)
    net = npl.MLP("l1", "after", depth=3, width=300)
    seen, theory = npl.sample(net, data, inits=300).gamma(), npl.theory(net, width=None)
    assert theory.gamma[-1] == pytest.approx(seen.value[-1], rel=0.05)  # infinite width against 300
    assert theory.regime.name == "deeply prejudiced"
    assert "L1Norm after relu" in str(net)
    sizes = "--norm l1 --placement before --depth 2 --dataset gaussian --points 60".split()
    main(["sample", *sizes, "--inits", "5", "--output", str(tmp_path / "s.npz")])
    main(["theory", *sizes, "--output", str(tmp_path / "t.csv")])
    plan = "--test-points 20 --lr 1e-3 --batch-size 20 --epochs 1 --runs 1".split()
    main(["train", *sizes, *plan, "--output", str(tmp_path / "r.csv")])
    assert json.loads((tmp_path / "r.json").read_text())["options"]["norm"] == "l1"
    assert len(pd.read_csv(tmp_path / "t.csv")) == 2


@pytest.mark.slow
def test_an_activation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIVATIONS, "softplus", SOFTPLUS)
    net = npl.MLP("layer", "before", depth=2, width=300, activation="softplus")
    seen, theory = npl.sample(net, npl.load("gaussian", points=100), inits=400).gamma(), npl.theory(net, width=None)
    assert theory.gamma == pytest.approx(seen.value, rel=0.05)  # infinite width against 300
    options = "--norm layer --placement before --activation softplus".split()
    main(["sample", *options, *NETWORK, "--output", str(tmp_path / "s.npz")])
    assert (tmp_path / "s.npz").exists()


def test_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(split: str, where: Where) -> Source:
        points = np.random.default_rng(0).standard_normal((80, 7)).astype(np.float32)
        labels = np.arange(80) % 2
        return Source(labels, ["left", "right"], lambda indices: points[indices], "generated", "a toy")

    monkeypatch.setitem(DATASETS, "toy", DatasetRecord("toy", read, sizes={"all": (80, 80)}))
    assert str(npl.load("toy", points=50)) == "<Data: a toy, 50 points of shape 7, classes left, right>"
    main(["data", "--dataset", "toy", "--output", str(tmp_path / "toy.npz")])
    network = "--norm none --depth 2 --inits 5".split()
    main(["sample", "--dataset", f"file:{tmp_path / 'toy.npz'}", *network, "--output", str(tmp_path / "s.npz")])
    assert json.loads(np.load(tmp_path / "s.npz")["config"].item())["data"]["label"] == "a toy"


def test_a_network_for_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(norm: str, placement: str, shape: Shape, classes: int, base_width: int) -> nn.Sequential:
        layers = nn.Conv2d(shape[0], base_width, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(classes)
        return nn.Sequential(*layers)

    def lazy_free(norm: str, placement: str, shape: Shape, classes: int, base_width: int) -> nn.Sequential:
        network = build(norm, placement, shape, classes, base_width)
        network(torch.zeros(1, *shape))
        return network

    record = ImageNetworkRecord("toy", "Toy", ("none",), lazy_free, base_width=4, smallest=3)
    monkeypatch.setitem(IMAGE_NETWORKS, "toy", record)
    seen = npl.sample(npl.ImageNetwork("toy", "none"), npl.load("digits", points=40), inits=6)
    assert seen.guess_fraction.shape == (1, 6, 2)
    assert "Toy, no norm" in repr(seen)
    options = "--network toy --norm none --dataset digits --points 40 --inits 4".split()
    main(["sample", *options, "--output", str(tmp_path / "s.npz")])
    assert (tmp_path / "s.npz").exists()
