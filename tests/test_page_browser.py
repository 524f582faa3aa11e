"""The page in a browser, from a file: it asks for nothing, breaks nothing, and can be used."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imbench.images.cache import prepare
from imbench.page.page import render_page
from imbench.records.cell import Cell, Settings
from imbench.records.record import Record, Scores
from imbench.stats.metrics import score_all

sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")

HOSTILE = '</script><script>window.hit = 1</script><img src=x onerror="window.hit = 2">\'\u4e2d'
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


def record(
    recipe: str, minority: int, seed: int, dataset: str, fingerprint: str = "", **fields: Any
) -> Record:
    settings = Settings(network="cnn", size=16, steps=200)
    cell = Cell(
        dataset=dataset,
        fingerprint=fingerprint or f"of {dataset}",
        recipe=recipe,
        minority=minority,
        seed=seed,
        settings=settings,
    )
    rng = np.random.default_rng([minority, seed, len(recipe)])
    labels = np.repeat([0, 1], [60, 40])
    share = np.clip(rng.normal(0.35 + 0.3 * labels, 0.2), 0.001, 0.999)
    proba = np.stack([1 - share, share], axis=1)
    body = {
        "status": "ok",
        "scores": Scores.of(labels, np.log(proba), proba),
        "metrics": score_all(labels, proba),
        "train_counts": [1000, minority],
        "test_counts": [60, 40],
        "cost": {"fit": 1.5 + minority + len(recipe)},
    }
    return Record(key=cell.key, cell=cell, **{**body, **fields}).sealed()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a page on disk: three methods, a hostile one, a failed cell."""
    digits = prepare("digits", root=Path("nowhere"), size=16).fingerprint
    records = [
        record(recipe, count, seed, dataset, fingerprint)
        for dataset, fingerprint in (("digits", digits), (HOSTILE, ""))
        for recipe in ("vanilla", "cs", "us", HOSTILE)
        for count in (10, 50)
        for seed in range(6)
    ]
    records.append(
        record(
            "os",
            10,
            0,
            "digits",
            digits,
            status="failed",
            reason=f"out of luck {HOSTILE}",
            metrics={},
            scores=None,
        )
    )
    path = tmp_path_factory.mktemp("page") / "page.html"
    text = render_page(records, metrics=["f1", "log_loss"], images=2, data=Path("nowhere"))
    path.write_text(text, "utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync.sync_playwright() as started:
        made = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=180_000
        )
        yield made
        made.close()


