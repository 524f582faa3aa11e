"""The page: its numbers are those of the tables, its texts are inert, nothing leaves it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from in_process import bench_here
from PIL import Image

from imbench.errors import NotComparable, UsageError
from imbench.images.cache import prepare
from imbench.page import page
from imbench.page.data import metric_rows, pivotal_methods
from imbench.page.images import (
    Gallery,
    Pictures,
    embedded_picture,
    find_decoded,
    misclassified_rows,
)
from imbench.page.page import render_page, safe_json
from imbench.page.styles import MARKERS, style_of
from imbench.records.image_names import keep_names, read_names
from imbench.records.record import Record, Scores
from imbench.records.store import Store
from imbench.report.compare import compare
from imbench.report.printed_table import PrintedCell
from imbench.report.ranks import make_ranks
from imbench.report.tables import make_tables
from imbench.report.words import sentence
from imbench.stats.metrics import score_all
from imbench.training.recipe import PAPER_METHODS

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=\"alert('2')\">&lt;\u202e\u4e2d"


def outputs(seed: int, counts: tuple[int, int] = (120, 140)) -> dict[str, object]:
    """Return made-up outputs on the test images, and the scores of them."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], counts)
    minority = np.clip(rng.normal(0.35 + 0.3 * labels, 0.2), 0.001, 0.999)
    proba = np.stack([1 - minority, minority], axis=1).astype(np.float32)
    return {
        "scores": Scores.of(labels, np.log(proba), proba),
        "metrics": score_all(labels, proba),
        "test_counts": list(counts),
    }


@pytest.fixture
def some(make_record) -> list[Record]:
    """Return three methods at two counts and three seeds, one cell of which failed."""
    records = [
        make_record(recipe, count, seed, **outputs(100 * place + count + seed), cost={"fit": 2.0})
        for place, recipe in enumerate(("vanilla", "cs", "us"))
        for count in (10, 50)
        for seed in range(3)
    ]
    failed = records[-1].cell
    records[-1] = Record(
        key=failed.key, cell=failed, status="diverged", reason="loss is NaN"
    ).sealed()
    return records


def data_of(text: str) -> dict[str, object]:
    """Return what the page holds for its scripts."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    return json.loads(found)


class Texts(HTMLParser):
    """The elements of a page, and the texts of tables' cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, text: str) -> None:
        if self.cells:
            self.cells[-1] += text


def test_scores_in_the_page_are_those_of_the_tables(some):
    held = data_of(render_page(some, metrics=["f1", "log_loss"]))
    (plain,) = held["groups"]
    for table in make_tables(some, ["f1", "log_loss"]):
        for line, shown in zip(table.lines, plain["lines"], strict=True):
            for entry, numbers in zip(line.entries, shown["scores"][table.metric], strict=True):
                mean, low, high, n, of = numbers
                assert mean == pytest.approx(entry.mean, rel=1e-5)
                assert (low, high) == pytest.approx(entry.ends, rel=1e-5)
                assert (n, of) == (len(entry.scores), 3)
    assert held["metrics"][1] == {
        "name": "log_loss",
        "title": "log-loss",
        "lower": True,
        "range": [0.0, None],
    }


def test_tables_in_the_page_are_printed_as_in_the_report(some):
    cells = [" ".join(text.split()) for text in Texts(render_page(some)).cells]
    (table,) = make_tables(some)
    for line in table.lines:
        assert line.title in cells
        for entry in line.entries:
            low, high = PrintedCell(entry.mean, entry.ends).interval()
            shown = f"{entry.mean:.3f} [{low}, {high}]"
            assert any(cell.startswith(shown) for cell in cells), shown
    assert any(cell.endswith("2/3a") for cell in cells)


