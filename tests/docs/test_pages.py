"""The documents say what is so: links, tests, files, options, numbers and Python in them are there and work."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import matplotlib
import pytest

from docs import replication_report

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [README, ROOT / "CONTRIBUTING.md", *DOCS]
NAMED = r"`((?:src|workflow|figures|config|docs|profiles|benchmarks|reference|tests)/[^`\s<]*)`"
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@cache
def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```$|^    .*?$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What headings can be linked to as, by GitHub's rule."""
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_fits_a_screen() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    assert len(text.split()) <= 900


@pytest.mark.parametrize("page", [page for page in DOCS if page.stem != "index"])
def test_each_page_starts_with_what_it_answers(page: Path) -> None:
    title, first = re.findall(r"^(?:# .+|This page answers.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)[:2]
    assert title.startswith("# ")
    assert first.startswith("This page answers")


@every_page
def test_links_and_pictures_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path) if path else page
        assert linked.is_file(), target
        assert not anchor or anchor in anchors(linked), target


@pytest.mark.slow
@every_page
def test_files_and_tests_that_are_named_are_there(page: Path) -> None:
    for name in re.findall(NAMED, prose(page)):
        if page.stem == "results" and name.startswith("figures/"):
            continue  # in the folder of results
        path, _, test = name.partition("::")
        assert (ROOT / path).exists(), name
        if test:
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name


def test_every_public_formula_of_theory_has_a_test() -> None:
    sections = prose(ROOT / "docs" / "theory.md").split("\n## ")[1:]
    untested = [section.splitlines()[0] for section in sections if "::test_" not in section]
    assert not untested


def help_of(*command: str) -> str:
    return subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_every_command_and_option_is_described() -> None:
    usage = (ROOT / "docs" / "usage.md").read_text(encoding="utf-8")
    listed = re.search(r"^\| command \| what it does \| `--output` \|$(.*?)^$", usage, re.DOTALL | re.MULTILINE)
    assert listed
    commands = re.findall(r"^\| `([\w-]+)`", listed.group(1), re.MULTILINE)
    shown = help_of("normplace")
    assert len(commands) >= 10
    for command in commands:
        assert re.search(rf"^\s+{command}\s", shown, re.MULTILINE), command
        options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", help_of("normplace", command))) - {"--help"}
        assert options or command == "compare"  # which has none of its own
        assert not {option for option in options if f"`{option}" not in usage and f" {option}" not in usage}, command
    names = set(re.findall(r"^ {2,4}([a-z]+(?:-[a-z]+)*)(?: {2}|$)", shown, re.MULTILINE))
    assert set(commands) == names


def test_the_first_pages_numbers_are_the_references() -> None:
    headline = (ROOT / "reference" / "paper" / "tables" / "headline.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in headline.splitlines()]
    expected = {row[0].replace("no norm", "none before"): row[rows[0].index("MNIST")] for row in rows[2:]}
    table = re.findall(r"^\| (none|\w+Norm) \| (.+?) \|(.*?)\|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    shown = {f"{norm} before": before for norm, before, _ in table}
    shown |= {f"{norm} after": after.strip() for norm, _, after in table if after.strip()}
    assert shown == expected


def test_the_replication_report_is_that_of_the_references() -> None:
    assert replication_report.PAGE.read_text(encoding="utf-8") == replication_report.report()


def test_no_number_of_the_replication_report_is_written_by_hand() -> None:
    """But for those in names and the 95 % of intervals."""
    text = replication_report.TEMPLATE.read_text(encoding="utf-8").partition("## References")[0]
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|`[^`]*`", "", text, flags=re.DOTALL)
    names = r"95 %|arXiv \d+\.\d+|abs/\d+\.\d+|AISTATS 2026|Research 300, pages 181-189|ResNet-9|CIFAR-10|GPT-2"
    assert re.findall(r"\d[\d.,]*", re.sub(names, "", text)) == []


@pytest.mark.slow
def test_the_readmes_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    matplotlib.use("agg")
    (block,) = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    smaller = {
        '"mnist"': '"digits"',
        "points=1000": "points=100",
        "inits=1000": "inits=30",
        "inits=200": "inits=20",
        "784": "64",
    }
    for shown, run in smaller.items():
        assert shown in block
        block = block.replace(shown, run)
    names: dict[str, object] = {}
    exec(compile(block, str(README), "exec"), names)
    assert "gamma of the guesses" in capsys.readouterr().out  # the report, in words
    seen, theory = names["seen"], names["theory"]
    for name in ("gamma", "regime", "plot"):  # as the text below it says
        getattr(seen, name)()
    assert theory.gamma.shape == (20,)  # type: ignore[attr-defined]
    assert theory.density(0.5) > 0  # type: ignore[attr-defined]


def test_commits_are_checked_by_what_lint_runs() -> None:
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert recipe
    hooks = re.findall("entry: (.*?),", (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    linted = recipe.group(1).replace("\t", "").splitlines()
    assert [hook.removeprefix("env PYTHONPATH=workflow ") for hook in hooks] == linted


def test_every_target_of_make_is_described() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony
    text = (ROOT / "docs" / "usage.md").read_text(encoding="utf-8")
    described = {found.split()[0] for found in re.findall(r"^\| `make ([\w -]+)", text, re.MULTILINE)}
    assert described == set(phony.group(1).split())
    for page in PAGES:
        named = set(re.findall(r"(?:`|^    )make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= described, page
