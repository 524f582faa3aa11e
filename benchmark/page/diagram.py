"""A critical-difference diagram: average ranks on a line, bars over methods not separated.

After J. Demsar, Statistical comparisons of classifiers over multiple data sets, Journal of Machine
Learning Research 7, 2006.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imbench.errors import EnvironmentFault, UsageError
from imbench.report.ranks import Ranks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FORMATS", "draw_diagram", "save_diagram"]

FORMATS = (".pdf", ".png", ".svg")
LABEL_INCHES = 0.22
"""Distance of two labels."""


def draw_diagram(ranks: Ranks) -> Figure:
    """Return the diagram: the best ranks on the left, labels on both sides."""
    from matplotlib.figure import Figure

    count = len(ranks.means)
    half = (count + 1) // 2
    bars = len(ranks.cliques)
    figure = Figure(figsize=(7, 1.2 + LABEL_INCHES * half + 0.12 * bars), layout="constrained")
    axes = figure.subplots()
    _scale(axes, count, ranks.critical)
    for bar, (first, last) in enumerate(ranks.cliques):
        level = -0.5 * (bar + 1)
        ends = [ranks.means[first] - 0.05, ranks.means[last] + 0.05]
        axes.plot(ends, [level, level], color="black", linewidth=3, solid_capstyle="round")
    for index, (title, mean) in enumerate(zip(ranks.titles, ranks.means, strict=True)):
        left = index < half
        level = -0.5 * (bars + 1) - (index if left else count - 1 - index) - 0.5
        edge = 0.6 if left else count + 0.4
        axes.plot([mean, mean, edge], [0, level, level], color="0.4", linewidth=0.8)
        axes.annotate(
            f"{title} ({mean:.2f})",
            (edge, level),
            xytext=(-3 if left else 3, 0),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
            fontsize=8,
            # A $ in a name would start a formula.
            parse_math=False,
        )
    axes.set_title(
        f"average rank over {len(ranks.cells)} cells by {ranks.title}, description",
        fontsize=9,
        parse_math=False,
    )
    return figure


def save_diagram(ranks: Ranks, path: Path) -> None:
    """Write the diagram as PDF, PNG or SVG, by the suffix of the path.

    Raises
    ------
    UsageError
        For another suffix.
    EnvironmentFault
        If the file cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path} does not end in one of {', '.join(FORMATS)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_diagram(ranks).savefig(path, dpi=200)
    except OSError as error:
        raise EnvironmentFault(f"{path} cannot be written: {error.strerror}") from error


def _scale(axes: Axes, count: int, critical: float) -> None:
    """Draw the line of ranks, and the critical difference above its left end."""
    axes.set_axis_off()
    axes.plot([1, count], [0, 0], color="black", linewidth=1)
    for rank in range(1, count + 1):
        axes.plot([rank, rank], [0, 0.25], color="black", linewidth=1)
        axes.annotate(str(rank), (rank, 0.35), ha="center", va="bottom", fontsize=8)
    length = min(critical, count - 1)
    axes.plot([1, 1 + length], [1.6, 1.6], color="black", linewidth=1)
    for end in (1, 1 + length):
        axes.plot([end, end], [1.45, 1.75], color="black", linewidth=1)
    axes.annotate(
        f"critical difference {critical:.2f}",
        (1 + length / 2, 1.75),
        ha="center",
        va="bottom",
        fontsize=8,
    )
