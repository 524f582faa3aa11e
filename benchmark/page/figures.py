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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import NotComparable
from imbench.files.atomic import write_atomic
from imbench.files.slug import slug
from imbench.page.data import method_differences, methods_of, metric_rows, plain_groups, reference
from imbench.page.looks import Look, look_of
from imbench.records.cell import Cell
from imbench.records.record import Record
from imbench.registry import load_plugin
from imbench.report.ranks import make_ranks
from imbench.report.sheet import visible
from imbench.report.tables import Table, make_tables
from imbench.stats.metrics import lower_is_better

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FORMATS", "figure_bytes", "figures", "save_figures"]

FORMATS = ("pdf", "svg", "png")
DPI = 200
WIDTH = 7.0
"""Inches: the text of a page with two columns."""
ACROSS = 5
"""Panels in a row."""
SMALL, MIDDLE = 7, 8
"""Points of the text: legible where the figure is printed at its size."""
MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "cross": "P"}
GREY = "0.82"


def save_figures(
    records: Iterable[Record],
    folder: Path,
    *,
    metrics: Sequence[str] = ("f1",),
    planned: Iterable[Cell] = (),
) -> list[Path]:
    """Write every figure of the records in each of `FORMATS`; return the paths.

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
    for name, figure in figures(records, metrics=metrics, planned=planned):
        # Once for all forms: to lay out fifteen panels takes seconds.
        with _boxes_for_letters():
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
    """Yield name and figure of all that can be drawn of the records."""
    tables = make_tables(records, metrics, planned=planned)
    if not tables:
        raise NotComparable("no records to draw: `bench run` makes some")
    from imbench.page.diagram import draw_diagram

    recipes = methods_of(tables)
    looks = [look_of(recipe) for recipe in recipes]
    compared = method_differences(tables, [reference(tables)])
    names = {one["name"]: one for one in metric_rows(metrics)}
    titles = _titles(tables, recipes)
    plain = plain_groups(tables)
    for place, table in enumerate(tables):
        group, metric = plain[place // len(names)], names[table.metric]
        about = f"{group['name']}-{table.metric}"
        if any(entry for line in group["lines"] for entry in line["scores"][table.metric]):
            yield f"scores-{about}", _scores(group, metric, looks)
        own = compared[place]
        if any("values" in cell for match in own for cell in match["cells"]):
            yield f"differences-{about}", _differences(own, metric, looks, titles)
        if any(spent for line in group["lines"] for spent in line["seconds"]):
            yield f"cost-{about}", _cost(group, metric, looks)
    for name in names:
        try:
            own_tables = [table for table in tables if table.metric == name]
            ranks = make_ranks(own_tables, lower_is_better(name, load_plugin("metrics", name)))
        except NotComparable:
            continue
        yield f"ranks-{name}", draw_diagram(ranks)


def figure_bytes(figure: Figure, form: str) -> bytes:
    """Return a figure in one of `FORMATS`, without a date."""
    import matplotlib

    dates: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    held = io.BytesIO()
    # Type 42 is what publishers ask for: fonts that stay text, whole or as subsets.
    style: Any = {"pdf.fonttype": 42, "svg.hashsalt": "imbench"}
    with matplotlib.rc_context(style), _boxes_for_letters():
        figure.savefig(held, format=form, dpi=DPI, metadata=dates.get(form))
    return held.getvalue()


@contextmanager
def _boxes_for_letters() -> Iterator[None]:
    """Let a letter that no font here has be drawn as a box, without a warning for each."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def _titles(tables: Sequence[Table], recipes: Sequence[str]) -> list[str]:
    found = {line.recipe: line.title for table in tables for line in reversed(table.lines)}
    return [visible(found[recipe]).partition(" [")[0] for recipe in recipes]


def _scores(group: dict[str, Any], metric: dict[str, Any], looks: Sequence[Look]) -> Figure:
    """Draw a panel a method: its means and their band, all others in grey."""
    lines, counts = group["lines"], group["counts"]
    figure, panels = _grid(len(lines), 1.15)
    for index, (axes, line) in enumerate(zip(panels, lines, strict=True)):
        for other in lines:
            x, mean, *_ = _points(other, counts, metric["name"])
            axes.plot(x, mean, color=GREY, linewidth=0.6, zorder=1)
        style = looks[line["method"]]
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
        axes.set_title(line["title"], fontsize=MIDDLE, parse_math=False)
        axes.set_xticks(counts)
        if index % ACROSS:
            axes.tick_params(labelleft=False)
    if None not in metric["range"]:
        panels[0].set_ylim(*metric["range"])
    _name_axes(figure, "minority training images", metric)
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