def test_differences_are_those_of_compare_with_the_whole_table_as_the_family(some):
    held = data_of(render_page(some))
    (own,) = held["differences"]
    (first,) = [m for m in own if m["methods"] == [1, 2]]
    wanted = next(
        m for m in compare(some, ["cs", "vanilla", "us"]) if m.recipes == ("cs", "us")
    ).cells
    assert [cell["text"] for cell in first["cells"]] == [sentence(cell) for cell in wanted]
    for cell, made in zip(first["cells"], wanted, strict=True):
        assert cell["mean"] == pytest.approx(made.effect.mean, rel=1e-3)
        assert cell["interval"] is False  # three pairs: the range, never an interval
        assert cell["ends"] == pytest.approx(made.effect.span, rel=1e-3)


def test_six_pairs_have_an_interval_and_five_have_none(make_record):
    for seeds, interval in ((5, False), (6, True)):
        records = [
            make_record(recipe, 50, seed, 0.5 + 0.01 * seed + gain)
            for recipe, gain in (("vanilla", 0.0), ("cs", 0.1))
            for seed in range(seeds)
        ]
        cells = data_of(render_page(records))["differences"][0][0]["cells"]
        assert [cell["interval"] for cell in cells] == [interval]
        assert ("beats" in cells[0]["text"]) == interval
        assert "won" in cells[0]["text"]


def test_ranks_are_drawn_and_printed(some):
    text = render_page([record for record in some if record.done])
    ranks = make_ranks(make_tables(record for record in some if record.done))
    assert f"critical difference (Nemenyi, 0.05) {ranks.critical:.2f}" in text
    assert "description, not a test" in text
    (picture_of,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', text)
    assert b"<svg" in base64.b64decode(picture_of)


def test_the_menu_and_the_axes_name_the_mean_over_several_minorities():
    def titles(*classes):
        return [row["title"] for row in metric_rows(["f1", "acsa"], classes)]

    assert titles(2) == ["F1 of the minority", "ACSA (balanced accuracy)"]
    assert titles(6) == ["mean F1 of 5 minorities", "ACSA (balanced accuracy)"]
    assert titles(2, 6)[0] == "F1 of the minority (of several minorities the mean)"


def test_a_page_of_several_minorities_says_so_wherever_it_names_the_metric(make_record):
    records = [
        make_record(recipe, 10, seed, 0.5, test_counts=[20, 10, 10])
        for recipe in ("vanilla", "cs")
        for seed in (0, 1)
    ]
    text = render_page(records, metrics=["f1", "acsa"], images=0)
    assert "F1 of the minority" not in text
    assert text.count("mean F1 of 2 minorities") > 3
    assert "<h3>ACSA (balanced accuracy)</h3>" in text


def test_too_few_methods_for_ranks_are_no_fault(make_record):
    assert "ranks need three methods" in render_page([make_record()])


def test_a_cell_has_curves_confusion_settings_and_scores(some):
    held = data_of(render_page(some))
    record = some[0]
    cell = held["cells"][record.key]
    labels, _, proba = record.scores.arrays()
    called = proba[:, 1] > 0.5
    assert cell["confusion"] == [
        [int(np.sum((labels == truth) & (called == answer))) for answer in (False, True)]
        for truth in (0, 1)
    ]
    (curves,) = cell["curves"]
    assert curves["roc"][0] == [0, 0]
    assert curves["roc"][-1] == curves["pr"][-1][:1] * 2 == [1, 1]
    assert sum(images for _, _, images in curves["reliability"]) == 260
    assert cell["scores"]["auroc"] == pytest.approx(record.metrics["auroc"], rel=1e-5)
    assert held["settings"][cell["settings"]]["steps"] == "200"
    assert cell["wrong_count"] == int(np.sum(called != labels))
    assert cell["no_images"] == "the data set on this machine is not the one of these records"


def test_the_environment_is_that_of_the_cells_with_a_score(make_record):
    done = make_record("vanilla", environment={"device": "cpu", "torch": "2.6"})
    tried = make_record("us", score=None, status="failed", environment={"device": "auto"})
    text = render_page([done, tried])
    assert "<dt>device</dt><dd>cpu</dd>" in text
    assert "<dt>torch</dt><dd>2.6</dd>" in text


def test_failures_and_holes_are_listed_with_reasons(some):
    planned = [some[0].cell.model_copy(update={"seed": seed}) for seed in (7, 8)]
    text = render_page(some, planned=planned)
    rows = " ".join(text[text.index('id="failures-title"') :].split())
    assert 'diverged</a></td><td class="reason">loss is NaN' in rows
    assert '<td class="r">7-8</td><td>not run</td>' in rows
    ended = sum(not record.done for record in some)
    assert f"Failures and missing cells ({ended + 2})" in text
    assert data_of(text)["cells"][some[-1].key]["status"] == "diverged"


def test_names_are_texts_wherever_they_come_from(make_record):
    record = make_record(
        HOSTILE,
        50,
        cell={"dataset": HOSTILE, "versions": {HOSTILE: 1}},
        notes=[HOSTILE],
        commit=HOSTILE,
        environment={HOSTILE: HOSTILE},
        cost={HOSTILE: 1.0, "fit": 2.0},
        **{**outputs(0), "metrics": {HOSTILE: 0.5, "f1": 0.5}},
    )
    cell = record.cell.model_copy(update={"seed": 1})
    failed = Record(key=cell.key, cell=cell, status="failed", reason=HOSTILE)
    text = render_page([record, failed], command=HOSTILE)
    found = Texts(text)
    assert [tag for tag, _ in found.tags].count("script") == 2
    assert not any(name.startswith("on") for _, given in found.tags for name in given)
    assert all((given.get("src") or "data:").startswith("data:") for _, given in found.tags)
    assert "\u202e" not in text  # it would turn the rest of its line around
    held = data_of(text)
    assert held["methods"][0]["title"].startswith("</script><script>")
    assert held["cells"][failed.key]["reason"].startswith("</script><script>")


def test_json_in_the_page_ends_no_element_and_holds_any_text():
    plain = {"a": "</script><!--<script>", "b": "\u2028 & \ud800", "c": [1.5, None]}
    text = safe_json(plain)
    assert not re.search("[<>&\u2028]", text)
    assert json.loads(text) == plain


def test_half_a_surrogate_pair_can_be_written(make_record, tmp_path):
    text = render_page([make_record(notes=["half \ud800 of one"])])
    (tmp_path / "page.html").write_text(text, "utf-8")


def test_the_policy_allows_what_is_in_the_page_and_nothing_else(some):
    text = render_page(some)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.replace("&#39;", "'").split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    for element, rule in (("style", "style-src"), ("script", "script-src")):
        (inside,) = re.findall(f"<{element}>(.*?)</{element}>", text, re.S)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    found = Texts(text)
    assert not any("style" in given for _, given in found.tags)
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text)


