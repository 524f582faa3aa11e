"""The documentation as a site: every name and page is in it, and what is broken ends the build."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import imbench

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
BOARD = DOCS / "board" / "index.html"
BUILT_OF = ("benchmark", "benchmarks", "docs", ".ci", "CONTRIBUTING.md", "mkdocs.yml")
LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}
"""Elements whose address a browser asks for by itself, and the attribute that holds it."""

SCROLLED = """body => [...body.querySelectorAll("*")]
    .filter(node => !node.closest("pre") && getComputedStyle(node).overflowX != "visible"
        && node.clientWidth > 0 && node.scrollWidth > node.clientWidth + 1)
    .map(node => `${node.tagName} ${node.className}: ${node.scrollWidth} in ${node.clientWidth}`)"""
"""What but code has to be scrolled sideways to be read."""


def test_every_public_name_stands_in_the_reference_once():
    pages = [page.read_text("utf-8") for page in (DOCS / "reference").glob("*.md")]
    shown = [name for page in pages for name in re.findall(r"^::: (.*)$", page, re.M)]
    assert sorted(shown) == sorted(f"imbench.{name}" for name in imbench.__all__)


def test_every_page_is_in_the_menu_once():
    menu = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2]
    named = re.findall(r"^ +- ([\w/.-]+\.md)$", menu, re.M)
    pages = [*DOCS.glob("*.md"), *(DOCS / "reference").glob("*.md")]
    outside = ["CONTRIBUTING.md", "benchmarks.md"]
    assert sorted(named) == sorted([*(str(page.relative_to(DOCS)) for page in pages), *outside])


def test_tox_builds_the_site_by_itself_with_what_the_extra_docs_names():
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    assert "docs" in tox["tox"]["env_list"].split(", ")
    assert "--strict" in tox["testenv:docs"]["commands"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert tox["testenv:docs"]["deps"].split() == project["optional-dependencies"]["docs"]


def build(tree: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of a tree, strictly."""
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    pytest.importorskip("mkdocstrings", reason="the extra docs is not installed")
    command = [sys.executable, "-P", "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site."""
    folder = tmp_path_factory.mktemp("site") / "site"
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder


class Page(HTMLParser):
    """What a page of the site leads to, what it loads, and what others may lead to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: list[str] = []
        self.text: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.anchors += filter(None, (given.get("id"), given.get("name") if tag == "a" else None))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in LOADED and LOADED[tag] in given:
            self.loads.append(given[LOADED[tag]])

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        """The text with single spaces."""
        return " ".join("".join(self.text).split())


def dead_links(site: Path) -> list[str]:
    """Return the links between files of a site that lead to no file, or to no place in one."""
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html")}
    dead = []
    for path, page in pages.items():
        for link in (*page.links, *page.loads):
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "data"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            there = pages[target].anchors if target in pages else [""]
            if not target.is_file() or (place and place not in there):
                dead.append(f"{path.relative_to(site.resolve())}: {link}")
    return dead


def asked_for(site: Path) -> list[str]:
    """Return the addresses of other hosts that a site's pages and styles load."""
    loads = [load for path in site.rglob("*.html") for load in Page(path).loads]
    for style in site.rglob("*.css"):
        text = style.read_text("utf-8")
        loads += re.findall(r"(?:url\(|@import\s+)[\"']?([^\"')\s]+)", text)
    return [load for load in loads if re.match(r"(https?:)?//", load)]


def test_dead_links_and_other_hosts_are_found(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.html").write_text(
        "<p id=here><a href='#here'></a><a href='#gone'></a><a href='sub/b.html#there'></a>"
        "<a href='sub/b.html#no'></a><a href='c.html'></a><a href='https://example.org/'></a>"
        "<script src='https://example.org/a.js'></script><link rel=stylesheet href='sub/a.css'>"
    )
    (tmp_path / "sub" / "b.html").write_text("<h2 id=there></h2><img src='../no.png'>")
    (tmp_path / "sub" / "a.css").write_text("@import 'https://example.org/b.css'; a{b:url(c.png)}")
    assert sorted(dead_links(tmp_path)) == [
        "a.html: #gone",
        "a.html: c.html",
        "a.html: sub/b.html#no",
        "sub/b.html: ../no.png",
    ]
    assert asked_for(tmp_path) == ["https://example.org/a.js", "https://example.org/b.css"]


@pytest.mark.slow
def test_all_links_of_the_site_lead_somewhere_and_nothing_is_asked_of_another_host(site):
    assert len(list(site.rglob("*.html"))) > 60
    assert dead_links(site) == []
    assert asked_for(site) == []


@pytest.mark.slow
def test_the_reference_explains_every_name_once(site):
    pages = [Page(path) for path in (site / "reference").glob("*.html")]
    anchors = [anchor for page in pages for anchor in page.anchors]
    for name in imbench.__all__:
        assert anchors.count(f"imbench.{name}") == 1, name
    models = Page(site / "reference" / "models.html").words
    # Its docstring, a default of it, its example, and a method's: the name itself is lazy.
    assert "A classifier of images trained with remedies for class imbalance." in models
    assert re.search(r"default: *1000 *\)\W+Optimiser steps\.", models)
    assert '>>> method = Method("us+cs", network="linear", steps=20' in models
    assert "Return the probability of each class, shape (n, K)." in models
    # Names in docstrings and in the table of all names lead to where they are explained.
    assert "datasets.html#imbench.Dataset.overlaps" in Page(site / "reference/networks.html").links
    assert "reference/runs.html#imbench.run" in Page(site / "python.html").links


@pytest.mark.slow
def test_the_board_is_in_the_site(site):
    assert (site / "board" / "index.html").read_bytes() == BOARD.read_bytes()
    assert "board/index.html" in Page(site / "index.html").links
    assert "board/index.html" in Page(site / "board.html").links


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_reads_the_site_from_disk(site, width):
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium is installed")
    asked: list[str] = []
    faults: list[str] = []
    with sync.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("requestfailed", lambda request: faults.append(request.url))
        page.goto((site / "index.html").as_uri())
        page.click("[itemprop=articleBody] a[href='board/index.html']")
        assert page.title() == "imbench: the board"
        for path in (site / "python.html", *(site / "reference").glob("*.html")):
            page.goto(path.as_uri())
            assert page.locator("[itemprop=articleBody]").evaluate(SCROLLED) == [], path.name
        browser.close()
    assert asked
    assert {urlsplit(url).scheme for url in asked} == {"file"}
    assert faults == []


SEEDS, ERRORS = "benchmark/seeds.py", "benchmark/errors.py"
PARTS = "docs/reference/parts.md"
BROKEN = {
    "a function without a docstring": (
        SEEDS,
        '"""Return a seed for',
        '_ = """For',
        "torch_seed has no",
    ),
    "an attribute without one": (ERRORS, '"""What `bench`', '_ = """What', "exit_code of imbench"),
    "a name that leads nowhere": (SEEDS, "of a `stream`", "of `imbench.flow`", "'imbench.flow'"),
    "a parameter that is not there": (SEEDS, "purpose : str", "aim : str", "'aim' does not appear"),
    "a page of no name": (PARTS, "imbench.stream\n", "imbench.flow\n", "imbench.flow could not be"),
    "a page that is not there": ("docs/index.md", "(results.md)", "(result.md)", "'result.md'"),
}
"""What is broken, to the file, what stands there, what is put there, and what the build says."""


@pytest.mark.slow
@pytest.mark.parametrize(("file", "old", "new", "said"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_ends_the_build(tmp_path, file, old, new, said):
    tree = tmp_path / "tree"
    for name in BUILT_OF:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tree / name)
    text = (tree / file).read_text("utf-8")
    assert old in text
    (tree / file).write_text(text.replace(old, new), "utf-8")
    done = build(tree, tmp_path / "site")
    assert done.returncode != 0
    assert said in done.stderr
