"""The commands ``bench data fetch|import|verify|stats``."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imbench.commands.arguments import DATA

if TYPE_CHECKING:
    from imbench.images.dataset import Dataset, Listing
    from imbench.images.survey import SurveyedImage

__all__ = ["data"]

_force = click.option("--force", is_flag=True, help="Replace what is there.")


@click.group()
def data() -> None:
    """Get data sets and look into them.

    NAME is a data set as `bench run --datasets` takes it: horse2zebra, folder:PATH, ...
    """


@data.command()
@click.argument("name")
@DATA
@_force
@click.option("--quiet", is_flag=True, help="No progress bar.")
def fetch(name: str, root: Path, force: bool, quiet: bool) -> None:
    """Download a data set, check it and unpack it below the data folder.

    A download that is not what it should be (a quota page, cut short, of another hash) is removed
    and named. IMBENCH_MIRROR=URL takes the files from URL/FILE instead.
    """
    from imbench.images.cache import make_dataset
    from imbench.images.obtain import Obtainable

    dataset = make_dataset(name, root)
    if isinstance(dataset, Obtainable):
        folder = dataset.fetch(force=force, quiet=quiet)
    else:
        folder = dataset.fetch(force=force)
    _report(name, dataset, folder)


@data.command(name="import")
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@DATA
@_force
def import_(name: str, path: Path, root: Path, force: bool) -> None:
    """Bring an archive or a folder that you got by hand below the data folder.

    Archives (zip, tar) with paths that lead outside, links, devices, or an absurd size are refused
    before anything is written.
    """
    from imbench.errors import UsageError
    from imbench.images.cache import make_dataset
    from imbench.images.obtain import Obtainable

    dataset = make_dataset(name, root)
    if not isinstance(dataset, Obtainable):
        raise UsageError(f"{name} needs no import: it is read where it lies")
    _report(name, dataset, dataset.adopt(path, force=force))


@data.command()
@click.argument("name")
@DATA
@click.option("--all", "everything", is_flag=True, help="Print every finding, not 20 of a kind.")
@click.pass_context
def verify(context: click.Context, name: str, root: Path, everything: bool) -> None:
    """Decode every image and look for copies, leaks and gaps; A = B are equal, A ~ B nearly.

    Exit code 1 if an image cannot be decoded, a test (or validation) image has a copy in another
    split, one image stands in two classes, a group is torn apart by the split, or a class has no
    training or test image. Copies inside a split and counts other than the official ones are
    listed, with exit code 0.
    """
    from imbench.images.cache import make_dataset
    from imbench.images.survey import find_defects, list_everything, survey_images

    dataset = make_dataset(name, root)
    listing = list_everything(dataset)
    seen = survey_images(listing)
    found = find_defects(listing, seen, getattr(dataset, "official", {}))
    fine = sum(not one.fault for one in seen)
    click.echo(f"{name}: {len(seen)} images, {fine} decoded")
    for kind, group in groupby(found, key=lambda defect: defect.kind):
        same = list(group)
        click.echo(f"\n{kind}: {len(same)}")
        shown = same if everything else same[:20]
        for defect in shown:
            click.echo(f"  {defect.text}")
        if len(same) > len(shown):
            click.echo(f"  and {len(same) - len(shown)} more; --all prints them")
    grave = [defect for defect in found if defect.grave]
    if grave:
        kinds = sorted({defect.kind for defect in grave})
        ways = {"undecodable": "--bad-images skip", "leak": "--drop-leaks"}
        how = " ".join(ways[kind] for kind in kinds if kind in ways)
        click.echo(
            f"\n{name}: {len(grave)} grave findings ({', '.join(kinds)}); mend the data"
            + (f", or run with {how}" if how else ""),
            err=True,
        )
        context.exit(1)
    click.echo(f"\n{'no grave finding' if found else 'nothing was found'}")


@data.command()
@click.argument("name")
@DATA
def stats(name: str, root: Path) -> None:
    """Print images per class and split, imbalance, sizes, modes and formats.

    Only the headers of files are read; `bench data verify` decodes them.
    """
    from imbench.errors import UsageError
    from imbench.images.cache import make_dataset
    from imbench.images.survey import list_everything, survey_headers

    dataset = make_dataset(name, root)
    listing = list_everything(dataset)
    _print_counts(listing)
    try:
        chosen = dataset.read()
    except UsageError as error:  # more than two classes and none chosen is no error here
        click.echo(f"\nclasses are not chosen: {error}")
    else:
        if chosen.classes != listing.classes:
            click.echo("\nas chosen, the majority first")
            _print_counts(chosen)
    _print_files(survey_headers(listing), listing)


def _report(name: str, dataset: Dataset, folder: Path) -> None:
    from imbench.errors import UsageError
    from imbench.images.survey import list_everything

    try:
        listing = list_everything(dataset)
    except UsageError as error:
        click.echo(f"{name} is in {folder}: {error}")
        return
    click.echo(f"{name} is in {folder}: {len(listing.names)} images; terms: {dataset.terms}")
    click.echo(f"`bench data verify {name}` looks for damage and copies")


def _print_counts(listing: Listing) -> None:
    from imbench.images.survey import class_counts

    counts = class_counts(listing)
    width = max(len("class"), *(len(name) for name in listing.classes))
    click.echo("  ".join([f"{'class':<{width}}", *(f"{split:>10}" for split in counts)]))
    for label, kind in enumerate(listing.classes):
        row = [f"{kind:<{width}}", *(f"{counts[split][label]:>10}" for split in counts)]
        click.echo("  ".join(row))
    for split, row_counts in counts.items():
        most, least = int(row_counts.max()), int(row_counts.min())
        ratio = f"{most / least:.2f}" if least else "infinite: a class is missing"
        click.echo(f"{split}: {int(row_counts.sum())} images, imbalance ratio {ratio}")
    if listing.groups is not None:
        click.echo(f"groups: {len({str(group) for group in listing.groups})}")
    if listing.masks is not None:
        click.echo(f"masks: {sum(mask is not None for mask in listing.masks)}")


def _print_files(seen: list[SurveyedImage], listing: Listing) -> None:
    from statistics import median

    from imbench.images.survey import format_counts

    fine = [one for one in seen if not one.fault]
    for side in ("width", "height") if fine else ():
        sizes: list[Any] = [getattr(one, side) for one in fine]
        click.echo(f"{side}: {min(sizes)} to {max(sizes)} px, median {median(sizes):g}")
    for what, counted in format_counts(seen).items():
        click.echo(f"{what}: " + ", ".join(f"{n} {kind}" for kind, n in counted.most_common()))
    bad = [(name, one.fault) for name, one in zip(listing.names, seen, strict=True) if one.fault]
    click.echo(f"files that cannot be used: {len(bad)}")
    for name, fault in bad[:20]:
        click.echo(f"  {name}: {fault}")
