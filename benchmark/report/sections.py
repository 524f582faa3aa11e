"""Parts of a report besides its tables: comparisons, claims, ranks, as text and plain rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imbench.records.image_names import ImageNames
from imbench.records.record import Record
from imbench.report.board import board_row, make_boards, printed_board
from imbench.report.board_blocks import by_kind
from imbench.report.compare import Comparison, Match, compare
from imbench.report.measured import Measured
from imbench.report.paper_claims import ClaimResult, claims_prose, judge_claims
from imbench.report.pools import pool_of
from imbench.report.printed_table import PrintedTable
from imbench.report.prose import Prose, prose_latex, prose_markdown, prose_terminal
from imbench.report.ranks import Ranks, printed_ranks, rank_by
from imbench.report.tables import make_tables
from imbench.report.words import match_prose, sentence

__all__ = [
    "Section",
    "board_section",
    "claims_section",
    "comparisons",
    "rank_metrics",
    "ranking",
    "render_sections",
]


@dataclass(frozen=True)
class Section:
    """One part of a report.

    Attributes
    ----------
    key : str
        Its name in JSON.
    blocks : tuple of PrintedTable or Prose
        Tables and text.
    rows : tuple of dict
        The same as plain data.
    """

    key: str
    blocks: tuple[PrintedTable | Prose, ...]
    rows: tuple[dict[str, Any], ...]


def comparisons(
    records: Iterable[Record], recipes: Sequence[str], metrics: Sequence[str]
) -> Section:
    """Compare the first recipe with the others."""
    found = compare(records, recipes, metrics)
    blocks = []
    for index, match in enumerate(found):
        first = index == 0 or found[index - 1].group is not match.group
        blocks.append(match_prose(match, protocol=first))
    rows = [
        _comparison_row(match, cell)
        for match in found
        for cell in (*match.cells, *([match.over] if match.over else []))
    ]
    return Section("comparisons", tuple(blocks), tuple(rows))


def claims_section(
    records: Iterable[Record],
    measured: Measured | None = None,
    names: Mapping[str, ImageNames] | None = None,
) -> Section:
    """Test the paper's claims.

    `measured` is what two of them need beside records; `names` say how large the pools are.
    """
    tested = judge_claims(records, measured)
    blocks = [
        claims_prose(group, results, pool_of(group, names or {})) for group, results in tested
    ]
    rows = [
        {
            "dataset": group.name,
            "fingerprint": group.basis.fingerprint,
            **_claim_row(result),
        }
        for group, results in tested
        for result in results
    ]
    return Section("claims", tuple(blocks), tuple(rows))


def ranking(records: Iterable[Record], metrics: Sequence[str]) -> Section:
    """Rank the methods over all cells, by each metric."""
    found = rank_metrics(records, metrics)
    return Section("ranks", tuple(map(printed_ranks, found)), tuple(map(_ranks_row, found)))


def board_section(records: Iterable[Record], metrics: Sequence[str]) -> Section:
    """Say where the methods stand over all data sets, by each metric."""
    kinds = by_kind(make_tables(records, metrics))
    blocks, rows, number = [], [], 0
    for kind, tables in kinds.items():
        for name in metrics:
            for board in make_boards(tables, name):
                number += 1
                told = kind if len(kinds) > 1 else ""
                blocks.append(printed_board(board, number, told))
                rows.append({"training": kind, **board_row(board)})
    return Section("board", tuple(blocks), tuple(rows))


def rank_metrics(records: Iterable[Record], metrics: Sequence[str]) -> list[Ranks]:
    """Return the average ranks by each metric."""
    tables = make_tables(records, metrics)
    return [rank_by(tables, name) for name in metrics]


def render_sections(
    sections: Sequence[Section], form: str, comments: Sequence[str] = (), width: int = 80
) -> str:
    """Return sections as text for the terminal, in Markdown or in LaTeX."""
    from imbench.report.latex import latex, latex_table
    from imbench.report.text import markdown, terminal

    blocks = [block for section in sections for block in section.blocks]
    if form == "latex":
        body = [latex_table(b) if isinstance(b, PrintedTable) else prose_latex(b) for b in blocks]
        return "\n".join([latex([], comments), *body])
    if form == "markdown":
        texts = [
            markdown([b]) if isinstance(b, PrintedTable) else prose_markdown(b) for b in blocks
        ]
    else:
        texts = [
            terminal([b], width) if isinstance(b, PrintedTable) else prose_terminal(b, width)
            for b in blocks
        ]
    return "\n\n".join(text.rstrip("\n") for text in texts) + "\n"


def _comparison_row(match: Match, comparison: Comparison) -> dict[str, Any]:
    effect = comparison.effect
    t = (effect.interval().ends if effect.values else None) or (None, None)
    ends = effect.ends or (None, None)
    low, high = effect.span if effect.values else (None, None)
    over = comparison.minority is None
    return {
        "dataset": match.group.name,
        "fingerprint": match.group.basis.fingerprint,
        "metric": match.metric,
        "first": match.recipes[0],
        "second": match.recipes[1],
        "minority": comparison.minority,
        "pairs": len(effect),
        "mean": effect.mean if effect.values else None,
        "min": low,
        "max": high,
        "sd": effect.spread if len(effect) > 1 else None,
        "won": effect.above,
        "tied": effect.ties,
        "t_low": t[0],
        "t_high": t[1],
        "bootstrap_low": ends[0],
        "bootstrap_high": ends[1],
        "no_bootstrap": effect.no_bootstrap,
        "images": effect.images,
        "p": None if over or not effect.values else effect.p,
        "rivals": comparison.family,
        "p_holm": None if over or not effect.values else comparison.adjusted,
        "verdict": None if over else comparison.verdict,
        "sentence": None if over else sentence(comparison),
        "differences": {str(seed): value for seed, value in effect.values.items()},
        "left_out": {str(seed): reason for seed, reason in comparison.lost.items()},
    }


def _claim_row(result: ClaimResult) -> dict[str, Any]:
    return {
        "number": result.claim.number,
        "claim": result.claim.text,
        "finding": result.finding,
        "text": result.text,
    }


def _ranks_row(ranks: Ranks) -> dict[str, Any]:
    return {
        "metric": ranks.metric,
        "cells": list(ranks.cells),
        "ranks": dict(zip(ranks.recipes, ranks.means, strict=True)),
        "best_in": dict(zip(ranks.recipes, ranks.wins, strict=True)),
        "friedman_chi2": ranks.chi2,
        "friedman_p": ranks.p,
        "critical_difference": ranks.critical,
        "left_out": list(ranks.left_out),
        "uneven": list(ranks.uneven),
    }
