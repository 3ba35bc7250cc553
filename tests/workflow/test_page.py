"""The page of a run in a real browser: what it shows, that it sorts and filters, and that everyone can use it."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from study import page
from study.answer import answer

AXE = os.environ.get("NORMPLACE_AXE")  # axe.min.js of the npm package axe-core
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Started in a container as root, and never to look for anything in the network.
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
WIDE, PHONE = {"width": 1400, "height": 900}, {"width": 390, "height": 844}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on this machine: install it to see the page of a run tested"
    ),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def results(finished: Path) -> Path:
    return finished / "results" / "smoke"


@pytest.fixture
def shown(browser: Browser, results: Path) -> Iterator[Page]:
    """The page, of which nothing may go wrong or come from elsewhere."""
    opened = browser.new_page(viewport=WIDE)
    wrong: list[str] = []
    opened.on("console", lambda message: wrong.append(message.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on(
        "request", lambda request: None if request.url.startswith(("file:", "data:")) else wrong.append(request.url)
    )
    opened.goto((results / "index.html").as_uri())
    yield opened
    opened.close()
    assert not wrong


def texts(shown: Page, selector: str) -> list[str]:
    return [text.strip() for text in shown.locator(selector).all_inner_texts()]


def test_all_pictures_load_and_say_what_they_show(shown: Page) -> None:
    pictures = shown.locator("img")
    assert pictures.count() == len(page.FIGURES)
    for picture in pictures.all():
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 500
        alternative = picture.get_attribute("alt")
        assert alternative
        assert "n = " in alternative or "networks" in alternative, alternative


def test_every_link_leads_somewhere(shown: Page, results: Path) -> None:
    links = {link.get_attribute("href") or "" for link in shown.locator("a").all()}
    elsewhere = {link for link in links if urlsplit(link).scheme}
    assert elsewhere == {"https://arxiv.org/abs/2505.11312"}
    for link in links - elsewhere:
        parts = urlsplit(link)
        if parts.path:
            assert (results / unquote(parts.path)).is_file(), link
        if parts.fragment:
            assert shown.locator(f"[id='{parts.fragment}']").count() == 1, link
    names = {link.partition("/")[2] for link in links}
    assert {f"{figure}.pdf" for figure in page.FIGURES} | {f"{table}.csv" for table in page.TABLES} <= names


def test_the_answer_has_the_numbers_of_the_tables(shown: Page, results: Path) -> None:
    found = answer(results)
    assert texts(shown, ".answer") == found.sentences()
    regimes = pd.read_csv(results / "tidy" / "placements" / "regimes.csv", keep_default_na=False)
    seen = regimes[regimes["dataset"] == "mnist"].set_index(["norm", "placement"])["regime_seen"]
    first, moved = found.sentences()[:2]
    after = re.search(
        r"(neutral|deeply prejudiced|(?<!deeply )prejudiced|undecided) with [^;]*after the activation", first
    )
    assert after
    assert all(regime in first for regime in set(seen))
    assert ("LayerNorm (" in moved) == (seen["layer", "before"] != seen["layer", "after"])
    gamma = pd.read_csv(results / "tidy" / "placements" / "gamma.csv", keep_default_na=False)
    last = gamma[(gamma["dataset"] == "mnist") & (gamma["depth"] == gamma["depth"].max())]
    assert f"{last['inits'].iloc[0]:,} networks of {last['depth'].iloc[0]} hidden layers" in found.sentences()[0]
    claims = json.loads((results / "tables" / "claims.json").read_text(encoding="utf-8"))
    failing = sum(claim["verdict"].startswith("fails") for claim in claims)
    assert f"Of {len(claims)} claims" in found.sentences()[2]
    assert f"{failing} fail" in found.sentences()[2] or not failing


@pytest.mark.parametrize("stand_in", [True, False])
def test_stand_ins_are_said_first_and_loudly(browser: Browser, results: Path, tmp_path: Path, stand_in: bool) -> None:
    copy = tmp_path / "smoke"
    shutil.copytree(results, copy)
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    for points in manifest["inputs"].values():
        points["stand_in"] = stand_in and points["source"] != "generated"
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (copy / "index.html").write_text(page.page(copy), encoding="utf-8")
    opened = browser.new_page(viewport=WIDE)
    opened.goto((copy / "index.html").as_uri())
    banner = opened.locator("header .data")
    assert banner.evaluate("element => element.getBoundingClientRect().bottom") < WIDE["height"]
    assert ("warning" in (banner.get_attribute("class") or "")) == stand_in
    assert ("These are not the real data" in banner.inner_text()) == stand_in
    opened.close()


def test_claims_sort_by_the_numbers_in_them(shown: Page) -> None:
    shown.locator("#claims-table").get_by_role("button", name="measured [95 %]", exact=True).click()
    found = shown.locator("#claims-table tbody td[data-column='measured [95 %]']")
    numbers = [cell.get_attribute("data-sort") for cell in found.all()]
    given = [float(number) for number in numbers if number]
    assert given == sorted(given)
    assert numbers[: len(given)] == [number for number in numbers if number]  # what is missing comes last


def test_a_phone_sorts_by_choosing_a_column(shown: Page) -> None:
    shown.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert not shown.locator("#claims-table th button").first.is_visible()
    sorting = shown.locator("section", has=shown.locator("#claims")).locator(".sorting select")
    sorting.select_option(label="checks")
    checks = [int(text.removeprefix("checks: ")) for text in texts(shown, "#claims-table td[data-column='checks']")]
    assert checks == sorted(checks)
    shown.set_viewport_size(WIDE)  # type: ignore[arg-type]
    assert not sorting.is_visible()


def test_claims_sort_filter_and_show_their_rules(shown: Page) -> None:
    column = "#claims-table tbody td[data-column='n']"
    before = [int(text) for text in texts(shown, column)]
    heading = shown.locator("#claims-table").get_by_role("button", name="n", exact=True)
    heading.press("Enter")  # by keyboard
    assert [int(text) for text in texts(shown, column)] == sorted(before)
    assert heading.locator("..").get_attribute("aria-sort") == "ascending"
    heading.click()
    assert [int(text) for text in texts(shown, column)] == sorted(before, reverse=True)

    controls = shown.locator("section", has=shown.locator("#claims")).locator(".controls")
    visible = shown.locator("#claims-table tbody tr:visible")
    controls.locator("select").nth(1).select_option("paper")
    assert set(texts(shown, "#claims-table tbody tr:visible td[data-column='claimed by']")) == {"paper"}
    controls.locator("input").fill("layernorm neutral")
    assert 0 < visible.count() < len(before)
    assert controls.locator("output").inner_text() == f"{visible.count()} of {len(before)} rows"
    rule = visible.first.locator("details")
    assert not rule.locator("dl").is_visible()
    rule.locator("summary").press("Enter")
    assert rule.locator("dl").is_visible()


@pytest.mark.parametrize("table", ["milestones", "gamma"])
def test_tables_sort_by_numbers(shown: Page, table: str) -> None:
    folded = shown.locator(f"#table-{table}")
    folded.locator("summary").first.click()
    heading = folded.get_by_role("button", name="depth", exact=True)
    heading.click()
    depths = [int(text) for text in texts(shown, f"#table-{table} td[data-column='depth']")]
    assert depths == sorted(depths)


def test_numbers_words_and_never_have_their_order(shown: Page) -> None:
    order = shown.evaluate(
        """() => {
          const cells = ["never", "-", "1,200", "-3e-2 [..]", "0.5 [0.4, 0.6]", "a", ".25"];
          const keys = cells.map((text) => [sortedBy({textContent: text, dataset: {}}), text]);
          return [1, -1].map((sign) =>
            keys.toSorted((one, other) => compare(one[0], other[0], sign)).map((pair) => pair[1]));
        }"""
    )
    rising = ["-3e-2 [..]", ".25", "0.5 [0.4, 0.6]", "1,200", "never", "a"]
    assert order == [[*rising, "-"], [*reversed(rising), "-"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_everyone_can_use_it(shown: Page, size: dict[str, int], scheme: str) -> None:
    shown.set_viewport_size(size)  # type: ignore[arg-type]
    shown.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    shown.evaluate("document.querySelectorAll('details').forEach((details) => details.open = true)")
    assert shown.evaluate("document.documentElement.scrollWidth") <= size["width"]
    background = shown.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    if AXE is None:
        pytest.skip("NORMPLACE_AXE does not name axe.min.js of the npm package axe-core")
    shown.evaluate(Path(AXE).read_text(encoding="utf-8"))
    violations = shown.evaluate("axe.run().then((results) => results.violations)")
    assert [(found["impact"], found["id"]) for found in violations if found["impact"] in ("serious", "critical")] == []


def test_it_can_be_read_without_scripts(browser: Browser, results: Path) -> None:
    opened = browser.new_context(java_script_enabled=False).new_page()
    opened.goto((results / "index.html").as_uri())
    assert not opened.locator(".controls").first.is_visible()
    assert opened.locator("#claims-table tbody tr").first.is_visible()
    opened.context.close()


def test_it_prints(shown: Page) -> None:
    """As a table, not as a phone's cards, with tables unfolded, which are folded again after it."""
    pages = shown.pdf(format="A4").count(b"/Type /Page\n")
    assert 5 < pages < 40  # at the quick scale some ten more
    shown.evaluate("dispatchEvent(new Event('beforeprint'))")
    folded = shown.locator("details.printed")
    assert folded.count() == len(page.TABLES)
    assert all(details.evaluate("details => details.open") for details in folded.all())
    shown.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not any(details.evaluate("details => details.open") for details in folded.all())
