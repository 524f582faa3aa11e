"""`bench data show`: a sheet of pictures of what a network sees of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from imbench.commands.arguments import DATA
from imbench.commands.terminal import echo

if TYPE_CHECKING:
    from PIL import Image

    from imbench.images.dataset import Dataset, Listing

__all__ = ["refuse_other_file", "show", "write_sheet"]

_MARK = "imbench: bench data show"
"""What the file says of the program that wrote it."""


@click.command()
@click.argument("name")
@DATA
@click.option(
    "--size",
    default=32,
    show_default=True,
    type=click.IntRange(4, 1024),
    help="Set the side of what a network sees, in pixels.",
)
@click.option(
    "--images",
    default=6,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="Show so many images of each class and split.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this PNG file (default: NAME-SIZEpx.png, in this folder).",
)
def show(name: str, root: Path, size: int, images: int, out: Path | None) -> None:
    """Draw images of each class and split, and beside each what a network sees of it.

    The same images every time, with the data set's geometry and range. A sheet of an earlier call
    is replaced; any other file of that name is not.
    """
    from imbench.files.slug import slug
    from imbench.images.cache import make_dataset
    from imbench.images.contact_sheet import MAX_SECTIONS, choose_sections, draw_sheet
    from imbench.images.deep_files import settle_range
    from imbench.images.geometry import geometry_of

    out = Path(f"{slug(name)}-{size}px.png") if out is None else out
    refuse_other_file(out, "--out")
    listing = _chosen_or_all(make_dataset(name, root), name)
    sections = choose_sections(listing, images)
    shown = sections[:MAX_SECTIONS]
    value_range = settle_range(listing, name)
    done = f"geometry={geometry_of(listing.policies)}"
    done += "" if value_range is None else f", range={value_range}"
    title = f"{name}: each image as it is, and as a network sees it at {size} px ({done})"
    sheet = draw_sheet(listing, shown, title=title, size=size, value_range=value_range)
    write_sheet(out, sheet)
    count = sum(len(section.rows) for section in shown)
    echo(
        f"{out}: {count} images at {size} px in {len(shown)} sections, one for each class and split"
    )
    if len(sections) > len(shown):
        echo(f"{len(sections) - len(shown)} more have no room: choose majority=A,minority=B")


def _chosen_or_all(dataset: Dataset, name: str) -> Listing:
    from imbench.errors import UsageError
    from imbench.images.validate import read_everything, read_listing

    try:
        return read_listing(dataset, name)
    except UsageError:  # more than two classes, and none chosen
        return read_everything(dataset, name)


def refuse_other_file(out: Path, option: str) -> None:
    """Raise UsageError if a file is in the way that is no sheet, or no PNG file is named."""
    from PIL import Image

    from imbench.errors import UsageError
    from imbench.files.reading import open_regular

    if out.suffix.lower() != ".png":
        raise UsageError(f"{option} {out} does not end in .png, which is what is written")
    if not out.exists():
        return
    try:
        with open_regular(out) as stream, Image.open(stream, formats=["PNG"]) as image:
            ours = image.info.get("Software") == _MARK
    except Exception:  # not an image, or damaged
        ours = False
    if not ours:
        raise UsageError(f"{out} exists and is not a sheet of `bench data`; name another {option}")


def write_sheet(out: Path, sheet: Image.Image) -> None:
    """Write a sheet as PNG, marked as ours."""
    import io

    from PIL.PngImagePlugin import PngInfo

    from imbench.files.atomic import write_output

    info = PngInfo()
    info.add_text("Software", _MARK)
    file = io.BytesIO()
    sheet.save(file, "PNG", pnginfo=info)
    write_output(out, file.getvalue())