def test_the_same_records_give_the_same_page(some):
    assert render_page(some) == render_page(list(reversed(some)))


@pytest.mark.parametrize(
    "fields",
    [
        {"scores": Scores(classes=2, labels="!", logits="", proba="")},
        {"scores": Scores(classes=2, labels="AAEC", logits="", proba="")},
        {"scores": Scores.of(np.zeros(3), np.eye(3, 2), np.eye(3, 2)), "test_counts": [3, 0]},
        {"test_counts": [], "train_counts": []},
        {"test_counts": [0, 0]},
        {"cost": {"fit": -1.0}, "shared_with": "nobody"},
        {"log": "../../../../etc/passwd", "files": {"samples-1.png": "../../etc/passwd"}},
        {"status": "crashed", "reason": ""},
    ],
    ids=str,
)
def test_foreign_records_never_end_a_page(make_record, tmp_path, fields):
    whole = [make_record("cs", 50, seed, 0.6) for seed in range(2)]
    odd = make_record("us", 50, 0, None, **fields)
    held = data_of(render_page([*whole, odd], metrics=["f1", "auroc"], folder=tmp_path))
    assert len(held["cells"]) == 3
    assert held["cells"][odd.key]["log"] == ""


def test_no_records_and_unknown_metrics_are_said(some):
    with pytest.raises(NotComparable):
        render_page([])
    with pytest.raises(UsageError):
        render_page(some, metrics=["f7"])


