"""The board as a static page and as data: where methods stand over all data sets of a study.

Both are functions of the records alone: made again from the same records they have the same bytes.
The page asks for nothing from outside and runs no script.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from imbench.errors import NotComparable
from imbench.page import board_curves
from imbench.page.board_curves import curve_panels
from imbench.page.board_worth import worth_table
from imbench.records.floors import is_floor
from imbench.records.groups import Group, format_ranges, group_records, method_title
from imbench.records.record import Record
from imbench.report.board import VANILLA, Board, board_row, make_boards, printed_board
from imbench.report.board_blocks import training_title
from imbench.report.printed_table import PrintedCell, PrintedTable, printed_table
from imbench.report.table_notes import protocol_line
from imbench.report.tables import make_tables, metric_title
from imbench.safe_text import json_document, visible
from imbench.stats.paired import MARGIN
from imbench.version import imbench_version

__all__ = ["METRICS", "board_json", "board_page", "board_parts"]

METRICS = ("f1", "f1_tuned", "auroc")
"""Scores of decisions, of decisions with a tuned threshold, and of ranking."""
SCHEMA = 2
"""Of the JSON file."""


def board_parts(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return the board of each kind of training: the same network, settings and protocol.

    Raises
    ------
    NotComparable
        If there is no record of a method.
    """
    kinds: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        if not is_floor(record.cell):
            kind = record.cell.settings.model_dump_json(), record.cell.protocol
            kinds.setdefault(kind, []).append(record)
    if not kinds:
        raise NotComparable("there is no record of a method: name packs, or results folders")
    return [_part(kinds[kind]) for kind in sorted(kinds)]


def board_json(parts: Sequence[Mapping[str, Any]]) -> str:
    """Return the boards as JSON."""
    plain = [
        {key: part[key] for key in ("about", "data", "sentences")}
        | {"boards": [board_row(board) for board in part["boards"]], "missing": part["missing"]}
        for part in parts
    ]
    return json_document({"schema": SCHEMA, "imbench": imbench_version(), "studies": plain}) + "\n"


def board_page(parts: Sequence[Mapping[str, Any]]) -> str:
    """Return the boards as one page."""
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    source = files("imbench.page.templates").joinpath("board.html").read_text("utf-8")
    shown = [
        {
            **part,
            "standings": _said_once(_plain(printed_board(board)) for board in part["boards"]),
            "tables": [
                *(_plain(table) for table in part["worth"]),
                *(_plain(_matrix(board)) for board in part["boards"]),
                *(_plain(printed_table(table)) for table in part["tables"]),
            ],
        }
        for part in parts
    ]
    page = environment.from_string(source).render(
        parts=shown,
        version=imbench_version(),
        shown=[(recipe, method_title(recipe)) for recipe in board_curves.SHOWN],
        width=board_curves.WIDTH,
        height=board_curves.HEIGHT,
        left=board_curves.LEFT,
        right=board_curves.RIGHT,
    )
    return page.rstrip("\n") + "\n"


def _part(records: list[Record]) -> dict[str, Any]:
    tables = make_tables(records, METRICS)
    boards, missing = [], []
    for metric in METRICS:
        try:
            boards += make_boards(tables, metric)
        except NotComparable as error:
            missing.append(visible(f"{metric_title(metric)}: {error}"))
    return {
        "title": training_title(records[0].cell.settings),
        "about": _about(records),
        "data": [_data(group) for group in group_records(records)],
        "boards": boards,
        "missing": missing,
        "sentences": _what_is_left(boards),
        "tables": [table for table in tables if table.metric == METRICS[0]],
        "worth": [table for name in METRICS[1:] if (table := worth_table(tables, name))],
        "curves": [(metric_title(name), curve_panels(tables, name)) for name in METRICS],
    }


