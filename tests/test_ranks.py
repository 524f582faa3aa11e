"""Ranks, Friedman, Nemenyi on the published table, holes, and the diagram as a file."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from scipy import stats as reference

from imbench.errors import EnvironmentFault, NotComparable, UsageError
from imbench.page.diagram import draw_diagram, save_diagram
from imbench.report.paper import published
from imbench.report.ranks import (
    Ranks,
    critical_difference,
    friedman,
    make_ranks,
    printed_ranks,
)
from imbench.report.report import render_report
from imbench.report.tables import make_tables
from imbench.stats.standings import ranks_of


def printed_scores():
    cells = published()
    recipes = list(dict.fromkeys(recipe for _, recipe, _ in cells))
    places = sorted({(dataset, count) for dataset, _, count in cells})
    scores = [[cells[data, recipe, count].value for recipe in recipes] for data, count in places]
    return recipes, np.array(scores)


def test_the_published_ranks_are_those_of_the_specification():
    recipes, scores = printed_scores()
    means = dict(zip(recipes, ranks_of(-scores).mean(axis=0), strict=True))
    expected = {
        "aug": 2.44,
        "us+cs": 4.56,
        "cs": 5.03,
        "cbl:beta=0.9999": 5.16,
        "us": 5.59,
        "os+cs": 6.00,
        "cbl:beta=0.999": 6.38,
        "cbl:beta=0.99": 6.78,
        "alt": 7.75,
        "cbl:beta=0.9": 9.19,
        "smote": 9.25,
        "os": 10.31,
        "vanilla": 13.25,
        "ts": 13.31,
    }
    assert means == pytest.approx(expected, abs=0.0051)
    assert list(expected) == sorted(means, key=means.__getitem__)


@pytest.mark.parametrize(
    ("methods", "cells", "critical"), [(14, 16, 4.960), (5, 16, 1.525), (3, 10, 1.0478)]
)
def test_critical_difference_of_the_specification(methods, cells, critical):
    assert critical_difference(methods, cells) == pytest.approx(critical, abs=6e-4)


@pytest.mark.parametrize(
    ("ranked", "chi2"), [([[1, 2, 3], [1, 2, 3]], 4), ([[1.5, 1.5, 3], [1, 2, 3]], 26 / 7)]
)
def test_friedman_by_hand_with_and_without_ties(ranked, chi2):
    # With two degrees of freedom the p value is exp(-chi2 / 2).
    assert friedman(np.array(ranked)) == pytest.approx((chi2, np.exp(-chi2 / 2)))


def test_friedman_of_methods_that_all_tie_finds_nothing():
    assert friedman(ranks_of(np.ones((4, 3)))) == (0.0, 1.0)


def test_ties_share_the_mean_of_their_ranks():
    scores = np.array([[0.3, 0.1, 0.3], [0.2, 0.2, 0.2], [0.3, 0.1 + 0.2, 0.1]])
    assert ranks_of(scores).tolist() == [[2.5, 1, 2.5], [2, 2, 2], [2.5, 2.5, 1]]
    assert ranks_of(scores[:1]).tolist() == [reference.rankdata(scores[0]).tolist()]


@pytest.fixture
def records(make_record):
    """Return vanilla < us < cs at three counts of one data set and one of another, two seeds."""
    levels = {"vanilla": 0.2, "us": 0.5, "cs": 0.6}
    places = [("digits", 25), ("digits", 50), ("digits", 100), ("savanna", 25)]
    return [
        make_record(
            recipe,
            count,
            seed,
            level + seed / 100,
            cell={"dataset": dataset, "fingerprint": f"{dataset:0<16}"},
        )
        for recipe, level in levels.items()
        for dataset, count in places
        for seed in range(2)
    ]


def test_cells_of_all_data_sets_are_ranked_together(records):
    ranks = make_ranks(make_tables(records))
    assert ranks.recipes == ("cs", "us", "vanilla")
    assert (ranks.means, ranks.wins) == ((1.0, 2.0, 3.0), (4, 0, 0))
    assert ranks.cells == ("digits 25", "digits 50", "digits 100", "savanna 25")
    assert ranks.left_out == ()
    assert make_ranks(make_tables(records), lower=True).recipes == ("vanilla", "us", "cs")


def test_methods_and_cells_with_holes_are_left_out_and_named(records, make_record):
    fewer = [r for r in records if (r.cell.recipe, r.cell.minority) != ("us", 100)]
    extra = [make_record("os", 25, cell={"fingerprint": f"{'digits':0<16}"})]
    ranks = make_ranks(make_tables(fewer + extra))
    assert ranks.recipes == ("cs", "us", "vanilla")
    assert ranks.cells == ("digits 25", "digits 50", "savanna 25")
    assert ranks.left_out == ("OS", "digits 100")


def test_cells_whose_means_are_over_different_seeds_are_named(records):
    assert make_ranks(make_tables(records)).uneven == ()
    lacks = ("us", 50, 1)
    fewer = [r for r in records if (r.cell.recipe, r.cell.minority, r.cell.seed) != lacks]
    ranks = make_ranks(make_tables(fewer))
    assert (ranks.uneven, ranks.left_out) == (("digits 50",), ())
    assert printed_ranks(ranks).below[-1] == (
        "means of methods are over different seeds at digits 50"
    )


def test_too_little_to_rank_is_a_sentence(records):
    two = [record for record in records if record.cell.recipe != "us"]
    with pytest.raises(NotComparable, match="here are 2 in 4"):
        make_ranks(make_tables(two))
    one = [record for record in records if record.cell.dataset == "savanna"]
    with pytest.raises(NotComparable, match="here are 3 in 1"):
        make_ranks(make_tables(one))


def test_two_tables_of_one_data_set_are_told_apart(records, make_record):
    more = [
        make_record(recipe, 25, cell={"fingerprint": f"{'digits':0<16}", "majority": 500})
        for recipe in ("vanilla", "us", "cs")
    ]
    cells = make_ranks(make_tables(records + more)).cells
    assert len(set(cells)) == 5
    assert sum(bool(re.fullmatch(r"digits 25 \([0-9a-f]{8}\)", cell)) for cell in cells) == 2


def made(means, critical):
    names = tuple(f"m{place}" for place in range(len(means)))
    wins = (0,) * len(means)
    return Ranks("f1", "F1", names, names, means, wins, ("a 1", "b 2"), 1.0, 0.5, critical)


def test_bars_join_all_that_is_not_separated_and_no_bar_lies_within_another():
    ranks = made((1.0, 2.0, 2.5, 4.2, 7.0), 2.0)
    assert ranks.cliques == [(0, 2), (2, 3)]
    assert made((1.0, 2.0, 3.0), 5.0).cliques == [(0, 2)]
    assert made((1.0, 2.5, 4.0), 1.0).cliques == []


WHOLE = """\
average ranks over 4 cells by F1 of the minority

