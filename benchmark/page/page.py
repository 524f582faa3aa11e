"""One self-contained HTML page of all records: it makes no request, so it opens from a file.

Statistics are those of the tables, comparisons and ranks; scripts in the page draw, sort and
filter them, and compute none.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from imbench.errors import NotComparable
from imbench.explain.stored import any_kept
from imbench.page.cells import FEWER_POINTS, MANY_RECORDS, POINTS, CellBuilder
from imbench.page.data import group_title, groups_of, methods_of, pivotal_methods, plot_data
from imbench.page.explained import explained_blocks, feature_blocks
from imbench.page.images import Gallery, Pictures, find_decoded
from imbench.page.seen import contact_sheets
from imbench.page.styles import style_of
from imbench.page.tables import about, failures, rank_blocks, table_blocks
from imbench.page.wall import picture_walls
from imbench.records.cell import Cell
from imbench.records.floors import is_floor
from imbench.records.groups import Group
from imbench.records.image_names import ImageNames
from imbench.records.metric_specs import load_metric
from imbench.records.record import Record
from imbench.records.store import Store
from imbench.report.table_set import TableSet
from imbench.report.verdict import Verdict
from imbench.safe_text import visible
from imbench.stats.paired import ENOUGH
from imbench.version import imbench_version

__all__ = ["render_page", "safe_json"]

DETAILED = 2000
"""Cells with curves, images and logs: 2.5 kB each, which a phone still opens in two seconds."""
_PLACE = "data of the scripts"
"""Stands for the data in the template: once, not in four copies, 20,000 records have 13 MB."""
SCRIPTS = ("draw.js", "plots.js", "cells.js", "wall.js", "page.js")


def render_page(
    records: Iterable[Record] | TableSet,
    *,
    metrics: Sequence[str] = ("f1",),
    planned: Iterable[Cell] = (),
    bold: str = "best",
    folder: Path | None = None,
    data: Path = Path("data"),
    images: int = 8,
    names: Mapping[str, ImageNames] | None = None,
    notes: Sequence[str] = (),
    command: str = "",
    step: Callable[[str], None] = lambda _: None,
) -> str:
    """Return the page of `records`.

    Parameters
    ----------
    records : iterable of Record or TableSet
        In any order. A set keeps its tables and verdicts for other forms, and has its own `planned`
        and `bold`.
    metrics : sequence of str
        Registered names; the first one is shown first.
    planned : iterable of Cell
        Cells of all plans; those without a record are shown as missing.
    bold : {"best", "not-worse"}
        Which scores are bold: see `imbench.report.bold.choose_bold`.
    folder : Path, optional
        The results folder, to read logs and pictures from.
    data : Path
        The folder of data sets, to read misclassified images from.
    images : int
        Maximum number of such images a cell; with 0 the page has no pictures. Of what the network
        sees it shows `imbench.page.seen.IMAGES` of each class and split at most.
    names : mapping, optional
        Fingerprint to names of classes and test images: `imbench.records.image_names.read_names`.
    notes : sequence of str
        Sentences on the results folder as a whole.
    command : str
        The command that asked for the page.
    step : callable, optional
        Told in words what is done next: a page of 20,000 records takes a minute.

    Raises
    ------
    NotComparable
        If there is no record.
    UsageError
        If a metric is unknown.
    """
    made = (
        records if isinstance(records, TableSet) else TableSet(records, planned=planned, bold=bold)
    )
    records, planned = made.records, list(planned)
    if not records:
        raise NotComparable("no records to report: `bench run` makes some")
    step(f"make the tables of {len(records)} records")
    tables = made.tables(metrics)
    record_groups = groups_of(tables)
    records = [record for record in records if not is_floor(record.cell)]
    builder = CellBuilder(
        metrics={name: load_metric(name) for name in metrics},
        pictures=Pictures(folder if images else None),
        folder=folder,
        images=images,
        points=POINTS if len(records) < MANY_RECORDS else FEWER_POINTS,
    )
    cells, galleries = _build_cells(record_groups, builder, data, names or {}, step)
    step("draw what the network sees")
    sheets = contact_sheets(record_groups, galleries, data, images)
    step("show where the classifiers look")
    explained = explained_blocks(records, folder, names or {}) if folder is not None else []
    walls = _walls(record_groups, galleries, folder, methods_of(tables)) if images else []
    step("write the verdict")
    verdicts = [_verdict_block(verdict) for verdict in made.verdicts(metrics)]
    pivots = pivotal_methods(tables)
    step(f"compare {len(pivots)} of {len(methods_of(tables))} methods with all others")
    script_data: dict[str, Any] = {
        **plot_data(tables, metrics, pivots),
        "classes": [[visible(name) for name in gallery.classes] for gallery in galleries],
        "images": [gallery.thumbnails for gallery in galleries],
        "names": [gallery.names for gallery in galleries],
        "settings": builder.settings,
        "environments": builder.environments,
        "walls": walls,
    }
    markup_data: dict[str, Any] = {
        "metrics": script_data["metrics"],
        "methods": script_data["methods"],
        "groups": [group_title(group, record_groups) for group in record_groups],
        "reference": script_data["reference"],
        "pivots": pivots,
        "datasets": len({group.name for group in record_groups}),
        "detailed": min(DETAILED, len(records)),
        "verdicts": verdicts,
        "tables": table_blocks(tables),
        "ranks": rank_blocks(tables),
        "sheets": sheets,
        "explained": explained,
        "features": feature_blocks(record_groups, folder, names or {}) if images else [],
        "walls": len([wall for wall in walls if not wall.get("left_out")]),
        "walls_left_out": any(wall.get("left_out") for wall in walls),
        "failures": failures(record_groups),
        "remarks": [visible(note) for note in notes],
        "planned": bool(planned),
        "about": about(record_groups, records),
        "command": visible(command),
        "enough": ENOUGH,
    }
    page = _render_template(markup_data, methods_of(tables))
    before, _, after = page.rpartition(safe_json(_PLACE))  # names of others stand before it
    # Whoever hands over the records one by one has them gone before the text takes their place.
    del records, made, planned, tables, record_groups, builder, galleries, page
    return "".join([before, *_with_cells(script_data, cells), after])


def safe_json(plain: Any) -> str:
    """Return JSON that is safe inside a script element, whatever text it contains."""
    text = json.dumps(plain, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _verdict_block(verdict: Verdict) -> dict[str, Any]:
    return {
        "title": visible(verdict.title),
        "sentences": [visible(_sentence(statement.text)) for statement in verdict.statements],
    }


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _build_cells(
    record_groups: Sequence[Group],
    builder: CellBuilder,
    data: Path,
    names: Mapping[str, ImageNames],
    step: Callable[[str], None],
) -> tuple[dict[str, str], list[Gallery]]:
    """Return the data of each record, by the key of its cell, and the images of each group.

    As JSON at once: as dictionaries 20,000 cells would take 50 MB.
    """
    cells: dict[str, str] = {}
    galleries = []
    detailed = _detailed([record for group in record_groups for record in group.records])
    for index, group in enumerate(record_groups):
        step(f"describe the {len(group.records)} cells of {group.title}")
        decoded, reason = find_decoded(group, data) if builder.images else (None, "")
        gallery = Gallery(decoded, reason, known=names.get(group.basis.fingerprint))
        galleries.append(gallery)
        for record in group.records:
            build = builder.build if record.cell.key in detailed else builder.build_brief
            cells[record.cell.key] = safe_json({"group": index, **build(record, gallery)})
    return cells, galleries


def _with_cells(script_data: dict[str, Any], cells: dict[str, str]) -> Iterator[str]:
    """Yield the data of the scripts as pieces of JSON, the texts of `cells` below that name."""
    yield f'{safe_json(script_data)[:-1]},"cells":{{'
    sign = ""
    for key, text in cells.items():
        yield f"{sign}{safe_json(key)}:{text}"
        sign = ","
    yield "}}"


def _walls(
    record_groups: Sequence[Group],
    galleries: Sequence[Gallery],
    folder: Path | None,
    recipes: Sequence[str],
) -> list[dict[str, Any]]:
    """Return the picture walls of a results folder."""
    if folder is None or not any_kept(folder):
        return []
    decoded = [gallery.decoded for gallery in galleries]
    return picture_walls(record_groups, decoded, Store(folder), recipes)


def _detailed(records: Sequence[Record]) -> set[str]:
    """Return the keys of the cells that the page shows with curves, images and logs.

    Cells without a score come first, for they are looked at to mend them, then the first seeds.
    """
    order = sorted(records, key=lambda record: (record.done, record.cell.seed))
    return {record.cell.key for record in order[:DETAILED]}


def _render_template(markup_data: dict[str, Any], recipes: Sequence[str]) -> str:
    """Return the template with styles, scripts, the policy that allows them, and `_PLACE`."""
    style = _read_template("page.css") + _method_styles(recipes)
    script = "".join(map(_read_template, SCRIPTS))
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_csp_hash(style)}'; "
        f"script-src '{_csp_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    text = _template().render(
        **markup_data,
        version=imbench_version(),
        policy=policy,
        style=style,
        script=script,
        data=safe_json(_PLACE),
    )
    # Unpaired surrogates, which foreign names may contain, cannot be encoded in UTF-8.
    return text.encode("utf-8", "backslashreplace").decode()


@cache
def _template() -> Template:
    # Kept: jinja takes as long to compile it as all else of a small page does.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(_read_template("page.html"))


def _read_template(name: str) -> str:
    return (files("imbench.page.templates") / name).read_text("utf-8")


def _csp_hash(text: str) -> str:
    """Return the hash by which the content security policy allows an inline element."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _method_styles(recipes: Sequence[str]) -> str:
    """Return a CSS class for each method, with its colour on a light and on a dark page."""
    styles = [style_of(recipe) for recipe in recipes]
    light = "".join(f".m{i}{{color:{style.light}}}\n" for i, style in enumerate(styles))
    dark = "".join(f".m{i}{{color:{style.dark}}}\n" for i, style in enumerate(styles))
    return f"{light}@media screen and (prefers-color-scheme: dark){{\n{dark}}}\n"
