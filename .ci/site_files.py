"""Hooks of MkDocs: pages of the site that lie outside docs/, and links to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = {"CONTRIBUTING.md": "CONTRIBUTING.md", "benchmarks/README.md": "benchmarks.md"}
"""Files of the repository that pages link to, and what they are called on the site."""


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie outside docs/."""
    for path, name in OUTSIDE.items():
        text = (ROOT / path).read_text("utf-8")
        text = text.replace("](../docs/", "](").replace("](docs/", "](")
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, **_given: Any) -> str:
    """Let links lead to the pages under their names on the site."""
    for path, name in OUTSIDE.items():
        markdown = markdown.replace(f"](../{path}", f"]({name}")
    return markdown