def _differences(
    own: Sequence[dict[str, Any]],
    metric: dict[str, Any],
    looks: Sequence[Look],
    titles: Sequence[str],
) -> Figure:
    """Draw a panel a count: one method against each other one, seed by seed."""
    counts = sorted({cell["count"] for match in own for cell in match["cells"]})
    rivals: list[int] = [match["methods"][1] for match in own]
    figure, panels = _grid(len(counts), 0.45 + 0.16 * len(rivals), across=4)
    for axes, count in zip(panels, counts, strict=True):
        axes.axvline(0, color="black", linewidth=0.7)
        for row, match in enumerate(own):
            for cell in match["cells"]:
                if cell["count"] == count and "values" in cell:
                    _difference(axes, row, cell, looks[rivals[row]])
        axes.set_title(f"{count} minority images", fontsize=MIDDLE)
        axes.set_yticks(range(len(rivals)), [titles[rival] for rival in rivals], parse_math=False)
    panels[0].set_ylim(len(rivals) - 0.5, -0.5)
    first = titles[own[0]["methods"][0]]
    label = f"difference in {metric['title']}; above 0 {first} is better"
    figure.supxlabel(label, fontsize=MIDDLE, parse_math=False)
    return figure


def _difference(axes: Axes, row: int, cell: dict[str, Any], style: Look) -> None:
    # As on the page: a whole bar is an interval, a dotted one the range of few seeds.
    ends = [end for end in cell["ends"] if end is not None]
    if len(ends) == 2:
        kind: dict[str, Any] = (
            {"linewidth": 2.0} if cell["interval"] else {"linewidth": 0.9, "linestyle": ":"}
        )
        axes.plot(ends, [row, row], color=style.light, **kind)
    axes.plot(cell["values"], [row] * len(cell["values"]), "o", color=style.light, ms=2, alpha=0.5)
    axes.plot([cell["mean"]], [row], MARKERS[style.marker], color=style.light, ms=4.5)


def _cost(group: dict[str, Any], metric: dict[str, Any], looks: Sequence[Look]) -> Figure:
    """Draw a panel a count: seconds of a cell against its score."""
    counts = group["counts"]
    figure, panels = _grid(len(counts), 1.7, across=3)
    named: dict[str, Any] = {}
    for column, (axes, count) in enumerate(zip(panels, counts, strict=True)):
        for line in group["lines"]:
            spent, entry = line["seconds"][column], line["scores"][metric["name"]][column]
            if spent and entry:
                style = looks[line["method"]]
                (named[line["title"]],) = axes.plot(
                    [spent], [entry[0]], MARKERS[style.marker], color=style.light, ms=5
                )
        axes.set_title(f"{count} minority images", fontsize=MIDDLE)
    _log_seconds(panels)
    if named:
        legend = figure.legend(
            named.values(),
            named,
            loc="outside lower center",
            ncols=5,
            fontsize=SMALL,
            frameon=False,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
    _name_axes(figure, "", metric)
    return figure


def _log_seconds(panels: Sequence[Axes]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    panels[0].set_xscale("log")
    panels[0].xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    panels[0].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panels[0].xaxis.set_minor_formatter(NullFormatter())
    for axes in panels:
        if axes.xaxis.get_tick_params()["labelbottom"]:
            axes.set_xlabel("seconds a cell", fontsize=MIDDLE)


def _grid(count: int, height: float, across: int = ACROSS) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels, and these; empty places are left blank."""
    from matplotlib.figure import Figure

    columns = min(count, across)
    rows = math.ceil(count / columns)
    figure = Figure(
        figsize=(max(WIDTH * columns / across, WIDTH / 2), rows * height + 0.5),
        layout="constrained",
    )
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    panels = list(grid.flat)
    for empty in panels[count:]:
        empty.set_axis_off()
    # Panels above an empty place are the last of their column and need the labels of its axis.
    for above in panels[max(0, count - columns) : count]:
        above.tick_params(labelbottom=True)
    for axes in panels[:count]:
        axes.tick_params(labelsize=SMALL)
        axes.grid(color="0.92", linewidth=0.5)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels[:count]


def _name_axes(figure: Figure, x: str, metric: dict[str, Any]) -> None:
    figure.supxlabel(x, fontsize=MIDDLE)
    lower = " (lower is better)" if metric["lower"] else ""
    figure.supylabel(metric["title"] + lower, fontsize=MIDDLE, parse_math=False)
