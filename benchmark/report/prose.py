"""Sections of text in a report, in every form: a title, the protocol, a list of sentences."""

from __future__ import annotations

from dataclasses import dataclass

from imbench.report.latex import escape
from imbench.report.text import escape_markdown, wrapped

__all__ = ["Prose", "prose_latex", "prose_markdown", "prose_terminal"]


@dataclass(frozen=True)
class Prose:
    """A title with a list of sentences.

    Attributes
    ----------
    title, above : str
        A heading, and a line below it; the latter may be empty.
    items : tuple of str
        Sentences, without the final full stop.
    """

    title: str
    above: str
    items: tuple[str, ...]


def prose_terminal(prose: Prose, width: int = 80) -> str:
    """Return lines of at most `width` columns."""
    head = [wrapped(prose.title, width), *([wrapped(prose.above, width)] if prose.above else [])]
    return "\n".join([*head, "", *(wrapped(f"- {item}", width) for item in prose.items)])


def prose_markdown(prose: Prose) -> str:
    """Return a heading and a list in GitHub's Markdown."""
    above = [f"{escape_markdown(prose.above)}\n"] if prose.above else []
    items = [f"- {escape_markdown(item)}" for item in prose.items]
    return "\n".join([f"### {escape_markdown(prose.title)}", "", *above, *items])


def prose_latex(prose: Prose) -> str:
    """Return a LaTeX paragraph and a list, with nothing beyond the article class."""
    above = [f"{escape(_capitalised(prose.above))}."] if prose.above else []
    items = [rf"\item {escape(_capitalised(item))}." for item in prose.items]
    return "\n".join(
        [
            rf"\paragraph{{{escape(prose.title)}.}}",
            *above,
            r"\begin{itemize}",
            *items,
            r"\end{itemize}",
            "",
        ]
    )


def _capitalised(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
