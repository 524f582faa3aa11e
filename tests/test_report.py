"""Whole expected reports in every form, from hand-made records."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import pytest

from imbench.errors import NotComparable, UsageError
from imbench.records.frame import COLUMNS, frame
from imbench.report.report import render_report
from imbench.report.table_set import TableSet

AWKWARD = "folder:50%_&#{}~^\\ $x$ <script>alert(1)</script> |*[a](b)` \u017dluť \u540d\u524d"


@pytest.fixture
def records(make_record):
    scores = {"vanilla": (0.25, 0.35), "us+cs": (0.5, 0.6), "cbl:beta=0.99": (0.4, None)}
    made = []
    for recipe, pair in scores.items():
        for seed, score in enumerate(pair):
            if score is not None:
                made.append(make_record(recipe, 25, seed, score))
                made.append(make_record(recipe, 100, seed, score + 0.25))
    made.append(
        make_record("cbl:beta=0.99", 25, 1, None, status="diverged", reason="loss is NaN at step 7")
    )
    return made


TERMINAL = """\
digits: F1 of the minority (minority training images in columns)
majority 1000; test 120+140 (minority share 0.538); trivial F1 0.700, ACSA
  0.500; cnn, 16 px; 200 steps of 64 images; seeds 0-1; data 0123456789ab

method                  25               100
--------  ----------------  ----------------
Vanilla     .300 [.00,.94]   .550 [.00,1.00]
US+CS     *.550 [.00,1.00]  *.800 [.16,1.00]
CBL 0.99       .400 1/2[a]       .650 1/2[b]
--------  ----------------  ----------------
trivial               .700              .700

[a] 1 of 2 seeds: seed 1 diverged (loss is NaN at step 7)
[b] 1 of 2 seeds: seed 1 not run
mean over seeds [its 95 % t interval within 0..1]
* bold: best mean of a column
only methods with the most seeds of their column can be bold
mean F1 of the minority (0.300 to 0.650) is not better than the trivial score,
  0.700: Vanilla, CBL 0.99 at 25, 100; US+CS at 25; to do: try --steps 800,
  --size 32 or more minority images, and see by `bench data show` what the
  network sees
2 seeds: differences can be described, not established; 6 are needed for a pair
  of methods; 7 for one method against 2 others; to do: run 7 seeds (--seeds
  0-6)

Verdict on digits by F1 of the minority

- 2 of 12 cells have no score (CBL 0.99 2), and nothing is said of them
- 5 of 6 means are not better than the trivial score, 0.700
- no method is above Vanilla by more than chance: 2 seeds cannot show it, 7
  could
- ahead of Vanilla in every seed, not established: US+CS +0.250 at 25, 100
- best means: US+CS 0.550 at 25, US+CS 0.800 at 100; no other method is
  separated from them by more than chance (2 seeds cannot separate the best of 3
  methods, 7 can)
- more minority images: US+CS from 25 to 100, for a doubling: mean difference
  +0.125 (+0.125..+0.125) over 2 seeds, not established with fewer than 6
- next: methods cannot be compared before one learns, and at 25 none does; try
  more steps (--steps, now 200), larger images (--size, now 16 px) or more
  minority images, and look at what the network sees (bench data show)
"""

MARKDOWN = """\
### digits: F1 of the minority (minority training images in columns)

majority 1000; test 120+140 (minority share 0.538); trivial F1 0.700, ACSA 0.500; \
cnn, 16 px; 200 steps of 64 images; seeds 0-1; data 0123456789ab

| method   |                     25 |                    100 |
|:---------|-----------------------:|-----------------------:|
| Vanilla  |     0.300 [0.00, 0.94] |     0.550 [0.00, 1.00] |
| US+CS    | **0.550** [0.00, 1.00] | **0.800** [0.16, 1.00] |
| CBL 0.99 |  0.400 1/2<sup>a</sup> |  0.650 1/2<sup>b</sup> |
| trivial  |                  0.700 |                  0.700 |

- <sup>a</sup> 1 of 2 seeds: seed 1 diverged (loss is NaN at step 7)
- <sup>b</sup> 1 of 2 seeds: seed 1 not run
- mean over seeds \\[its 95 % t interval within 0..1\\]
- bold: best mean of a column
- only methods with the most seeds of their column can be bold
- mean F1 of the minority (0.300 to 0.650) is not better than the trivial score, 0.700: \
Vanilla, CBL 0.99 at 25, 100; US+CS at 25; to do: try --steps 800, \
--size 32 or more minority images, and see by \\`bench data show\\` what the network sees
- 2 seeds: differences can be described, not established; \
6 are needed for a pair of methods; 7 for one method against 2 others; \
to do: run 7 seeds (--seeds 0-6)

