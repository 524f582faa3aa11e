"""Plots for a paper, as PDF, SVG and PNG: scores by count, paired differences, cost, ranks.

A method has the colour and marker that it has on the page, and the numbers are the page's. The
same records give the same bytes.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import NotComparable
from imbench.files.atomic import write_atomic
from imbench.files.slug import slug
from imbench.page.data import (
    class_counts,
    method_differences,
    methods_of,
    metric_rows,
    plain_groups,
    reference_method,
)
from imbench.page.styles import Style, style_of
from imbench.records.cell import Cell
from imbench.records.record import Record
from imbench.report.ranks import rank_by
from imbench.report.tables import Table, make_tables
from imbench.safe_text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FORMATS", "figure_bytes", "figures", "save_figures"]

FORMATS = ("pdf", "svg", "png")
DPI = 200
WIDTH = 7.0
"""Inches: the width of a page of text in two columns."""
COLUMNS = 5
"""Panels in a row."""
TICK_SIZE, TITLE_SIZE = 7, 8
"""Points: legible if the figure is printed at its size."""
MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "cross": "P"}
GREY = "0.82"


def save_figures(
    records: Iterable[Record],
    folder: Path,
    *,
    metrics: Sequence[str] = ("f1",),
    planned: Iterable[Cell] = (),
    more: Iterable[tuple[str, Figure]] = (),
) -> list[Path]:
    """Write every figure of the records in each of `FORMATS`; return the paths.

    `more` are names and figures to write as well.

    Raises
    ------
    NotComparable
        If there is no record.
    UsageError
        If a metric is unknown.
    EnvironmentFault
        If a file cannot be written.
    """
    paths = []
    drawn = figures(records, metrics=metrics, planned=planned)
    for name, figure in chain(drawn, more):
        # Once for all formats: the layout of fifteen panels takes seconds.
        with _missing_glyphs_ignored():
            figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for form in FORMATS:
            path = folder / f"{slug(name)}.{form}"
            write_atomic(path, figure_bytes(figure, form))
            paths.append(path)
    return paths


def figures(
    records: Iterable[Record],
    *,
    metrics: Sequence[str] = ("f1",),
    planned: Iterable[Cell] = (),
) -> Iterator[tuple[str, Figure]]:
    """Yield name and figure of each plot of the records."""
    tables = make_tables(records, metrics, planned=planned)
    if not tables:
        raise NotComparable("no records to draw: `bench run` makes some")
    from imbench.page.diagram import draw_diagram

    recipes = methods_of(tables)
    styles = [style_of(recipe) for recipe in recipes]
    compared = method_differences(tables, [reference_method(tables)])
    titles = _titles(tables, recipes)
    plain = plain_groups(tables)
    for index, table in enumerate(tables):
        group = plain[index // len(metrics)]
        (metric,) = metric_rows([table.metric], class_counts([table.group]))
        about = f"{group['name']}-{table.metric}"
        if any(entry for line in group["lines"] for entry in line["scores"][table.metric]):
            yield f"scores-{about}", _draw_scores(group, metric, styles)
        own = compared[index]
        if any("values" in cell for match in own for cell in match["cells"]):
            yield f"differences-{about}", _draw_differences(own, metric, styles, titles)
        if any(spent for line in group["lines"] for spent in line["seconds"]):
            yield f"cost-{about}", _draw_cost(group, metric, styles)
    for name in metrics:
        try:
            ranks = rank_by(tables, name)
        except NotComparable:
            continue
        yield f"ranks-{name}", draw_diagram(ranks)


def figure_bytes(figure: Figure, form: str) -> bytes:
    """Return a figure in one of `FORMATS`, without a date."""
    import matplotlib

    dates: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    buffer = io.BytesIO()
    # Publishers require fonts of type 42, whose text stays text.
    style: Any = {"pdf.fonttype": 42, "svg.hashsalt": "imbench"}
    with matplotlib.rc_context(style), _missing_glyphs_ignored():
        figure.savefig(buffer, format=form, dpi=DPI, metadata=dates.get(form))
    return buffer.getvalue()


@contextmanager
def _missing_glyphs_ignored() -> Iterator[None]:
    """Draw a box for each glyph that no font has, without a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def _titles(tables: Sequence[Table], recipes: Sequence[str]) -> list[str]:
    found = {line.recipe: line.title for table in tables for line in reversed(table.lines)}
    return [visible(found[recipe]).partition(" [")[0] for recipe in recipes]


def _draw_scores(group: dict[str, Any], metric: dict[str, Any], styles: Sequence[Style]) -> Figure:
    """Draw a panel for each method: its means with their intervals, all others in grey."""
    lines, counts = group["lines"], group["counts"]
    figure, panels = _grid(len(lines), 1.15)
    for index, (axes, line) in enumerate(zip(panels, lines, strict=True)):
        for other in lines:
            x, mean, *_ = _points(other, counts, metric["name"])
            axes.plot(x, mean, color=GREY, linewidth=0.6, zorder=1)
        style = styles[line["method"]]
        x, mean, low, high = _points(line, counts, metric["name"])
        known = np.isfinite(low)
        band = x[known], low[known], high[known]
        if known.sum() > 1:
            axes.fill_between(*band, color=style.light, alpha=0.2, linewidth=0, zorder=2)
        else:
            axes.vlines(*band, color=style.light, linewidth=0.8)
        axes.plot(
            x, mean, color=style.light, marker=MARKERS[style.marker], markersize=3, linewidth=1.3
        )
        if group["trivial"][metric["name"]] is not None:
            axes.axhline(group["trivial"][metric["name"]], color="0.5", linewidth=0.7, ls="--")
        axes.set_title(line["title"], fontsize=TITLE_SIZE, parse_math=False)
        axes.set_xticks(counts)
        if index % COLUMNS:
            axes.tick_params(labelleft=False)
    if None not in metric["range"]:
        panels[0].set_ylim(*metric["range"])
    _label_axes(figure, "minority training images", metric)
    return figure


