"""Plots for a paper: three forms of each, the page's numbers and colours, any name."""

from __future__ import annotations

import io

import numpy as np
import pypdf
import pytest
from matplotlib.collections import PolyCollection
from PIL import Image

from imbench.errors import NotComparable
from imbench.page.paper_plots import FORMATS, figures, save_figures
from imbench.page.styles import style_of
from imbench.report.tables import make_tables

HOSTILE = "$\\frac{<b>&\u4e2d_%"


@pytest.fixture
def some(make_record):
    """Return three methods at two counts and six seeds."""
    rng = np.random.default_rng(0)
    return [
        make_record(recipe, count, seed, float(rng.uniform(0.3, 0.9)), cost={"fit": 3.0 + place})
        for place, recipe in enumerate(("vanilla", "cs", HOSTILE))
        for count in (10, 50)
        for seed in range(6)
    ]


def test_every_plot_is_written_in_three_forms_the_same_twice(some, tmp_path):
    paths = save_figures(some, tmp_path / "new folder")
    names = ["scores-digits-f1", "differences-digits-f1", "cost-digits-f1", "ranks-f1"]
    assert [path.name for path in paths] == [f"{name}.{form}" for name in names for form in FORMATS]
    for path in paths:
        raw = path.read_bytes()
        if path.suffix == ".pdf":
            (sheet,) = pypdf.PdfReader(io.BytesIO(raw)).pages
            text = " ".join(sheet.extract_text().split())
            assert "Vanilla" in text
            assert "\\frac{<b>&" in text  # no formula, no markup
            assert sheet.mediabox.width <= 7.01 * 72
        elif path.suffix == ".svg":
            assert raw.startswith(b"<?xml")
            assert b"<b>" not in raw
        else:
            assert Image.open(io.BytesIO(raw)).width > 600
    for path, again in zip(paths, save_figures(some, tmp_path / "again"), strict=True):
        assert again.read_bytes() == path.read_bytes(), path.name


def test_means_and_bands_are_those_of_the_tables(some):
    drawn = dict(figures(some))
    (table,) = make_tables(some)
    panels = drawn["scores-digits-f1"].axes
    for axes, line in zip(panels, table.lines, strict=False):
        means = [entry.mean for entry in line.entries]
        own = next(one for one in axes.lines if one.get_color() == style_of(line.recipe).light)
        assert own.get_ydata() == pytest.approx(means, rel=1e-5)
        (band,) = [one for one in axes.collections if isinstance(one, PolyCollection)]
        ends = {round(y, 4) for _, y in band.get_paths()[0].vertices}
        for entry in line.entries:
            assert {round(end, 4) for end in entry.ends} <= ends


def test_few_pairs_are_drawn_as_a_range(some):
    few = [record for record in some if record.cell.seed < 5]
    for records, style in ((some, "-"), (few, ":")):
        axes = dict(figures(records))["differences-digits-f1"].axes[0]
        bars = [one for one in axes.lines if len(one.get_xdata()) == 2 and one.get_ydata()[0] >= 0]
        rows = [
            one
            for one in bars
            if one.get_color() in (style_of(HOSTILE).light, style_of("cs").light)
        ]
        assert {one.get_linestyle() for one in rows} == {style}


def test_one_failed_method_draws_what_there_is(make_record):
    failed = make_record("us", 50, 0, None, status="failed", reason="no")
    assert list(dict(figures([failed]))) == []
    with_score = [failed, make_record("cs", 50, 0)]
    assert list(dict(figures(with_score))) == ["scores-digits-f1"]


def test_no_record_is_said():
    with pytest.raises(NotComparable):
        list(figures([]))