### Verdict on digits by F1 of the minority

- 2 of 12 cells have no score (CBL 0.99 2), and nothing is said of them
- 5 of 6 means are not better than the trivial score, 0.700
- no method is above Vanilla by more than chance: 2 seeds cannot show it, 7 could
- ahead of Vanilla in every seed, not established: US+CS +0.250 at 25, 100
- best means: US+CS 0.550 at 25, US+CS 0.800 at 100; no other method is separated from them \
by more than chance (2 seeds cannot separate the best of 3 methods, 7 can)
- more minority images: US+CS from 25 to 100, for a doubling: mean difference \
+0.125 (+0.125..+0.125) over 2 seeds, not established with fewer than 6
- next: methods cannot be compared before one learns, and at 25 none does; \
try more steps (--steps, now 200), larger images (--size, now 16 px) or more minority images, \
and look at what the network sees (bench data show)
"""


def test_a_set_makes_tables_and_verdicts_once_and_every_form_is_the_same(records):
    made = TableSet(records, bold="not-worse")
    for form in ("terminal", "markdown", "json", "latex"):
        alone = render_report(records, form=form, bold="not-worse")
        assert render_report(made, form=form) == alone
    assert made.tables(["f1"]) is made.tables(("f1",))
    assert made.verdicts(("f1",)) is made.verdicts(["f1", "acsa"])


def test_terminal(records):
    assert render_report(records) == TERMINAL


def test_order_of_records_changes_nothing(records):
    assert render_report(records[::-1]) == TERMINAL


def test_markdown(records):
    assert render_report(records, form="markdown") == MARKDOWN


CSV = """\
vanilla,Vanilla,25,0,ok,,f1,0.25
vanilla,Vanilla,25,1,ok,,f1,0.35
us+cs,US+CS,25,0,ok,,f1,0.5
us+cs,US+CS,25,1,ok,,f1,0.6
cbl:beta=0.99,CBL 0.99,25,0,ok,,f1,0.4
cbl:beta=0.99,CBL 0.99,25,1,diverged,loss is NaN at step 7,f1,
"""


def test_csv(records):
    text = render_report(records, form="csv")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert text.splitlines()[0] == ",".join(COLUMNS)
    shown = ("recipe", "title", "minority", "seed", "status", "reason", "metric", "value")
    small = [",".join(line[key] for key in shown) for line in lines if line["minority"] == "25"]
    assert small == CSV.splitlines()
    assert {line["fingerprint"] for line in lines} == {"0123456789abcdef"}
    assert {(line["majority"], line["test_majority"], line["steps"]) for line in lines} == {
        ("1000", "120", "200")
    }


def test_frame_pivots_to_the_same_means(records):
    table = frame(records, ["f1", "acsa"])
    assert len(table) == 2 * len(records)
    means = table[table.metric == "f1"].pivot_table("value", "recipe", "minority")
    assert means.loc["us+cs", 25] == pytest.approx(0.55)
    assert means.loc["cbl:beta=0.99", 25] == pytest.approx(0.4)


def test_json(records):
    body = json.loads(
        render_report(records, form="json", metrics=["f1", "acsa"], command="bench report")
    )
    assert [table["metric"] for table in body["tables"]] == ["f1", "acsa"]
    table = body["tables"][0]
    assert {key: table[key] for key in ("dataset", "majority", "test_counts", "seeds")} == {
        "dataset": "digits",
        "majority": 1000,
        "test_counts": [120, 140],
        "seeds": [0, 1],
    }
    rows = {(row["recipe"], row["minority"]): row for row in table["rows"]}
    assert rows["cbl:beta=0.99", 25] == {
        "recipe": "cbl:beta=0.99",
        "title": "CBL 0.99",
        "minority": 25,
        "mean": 0.4,
        "low": None,
        "high": None,
        "n": 1,
        "scores": {"0": 0.4},
        "status": {"0": "ok", "1": "diverged"},
        "mark": "1/2",
        "bold": False,
        "notes": ["1 of 2 seeds: seed 1 diverged (loss is NaN at step 7)"],
    }
    assert rows["us+cs", 25]["bold"]
    assert (rows["us+cs", 25]["low"], rows["us+cs", 25]["high"]) == (0.0, 1.0)
    assert rows["us+cs", 100]["low"] == pytest.approx(0.8 - 0.6353, abs=1e-4)


@pytest.mark.parametrize(("counts", "width"), [(4, 80), (5, 90), (6, 106)])
def test_every_method_of_the_paper_fits_the_columns(make_record, counts, width):
    from imbench.training.recipe import PAPER_METHODS

    records = [
        make_record(recipe, count, seed, 0.5 + 0.01 * seed)
        for recipe in PAPER_METHODS
        for count in (50, 100, 200, 300, 400, 500)[:counts]
        for seed in range(3)
    ]
    lines = render_report(records, width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert sum(line.startswith("method") for line in lines) == 1


def test_a_wide_table_is_cut_into_blocks_without_losing_a_number(make_record):
    records = [make_record("vanilla", c, s, c / 1000) for c in range(100, 999, 50) for s in (0, 1)]
    text = render_report(records, width=60)
    assert max(map(len, text.splitlines())) <= 60
    for count in range(100, 999, 50):
        assert f".{count} [.{count},.{count}]" in text


def test_scores_below_zero_and_above_one(make_record):
    records = [make_record(seed=s, score=v) for s, v in enumerate((-0.25, -0.35))]
    records += [make_record("us", seed=s, score=v) for s, v in enumerate((1.5, 2.5))]
    text = render_report(records)
    # Scores that F1 cannot have: the interval still holds their mean.
    assert "-.300 [-.30,.34]" in text
    assert "*2.000 [.00,2.00]" in text


def test_row_28_no_records():
    with pytest.raises(NotComparable, match="bench run") as raised:
        render_report([])
    assert raised.value.exit_code == 3


def test_row_28_one_method_and_one_seed_have_no_bold_and_a_note_why(make_record):
    one_method = render_report([make_record(seed=0), make_record(seed=1)])
    assert "no bold in a column with one method only" in one_method
    one_seed = render_report([make_record("vanilla"), make_record("us")])
    assert "no bold in a column with one seed only" in one_seed
    for text in (one_method, one_seed):
        assert "*" not in text


def test_nothing_but_failures_is_still_a_table(make_record):
    text = render_report([make_record(score=None, status="memory", reason="CUDA out of memory")])
    assert "mem[a]" in text
    assert "seed 0 ran out of memory (CUDA out of memory)" in text


def test_a_metric_without_records_of_it_marks_holes(make_record):
    assert "n/a[a]" in render_report([make_record()], metrics=["mcc"])


def test_row_23_awkward_names_stay_on_their_line_and_are_escaped_in_markdown(make_record):
    record = make_record(cell={"dataset": AWKWARD + "\x1b[31m\nnext"})
    terminal = render_report([record])
    assert "\x1b" not in terminal
    assert "\\x1b[31m\\nnext" in terminal
    text = render_report([record], form="markdown")
    assert "<script>" not in text
    title, _, protocol = text.splitlines()[:3]
    assert AWKWARD not in title, "a long spec is no title"
    for piece in (
        "50%\\_&amp;\\#\\{\\}\\~^\\\\",
        "\\$x\\$",
        "&lt;script&gt;",
        "\\|\\*\\[a\\](b)\\`",
    ):
        assert piece in protocol


def test_row_23_awkward_names_survive_csv_and_json(make_record):
    record = make_record(cell={"dataset": AWKWARD + '\n"quoted", and more'})
    text = render_report([record], form="csv")
    assert len(text.splitlines()) == 2, "one line a record and metric, whatever a name holds"
    (line,) = csv.DictReader(io.StringIO(text))
    assert line["dataset"] == record.cell.dataset.replace("\n", "\\n")
    (table,) = json.loads(render_report([record], form="json"))["tables"]
    assert table["dataset"] == record.cell.dataset


def test_vs_paper_needs_f1_and_a_data_set_of_the_paper(records):
    with pytest.raises(UsageError, match="F1 only"):
        render_report(records, metrics=["acsa"], vs_paper=True)
    with pytest.raises(NotComparable, match="the records have digits"):
        render_report(records, vs_paper=True)


def test_a_report_imports_neither_torch_nor_matplotlib():
    code = (
        "import sys\n"
        "from imbench.records.cell import Cell\nfrom imbench.records.record import Record\n"
        "from imbench.report.report import render_report\n"
        "cell = Cell(dataset='d', fingerprint='f', minority=5, recipe='us+cs', seed=0)\n"
        "record = Record(key=cell.key, cell=cell, status='ok', metrics={'f1': 0.5})\n"
        "render_report([record]), render_report([record], form='latex')\n"
        "print(*{'torch', 'matplotlib'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