def _points(line: dict[str, Any], counts: Sequence[int], metric: str) -> NDArray[np.float64]:
    """Return counts, means, lower and upper ends of a method, shape (4, counts with a score).

    The ends are NaN where there is no interval.
    """
    rows = [
        [count, *entry[:3]]
        for count, entry in zip(counts, line["scores"][metric], strict=True)
        if entry is not None
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, 4).T


def _draw_differences(
    own: Sequence[dict[str, Any]],
    metric: dict[str, Any],
    styles: Sequence[Style],
    titles: Sequence[str],
) -> Figure:
    """Draw a panel for each count: one method against each other method, seed by seed."""
    counts = sorted({cell["count"] for match in own for cell in match["cells"]})
    rivals: list[int] = [match["methods"][1] for match in own]
    figure, panels = _grid(len(counts), 0.45 + 0.16 * len(rivals), columns=4)
    for axes, count in zip(panels, counts, strict=True):
        axes.axvline(0, color="black", linewidth=0.7)
        for row, match in enumerate(own):
            for cell in match["cells"]:
                if cell["count"] == count and "values" in cell:
                    _draw_difference(axes, row, cell, styles[rivals[row]])
        axes.set_title(f"{count} minority images", fontsize=TITLE_SIZE)
        axes.set_yticks(range(len(rivals)), [titles[rival] for rival in rivals], parse_math=False)
    panels[0].set_ylim(len(rivals) - 0.5, -0.5)
    first = titles[own[0]["methods"][0]]
    label = f"difference in {metric['title']}; above 0 {first} is better"
    figure.supxlabel(label, fontsize=TITLE_SIZE, parse_math=False)
    return figure


def _draw_difference(axes: Axes, row: int, cell: dict[str, Any], style: Style) -> None:
    # As on the page: a solid bar is an interval, a dotted bar the range of few seeds.
    ends = [end for end in cell["ends"] if end is not None]
    if len(ends) == 2:
        kind: dict[str, Any] = (
            {"linewidth": 2.0} if cell["interval"] else {"linewidth": 0.9, "linestyle": ":"}
        )
        axes.plot(ends, [row, row], color=style.light, **kind)
    axes.plot(cell["values"], [row] * len(cell["values"]), "o", color=style.light, ms=2, alpha=0.5)
    axes.plot([cell["mean"]], [row], MARKERS[style.marker], color=style.light, ms=4.5)


def _draw_cost(group: dict[str, Any], metric: dict[str, Any], styles: Sequence[Style]) -> Figure:
    """Draw a panel for each count: seconds a cell against scores."""
    counts = group["counts"]
    figure, panels = _grid(len(counts), 1.7, columns=3)
    named: dict[str, Any] = {}
    for column, (axes, count) in enumerate(zip(panels, counts, strict=True)):
        for line in group["lines"]:
            spent, entry = line["seconds"][column], line["scores"][metric["name"]][column]
            if spent and entry:
                style = styles[line["method"]]
                (named[line["title"]],) = axes.plot(
                    [spent], [entry[0]], MARKERS[style.marker], color=style.light, ms=5
                )
        axes.set_title(f"{count} minority images", fontsize=TITLE_SIZE)
    _log_seconds(panels)
    if named:
        legend = figure.legend(
            named.values(),
            named,
            loc="outside lower center",
            ncols=5,
            fontsize=TICK_SIZE,
            frameon=False,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
    _label_axes(figure, "", metric)
    return figure


def _log_seconds(panels: Sequence[Axes]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    panels[0].set_xscale("log")
    panels[0].xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    panels[0].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panels[0].xaxis.set_minor_formatter(NullFormatter())
    for axes in panels:
        if axes.xaxis.get_tick_params()["labelbottom"]:
            axes.set_xlabel("seconds a cell", fontsize=TITLE_SIZE)


def _grid(count: int, height: float, columns: int = COLUMNS) -> tuple[Figure, list[Axes]]:
    """Return a figure with `count` panels, and the panels."""
    from matplotlib.figure import Figure

    used = min(count, columns)
    rows = math.ceil(count / used)
    figure = Figure(
        figsize=(max(WIDTH * used / columns, WIDTH / 2), rows * height + 0.5),
        layout="constrained",
    )
    grid = figure.subplots(rows, used, squeeze=False, sharex=True, sharey=True)
    panels = list(grid.flat)
    for empty in panels[count:]:
        empty.set_axis_off()
    # A panel above an empty one is the last of its column and needs the labels of the axis.
    for above in panels[max(0, count - used) : count]:
        above.tick_params(labelbottom=True)
    for axes in panels[:count]:
        axes.tick_params(labelsize=TICK_SIZE)
        axes.grid(color="0.92", linewidth=0.5)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels[:count]


def _label_axes(figure: Figure, x: str, metric: dict[str, Any]) -> None:
    figure.supxlabel(x, fontsize=TITLE_SIZE)
    lower = " (lower is better)" if metric["lower"] else ""
    figure.supylabel(metric["title"] + lower, fontsize=TITLE_SIZE, parse_math=False)