def test_the_end_of_a_log_is_shown(make_record, tmp_path):
    (tmp_path / "a.log").write_text("".join(f"line {i} \x1b[31m<b>\n" for i in range(400)))
    record = make_record(log="a.log")
    shown = data_of(render_page([record], folder=tmp_path))["cells"][record.key]["log"].splitlines()
    assert len(shown) == 25
    assert shown[-1] == r"line 399 \x1b[31m<b>"


def test_who_shares_a_training_is_charged_for_it(make_record):
    trained = make_record("vanilla", 50, cost={"fit": 3.0, "prepare": 1.0, "predict": 0.5})
    shared = make_record("ts", 50, cost={"fit": 0.0}, shared_with=trained.key)
    reused = make_record(
        "aug", 50, cost={"fit": 2.0, "generator_reused": 1.0, "generator_seconds": 10.0}
    )
    (plain,) = data_of(render_page([trained, shared, reused]))["groups"]
    assert [line["seconds"] for line in plain["lines"]] == [[4.5], [4.5], [12.0]]


def test_a_method_looks_the_same_whatever_stands_beside_it(some):
    assert len({style_of(recipe).light for recipe in PAPER_METHODS}) == len(PAPER_METHODS)
    assert style_of("my-own:a=1") == style_of("my-own:a=1") != style_of("my-own:a=2")
    alone = render_page([record for record in some if record.cell.recipe == "us"])
    for text in (render_page(some), alone):
        (place,) = [
            i for i, method in enumerate(data_of(text)["methods"]) if method["title"] == "US"
        ]
        assert re.findall(rf"\.m{place}\{{color:(#\w+)\}}", text) == list(style_of("us")[:2])


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours as WCAG defines it, from 1 to 21."""
    bright = []
    for colour in (first, second):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        bright.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    low, high = sorted(bright)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    "recipe", [*PAPER_METHODS, "aug-da", "la", *(f"other{i}" for i in range(40))]
)
def test_colours_can_be_seen_on_both_backgrounds(recipe):
    one = style_of(recipe)
    assert contrast(one.light, "#ffffff") >= 3
    assert contrast(one.dark, "#16181d") >= 3
    assert one.marker in MARKERS


def test_wrong_images_are_the_surest_of_each_class_in_turn():
    labels = np.array([0, 0, 0, 1, 1, 1])
    minority = np.array([0.7, 0.9, 0.1, 0.2, 0.4, 0.8])
    proba = np.stack([1 - minority, minority], axis=1)
    predicted = (minority > 0.5).astype(int)
    assert misclassified_rows(labels, predicted, proba, 3) == [3, 1, 4]
    assert misclassified_rows(labels, predicted, proba, 0) == []


@pytest.fixture
def decoded_folder(data_folder):
    """Return the root and the spec of a small data set of our own."""
    made = {f"{split}/{name}": 4 for split in ("train", "test") for name in ("cat", "dog")}
    return data_folder(made).parent, "folder:pictures,majority=cat"


def test_wrong_images_are_embedded_where_the_data_are_here(decoded_folder, make_record):
    root, spec = decoded_folder
    decoded = prepare(spec, root=root, size=16)
    labels = decoded.test.labels
    proba = np.stack([labels == 1, labels == 0], axis=1).astype(np.float32)  # all wrong
    record = make_record(
        cell={"dataset": spec, "fingerprint": decoded.fingerprint},
        scores=Scores.of(labels, proba, proba),
    )
    held = data_of(render_page([record], images=3, data=root))
    cell = held["cells"][record.key]
    assert held["classes"] == [["cat", "dog"]]
    assert cell["wrong_count"] == len(labels) == 8
    assert [(truth, called, sure) for _, truth, called, sure in cell["wrong"]] == [
        (1, 0, 1.0),
        (0, 1, 1.0),
        (1, 0, 1.0),
    ]
    assert set(held["images"][0]) == {str(row) for row, *_ in cell["wrong"]}
    assert all(uri.startswith("data:image/webp;base64,") for uri in held["images"][0].values())
    none = data_of(render_page([record], images=0, data=root))
    assert none["cells"][record.key]["no_images"] == "images were not requested"
    assert none["images"] == [{}]


def test_cells_name_their_wrong_images_where_the_images_are_and_where_they_are_not(
    decoded_folder, make_record, monkeypatch, tmp_path
):
    root, spec = decoded_folder
    data = prepare(spec, root=root, size=16)
    labels = np.asarray(data.test.labels)
    proba = np.eye(2)[1 - labels] * 0.8 + 0.1
    record = make_record(
        cell={"dataset": spec, "fingerprint": data.fingerprint},
        scores=Scores.of(labels, np.log(proba), proba),
    )
    held = data_of(render_page([record], images=3, data=root))
    rows = [row for row, *_ in held["cells"][record.key]["wrong"]]
    expected = {str(row): data.test.names[row] for row in rows}
    assert held["names"] == [expected]
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    keep_names(tmp_path, data)
    elsewhere = data_of(
        render_page([record], images=3, data=tmp_path / "gone", names=read_names(tmp_path))
    )
    assert elsewhere["names"] == [expected]
    assert elsewhere["images"] == [{}]
    assert elsewhere["classes"] == [list(data.classes)]
    unknown = data_of(render_page([record], images=3, data=tmp_path / "gone"))
    assert unknown["cells"][record.key]["no_images"] == "the data set is not on this machine"


def test_cells_of_many_classes_know_their_groups_by_training_images(make_record):
    proba = np.eye(3)[[0, 1, 2, 2]] * 0.8 + 0.1
    scores = Scores.of(np.array([0, 1, 2, 2]), np.log(proba), proba)
    many = make_record(scores=scores, train_counts=[500, 60, 50], test_counts=[1, 1, 2])
    two = make_record("us", **outputs(0))
    own = make_record("cs", cell={"by_class": (50, 60)}, scores=scores)
    found = data_of(render_page([many, own]))["cells"]
    assert (found[many.key]["minority"], found[own.key]["minority"]) == (50, "50-60")
    cells = data_of(render_page([many, two]))["cells"]
    assert cells[many.key]["shots"] == {"many": [0], "medium": [1, 2]}
    assert cells[two.key]["shots"] == {}


def test_data_of_another_content_are_not_shown(decoded_folder, make_record, monkeypatch, tmp_path):
    root, spec = decoded_folder
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    (table,) = make_tables([make_record(cell={"dataset": spec})])
    found, reason = find_decoded(table.group, root)
    assert found is None
    assert reason == "the data set on this machine is not the one of these records"


def test_a_record_cannot_name_code_to_run(make_record, tmp_path):
    (tmp_path / "evil.py").write_text("import pathlib; pathlib.Path(__file__).unlink()")
    spec = f"{tmp_path / 'evil.py'}:Data"
    (table,) = make_tables([make_record(cell={"dataset": spec})])
    assert find_decoded(table.group, tmp_path) == (None, "the data set is not on this machine")
    assert (tmp_path / "evil.py").exists()


def test_thumbnails_stop_at_their_budget(decoded_folder):
    root, spec = decoded_folder
    gallery = Gallery(prepare(spec, root=root, size=16), budget=1)
    assert [gallery.add(0), gallery.add(1), gallery.add(0)] == [True, False, True]


def test_pictures_beside_a_record_are_encoded_anew(tmp_path, data_picture):
    data_picture(0).save(tmp_path / "samples-1.png")
    (tmp_path / "broken-1.png").write_bytes(b"<svg onload=alert(1)>")
    places = {name: name for name in ("samples-1.png", "broken-1.png", "gone.png", "generator-1")}
    samples, broken, gone = Pictures(tmp_path).of(places)
    assert samples["data"].startswith("data:image/webp;base64,")
    assert (broken["data"], broken["reason"]) == ("", "cannot be read (UnidentifiedImageError)")
    assert (gone["data"], gone["reason"]) == ("", "cannot be read (FileNotFoundError)")
    (late,) = Pictures(tmp_path, budget=0).of({"samples-1.png": "samples-1.png"})
    assert (late["data"], late["reason"]) == ("", "not embedded, to keep the page small")
    (outside,) = Pictures(tmp_path / "inner").of({"a.png": "../samples-1.png"})
    assert outside["reason"] == "lies outside the results folder"


def test_a_picture_that_would_fill_the_memory_is_left_out(tmp_path):
    Image.new("1", (6000, 6000)).save(tmp_path / "large.png")
    assert embedded_picture(tmp_path, "large.png") == ("", "is too large")


def test_hundreds_of_cells_stay_below_ten_megabytes(make_record):
    kept = [outputs(seed) for seed in range(20)]
    records = [
        make_record(recipe, count, seed, **kept[(count + seed) % 20])
        for recipe in PAPER_METHODS
        for count in (10, 25, 50, 75)
        for seed in range(6)
    ]
    size = len(render_page(records, metrics=["f1"]).encode())
    assert size < 4e6, f"{size} bytes for {len(records)} cells"


@pytest.fixture
def results(tmp_path, some) -> Path:
    """Return a results folder."""
    store = Store(tmp_path / "my results")
    for record in some:
        store.put(record)
    return store.folder


def bench(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return bench_here("report", *arguments, cwd=cwd, encoding="ascii")


def test_a_large_page_keeps_details_and_comparisons_of_some(make_record, monkeypatch):
    records = [
        make_record(recipe, seed=seed) for recipe in ("vanilla", "cs", "os") for seed in range(4)
    ]
    records.append(make_record("us", seed=9, status="failed", reason="no memory"))
    whole = data_of(render_page(records))
    monkeypatch.setattr(page, "DETAILED", 4)
    monkeypatch.setattr(page, "pivotal_methods", lambda tables: pivotal_methods(tables, most=1))
    text = render_page(records)
    cells = data_of(text)["cells"]
    detailed = [cell for cell in cells.values() if "brief" not in cell]
    assert [cell["seed"] for cell in detailed if cell["status"] == "ok"] == [0, 0, 0]
    assert [cell["status"] for cell in detailed].count("failed") == 1
    for key, cell in cells.items():
        known = whole["cells"][key]["scores"]
        shown = ["f1"] if cell.get("brief") and known else list(known)
        assert cell["scores"] == {name: known[name] for name in shown}
    assert "4 of its 13 cells have curves, images and logs" in text
    assert "it compares 1 of the 4 methods with all others" in text
    firsts = {match["methods"][0] for table in data_of(text)["differences"] for match in table}
    assert firsts == {data_of(text)["reference"]}


def test_the_command_writes_the_page_where_it_is_told(results):
    done = bench(results, "--html", "--metric", "f1", cwd=results.parent)
    assert (done.returncode, done.stdout) == (0, "")
    *_, last = done.stderr.splitlines()  # above it what takes a busy machine long
    assert last.startswith(f"wrote {results / 'report.html'} (")
    text = (results / "report.html").read_text("utf-8")
    assert len(data_of(text)["cells"]) == 18
    other = bench(results, "--html", "a/b.html", "--metric", "f1", "--csv", cwd=results.parent)
    assert other.returncode == 0
    assert other.stdout.startswith("dataset,")
    assert len(data_of((results.parent / "a/b.html").read_text("utf-8"))["cells"]) == 18
    piped = bench(results, "--html", "-", "--metric", "f1", cwd=results.parent)
    assert piped.stdout.startswith("<!DOCTYPE html>")
    assert piped.stdout.rstrip().endswith("</html>")


def test_the_command_refuses_a_folder_as_the_page(results):
    done = bench("--html", results, cwd=results.parent)
    assert done.returncode == 2
    assert "that is a folder" in done.stderr
