"""`bench data fetch|import|verify|stats|show`: download, check, describe and show data sets."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imbench.commands.arguments import DATA
from imbench.commands.data_show import refuse_other_file, show, write_sheet
from imbench.commands.terminal import echo
from imbench.safe_text import CELL, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imbench.images.dataset import Dataset, Listing
    from imbench.images.duplicates import Copies
    from imbench.images.notes import DataNote
    from imbench.images.survey import SurveyedImage
    from imbench.images.value_range import ValueRange

__all__ = ["data"]

MAX_SHOWN = 20
"""Defects of a kind, or unusable files, that are printed."""
_force = click.option(
    "--force", is_flag=True, help="Replace the data that are there, which are kept beside."
)


@click.group()
def data() -> None:
    """Download, check, describe and show data sets.

    NAME is a data set as `bench run --datasets` takes it: horse2zebra, folder:PATH, ...
    """


data.add_command(show)


@data.command()
@click.argument("name")
@DATA
@_force
@click.option("--quiet", is_flag=True, help="Show no progress bar.")
def fetch(name: str, root: Path, force: bool, quiet: bool) -> None:
    """Download a data set, check it and unpack it below the data folder.

    A wrong download (a quota page, cut short, of another hash) is removed and reported. With
    IMBENCH_MIRROR=URL files are downloaded from URL/FILE instead.
    """
    from imbench.images.cache import make_dataset
    from imbench.images.obtain import Obtainable

    dataset = make_dataset(name, root)
    if isinstance(dataset, Obtainable):
        folder = dataset.fetch(force=force, quiet=quiet)
    else:
        folder = dataset.fetch(force=force)
    _print_listing(name, dataset, folder)


@data.command(name="import")
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@DATA
@_force
def import_(name: str, path: Path, root: Path, force: bool) -> None:
    """Copy an archive or a folder, downloaded by hand, below the data folder.

    Archives (zip, tar) with paths that lead outside, links, devices, or an absurd size are refused
    before anything is written.
    """
    from imbench.errors import UsageError
    from imbench.images.cache import make_dataset
    from imbench.images.obtain import Obtainable

    dataset = make_dataset(name, root)
    if not isinstance(dataset, Obtainable):
        raise UsageError(f"{name} needs no import: it is read from where it is")
    _print_listing(name, dataset, dataset.import_from(path, force=force))


@data.command()
@click.argument("name")
@DATA
@click.option(
    "--all", "everything", is_flag=True, help="Print all defects and names, not 20 of each kind."
)
@click.option(
    "--sheet",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw near copies side by side in this PNG file, leaks and two classes first.",
)
@click.pass_context
def verify(
    context: click.Context, name: str, root: Path, everything: bool, sheet: Path | None
) -> None:
    """Decode every image and find copies, leaks and gaps; A = B are equal, A ~ B almost equal.

    Exit code 1 if an image cannot be decoded or shows nothing, a test (or validation) image has a
    copy in another split, one image is in two classes, a group is divided by the split, or a class
    has no training or test image. Copies inside a split and counts other than the official ones
    are listed, with exit code 0.
    """
    from imbench.images.cache import make_dataset
    from imbench.images.copy_defects import about_copies, search_line
    from imbench.images.deep_files import settle_range
    from imbench.images.survey import find_defects, survey_copies, survey_images
    from imbench.images.validate import read_everything

    if sheet is not None:
        refuse_other_file(sheet, "--sheet")
    dataset = make_dataset(name, root)
    listing = read_everything(dataset, name)
    value_range = settle_range(listing, name)
    images = survey_images(listing, value_range)
    copies = survey_copies(listing, images, value_range)
    found = find_defects(listing, images, copies, getattr(dataset, "official", {}))
    decoded = sum(not image.fault for image in images)
    echo(f"{name}: {len(images)} images, {decoded} decoded")
    _print_notes(listing.notes)
    _print_pixel_notes(images, listing, value_range)
    if said := search_line(listing, copies):
        echo(said)
    if sheet is not None:
        _draw_near_copies(sheet, name, listing, copies, value_range)
    for kind, group in groupby(found, key=lambda defect: defect.kind):
        of_kind = list(group)
        echo("", f"{kind}: {len(of_kind)}")
        shown = of_kind if everything else of_kind[:MAX_SHOWN]
        for defect in shown:
            echo(f"  {defect.text}")
            for member in defect.names if everything else ():
                echo(f"    {member}")
        if len(of_kind) > len(shown):
            echo(f"  and {len(of_kind) - len(shown)} more; --all prints them")
        echo(*(f"  {line}" for line in about_copies(kind, listing, copies)))
    grave = [defect for defect in found if defect.grave]
    if grave:
        kinds = sorted({defect.kind for defect in grave})
        remedies = {"undecodable": "--bad-images skip", "leak": "--drop-leaks"}
        options = " ".join(remedies[kind] for kind in kinds if kind in remedies)
        echo(
            "",
            f"{name}: {len(grave)} grave defects ({', '.join(kinds)}); correct the data"
            + (f", or run with {options}" if options else ""),
            err=True,
        )
        context.exit(1)
    echo("", f"{'no grave defect' if found else 'no defect'}")


def _draw_near_copies(
    file: Path, name: str, listing: Listing, copies: Copies, value_range: ValueRange | None
) -> None:
    from imbench.images.copy_sheet import MAX_PAIRS, draw_pairs, worst_first

    pairs = worst_first(listing, copies)
    if not pairs:
        echo(f"{file} is not written, for there are no near copies")
        return
    shown = pairs[:MAX_PAIRS]
    title = f"{name}: {len(shown)} of {len(pairs)} pairs of near copies"
    write_sheet(file, draw_pairs(listing, shown, title=title, value_range=value_range))
    echo(f"{file}: {len(shown)} of {len(pairs)} pairs of near copies")


@data.command()
@click.argument("name")
@DATA
def stats(name: str, root: Path) -> None:
    """Print images per class and split, imbalance, sizes, modes and formats.

    Of 8-bit files only the headers are read; `bench data verify` decodes them.
    """
    from imbench.errors import DataError, UsageError
    from imbench.images.cache import make_dataset
    from imbench.images.deep_files import settle_range
    from imbench.images.survey import survey_headers
    from imbench.images.validate import read_everything, read_listing

    dataset = make_dataset(name, root)
    listing = read_everything(dataset, name)
    _print_counts(listing)
    _print_notes(listing.notes)
    try:
        chosen = read_listing(dataset, name)
    except UsageError as error:  # more than two classes and none chosen is fine here
        echo("", f"no classes are chosen: {error}")
    except DataError as error:
        echo("", f"no run can use it: {error}")
    else:
        if chosen.classes != listing.classes:
            echo("", "as chosen, the majority first")
            _print_counts(chosen)
        _print_notes(note for note in chosen.notes if note not in listing.notes)
    if dataset.overlaps:
        seen = " or ".join(map(visible, dataset.overlaps))
        echo(
            f"overlap: what is pretrained on {seen} has seen these images or their classes, so its "
            "scores here are no measure of new ones"
        )
    value_range = settle_range(listing, name)
    _print_files(survey_headers(listing, value_range), listing, value_range)


def _print_listing(name: str, dataset: Dataset, folder: Path) -> None:
    from imbench.errors import UsageError
    from imbench.images.validate import read_everything

    try:
        listing = read_everything(dataset, name)
    except UsageError as error:
        echo(f"{name} is in {folder}: {error}")
        return
    echo(f"{name} is in {folder}: {len(listing.names)} images; terms: {dataset.terms}")
    echo(f"`bench data verify {name}` finds damage and copies")


def _print_counts(listing: Listing) -> None:
    from imbench.images.survey import class_counts

    counts = class_counts(listing)
    classes = [visible(name, CELL) for name in listing.classes]
    width = max(len("class"), *map(len, classes))
    echo("  ".join([f"{'class':<{width}}", *(f"{split:>10}" for split in counts)]))
    for label, class_name in enumerate(classes):
        row = [f"{class_name:<{width}}", *(f"{counts[split][label]:>10}" for split in counts)]
        echo("  ".join(row))
    for split, row_counts in counts.items():
        most, least = int(row_counts.max()), int(row_counts.min())
        ratio = f"{most / least:.2f}" if least else "infinite: a class is missing"
        echo(f"{split}: {int(row_counts.sum())} images, imbalance ratio {ratio}")
    if listing.groups is not None:
        echo(f"groups: {len({str(group) for group in listing.groups})}")
    if listing.masks is not None:
        echo(f"masks: {sum(mask is not None for mask in listing.masks)}")


def _print_notes(notes: Iterable[DataNote]) -> None:
    for note in notes:
        echo(note.line)


def _print_pixel_notes(
    images: list[SurveyedImage], listing: Listing, value_range: ValueRange | None
) -> None:
    from imbench.images.pixel_notes import pixel_notes

    usable = [image for image in images if not image.fault]
    for note in pixel_notes(usable, listing.policies, value_range):
        echo(note.line)


def _print_files(
    images: list[SurveyedImage], listing: Listing, value_range: ValueRange | None
) -> None:
    from statistics import median

    from imbench.images.geometry import shape_lines
    from imbench.images.survey import format_counts

    usable = [image for image in images if not image.fault]
    for side in ("width", "height") if usable else ():
        sizes: list[Any] = [getattr(image, side) for image in usable]
        echo(f"{side}: {min(sizes)} to {max(sizes)} px, median {median(sizes):g}")
    for line in shape_lines([(one.width, one.height) for one in usable], listing.policies):
        echo(line)
    _print_pixel_notes(images, listing, value_range)
    for name, counts in format_counts(images).items():
        echo(f"{name}: " + ", ".join(f"{n} {value}" for value, n in counts.most_common()))
    faults = [
        f"{name}: {image.fault}"
        for name, image in zip(listing.names, images, strict=True)
        if image.fault
    ]
    echo(f"unusable files: {len(faults)}")
    for fault in faults[:MAX_SHOWN]:
        echo(f"  {fault}")
