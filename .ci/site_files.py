"""Hooks of MkDocs: pages outside docs/, links to them, and the sources of the reference."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = {"CONTRIBUTING.md": "CONTRIBUTING.md", "benchmarks/README.md": "benchmarks.md"}
"""Files of the repository that pages link to, and what they are called on the site."""
NAMES = "python.md"
"""The page whose table says what each public name is for."""
SOURCES = TemporaryDirectory()
"""Holds the sources under the name that they are imported by; it goes when the build ends."""


@event_priority(100)  # Before mkdocstrings reads where the sources are.
def on_config(config: Any) -> Any:
    """Let the reference find the sources, and leave out the page that only a server shows."""
    link = Path(SOURCES.name, "imbench")
    if not link.exists():
        link.symlink_to(ROOT / "benchmark", target_is_directory=True)
    config.plugins["mkdocstrings"].config.handlers["python"]["paths"] = [SOURCES.name]
    config.theme.static_templates.discard("404.html")  # its links begin at a server's root
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie outside docs/."""
    for path, name in OUTSIDE.items():
        text = (ROOT / path).read_text("utf-8")
        text = text.replace("](../docs/", "](").replace("](docs/", "](")
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_given: Any) -> str:
    """Let links lead to the pages under their names on the site, and names to the reference."""
    for path, name in OUTSIDE.items():
        markdown = markdown.replace(f"](../{path}", f"]({name}")
    return linked(markdown) if page.file.src_uri == NAMES else markdown


def linked(markdown: str) -> str:
    """Return a page with links to the reference in the first column of its tables."""

    def with_links(row: re.Match[str]) -> str:
        return re.sub(r"`(\w+)`", r"[`\1`][imbench.\1]", row[0])

    return re.sub(r"^\| `[^|]*\|", with_links, markdown, flags=re.M)
