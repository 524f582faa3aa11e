"""Write the table of docs/methods.md from the pages in docs/methods: one a part, in their order.

``python docs/index_methods.py`` writes it; a test says when that is due.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

DOCS = Path(__file__).resolve().parent
INDEX, PAGES = DOCS / "methods.md", DOCS / "methods"
FIELDS = ("Changes", "Cost", "Source")
BEGIN, END = (
    "<!-- pages: python docs/index_methods.py writes this table -->",
    "<!-- end of pages -->",
)


def parts() -> list[str]:
    """Return the names of all registered parts, in the order of pyproject.toml."""
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))["project"]
    return list(project["entry-points"]["imbench.methods"])


def line(name: str) -> str:
    """Return the line of a part in the table, from the head of its page."""
    text = (PAGES / f"{name}.md").read_text("utf-8")
    title = re.match(r"# .+: `(.+)`\n", text)
    if title is None:
        raise ValueError(f"{name}.md: its first line is not of the form '# What it is: `{name}`'")
    cells = [f"[`{title[1]}`](methods/{name}.md)"]
    for field in FIELDS:
        found = re.search(rf"^- {field}: (.+)$", text, re.M)
        if found is None:
            raise ValueError(f"{name}.md has no line '- {field}: ...'")
        cells.append(re.sub(r"\]\((?=[a-z-]+\.md)", "](methods/", found[1]))
    return f"| {' | '.join(cells)} |"


def table() -> str:
    """Return the table, between the marks."""
    lines = ["| recipe | changes | cost | source |", "|---|---|---|---|", *map(line, parts())]
    return "\n".join([BEGIN, *lines, END])


def written(text: str) -> str:
    """Return a text with the table in place of what stands between the marks."""
    before, _, rest = text.partition(BEGIN)
    return before + table() + rest.partition(END)[2]


if __name__ == "__main__":
    INDEX.write_text(written(INDEX.read_text("utf-8")), "utf-8")
