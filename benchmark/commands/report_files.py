"""What `bench report` writes to files: a text, the page, plots, the diagram of ranks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbench.commands.terminal import echo, echo_bytes, steps_on_stderr

if TYPE_CHECKING:
    from imbench.records.record import Record
    from imbench.report.table_set import TableSet

__all__ = ["STDOUT", "handed_over", "write_diagram", "write_page", "write_plots", "write_text"]

STDOUT = "-"


def write_text(target: str, text: str, size: str = "") -> None:
    """Write a text to a file, whole or not at all, and say so."""
    from imbench.files.atomic import write_output

    write_output(Path(target), text)
    echo(f"wrote {target}{size}", err=True)


def handed_over(records: list[Record]) -> Iterator[Record]:
    """Yield the records and keep none, so that they go when they are used no more."""
    records.reverse()
    while records:
        yield records.pop()


def write_page(records: Iterable[Record] | TableSet, target: str, **options: Any) -> None:
    """Write the page; `options` are those of `imbench.page.page.render_page`."""
    from imbench.page.page import render_page

    with steps_on_stderr() as step:
        text = render_page(records, step=step, **options)
    if target == STDOUT:
        # The page declares UTF-8, whatever the terminal's encoding is.
        echo_bytes(text.encode())
    else:
        write_text(target, text, f" ({len(text.encode()) / 1e6:.1f} MB)")


def write_plots(
    records: list[Record], folder: Path, folders: Sequence[Path], root: Path, **options: Any
) -> None:
    """Write the plots of records and of what `bench explain` left in their folders."""
    from imbench.page.explained_plots import explanation_figures
    from imbench.page.paper_plots import save_figures

    more = (
        pair
        for results in folders
        if results.is_dir()
        for pair in explanation_figures(records, results, root)
    )
    paths = save_figures(records, folder, **options, more=more)
    echo(f"wrote {len(paths)} files to {folder}", err=True)


def write_diagram(records: list[Record], path: Path, metrics: tuple[str, ...]) -> None:
    """Write the diagram of average ranks by one metric."""
    from imbench.errors import UsageError
    from imbench.page.diagram import save_diagram
    from imbench.report.sections import rank_metrics

    if len(metrics) > 1:
        raise UsageError("a diagram shows the ranks by one metric: name one with --metric")
    (ranks,) = rank_metrics(records, metrics)
    save_diagram(ranks, path)
    echo(f"wrote {path}", err=True)
