"""Data of the page's markup: tables, ranks, failures, protocol and environment."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from typing import Any

from imbench.errors import NotComparable
from imbench.page.data import class_counts, group_title, groups_of, methods_of
from imbench.records.groups import Group, format_ranges, method_title
from imbench.records.record import Record
from imbench.report.means import NOT_RUN, WORDS
from imbench.report.printed_table import (
    PrintedCell,
    PrintedTable,
    footnotes,
    printed_table,
)
from imbench.report.ranks import Ranks, printed_ranks, rank_by
from imbench.report.table_notes import protocol_line
from imbench.report.tables import Table
from imbench.safe_text import visible
from imbench.stats.about_metrics import title_over

__all__ = ["about", "failures", "plain_table", "rank_blocks", "table_blocks"]


def table_blocks(tables: Sequence[Table]) -> list[dict[str, Any]]:
    """Return the tables of a report, with the key of the first cell behind each entry."""
    record_groups, recipes = groups_of(tables), methods_of(tables)
    names = list(dict.fromkeys(table.metric for table in tables))
    blocks = []
    for table in tables:
        printed = printed_table(table)
        keys = [_cell_keys(table, index) for index in range(len(table.lines))]
        # Columns beside the scores lead to no cell of their own.
        keys = [[*row, *[""] * (len(printed.head) - len(row))] for row in keys]
        blank = [[""] * len(printed.head)] * (len(printed.rows) - len(keys))
        blocks.append(
            {
                **plain_table(printed, [*keys, *blank]),
                "metric": names.index(table.metric),
                "group": next(i for i, group in enumerate(record_groups) if group is table.group),
                "methods": [recipes.index(line.recipe) for line in table.lines],
            }
        )
    return blocks


def _cell_keys(table: Table, index: int) -> list[str]:
    row = table.group.rows[index]
    slots = [table.group.slots.get((row, count), {}) for count in table.counts]
    return ["", *(slot[min(slot)].cell.key if slot else "" for slot in slots)]


def rank_blocks(tables: Sequence[Table]) -> list[dict[str, Any]]:
    """Return the average ranks by each metric, drawn and as a table, or why there are none."""
    blocks = []
    for name in dict.fromkeys(table.metric for table in tables):
        try:
            ranks = rank_by(tables, name)
        except NotComparable as error:
            title = title_over(name, class_counts(groups_of(tables)))
            blocks.append({"reason": visible(str(error)), "title": visible(title)})
        else:
            printed = printed_ranks(ranks)
            empty = [[""] * len(printed.head)] * len(printed.rows)
            table = plain_table(printed, empty)
            blocks.append({**table, "diagram": _diagram_url(ranks), "reason": ""})
    return blocks


def _diagram_url(ranks: Ranks) -> str:
    from imbench.page.diagram import draw_diagram
    from imbench.page.paper_plots import figure_bytes

    svg = figure_bytes(draw_diagram(ranks), "svg")
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def plain_table(printed: PrintedTable, keys: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return a table as data of the markup, with the key of a cell behind each entry."""
    letters = footnotes(printed.rows)
    return {
        "title": visible(printed.title),
        "above": [visible(text) for text in printed.above],
        "span": printed.span,
        "head": [
            {"text": visible(text), "side": side}
            for text, side in zip(printed.full_head, printed.align, strict=True)
        ],
        "rows": [
            [_plain_cell(shown, key, letters) for shown, key in zip(row, row_keys, strict=True)]
            for row, row_keys in zip(printed.rows, keys, strict=True)
        ],
        "last": min(printed.rules, default=len(printed.rows)),
        "notes": [(mark, visible(text)) for text, mark in letters.items()],
        "below": [visible(text) for text in (*printed.below, *printed.advice)],
    }


def _plain_cell(shown: PrintedCell, key: str, letters: dict[str, str]) -> dict[str, Any]:
    return {
        "value": shown.number(),
        "ends": ", ".join(shown.interval() or ()),
        "text": visible(shown.text),
        "bold": shown.bold,
        "marks": ",".join(letters[note] for note in shown.notes),
        "key": key,
        "sort": "" if shown.value is None else repr(float(shown.value)),
    }


def failures(record_groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Return every record without a score, and the planned cells without a record."""
    rows = []
    for group in record_groups:
        name = group_title(group, record_groups)
        for record in group.records:
            if not record.done:
                rows.append(
                    {
                        "dataset": name,
                        "method": visible(method_title(record.cell.recipe)),
                        "minority": record.cell.minority,
                        "seeds": str(record.cell.seed),
                        "cells": 1,
                        "what": WORDS[record.status],
                        "reason": visible(record.reason),
                        "key": record.cell.key,
                    }
                )
        for row, count in sorted(group.planned, key=lambda key: (key[1], key[0])):
            missing = group.planned[row, count] - set(group.slots.get((row, count), {}))
            if missing:
                rows.append(
                    {
                        "dataset": name,
                        "method": visible(method_title(row.recipe)),
                        "minority": count,
                        "seeds": format_ranges(missing),
                        "cells": len(missing),
                        "what": WORDS["missing"],
                        "reason": "planned, and no run has done it yet",
                        "key": "",
                    }
                )
    return rows


def about(record_groups: Sequence[Group], records: Sequence[Record]) -> dict[str, Any]:
    """Return the protocol of each group, commits of the records, and where they were trained."""
    # A cell without a score may have ended before a device was chosen, and no number is from it.
    environments = [record.environment for record in records if record.done]
    environments = environments or [record.environment for record in records]
    started = sorted(record.started for record in records if record.started)
    commits = Counter(record.commit for record in records if record.commit)
    names = list(dict.fromkeys(name for environment in environments for name in environment))
    return {
        "protocols": [
            {
                "name": group_title(group, record_groups),
                "line": visible(protocol_line(group)),
                "fingerprint": visible(group.basis.fingerprint),
                "version": group.basis.protocol,
                "settings": _pairs(group.basis.settings.model_dump()),
            }
            for group in record_groups
        ],
        "environments": [
            (
                visible(name),
                list(dict.fromkeys(visible(env.get(name, "not recorded")) for env in environments)),
            )
            for name in names
        ],
        "commits": [(visible(name), count) for name, count in commits.most_common()],
        "started": (visible(started[0]), visible(started[-1])) if started else None,
        "statuses": [
            (WORDS.get(status, "finished"), count)
            for status, count in Counter(record.status for record in records).most_common()
        ],
        "records": len(records),
        "hole": NOT_RUN,
    }


def _pairs(plain: dict[str, Any]) -> list[tuple[str, str]]:
    return [(visible(str(key)), visible(str(value))) for key, value in plain.items()]
