"""Commands that write several files in one call: each is what a call of its own would write."""

import importlib
from pathlib import Path

import pytest
import torch

from tests.cli.test_cli import mistake, run

DIGITS = ["--dataset", "digits", "--points", 60, "--depth", 2]
TRAINED = ["--test-points", 20, "--lr", 1e-2, "--batch-size", 30, "--epochs", 2, "--runs", 2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "suffixes"),
    [
        (["sample", *DIGITS, "--inits", 20], [".npz"]),
        (["theory", *DIGITS, "--draws", 20], [".csv", ".npz"]),
        (["theory", "--depth", 3], [".csv"]),
        (["train", *DIGITS, *TRAINED], [".csv", ".json"]),
    ],
)
def test_cells_in_one_call_give_the_files_of_each_alone(
    command: list[object], suffixes: list[str], tmp_path: Path
) -> None:
    names = {"none": ("none", []), "layer-after": ("layer", ["--placement", "after"])}
    run(*command, "--cells", ",".join(names), "--output", tmp_path / "together")
    for name, (norm, placement) in names.items():
        draws = ["--draws-output", tmp_path / f"{name}.npz"] if "--draws" in command else []
        run(*command, "--norm", norm, *placement, *draws, "--output", tmp_path / f"{name}{suffixes[0]}")
        for suffix in suffixes:
            together = tmp_path / "together" / f"{name}{suffix}"
            assert together.read_bytes() == (tmp_path / f"{name}{suffix}").read_bytes()
    assert sorted(path.suffix for path in (tmp_path / "together").iterdir()) == sorted(2 * suffixes)


def test_a_finished_cell_outlives_a_kill_of_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["train", *DIGITS, *TRAINED, "--cells", "none,layer-after", "--output"]
    run(*command, tmp_path / "undisturbed")
    module = importlib.import_module("normplace.cli.train")
    real = module.write_training

    def killed_in_the_second(output: Path, *arguments: object) -> None:
        if output.name == "layer-after.csv":
            raise InterruptedError
        real(output, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_training", killed_in_the_second)
        with pytest.raises(SystemExit):
            run(*command, tmp_path / "killed")
    first = tmp_path / "killed" / "none.csv"
    first.unlink()  # as Snakemake does with what a job that failed has written
    checkpoints = sorted(first.with_name(".none.csv.unfinished").iterdir())
    assert [bool(torch.load(path, weights_only=True)["numbers"][3]) for path in checkpoints] == [True, True]
    run(*command, tmp_path / "killed")
    for path in (tmp_path / "undisturbed").iterdir():
        assert (tmp_path / "killed" / path.name).read_bytes() == path.read_bytes()
    assert not list((tmp_path / "killed").glob(".*"))


def test_mistakes_with_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["sample", *DIGITS, "--output", tmp_path / "x"]
    assert "Missing option '--norm'" in mistake(capsys, *command)
    assert "'batch' is not one of 'none', 'batch-before'" in mistake(capsys, *command, "--cells", "none,batch")
    assert "--norm none: --cells says it already" in mistake(capsys, *command, "--cells", "none", "--norm", "none")
    assert "--placement after: --cells" in mistake(capsys, *command, "--cells", "none", "--placement", "after")
    assert "'group-after' is not one of" in mistake(capsys, "theory", *command[1:], "--cells", "group-after")
    assert "a folder, of a file CELL.npz each" in mistake(capsys, *command[:-1], tmp_path / "x.npz", "--cells", "none")
    draws = ["--draws-output", tmp_path / "d.npz"]
    assert "--draws-output" in mistake(capsys, "theory", *command[1:], "--cells", "none", *draws)
    (tmp_path / "x").write_text("")
    assert "is not a directory" in mistake(capsys, *command, "--cells", "none")


def test_several_files_of_a_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["data", "--dataset", "digits", "--output"]
    run(*data, tmp_path / "both", "--file", "a.npz", "parity", 50, 0, "--file", "b.npz", "all", 40, 10)
    run(*data, tmp_path / "a.npz", "--classes", "parity", "--points", 50)
    run(*data, tmp_path / "b.npz", "--classes", "all", "--points", 40, "--test-points", 10)
    for name in ("a.npz", "b.npz"):
        assert (tmp_path / "both" / name).read_bytes() == (tmp_path / name).read_bytes()
    twice = ["--file", "a.npz", "parity", 50, 0] * 2
    assert "the same NAME" in mistake(capsys, *data, tmp_path / "c", *twice)
    for option in ("--points", "--test-points"):
        line = mistake(capsys, *data, tmp_path / "c", *twice[:5], option, 9)
        assert f"{option} 9: --file says it already" in line
    assert "1 is not in the range x>=2" in mistake(capsys, *data, tmp_path / "c", "--file", "a.npz", "parity", 1, 0)
