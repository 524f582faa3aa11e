"""Render a report of records in any form, for `bench report` and at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from imbench.errors import NotComparable, UsageError
from imbench.records.cell import Cell
from imbench.records.floors import is_floor
from imbench.records.record import Record
from imbench.records.scored import score
from imbench.report.latex import latex
from imbench.report.macros import macros
from imbench.report.measured import Measured
from imbench.report.paper import DATASETS, Versus, printed_versus, versus
from imbench.report.plain import json_head, plain_table, versus_csv
from imbench.report.printed_table import printed_table, side_by_side
from imbench.report.prose import prose_latex, prose_markdown, prose_terminal
from imbench.report.table_set import TableSet
from imbench.report.tables import RANKINGS, Table
from imbench.report.verdict import verdict_prose, verdict_rows
from imbench.safe_text import json_document, visible
from imbench.stats.about_metrics import is_thresholded
from imbench.stats.metrics import METRICS
from imbench.version import imbench_version

if TYPE_CHECKING:
    from imbench.records.image_names import ImageNames
    from imbench.report.sections import Section

__all__ = ["Form", "render_report"]

Form = Literal["terminal", "markdown", "csv", "json", "latex", "macros"]


def render_report(
    records: Iterable[Record] | TableSet,
    *,
    metrics: Sequence[str] = ("f1",),
    form: Form = "terminal",
    bold: str = "best",
    vs_paper: bool = False,
    planned: Iterable[Cell] = (),
    compare: Sequence[str] = (),
    claims: bool = False,
    measured: Measured | None = None,
    ranks: bool = False,
    board: bool = False,
    together: bool = False,
    per_class: bool = False,
    wrong: bool = False,
    names: Mapping[str, ImageNames] | None = None,
    notes: Sequence[str] = (),
    command: str = "",
    width: int = 80,
) -> str:
    """Return the report of `records` as text.

    Parameters
    ----------
    records : iterable of Record or TableSet
        In any order; only those of the same data, settings and protocol share a table. A set keeps
        its tables and verdicts for the next form, and has its own `planned` and `bold`.
    metrics : sequence of str
        Registered names; scores that a record lacks are computed from its outputs.
    form : {"terminal", "markdown", "csv", "json", "latex", "macros"}
        CSV is tidy, one line a record and metric; with `vs_paper` one line a compared cell. LaTeX
        begins with a macro for each cell; ``macros`` are these only.
    bold : {"best", "not-worse"}
        Which scores of a column are bold: see `imbench.report.bold.choose_bold`.
    vs_paper : bool
        Print F1 beside the published values.
    planned : iterable of Cell
        Cells of all plans; those without a record are shown as not run.
    compare : sequence of str
        Recipes: compare the first with the others, instead of tables.
    claims, ranks, board : bool
        Test the paper's claims, rank methods over cells, or say where they stand over data sets,
        instead of tables.
    measured : mapping, optional
        What two of the claims need beside records: see `imbench.report.measured`.
    together : bool
        Print all metrics of a data set in one table.
    per_class, wrong : bool
        Print how each class is recognised, or which images were called wrong, instead of tables.
    names : mapping, optional
        Fingerprint to names of classes and test images: `imbench.records.image_names.read_names`.
    notes : sequence of str
        Sentences on the results folder as a whole, printed below in every form but CSV.
    command : str
        The command that asked for the report, for the comments of LaTeX and for JSON.
    width : int
        Columns of the terminal.

    Raises
    ------
    NotComparable
        If there is no record, or none that the paper has.
    UsageError
        If a metric is unknown, `vs_paper` comes without F1, or options exclude each other.
    """
    made = (
        records if isinstance(records, TableSet) else TableSet(records, planned=planned, bold=bold)
    )
    records = made.records
    if not records:
        raise NotComparable("no records to report: `bench run` makes some")
    if vs_paper and "f1" not in metrics:
        raise UsageError("the published table has F1 only: add f1 to the metrics")
    if vs_paper and together:
        raise UsageError("--vs-paper and --side-by-side exclude each other: choose one")
    if compare or claims or ranks or board or per_class or wrong:
        if vs_paper or together:
            raise UsageError(
                "--compare, --claims, --ranks, --board, --per-class and --wrong replace the "
                f"tables: leave out {'--vs-paper' if vs_paper else '--side-by-side'}"
            )
        sections = _sections(records, metrics, compare, ranks=ranks, board=board)
        if claims:
            sections.append(_claims(records, measured, names))
        sections += _image_sections(records, names, per_class, wrong)
        text = _render_sections(sections, form, records, json_head(command, notes), width)
        return _with_notes(text, form, notes, width)
    if form == "csv" and not vs_paper:
        from imbench.records.frame import as_csv, frame

        return as_csv(frame((one for one in records if not is_floor(one.cell)), metrics))
    metrics = _with_ranking(metrics, records) if together else metrics
    tables = made.tables(metrics)
    if form == "macros":
        return _with_notes("\n".join([*macros(tables), ""]), form, notes, width)
    compared = _compare_with_paper(tables) if vs_paper else {}
    if form == "csv":
        return versus_csv(tables, compared)
    verdicts = made.verdicts(metrics)
    if form == "json":
        rows = [plain_table(table, compared.get(index)) for index, table in enumerate(tables)]
        head = json_head(command, notes)
        return json_document({**head, "verdicts": verdict_rows(verdicts), "tables": rows})
    if together:
        printed = list(side_by_side(tables))
    else:
        printed = [
            (printed_versus(table) if index in compared else None) or printed_table(table)
            for index, table in enumerate(tables)
        ]
    proses = [verdict_prose(verdict) for verdict in verdicts]
    if form == "latex":
        text = latex(printed, _latex_comments(records, command), macros(tables))
        text = "\n".join([text, *map(prose_latex, proses)])
    else:
        from imbench.report.text import markdown, terminal

        if form == "markdown":
            texts = [markdown(printed), *(f"{prose_markdown(prose)}\n" for prose in proses)]
        else:
            texts = [terminal(printed, width), *(f"{prose_terminal(p, width)}\n" for p in proses)]
        text = "\n".join(texts)
    return _with_notes(text, form, notes, width)


def _with_ranking(metrics: Sequence[str], records: Sequence[Record]) -> Sequence[str]:
    """Return the metrics, and AUROC beside thresholded ones where records have it."""
    if not any(map(is_thresholded, metrics)) or set(RANKINGS) & set(metrics):
        return metrics
    auroc = METRICS["auroc"]
    ranked = any(score(record, "auroc", auroc)[0] is not None for record in records)
    return (*metrics, "auroc") if ranked else metrics


def _with_notes(text: str, form: Form, notes: Sequence[str], width: int) -> str:
    """Add sentences on the whole folder to a text; JSON has them in its head, CSV has no place."""
    from imbench.report.text import escape_markdown, wrapped

    if form == "terminal":
        lines = [wrapped(note, width) for note in notes]
    elif form == "markdown":
        lines = [f"- {escape_markdown(note)}" for note in notes]
    elif form in ("latex", "macros"):
        return "".join(f"% {visible(note)}\n" for note in notes) + text
    else:
        return text
    return "\n".join([text, *lines, ""]) if lines else text


def _sections(
    records: list[Record],
    metrics: Sequence[str],
    compare: Sequence[str],
    *,
    ranks: bool,
    board: bool,
) -> list[Section]:
    from imbench.report import sections

    made = [sections.comparisons(records, compare, metrics)] if compare else []
    made += [sections.ranking(records, metrics)] if ranks else []
    return made + ([sections.board_section(records, metrics)] if board else [])


def _claims(
    records: list[Record], measured: Measured | None, names: Mapping[str, ImageNames] | None
) -> Section:
    from imbench.report.sections import claims_section

    return claims_section(records, measured, names)


def _image_sections(
    records: list[Record], names: Mapping[str, ImageNames] | None, per_class: bool, wrong: bool
) -> list[Section]:
    from imbench.report.per_class import per_class_section
    from imbench.report.wrong_images import wrong_section

    made = [per_class_section(records, names)] if per_class else []
    return made + ([wrong_section(records, names)] if wrong else [])


def _render_sections(
    made: list[Section], form: Form, records: list[Record], head: dict[str, Any], width: int
) -> str:
    from imbench.report.sections import render_sections

    if form == "macros":
        raise UsageError(
            "--macros holds numbers of the tables: ask for it without what replaces them"
        )
    if form == "json":
        parts = {section.key: list(section.rows) for section in made}
        return json_document({**head, **parts})
    if form == "csv":
        if len(made) > 1:
            raise UsageError("CSV has one kind of row: ask for one of these reports at a time")
        import pandas as pd

        from imbench.records.frame import as_csv

        return as_csv(pd.DataFrame(made[0].rows))
    comments = _latex_comments(records, head["command"]) if form == "latex" else []
    return render_sections(made, form, comments, width)


def _compare_with_paper(tables: list[Table]) -> dict[int, list[Versus]]:
    """Return the comparison with the paper of each table that has one, by the table's index."""
    found = {
        index: lines
        for index, table in enumerate(tables)
        if table.metric == "f1" and (lines := versus(table))
    }
    if not found:
        ours = ", ".join(sorted({table.group.name for table in tables}))
        raise NotComparable(
            f"the published table has {', '.join(sorted(DATASETS))}, the records have {ours}: "
            "leave out --vs-paper, or run a published data set"
        )
    return found


def _latex_comments(records: list[Record], command: str) -> list[str]:
    commits = sorted({record.commit for record in records if record.commit})
    return [
        f"imbench {imbench_version()}",
        f"command: {command or 'imbench.report.report.render_report'}",
        f"commit of the records: {', '.join(commits) or 'not recorded'}",
    ]
