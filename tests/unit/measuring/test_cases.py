"""Models of a folder, if NORMPLACE_CASES names one: each gives an answer or one clear line."""

import ast
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from normplace.errors import UserError
from normplace.measuring.measure import measure
from normplace.measuring.named import find_model
from normplace.measuring.points import Points

FOLDER = os.environ.get("NORMPLACE_CASES", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER, reason="NORMPLACE_CASES names no folder of models"),
    pytest.mark.filterwarnings("ignore"),  # the models' own
]
TOO_LARGE = {"BigMemory", "BigMemoryFunctional"}  # gigabytes of weights or activations by intent
TIMM = (
    "resnet18", "px64_vit_tiny_patch16_224", "px64_swin_tiny_patch4_window7_224", "px64_mixer_s32_224", "convnext_atto",
    "efficientnet_b0", "mobilenetv3_small_050", "regnetx_002", "px64_deit_tiny_patch16_224", "ghostnet_050",
    "poolformer_s12",
)  # fmt: skip


def names(module: str) -> list[str]:
    """The functions, classes and instances that a file of the folder has, by its text: collecting imports nothing."""
    if not FOLDER:
        return []
    body = ast.parse(Path(FOLDER, f"{module}.py").read_text()).body
    found = [of.name for of in body if isinstance(of, (ast.FunctionDef, ast.ClassDef))]
    found += [str(of.targets[0].id) for of in body if isinstance(of, ast.Assign) and "_instance" in ast.unparse(of)]
    return sorted({*found} - TOO_LARGE)


@pytest.fixture(autouse=True)
def in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)


def answer(name: str, x: torch.Tensor, **options: Any) -> str:
    """Measure three networks: "measured", or the line of the error, which must be one."""
    found, line = None, ""
    try:
        found = measure(find_model(name, Points.of(x)), x, 3, **options)
    except UserError as error:
        line = str(error)
    if found is None:
        assert line
        assert "\n" not in line
        assert "normplace/" not in line  # a line of the user's, never ours
        return line
    for seen in found.by_statistics.values():
        assert math.isfinite(seen.agreement.sum())
        np.testing.assert_allclose(seen.guess_fraction.sum(axis=1), 1, rtol=1e-6)
    return "measured"


@pytest.mark.parametrize("name", names("odd"))
def test_odd_models(name: str) -> None:
    answer(f"odd:{name}", torch.randn(32, 64, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("name", names("hf"))
def test_transformers(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    x = (
        torch.randn(8, 3, 32, 32, generator=generator)
        if "vit" in name
        else torch.randint(1000, (8, 12), generator=generator)
    )
    if name not in ("Logits", "EveryPosition", "gpt2_positions"):  # two that need arguments, one that mixes up points
        assert answer(f"hf:{name}", x) == "measured"


@pytest.mark.parametrize("name", TIMM)
def test_timm_models(name: str) -> None:
    images = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert answer(f"timm_models:{name}", images) == "measured"


def test_a_module_that_uses_torchvision_and_one_whose_names_fail() -> None:
    images = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert answer("uses_torchvision:build", images) == "measured"
    assert "Could not import module 'Net'" in answer("lazy_attr:Net", images)
    assert Path(FOLDER, "lazy_attr.py").exists()