class Watched:
    """A tab that keeps what a page must never do: errors, and requests that leave it."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.tab = self.context.new_page()
        self.tab.set_default_timeout(180_000)
        self.faults: list[str] = []
        self.tab.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.tab.on(
            "console",
            lambda said: (
                self.faults.append(said.text) if said.type in ("error", "warning") else None
            ),
        )
        self.tab.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith(("data:", address.partition("#")[0]))
                else self.faults.append(f"request: {asked.url}")
            ),
        )
        self.tab.goto(address)


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Any]:
    """Return an opener of the page, which must stay without faults and without a hit."""
    made: list[Watched] = []

    def open_page(fragment: str = "", **options: Any) -> Any:
        made.append(Watched(browser, address + fragment, **{"viewport": DESK, **options}))
        return made[-1].tab

    yield open_page
    for one in made:
        assert one.faults == []
        assert one.tab.evaluate("window.hit") is None
        one.context.close()


def column(tab: Any, number: int) -> list[float]:
    """Return the numbers of a column of the first table."""
    cells = tab.locator(".block:not([hidden]) tbody").first.locator(f"tr td:nth-child({number})")
    return [float(text.split()[0]) for text in cells.all_inner_texts() if text[:1].isdigit()]


def test_heads_sort_and_say_so(opened):
    tab = opened()
    head = tab.locator("#tables .block:not([hidden]) thead th[aria-sort]").nth(1)
    before = column(tab, 2)
    for wanted, order in (
        ("descending", sorted(before, reverse=True)),
        ("ascending", sorted(before)),
        ("none", before),
    ):
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == wanted
        assert column(tab, 2) == order
    assert len(set(before)) > 1


def test_fields_filter_tables_and_plots(opened):
    tab = opened()
    rows = tab.locator("#tables tr[data-method]:visible")
    dots = tab.locator("#score-plots path.dot")
    assert (rows.count(), dots.count()) == (9, 16)
    tab.get_by_label("Methods", exact=True).fill("us")
    assert (rows.count(), dots.count()) == (2, 4)
    assert tab.locator("#shown").inner_text() == "1 of 5 methods"
    tab.get_by_label("Methods", exact=True).fill("")
    tab.locator("#group").select_option(label="digits")
    assert (rows.count(), tab.locator("#score-plots figure").count()) == (5, 1)
    tab.locator("#metric").select_option(label="log-loss")
    assert tab.locator("#tables h3:visible").all_inner_texts() == ["digits: log-loss"]
    assert "log-loss (lower is better)" in tab.locator("#score-plots").inner_text()


def test_a_picked_method_gets_its_band(opened):
    tab = opened()
    tab.get_by_role("button", name="select none").click()
    assert tab.locator("#score-plots .band").count() == 0
    button = tab.get_by_role("button", name="CS", exact=True)
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert tab.locator("#score-plots .band").count() == 2
    colours = {
        tab.locator(place).first.evaluate("one => getComputedStyle(one).color")
        for place in ("#score-plots g.m1", "#cost-plots g.m1", ".pick svg.m1")
    }
    assert colours == {"rgb(31, 95, 191)"}


def test_another_reference_turns_the_differences_around(opened):
    tab = opened()
    tab.locator("#group").select_option(label="digits")
    words = tab.locator("#difference-plots li")
    tab.locator("#reference").select_option(label="CS")
    first = words.first.text_content()
    assert "minority images: " in first
    assert "Vanilla" in first
    assert "CS" in first
    tab.locator("#reference").select_option(label="US")
    assert all("US" in text for text in words.all_text_contents())
    assert "US better" in tab.locator("#difference-plots svg").first.text_content()
    assert tab.locator("#difference-plots .bar").count() == 6  # three rivals at two counts


def test_an_entry_opens_its_cell_and_fields_choose_others(opened):
    tab = opened()
    tab.locator("#group").select_option(label="digits")
    tab.locator("#tables .block:not([hidden]) tr[data-method] a").nth(3).click()
    tab.wait_for_function("document.activeElement.id === 'cell-title'")
    title = tab.locator("#cell-body h3")
    assert title.inner_text() == "CS, 50 minority images, seed 0 \u2013 digits"
    assert tab.locator("#cell-body svg").count() == 3
    assert "1000 + 50" in tab.locator("#cell-body").inner_text()
    tab.locator("#cell-seed").select_option(label="4")
    tab.locator("#cell-count").select_option(label="10")
    assert title.inner_text() == "CS, 10 minority images, seed 4 \u2013 digits"
    tab.locator("#cell-line").select_option(label="OS")
    assert "failed: out of luck </script>" in tab.locator("#cell-body .warn").inner_text()
    address = tab.evaluate("location.hash")
    again = opened(address)
    assert again.locator("#cell-body h3").inner_text().startswith("OS, 10 minority images, seed 0")


def test_names_stay_texts_in_what_scripts_write(opened):
    tab = opened()
    tab.locator("#reference").select_option(label=HOSTILE)
    tab.get_by_label("Methods", exact=True).fill("<script>")
    assert HOSTILE in tab.locator("#cell-body h3").inner_text()
    assert tab.locator("script").count() == 2
    assert tab.locator("img[src=x]").count() == 0


def test_the_sheet_of_what_the_network_sees_is_drawn(opened):
    tab = opened()
    tab.get_by_role("link", name="Images", exact=True).click()
    sheet = tab.locator("#images")
    assert sheet.locator("img").count() == 2 * 4 * 2  # two of each class and split, twice
    drawn = "all => all.every(one => one.complete && one.naturalWidth > 0)"
    assert sheet.locator("img").evaluate_all(drawn)
    assert "No images: the data set is not on this machine." in sheet.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_without_scrolling_sideways(opened, scheme):
    tab = opened(viewport=PHONE, color_scheme=scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    texts = tab.locator("#score-plots svg text").first
    assert texts.bounding_box()["height"] > 11  # not shrunk with the plot
    paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 24, 29)"}[scheme]


def test_it_works_by_keyboard(opened):
    tab = opened()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    for _ in range(100):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.dataset.column") == "1":
            break
    outline = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    tab.keyboard.press("Enter")
    head = tab.evaluate("document.activeElement.closest('th').getAttribute('aria-sort')")
    assert head == "descending"
    reached = tab.evaluate(
        "[...document.querySelectorAll('a, button, input, select, summary')]"
        ".filter((one) => one.tabIndex < 0).length"
    )
    assert reached == 0


def test_print_leaves_out_what_a_hand_needs_and_opens_the_rest(opened):
    tab = opened(color_scheme="dark")
    tab.emulate_media(media="print")
    assert not tab.locator("#choose").is_visible()
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("details:not([open])").count() == 0
    tab.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert tab.locator("details:not([open])").count() > 0
