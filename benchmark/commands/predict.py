"""`bench predict`: what a model says of image files, as rows of a CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imbench.commands.counting import counted_on_stderr
from imbench.commands.terminal import echo, echo_bytes

if TYPE_CHECKING:
    from imbench.models.model import Model
    from imbench.models.predicting import Prediction
    from imbench.models.prediction_csv import PredictionRows, Row
    from imbench.models.summary import Summary

__all__ = ["predict", "predicted"]


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--csv",
    "table",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a row for each image to this file, or go on with it; else to standard output.",
)
@click.option(
    "--html",
    "sheet",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a page of the images to look at first.",
)
@click.option("--device", default="auto", show_default=True, help="Predict on cpu, cuda, cuda:1.")
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    default=2,
    show_default=True,
    help="Decode in so many threads.",
)
def predict(
    model: Path,
    images: tuple[Path, ...],
    table: Path | None,
    sheet: Path | None,
    device: str,
    threads: int,
) -> None:
    """Predict IMAGES, files or folders, with MODEL, a folder that `bench fit` wrote.

    A row holds the path, what is said, the distance from being called otherwise in log odds (the
    smallest are to be looked at first) and the probability of each class. Files that cannot be
    used get a row with the reason. An interrupted run goes on where it stopped.
    """
    from imbench.errors import DataError
    from imbench.files.atomic import write_output
    from imbench.models.model import load_model
    from imbench.models.sheet import SHOWN, sheet_of
    from imbench.models.summary import Summary
    from imbench.models.unlike import Unlike

    for named in (model, *images):
        _look_at(named)
    loaded = load_model(model, device=device)
    paths, left_out = _files(images)
    summary, unlike = Summary(SHOWN), Unlike(loaded.description.trained_on)
    with _rows(table, loaded, summary) as rows:
        todo = list(rows.todo(paths))
        if rows.before:
            echo(f"{rows.before} rows are there, {len(todo)} files to go", err=True)
        with counted_on_stderr(len(paths), "images", done=len(paths) - len(todo)) as tell:
            for pairs in predicted(loaded, todo, threads):
                rows.add(row for row, _ in pairs)
                for row, one in pairs:
                    summary.add(row)
                    if one.proba is not None:
                        unlike.count(one)
                tell(len(pairs))
    good = summary.said.total()
    if sheet is not None and good:
        write_output(sheet, sheet_of(loaded, summary.nearest, good))
    for line in [*left_out, *(f"note: {note}" for note in unlike.notes), *summary.lines]:
        echo(line, err=table is None)
    for path in (table, sheet if good else None):
        if path is not None:
            echo(f"wrote {path}", err=table is None)
    if not good:
        raise DataError("none of the files can be used as an image")


def _look_at(path: Path) -> None:
    """Raise an error if there is nothing at a path, or if it may not be looked at."""
    from imbench.errors import EnvironmentFault, UsageError
    from imbench.near_path import or_near

    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"there is no file or folder {str(path)!r}{or_near(path)}") from error
    except OSError as error:
        raise EnvironmentFault(f"{str(path)!r} cannot be read: {error.strerror}") from error


class _StandardOutput:
    """Where rows go without --csv."""

    def write(self, content: bytes) -> None:
        echo_bytes(content)

    def flush(self) -> None:
        """Nothing is held back."""


def _rows(
    table: Path | None, model: Model, summary: Summary
) -> AbstractContextManager[PredictionRows]:
    """Open the file of rows, and count those that are there."""
    from collections import Counter

    from imbench.models.prediction_csv import PredictionRows, open_rows

    if table is not None:
        return open_rows(table, model, summary.add)
    none: Counter[str] = Counter()
    rows = PredictionRows(_StandardOutput(), model, "standard output", none)
    rows.begin()
    return nullcontext(rows)


def predicted(
    model: Model, paths: Sequence[Path], threads: int
) -> Iterator[list[tuple[Row, Prediction]]]:
    """Yield rows with their predictions, as many at a time as the network takes."""
    from imbench.models.predicting import BATCH, predict_files
    from imbench.models.prediction_csv import Row

    held: list[tuple[Row, Prediction]] = []
    for one in predict_files(model, paths, threads=threads):
        held.append((Row.of(model, one), one))
        if len(held) >= BATCH:
            yield held
            held = []
    if held:
        yield held


def _files(given: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return the image files that are named or lie in folders, and what was left out of these."""
    from imbench.errors import DataError
    from imbench.images.image_files import find_images
    from imbench.images.left_out import left_out_notes, link_notes

    paths: list[Path] = []
    lines: list[str] = []
    for path in given:
        if not path.is_dir():
            paths.append(path)
            continue
        found = find_images(path)
        paths += [path / file for file in found.files]
        notes = [*left_out_notes(found.left_out), *link_notes(found)]
        lines += [f"{path}: {note.line}" for note in notes]
    if not paths:
        raise DataError("there is no image: " + ("; ".join(lines) or "the folders are empty"))
    return paths, lines
