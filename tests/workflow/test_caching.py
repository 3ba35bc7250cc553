"""Cached outputs: computed once for all checkouts, again when anything they depend on changes, never served damaged."""

import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from snakemake import cli

from study import cache as output_cache
from study import data, one_run
from tests.checkout import ROOT, TINY, TINY_TARGETS, environment, hashes, snakemake, tiny_checkout

DATA, SAMPLE, THEORY, TRAIN, CURVES = (
    {f"results/tiny/{name}" for name in names}
    for names in (
        ["data/gaussian/init-all.npz"],
        ["init/placements/gaussian/batch-after.npz"],
        ["theory/placements/gaussian/batch-after.csv"],
        [f"training/start_matters/{start}/runs-0-0/none.csv" for start in ("neutral", "prejudiced")],
        ["tidy/start_matters/curves.csv"],
    )
)
ALL = DATA | SAMPLE | THEORY | TRAIN | CURVES


def make(folder: Path, *arguments: str, more: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    found = snakemake(folder, *arguments, config=[*TINY, *more])
    assert found.returncode == 0, found.stdout + found.stderr
    return found


def computed(run: subprocess.CompletedProcess[str]) -> set[str]:
    """The first outputs of the jobs that did not find them in the cache."""
    stored = re.findall(r"Moving output file (\S+) to cache", run.stdout + run.stderr)
    return {output for output in stored if output in ALL}


def would_compute(folder: Path, *arguments: str, more: Sequence[str] = ()) -> set[str]:
    """The first outputs of the jobs that a run would do although there is a cache."""
    text = make(folder, "--dry-run", *arguments, more=more)
    return set(re.findall(r"Output file (\S+) will be written to", text.stdout + text.stderr))


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """In which tests of other files have left nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(output_cache.VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which the targets have been computed."""
    folder = tiny_checkout(tmp_path_factory.mktemp("first"))
    assert computed(make(folder, *TINY_TARGETS)) == ALL
    return folder


@pytest.fixture(scope="module")
def second(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another checkout, in which nothing has been made."""
    return tiny_checkout(tmp_path_factory.mktemp("second"))


def test_deleting_results_and_running_again_computes_nothing(finished: Path) -> None:
    before = hashes(finished)
    shutil.rmtree(finished / "results")
    assert computed(make(finished, *TINY_TARGETS)) == set()
    assert hashes(finished) == before


def test_two_checkouts_share(finished: Path, tmp_path: Path) -> None:
    other = tiny_checkout(tmp_path)
    assert computed(make(other, *TINY_TARGETS)) == set()
    assert hashes(other) == hashes(finished)


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("README.md", set()),
        ("figures/start_matters.py", set()),
        ("src/normplace/sampling/mlps.py", SAMPLE),
        ("src/normplace/theories/kernel.py", THEORY),
        ("src/normplace/training/checkpoints.py", TRAIN | CURVES),
        ("src/normplace/tables/learning_curves.py", CURVES),
        ("src/normplace/data/on_disk.py", ALL),
        ("requirements.lock", ALL),
    ],
)
def test_a_changed_line_redoes_exactly_its_stage_and_what_follows(second: Path, changed: str, again: set[str]) -> None:
    before = (second / changed).read_text()
    (second / changed).write_text(before + "# one more line\n")
    try:
        assert would_compute(second, *TINY_TARGETS) == again
    finally:
        (second / changed).write_text(before)


def test_another_seed_redoes_what_is_drawn_with_it(second: Path) -> None:
    assert would_compute(second, *TINY_TARGETS, "--config", "seed=1") == SAMPLE | TRAIN | CURVES


def test_another_wildcard_is_another_entry(second: Path) -> None:
    others = {target.replace("gaussian", "digits") for target in SAMPLE | THEORY}
    assert would_compute(second, *others) == others | {"results/tiny/data/digits/init-all.npz"}


def test_more_runs_are_added(second: Path) -> None:
    (second / "config" / "more.yaml").write_text("start_matters: {runs: 2}\ntraining: {runs_a_job: 1}\n")
    added = {target.replace("runs-0-0", "runs-1-1") for target in TRAIN}
    assert would_compute(second, *TINY_TARGETS, more=["config/more.yaml"]) == added | CURVES


def test_cells_together_make_the_files_of_each_alone(finished: Path, tmp_path: Path) -> None:
    alone = tiny_checkout(tmp_path)
    (alone / "config" / "alone.yaml").write_text("cells_together: false\n")
    cells = ("none", "layer-before", "batch-after")
    targets = [target.replace("none", cell) for target in TINY_TARGETS[:2] for cell in cells]
    made = make(alone, *targets, TINY_TARGETS[2], more=["config/alone.yaml"])
    assert len(re.findall(r"^Job \d+: sampling networks: .*cell=", made.stdout + made.stderr, re.MULTILINE)) == 3
    expected = hashes(finished)
    found = {name: sha256 for name, sha256 in hashes(alone).items() if not name.endswith(".sha256")}
    assert len(found) == 2 + 3 + 6 + 4 + 4  # data, samples, theories, trainings, tables
    assert found == {name: expected[name] for name in found}


def test_no_cached_rule_has_a_wildcard_that_its_key_has_not() -> None:
    """Snakemake's key has the command as it is written, with {wildcards...} in it, and the values of params."""
    texts = [path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk")]
    rules = [rule for text in texts for rule in re.split(r"^(?= *(?:use )?rule\b)", text, flags=re.MULTILINE)[1:]]
    cached = [rule for rule in rules if "cache: True" in rule]
    assert len(cached) >= 8
    for rule in cached:
        last = r'sums=".*\.sha256",\n *log:|output:\n +(?:plan.tidy\(|cells.output|files.output)'
        assert re.search(last, rule), "sums come last"
        if "use rule" not in rule:  # others use one of these
            command = re.findall(r"shell:\n((?: +.*\n)+)", rule)[0].strip()
            assert "wildcards" not in command
            assert command.startswith("kept(")
            assert "made_by=made_by(" in rule
            # Nor does it have the names of the inputs, only which jobs made them.
            assert re.search(r"points=plan\.|inputs=plan\.", rule) or re.search("normplace (data|phase)", command)


def test_a_changed_stage_is_computed_and_not_taken_from_the_cache(finished: Path, tmp_path: Path) -> None:
    other = tiny_checkout(tmp_path)
    source = other / "src" / "normplace" / "sampling" / "mlps.py"
    source.write_text(source.read_text() + "# one more line\n")
    assert computed(make(other, *TINY_TARGETS)) == SAMPLE
    assert hashes(other) == hashes(finished)


def test_damaged_entries_are_computed_again_and_not_served(finished: Path, tmp_path: Path) -> None:
    before = hashes(finished)
    sample, rows = (finished / name for name in (TINY_TARGETS[0], min(TRAIN)))
    for file in (sample, rows):
        assert not file.resolve().stat().st_mode & 0o222, "cached outputs are read-only"
        file.resolve().chmod(0o644)
    content = bytearray(sample.read_bytes())
    content[len(content) // 2] ^= 1
    sample.write_bytes(content)  # through the link, into the cache
    rows.write_bytes(rows.read_bytes()[:-10])
    other = tiny_checkout(tmp_path)
    found = make(other, *TINY_TARGETS)
    assert computed(found) == SAMPLE | {min(TRAIN)}, "all cells of the damaged one's group, and nothing else"
    assert found.stderr.count("was damaged") == 2
    made = hashes(other)
    assert made == {name: before[name] for name in made}
    make(finished, *TINY_TARGETS)
    assert hashes(finished) == before


def state(*folders: Path) -> dict[str, tuple[int, int, bytes]]:
    """Time, mode and contents of all that is there, links as links."""
    found = {}
    for path in (path for folder in folders for path in [folder, *folder.rglob("*")]):
        if path.is_symlink() or path.exists():
            contents = str(path.readlink()).encode() if path.is_symlink() else b""
            if path.is_file() and not path.is_symlink():
                contents = path.read_bytes()
            found[str(path)] = (path.lstat().st_mtime_ns, path.lstat().st_mode, contents)
    return found


def test_a_look_changes_nothing(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a damaged entry, a link to one that is gone, a date ahead of the clock, and then no cache at all."""
    cache, folder = tmp_path / "cache", tiny_checkout(tmp_path / "checkout")
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(cache))
    sample, theory = TINY_TARGETS[:2]
    make(folder, sample, theory)
    before = hashes(folder)
    (folder / sample).resolve().chmod(0o644)
    (folder / sample).resolve().write_bytes(b"damaged")
    (folder / theory).resolve().unlink()
    os.utime(folder / "claims.yaml", (2**32, 2**32))
    (folder / ".snakemake" / "normplace.lock").unlink()
    watched = (cache, folder / "results", folder / "claims.yaml", folder / ".snakemake" / "normplace.lock")
    left = state(*watched)
    for option in ("-nq", "--rulegraph", "--summary", "--list-rules", "--unlock", "--report=report.html"):
        looked = snakemake(folder, option, config=[*TINY, "--", sample, theory])
        assert looked.returncode == 0, looked.stderr
        assert looked.stderr.count("is damaged: a run makes it again") == 1
        assert "a run removes" in looked.stderr
        assert state(*watched) == left, option
    found = make(folder, sample, theory)
    assert found.stderr.count("was damaged: deleted") == 1
    assert hashes(folder) == before
    cache.rename(tmp_path / "away")
    left = state(*watched)
    looked = snakemake(folder, "--dry-run", config=[*TINY, "--", sample])
    assert "Traceback" not in looked.stderr
    assert "lead to cached outputs that are gone" in looked.stderr
    assert state(*watched) == left


def test_all_options_with_which_snakemake_runs_nothing_are_known() -> None:
    """By its own code: what it asks before it runs the workflow."""
    asked = inspect.getsource(cli.args_to_api).split("if args.lint:")[1].split("execute_workflow(")[0]
    options = set(re.findall(r"if args\.(\w+)\b", asked)) | {"dryrun", "lint", "report", "reporter"}
    assert len(options) > 20
    assert options - {"touch", "preemptible_rules"} == set(one_run.LOOKING)


def test_two_runs_at_once_with_one_cache(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(cache))
    both = [tiny_checkout(tmp_path / name) for name in ("one", "two")]
    command = ["snakemake", TINY_TARGETS[0], TINY_TARGETS[1], "--cores", "1", "--configfile", *TINY]
    running = [
        subprocess.Popen(command, cwd=folder, env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for folder in both
    ]
    for process in running:
        said, _ = process.communicate()
        assert process.returncode == 0, said.decode()
    expected = hashes(finished)
    for folder in both:
        made = hashes(folder)
        assert len(made) == 3 + (7 + 1) + (14 + 1)  # data, samples and theories of seven cells, with their sums
        assert made == {name: expected[name] for name in made}
    output_cache.check(cache)
    assert capsys.readouterr().err == ""
    assert not list(cache.glob("tmp*"))


@pytest.fixture
def entry(tmp_path: Path) -> dict[str, Path]:
    """A cached output of two files with its sums, another one, and a file that is none."""
    for key in ("a" * 64, "b" * 64):
        for name in ("_rows.csv", "_config.json"):
            (tmp_path / f"{key}{name}").write_text(f"{key}{name}")
        subprocess.run(
            [
                sys.executable,
                "-m",
                "study.cache",
                *sorted(tmp_path.glob(f"{key}*")),
                tmp_path / f"{key}_sums.sha256",
            ],
            cwd=ROOT,
            check=True,
        )
    (tmp_path / "notes.txt").write_text("of the user")
    return {name: tmp_path / f"{'a' * 64}_{name}" for name in ("rows.csv", "config.json", "sums.sha256")}


@pytest.mark.parametrize("file", ["rows.csv", "config.json", "sums.sha256"])
@pytest.mark.parametrize(
    "damage", ["flipped", "truncated", "emptied", "of another entry", "of its own entry", "binary"]
)
def test_every_damage_is_noticed(entry: dict[str, Path], file: str, damage: str, tmp_path: Path) -> None:
    content = entry[file].read_bytes()
    entry[file].write_bytes(
        {
            "flipped": bytes([content[0] ^ 1]) + content[1:],
            "truncated": content[: len(content) // 2],
            "emptied": b"",
            "of another entry": (tmp_path / entry[file].name.replace("a" * 64, "b" * 64)).read_bytes(),
            "of its own entry": entry["rows.csv" if file == "config.json" else "config.json"].read_bytes(),
            "binary": bytes(range(256)),
        }[damage]
    )
    output_cache.check(tmp_path)
    left = {path.name[0] for path in tmp_path.iterdir()}
    assert left == {"b", "n"}, "the damaged entry is gone, the others and what is none are not"


def test_what_is_intact_or_being_written_stays(entry: dict[str, Path], tmp_path: Path) -> None:
    entry["sums.sha256"].unlink()  # the last file of an entry to be stored
    entry["config.json"].write_text("half of")
    before = sorted(tmp_path.iterdir())
    output_cache.check(tmp_path)
    assert sorted(tmp_path.iterdir()) == before


def test_checkpoints_of_a_killed_run_stay_and_half_written_files_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint, half = Path("results/.none.csv.unfinished/run-0000.pt"), Path("results/.none.npz.x1.unfinished")
    checkpoint.parent.mkdir(parents=True)
    for file in (checkpoint, half):
        file.write_text("x")
    output_cache.clean(tmp_path / "cache", "results")
    assert checkpoint.exists()
    assert not half.exists()


def test_the_folder_is_the_users_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(output_cache.VARIABLE, "shared/here")
    assert output_cache.prepare() == tmp_path / "shared" / "here"
    assert (tmp_path / "shared" / "here").is_dir()
    monkeypatch.delenv(output_cache.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "of_user"))
    assert output_cache.prepare() == tmp_path / "of_user" / "normplace"
    assert os.environ[output_cache.VARIABLE] == str(tmp_path / "of_user" / "normplace")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(output_cache.VARIABLE, "file")
    with pytest.raises(SystemExit, match=r"SNAKEMAKE_OUTPUT_CACHE: .*/file cannot be made"):
        output_cache.prepare()


def test_a_folder_that_cannot_be_seen_is_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As below one that may not be entered, which root may: an error by another name."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ("long" * 100)))
    assert output_cache.of_user() == ROOT / ".cache"
    monkeypatch.setenv(output_cache.VARIABLE, str(tmp_path / ("long" * 100)))
    with pytest.raises(SystemExit, match=r"SNAKEMAKE_OUTPUT_CACHE: .* cannot be made or written to"):
        output_cache.prepare()


def test_an_altered_image_folder_is_another_source(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_ROOT", str(tmp_path))
    found = data.found.__wrapped__
    assert found("gaussian") == "built in"
    assert found("mnist") == "none"
    image_folder.rename(tmp_path / "mnist")
    before = found("mnist")
    assert before.startswith("image folder ")
    assert found("mnist") == before
    image = tmp_path / "mnist" / "train" / "ant" / "0.png"
    image.write_bytes(image.read_bytes())  # the time alone
    (tmp_path / "mnist" / "train" / ".DS_Store").write_bytes(b"x")
    assert found("mnist") == before
    image.write_bytes(image.read_bytes() + b"x")
    assert found("mnist") != before
    monkeypatch.setenv(data.FOUND, '{"mnist": "as the run found it"}')
    assert found("mnist") == "as the run found it"
