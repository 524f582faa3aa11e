"""`bench explain`: where the classifiers of finished cells look, as maps and numbers."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imbench.commands.arguments import ANY_DATA, RESULTS
from imbench.commands.counting import counted_on_stderr
from imbench.commands.terminal import command_line, echo, echo_document, terminal_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imbench.records.record import Record

__all__ = ["explain"]

NAMED = 3
"""Cells that a sentence names."""


@click.command()
@RESULTS
@ANY_DATA
@click.option("--methods", metavar="LIST", help="Explain these recipes only: vanilla,cs.")
@click.option(
    "--maps",
    default="gradcam,rise",
    show_default=True,
    metavar="LIST",
    help="Draw these maps, see `bench list maps`.",
)
@click.option(
    "--images",
    type=click.IntRange(1, 10_000),
    default=8,
    show_default=True,
    help="Draw maps of N images of each cell, spread over the classes.",
    metavar="N",
)
@click.option(
    "--swaps",
    type=click.IntRange(2, 10_000),
    default=64,
    show_default=True,
    help="Swap the background of N images of each class.",
    metavar="N",
)
@click.option(
    "--masks",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Take object masks from FOLDER: files named like the images.",
)
@click.option("--tsne", is_flag=True, help="Place the features of each cell in a plane too.")
@click.option("--device", default="auto", show_default=True, help="Choose cpu, cuda, cuda:1, ...")
@click.option("--details", is_flag=True, help="Print every measure of each map and class too.")
@click.option("--markdown", is_flag=True, help="Print Markdown tables.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers of each cell as JSON.")
def explain(
    results: Path,
    root: Path,
    methods: str | None,
    maps: str,
    details: bool,
    markdown: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Show where the classifiers of RESULTS (default: results) look.

    A cell's network is the one that `bench run --keep models` left, or the cell is trained again;
    its outputs must be the record's. Arrays are kept beside the records, so that the same command
    goes on where it stopped; `bench report --html` shows the maps. Records are not changed.
    """
    from imbench.errors import NotComparable, UsageError
    from imbench.lists import parse_texts
    from imbench.records.image_names import read_names
    from imbench.records.store import Store, read_records

    if markdown and as_json:
        raise UsageError("--markdown and --json exclude each other: choose one of them")
    records = _of_methods(read_records(results), methods)
    from imbench.explain.json_form import explanation_json
    from imbench.explain.numbers import CONTEXT
    from imbench.explain.overview import overview_tables
    from imbench.explain.session import Session, Settings
    from imbench.explain.stored import kept
    from imbench.explain.tables import explained_groups, explanation_tables
    from imbench.report import text

    names = parse_texts([maps], "maps") if maps.strip() else ()
    tsne = settings.pop("tsne")
    session = Session(Settings(results, root, names, features=tsne, **settings))
    with counted_on_stderr(len(records), "cells") as tell:
        session.explain(records, tell)
    _say(session.faults, records)
    if session.retrained:
        networks = (
            "1 network was" if session.retrained == 1 else f"{session.retrained} networks were"
        )
        echo(
            f"{networks} trained again, with the outputs of the records; a run with --keep models "
            "keeps those that it trains",
            err=True,
        )
    store, whats = Store(results), (*names, CONTEXT)
    groups = explained_groups(records, store, whats, dict(read_names(results)))
    if not groups:
        raise NotComparable("no cell could be explained: the sentences above say why")
    earlier = sum(any(kept(store, record, what) for what in whats) for record in session.refused)
    if earlier:
        shown = f"{earlier} cell is" if earlier == 1 else f"{earlier} cells are"
        echo(f"{shown} shown as an earlier bench explain left them", err=True)
    if as_json:
        echo_document(explanation_json(groups, command_line()))
        return
    tables = overview_tables(groups)
    if details:
        tables += explanation_tables(groups)
    form = text.markdown(tables) if markdown else text.terminal(tables, terminal_width())
    echo_document(form)
    drawn = "maps and features in a plane" if tsne else "maps"
    echo(f"the {drawn}: bench report {shlex.quote(str(results))} --html", err=True)


def _of_methods(records: Sequence[Record], methods: str | None) -> list[Record]:
    """Return the finished records of some recipes, or of all."""
    from imbench.errors import NotComparable
    from imbench.lists import parse_texts
    from imbench.spec import match_name
    from imbench.training.recipe import canonical_recipe

    done = [record for record in records if record.done]
    if not done:
        raise NotComparable("no cell is finished: `bench status` says how far the run is")
    if methods is None:
        return done
    known = {record.cell.recipe for record in done}
    wanted = set()
    for name in parse_texts([methods], "methods"):
        canonical = canonical_recipe(name)
        if canonical not in known:
            near = match_name(canonical, known, "method")
            raise NotComparable(
                f"no finished cell has the method {name!r}" + (f": is it {near!r}?" if near else "")
            )
        wanted.add(canonical)
    return [record for record in done if record.cell.recipe in wanted]


def _say(faults: dict[str, list[Record]], records: Sequence[Record]) -> None:
    """Print each sentence once, with the cells that it is true of."""
    from imbench.records.groups import group_records

    titles = {
        record.key: group.title
        for group in group_records(records)
        for slot in group.slots.values()
        for record in slot.values()
    }
    several = len(set(titles.values())) > 1
    for sentence, of in faults.items():
        if len(of) == len(records) > NAMED:
            echo(f"{sentence} (all {len(of)} cells)", err=True)
            continue
        named = "; ".join(
            _place(record, titles.get(record.key, "") if several else "") for record in of[:NAMED]
        )
        more = f"; and {len(of) - NAMED} more" if len(of) > NAMED else ""
        echo(f"{sentence} ({named}{more})", err=True)


def _place(record: Record, title: str) -> str:
    """Return which cell a record is of, with the title of its data where there are several."""
    from imbench.records.groups import method_title

    cell = record.cell
    where = f"{method_title(cell.recipe)} at {cell.minority}, seed {cell.seed}"
    return f"{title}: {where}" if title else where
