"""Several metrics side by side: whole expected tables."""

from __future__ import annotations

import re

from imbench.report.report import render_report

WHOLE = """\
digits: f1, acsa (minority training images and metric in columns)
majority 1000; test 120+140 (minority share 0.538); trivial F1 0.700, ACSA
  0.500; cnn, 16 px; 200 steps of 64 images; seeds 0-1; data 0123456789ab

method             25 f1          25 acsa       100 f1     100 acsa
-------  ---------------  ---------------  -----------  -----------
Vanilla   .300 [.23,.37]  *.600 [.53,.67]  .300 1/2[a]  .600 1/2[a]
US       *.400 [.33,.47]  *.600 [.53,.67]       div[b]       div[b]
-------  ---------------  ---------------  -----------  -----------
trivial             .700             .500         .700         .500

[a] 1 of 2 seeds: seed 1 not run
[b] seed 0 diverged (NaN); seed 1 not run
mean over seeds [its 95 % t interval within 0..1]
* bold: best mean of a column
no bold in a column with one method only
"""


def test_whole_table(make_record):
    records = [
        make_record(
            recipe, 25, seed, None, metrics={"f1": f1 + seed / 100, "acsa": 0.595 + seed / 100}
        )
        for recipe, f1 in (("vanilla", 0.295), ("us", 0.395))
        for seed in (0, 1)
    ]
    records.append(make_record("vanilla", 100, 0, None, metrics={"f1": 0.3, "acsa": 0.6}))
    records.append(make_record("us", 100, 0, None, status="diverged", reason="NaN"))
    assert render_report(records, metrics=["f1", "acsa"], together=True).startswith(WHOLE)


def test_no_more_than_six_columns_stand_in_one_table(make_record):
    counts = (25, 50, 100, 200)
    records = [make_record(r, count) for r in ("vanilla", "us") for count in counts]
    tex = render_report(records, metrics=["f1", "acsa", "f1_balanced"], together=True, form="latex")
    specs = re.findall(r"\\begin\{tabular\}\{@\{\}l(r+)@\{\}\}", tex)
    assert specs == ["r" * 6, "r" * 6]
    assert len(set(re.findall(r"\\label\{(.*?)\}", tex))) == 2
    assert tex.count("(continued)") == 1
    one = render_report(records, metrics=["f1"], together=True, form="latex")
    assert re.findall(r"@\{\}l(r+)@", one) == ["rrrr"]


def test_data_sets_stay_apart(make_record):
    records = [make_record(), make_record(cell={"dataset": "savanna", "fingerprint": "f" * 16})]
    text = render_report(records, metrics=["f1", "acsa"], together=True)
    assert text.count("in columns)") == 2
    assert text.index("digits: f1, acsa") < text.index("savanna: f1, acsa")
