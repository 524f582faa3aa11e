"""Records to one self-contained HTML page: no request leaves it, so it works from a disk.

Statistics are those of the tables, comparisons and ranks; scripts in the page draw, sort and
filter them, and compute none.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from imbench.errors import NotComparable
from imbench.page.cells import FEWER, MANY, POINTS, Maker
from imbench.page.data import (
    group_title,
    groups_of,
    method_differences,
    methods_of,
    metric_rows,
    plain_groups,
    plain_methods,
    reference,
)
from imbench.page.images import Gallery, Pictures, find_decoded
from imbench.page.looks import look_of
from imbench.page.tables import about, failures, rank_blocks, table_blocks
from imbench.records.cell import Cell
from imbench.records.groups import Group
from imbench.records.record import Record
from imbench.registry import load_plugin
from imbench.report.means import WORDS
from imbench.report.sheet import visible
from imbench.report.tables import make_tables
from imbench.stats.paired import ENOUGH

__all__ = ["IMAGES", "page", "safe_json"]

IMAGES = 8
"""Wrongly classified images that are shown of a cell."""
SCRIPTS = ("draw.js", "plots.js", "cells.js", "page.js")


def page(
    records: Iterable[Record],
    *,
    metrics: Sequence[str] = ("f1",),
    planned: Iterable[Cell] = (),
    bold: str = "best",
    folder: Path | None = None,
    data: Path = Path("data"),
    images: int = IMAGES,
    command: str = "",
) -> str:
    """Return the page of `records`.

    Parameters
    ----------
    records : iterable of Record
        In any order.
    metrics : sequence of str
        Registered names; the first one is shown first.
    planned : iterable of Cell
        Cells asked for; those without a record are holes.
    bold : {"best", "not-worse"}
        What is bold in a table: see `imbench.report.tables.choose_bold`.
    folder : Path, optional
        The results folder: logs and pictures beside the records are taken from it.
    data : Path
        The folder of data sets, for images that a classifier got wrong.
    images : int
        Most such images of a cell; with 0 the page holds no pictures.
    command : str
        What the page was asked with.

    Raises
    ------
    NotComparable
        If there is no record.
    UsageError
        If a metric is unknown.
    """
    records = list(records)
    if not records:
        raise NotComparable("no records to report: `bench run` makes some")
    tables = make_tables(records, metrics, planned=planned, bold=bold)
    found = groups_of(tables)
    maker = Maker(
        metrics={name: load_plugin("metrics", name) for name in metrics},
        pictures=Pictures(folder if images else None),
        folder=folder,
        images=images,
        points=POINTS if len(records) < MANY else FEWER,
    )
    cells, galleries = _cells(found, maker, data)
    drawn: dict[str, Any] = {
        "metrics": metric_rows(metrics),
        "methods": plain_methods(tables),
        "groups": plain_groups(tables),
        "reference": reference(tables),
        "differences": method_differences(tables),
        "enough": ENOUGH,
        "words": WORDS,
        "cells": cells,
        "classes": [[visible(name) for name in gallery.classes] for gallery in galleries],
        "images": [gallery.made for gallery in galleries],
        "settings": maker.settings,
        "environments": maker.environments,
    }
    texts: dict[str, Any] = {
        "metrics": drawn["metrics"],
        "methods": drawn["methods"],
        "groups": [group_title(group, found) for group in found],
        "reference": drawn["reference"],
        "tables": table_blocks(tables),
        "ranks": rank_blocks(tables),
        "failures": failures(found),
        "about": about(found, records, maker.environments),
        "command": visible(command),
        "enough": ENOUGH,
    }
    return _filled(drawn, texts, methods_of(tables))


def safe_json(plain: Any) -> str:
    """Return JSON that may stand inside a script element, whatever its texts hold."""
    text = json.dumps(plain, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _cells(
    found: Sequence[Group], maker: Maker, data: Path
) -> tuple[dict[str, dict[str, Any]], list[Gallery]]:
    """Return what is shown of each record, by the key of its cell, and the images it refers to."""
    cells: dict[str, dict[str, Any]] = {}
    galleries = []
    for place, group in enumerate(found):
        gallery = Gallery(*(find_decoded(group, data) if maker.images else (None, "")))
        galleries.append(gallery)
        for record in group.records:
            cells[record.cell.key] = {"group": place, **maker(record, gallery)}
    return cells, galleries


def _filled(drawn: dict[str, Any], texts: dict[str, Any], recipes: Sequence[str]) -> str:
    """Return the page: the template with its data, styles and scripts, and a policy for them."""
    from importlib.metadata import version

    style = _part("page.css") + _method_styles(recipes)
    script = "".join(map(_part, SCRIPTS))
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; "
        f"script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    )
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(_part("page.html"))
    text = template.render(
        **texts,
        version=version("imbench"),
        policy=policy,
        style=style,
        script=script,
        data=safe_json(drawn),
    )
    # Halves of surrogate pairs, which foreign names may hold, are no UTF-8.
    return text.encode("utf-8", "backslashreplace").decode()


def _part(name: str) -> str:
    return (files("imbench.page.templates") / name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _method_styles(recipes: Sequence[str]) -> str:
    """Return one class a method, which sets its colour in a light and in a dark page."""
    looks = [look_of(recipe) for recipe in recipes]
    light = "".join(f".m{i}{{color:{one.light}}}\n" for i, one in enumerate(looks))
    dark = "".join(f".m{i}{{color:{one.dark}}}\n" for i, one in enumerate(looks))
    return f"{light}@media screen and (prefers-color-scheme: dark){{\n{dark}}}\n"
