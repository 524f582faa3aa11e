"""`bench board`: where methods stand in a study, as a static page and as JSON."""

from __future__ import annotations

from pathlib import Path

import click

from imbench.commands.terminal import echo

__all__ = ["board"]

STUDY = Path("results/study")
"""Where the packs of the published study lie."""


@click.command("board")
@click.argument("results", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("docs/board"),
    show_default=True,
    help="Folder for index.html and board.json.",
)
def board(results: tuple[Path, ...], out: Path) -> None:
    """Write where the methods of RESULTS stand to a static page and board.json.

    RESULTS are folders and packs; without any, all packs in results/study. The same records make
    the same files.
    """
    from imbench.errors import NotComparable
    from imbench.files.atomic import write_output
    from imbench.page.board_site import board_json, board_page, board_parts
    from imbench.records.joined import read_joined

    found = results or tuple(sorted(STUDY.glob("*.pack")))
    if not found:
        raise NotComparable(f"there is no pack in {STUDY}: name packs, or results folders")
    joined = read_joined(found)
    parts = board_parts(joined.records)
    for name, text in (("index.html", board_page(parts)), ("board.json", board_json(parts))):
        write_output(out / name, text)
    echo(f"wrote index.html and board.json to {out}", *joined.notes)
