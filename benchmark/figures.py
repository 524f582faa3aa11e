"""Plots for a paper, as PDF, SVG and PNG: scores by count, paired differences, ranks, cost.

A method has the colour that it has on the page. The same records give the same bytes.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imbench.page_data import group_title, groups_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure_bytes"]

FORMATS = ("pdf", "svg", "png")
DPI = 200


def figure_bytes(figure: Figure, form: str) -> bytes:
    """Return a figure in one of `FORMATS`, without a date."""
    import matplotlib

    dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
    held = io.BytesIO()
    # Fonts as outlines or whole subsets, so that a printer needs none; type 42 is what journals ask.
    style = {"pdf.fonttype": 42, "svg.hashsalt": "imbench"}
    with matplotlib.rc_context(style), warnings.catch_warnings():
        # A letter that no font here has is drawn as a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(held, format=form, dpi=DPI, metadata=dates[form])
    return held.getvalue()