method   rank  best in  not separated down to
-------  ----  -------  ---------------------
CS       1.00        4  US
US       2.00        0  Vanilla
Vanilla  3.00        0  --

1 is best; cells: digits 25, digits 50, digits 100, savanna 25
Friedman chi-square 8.00, 2 degrees of freedom, p 0.018; critical difference
  (Nemenyi, 0.05) 1.66
description, not a test: cells of a data set share images and are not
  independent, so the p value is too small
"""


def test_a_whole_report(records):
    assert render_report(records, ranks=True) == WHOLE
    body = json.loads(render_report(records, ranks=True, form="json", metrics=["f1", "acsa"]))
    assert [part["metric"] for part in body["ranks"]] == ["f1", "acsa"]
    assert body["ranks"][0]["ranks"] == {"cs": 1.0, "us": 2.0, "vanilla": 3.0}
    assert "\\toprule" in render_report(records, ranks=True, form="latex")


def test_left_out_methods_stand_below_the_table(records, make_record):
    extra = [make_record("os", 25, cell={"fingerprint": f"{'digits':0<16}"})]
    below = printed_ranks(make_ranks(make_tables(records + extra))).below
    assert below[-1] == "left out, since scores are missing: OS"


def published_ranks():
    recipes, scores = printed_scores()
    means = ranks_of(-scores).mean(axis=0)
    order = np.argsort(means)
    names = tuple(recipes[i] for i in order)
    cells = tuple(map(str, range(16)))
    critical = critical_difference(14, 16)
    return Ranks(
        "f1", "F1", names, names, tuple(means[order].tolist()), (0,) * 14, cells, 1, 1, critical
    )


def test_aug_is_not_separated_from_seven_others():
    ranks = published_ranks()
    assert ranks.cliques[0] == (0, 7)
    assert ranks.titles[7] == "cbl:beta=0.99"


def test_the_diagram_shows_every_method_at_its_rank_and_the_bars():
    ranks = published_ranks()
    (axes,) = draw_diagram(ranks).axes
    texts = [text.get_text() for text in axes.texts]
    for title, mean in zip(ranks.titles, ranks.means, strict=True):
        assert f"{title} ({mean:.2f})" in texts
    assert "critical difference 4.96" in texts
    starts = [line.get_xdata()[0] for line in axes.lines]
    assert all(mean in starts for mean in ranks.means)
    thick = [line.get_xdata() for line in axes.lines if line.get_linewidth() == 3]
    ends = [(ranks.means[first] - 0.05, ranks.means[last] + 0.05) for first, last in ranks.cliques]
    assert np.array(thick) == pytest.approx(np.array(ends))


@pytest.mark.parametrize("ending", [".png", ".pdf", ".svg", ".PNG"])
def test_the_diagram_is_written_in_each_format(tmp_path, ending):
    path = tmp_path / "new folder" / f"ranks{ending}"
    save_diagram(published_ranks(), path)
    content = path.read_bytes()
    head = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}[ending.lower()]
    assert content.startswith(head)
    if ending == ".png":
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("L"))
        assert pixels.shape[1] == 1400
        assert 0.9 < (pixels > 250).mean() < 0.99


def test_names_with_dollars_are_no_formulas(tmp_path):
    names = ("$x^{$", "a_b%", "\\frac{}", "\u017dlu\u0165")
    ranks = Ranks(
        "f1", "F1", names, names, (1.0, 2.0, 3.0, 4.0), (0,) * 4, ("a", "b"), 1.0, 1.0, 2.0
    )
    save_diagram(ranks, tmp_path / "ranks.svg")
    assert "$x^{$ (1.00)" in [text.get_text() for text in draw_diagram(ranks).axes[0].texts]


def test_what_cannot_be_written_is_a_sentence(tmp_path):
    with pytest.raises(UsageError, match=r"does not end in one of \.pdf, \.png, \.svg"):
        save_diagram(published_ranks(), tmp_path / "ranks.bmp")
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="cannot be written"):
        save_diagram(published_ranks(), tmp_path / "file" / "ranks.png")


def test_drawing_leaves_pyplot_and_its_back_end_alone(tmp_path):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from imbench.page.diagram import save_diagram\n"
        "from imbench.report.ranks import Ranks\n"
        "values = ('a', 'b'), ('a', 'b'), (1.0, 2.0), (1, 0), ('x', 'y'), 1.0, 1.0, 0.5\n"
        "save_diagram(Ranks('f1', 'F1', *values), Path(sys.argv[1]))\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path / "a.png")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"