def _said_once(tables: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out below a table what stands below one before: most of it is about all of them."""
    found: list[dict[str, Any]] = []
    said: set[str] = set()
    for table in tables:
        found.append({**table, "below": [line for line in table["below"] if line not in said]})
        said.update(table["below"])
    return found


def _about(records: Sequence[Record]) -> dict[str, Any]:
    days = sorted(record.started[:10] for record in records if record.started)
    return {
        "settings": records[0].cell.settings.model_dump(mode="json"),
        "protocol": records[0].cell.protocol,
        "records": len(records),
        "without_score": sum(not record.done for record in records),
        "seeds": format_ranges(sorted({record.cell.seed for record in records})),
        "core_hours": round(sum(record.seconds for record in records) / 3600, 1),
        "days": [days[0], days[-1]] if days else [],
        "commits": _texts(record.commit for record in records),
        "versions": {
            name: _texts(record.environment.get(name, "") for record in records)
            for name in ("imbench", "torch", "numpy", "device", "processor")
        },
    }


def _texts(found: Iterable[str]) -> list[str]:
    return sorted({visible(text) for text in found if text})


def _data(group: Group) -> dict[str, Any]:
    return {
        "name": visible(group.title),
        "fingerprint": group.basis.fingerprint,
        "counts": list(group.counts),
        "test_counts": list(group.test_counts),
        "protocol": visible(protocol_line(group)),
    }


def _what_is_left(boards: Sequence[Board]) -> list[str]:
    """Say how much of the gains over Vanilla is left once every threshold is tuned."""
    plain, tuned = ([one for one in boards if one.metric == name] for name in METRICS[:2])
    pairs = [(one, other) for one in plain for other in tuned if one.recipes == other.recipes]
    if not pairs:
        return ["How much of the gains a tuned threshold leaves cannot be told yet."]
    return [f"Over {plain.over}: {_left(plain, tuned)}" for plain, tuned in pairs]


def _left(plain: Board, tuned: Board) -> str:
    gains = {
        recipe: (_gain(plain, recipe), _gain(tuned, recipe))
        for recipe in plain.recipes
        if VANILLA in plain.recipes and recipe != VANILLA
    }
    ahead = {recipe: pair for recipe, pair in gains.items() if pair[0] > MARGIN}
    if not ahead:
        return f"no method is ahead of Vanilla by more than {MARGIN} F1 on average."
    before, after = (sum(pair[i] for pair in ahead.values()) / len(ahead) for i in (0, 1))
    most = max(ahead, key=lambda recipe: ahead[recipe][1])
    return (
        f"{len(ahead)} of {len(gains)} methods are ahead of Vanilla by more than {MARGIN} F1, on "
        f"average by {before:.3f}; once every threshold is tuned, Vanilla's too, {after:+.3f} is "
        f"left of it, and most of {visible(method_title(most))}: {ahead[most][1]:+.3f} of "
        f"{ahead[most][0]:+.3f}."
    )


def _gain(board: Board, recipe: str) -> float:
    first, second = board.recipes.index(recipe), board.recipes.index(VANILLA)
    return float(board.pairs.difference[first, second])


def _matrix(board: Board) -> PrintedTable:
    """Lay out the mean difference of every two methods, and how often it is above the margin."""
    order, pairs = board.order, board.pairs
    titles = [method_title(board.recipes[index]) for index in order]
    rows = [
        (
            PrintedCell(text=titles[place]),
            *(
                PrintedCell(
                    pairs.difference[a, b], signed=True, digits=2, text=f"{pairs.better[a, b]:.2f}"
                )
                if a != b
                else PrintedCell(text="--")
                for b in order
            ),
        )
        for place, a in enumerate(order)
    ]
    return PrintedTable(
        title=f"every two methods by {metric_title(board.metric)}",
        slug=f"matrix-{board.metric}",
        above=(),
        span="",
        head=("row - column", *titles),
        align="l" + "r" * len(titles),
        rows=tuple(rows),
        below=(
            f"mean difference over data sets, and how often it is above {MARGIN} when data sets "
            "and seeds are drawn anew",
        ),
    )


def _plain(printed: PrintedTable) -> dict[str, Any]:
    rows = [
        [
            visible(" ".join(filter(None, (cell.number(), _interval(cell.interval()), cell.text))))
            for cell in row
        ]
        for row in printed.rows
    ]
    return {
        "title": visible(printed.title),
        "above": [visible(line) for line in printed.above],
        "head": [visible(name) for name in printed.head],
        "rows": rows,
        "rules": sorted(printed.rules),
        "below": [visible(line) for line in printed.below],
    }


def _interval(ends: tuple[str, str] | None) -> str:
    return "" if ends is None else f"[{ends[0]},{ends[1]}]"
