"""`bench fit`: train a method on all training images and write a model to predict with."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imbench.commands.arguments import DATA
from imbench.commands.complete import complete_datasets, complete_methods
from imbench.commands.counting import counted_on_stderr
from imbench.commands.terminal import echo

if TYPE_CHECKING:
    from imbench.models.description import Description, Expected
    from imbench.models.fitting import FitOptions, Fitted, Source
    from imbench.records.cell import Settings
    from imbench.records.record import Record

__all__ = ["fit"]


@click.command()
@click.argument("dataset", shell_complete=complete_datasets)
@click.option(
    "--method", required=True, shell_complete=complete_methods, help="Set the recipe: us+cs."
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="MODEL",
    help="Write the model to this folder.",
)
@click.option(
    "--from",
    "results",
    type=click.Path(path_type=Path),
    metavar="RESULTS",
    help="Take settings from the records of a results folder, and tell their scores.",
)
@click.option("--cost", metavar="RATIO", help="Tune for costs, missed : false alarm, as 10:1.")
@click.option(
    "--members",
    type=click.IntRange(1, 100),
    default=5,
    show_default=True,
    help="Average so many networks.",
)
@click.option(
    "--folds",
    type=click.IntRange(2, 50),
    default=5,
    show_default=True,
    help="Choose the threshold in so many folds of a cross-validation.",
)
@click.option("--network", help="Set the classifier, see `bench list networks`.")
@click.option("--steps", help="Set the optimiser steps of every training.")
@click.option("--size", help="Set the side of the images in pixels.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Set any setting.")
@DATA
@click.option("--device", default="auto", show_default=True, help="Train on cpu, cuda, cuda:1.")
@click.option("--jobs", default="auto", show_default=True, help="Train so many at a time.")
@click.option(
    "--bad-images",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    show_default=True,
    help="Stop at images that cannot be decoded, or leave them out and count them.",
)
@click.option(
    "--drop-leaks/--keep-leaks",
    default=None,
    help="Drop training images that are copies of test images, or keep them.",
)
@click.option("--onnx", is_flag=True, help="Write the model as ONNX too (needs imbench[onnx]).")
@click.option("--replace", is_flag=True, help="Replace a model that is there.")
def fit(dataset: str, **given: Any) -> None:
    """Train METHOD on all training images of DATASET, and write a model to predict with.

    Several networks are averaged. The threshold is chosen by cross-validation inside the training
    set, for F1 or for --cost. The folder holds tensors, data and a model card, and no code.
    """
    from imbench.errors import Diverged, UsageError
    from imbench.models.card import model_card
    from imbench.models.fitting import find_source, matching, unfinished
    from imbench.models.fitting import fit as fit_model
    from imbench.models.folder import CARD, ONNX, WEIGHTS, new_folder
    from imbench.models.onnx_file import require_onnx

    out: Path = given["out"]
    if given["onnx"]:
        require_onnx()
    records = _records(given["results"])
    options, spec = _options(dataset, given, records)
    with new_folder(out, replace=given["replace"]) as folder:
        source = find_source(
            spec,
            size=options.settings.size,
            root=given["root"],
            bad_images=given["bad_images"],
            drop_leaks=given["drop_leaks"],
        )
        fitting = matching(records, source, options)
        if records and not fitting:
            _refuse(given["results"], spec, options)
        for line in _plan_lines(source, options):
            echo(line)
        memory = unfinished(source, options)
        if kept := len(memory):
            echo(f"taking up   {kept} trainings that a call before this one had finished")
        try:
            with counted_on_stderr(options.trainings, "trainings") as tell:
                fitted = fit_model(
                    source, options, records=fitting, tell=lambda: tell(1), memory=memory
                )
        except (Diverged, UsageError):  # it would end so again
            memory.remove()
            raise
        files = {WEIGHTS: fitted.weights, CARD: model_card(fitted.description).encode()}
        if given["onnx"]:
            files[ONNX], told = _onnx(fitted, source)
            echo(told)
        written = folder.publish(fitted.description, files)
        memory.remove()
    for line in _end_lines(written, fitted, out):
        echo(line)


def _onnx(fitted: Fitted, source: Source) -> tuple[bytes, str]:
    """Return the ONNX file of a model, and how near it came on real images."""
    import numpy as np

    from imbench.models.model import Model
    from imbench.models.onnx_file import check_onnx, onnx_bytes
    from imbench.models.weights import unpack

    model = Model(fitted.description, unpack(fitted.weights, "the model")[1], device="cpu")
    content = onnx_bytes(model)
    some = np.array(source.decoded.test.pixels[:256])
    worst = check_onnx(content, model, some)
    size = len(content) / 1e6
    return content, (
        f"model.onnx ({size:.1f} MB): on {len(some)} test images its probabilities are those of "
        f"torch, to {worst:.1g}"
    )


def _records(results: Path | None) -> list[Record]:
    from imbench.records.store import read_records

    return [] if results is None else read_records(results)


def _options(
    dataset: str, given: dict[str, Any], records: Sequence[Record]
) -> tuple[FitOptions, str]:
    """Return the settled options, and the spec of the data set as records have it."""
    from imbench.models.decision import parse_costs
    from imbench.models.fitting import FitOptions
    from imbench.models.weights import registered_network
    from imbench.runs.gridfile import GridOptions, settle_grid
    from imbench.training.recipe import parse_recipe, parse_recorded

    costs = None if given["cost"] is None else parse_costs(given["cost"])
    named = {key: given[key] for key in ("network", "steps", "size")}
    grid_options = GridOptions(
        datasets=[dataset],
        minority=["2"],
        methods=[given["method"]],
        settings=GridOptions.read_settings(named, given["assignments"]),
    )
    grid = settle_grid(None, grid_options)
    (spec,) = grid.datasets
    recipe = str(parse_recipe(given["method"]))
    parse_recorded(recipe)  # code of a file would be missing from the model
    settings = grid.settings
    if records:
        settings = _settings_of(records, spec, recipe, grid_options.settings, given["results"])
    registered_network(settings.network)
    return FitOptions(
        recipe=recipe,
        settings=settings,
        members=given["members"],
        folds=given["folds"],
        costs=costs,
        device=given["device"],
        jobs=_jobs(given["jobs"], given["device"], settings.threads),
    ), spec


def _settings_of(
    records: Sequence[Record], spec: str, recipe: str, given: Any, results: Path
) -> Settings:
    """Return the settings of the records of a data set and recipe that have what is given."""
    from imbench.constraints import read_values
    from imbench.errors import NotComparable, UsageError
    from imbench.training.budget import SETTINGS

    wanted = read_values("setting", given, SETTINGS)
    if wanted.get("precision") == "auto":
        del wanted["precision"]  # what the records have
    ours = [r.cell for r in records if r.cell.dataset == spec and r.cell.recipe == recipe]
    if not ours:
        there = sorted({f"{record.cell.dataset} {record.cell.recipe}" for record in records})
        raise NotComparable(
            f"{str(results)!r} has no record of {recipe} on {spec}; it has {', '.join(there[:5])}"
        )
    fitting: list[Settings] = []
    for cell in ours:
        fits = all(getattr(cell.settings, key) == value for key, value in wanted.items())
        if fits and cell.settings not in fitting:
            fitting.append(cell.settings)
    if not fitting:
        raise NotComparable(
            f"{str(results)!r} has records of {recipe} on {spec}, but none with these settings; "
            "leave --network, --steps, --size and --set out, or --from"
        )
    if len(fitting) > 1:
        plain = [settings.model_dump() for settings in fitting]
        differing = [key for key in plain[0] if len({str(one[key]) for one in plain}) > 1]
        raise UsageError(
            f"{str(results)!r} has records of {recipe} on {spec} with several values of "
            f"{', '.join(differing)}: say which, as --set {differing[0]}=..."
        )
    return fitting[0]


def _refuse(results: Path, spec: str, options: FitOptions) -> None:
    from imbench.errors import NotComparable

    raise NotComparable(
        f"the records of {options.recipe} in {str(results)!r} are unfinished or of other images "
        f"than {spec} has now: run `bench run` again, or leave --from out"
    )


def _jobs(given: str, device: str, threads: int) -> int:
    from imbench.constraints import choice, whole
    from imbench.records.environment import cores

    read = (choice("auto") | whole(1, 1000)).read("fit", "jobs", given)
    if read != "auto":
        return int(read)
    import torch

    on_card = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    return 1 if on_card else max(1, cores() // threads)


def _plan_lines(source: Source, options: FitOptions) -> Iterator[str]:
    decoded = source.decoded
    counts = decoded.train.counts(len(decoded.classes)).tolist()
    images = ", ".join(f"{n} {name}" for n, name in zip(counts, decoded.classes, strict=True))
    yield f"{source.spec}: {images}; {source.view.words}"
    yield (
        f"{options.recipe}, {options.settings.network}, {options.settings.steps} steps: "
        f"{options.members} networks on all of them, and as many in each of {options.folds} folds: "
        f"{options.trainings} trainings, {options.jobs} at a time"
    )
    for note in decoded.notes:
        yield f"note: {note.line}"


def _end_lines(written: Description, fitted: Fitted, out: Path) -> Iterator[str]:
    yield f"Decision   {written.decision.words}"
    if len(fitted.thresholds) > 1:
        yield (
            f"           the folds would have chosen {min(fitted.thresholds):.4g} to "
            f"{max(fitted.thresholds):.4g}"
        )
    by_source: dict[str, list[Expected]] = {}
    for one in written.expected:
        by_source.setdefault(one.source, []).append(one)
    for source, rows in by_source.items():
        yield from _score_lines(source, rows)
    yield from _surprises(by_source)
    size = len(fitted.weights) / 1e6
    yield f"Wrote      {out}: model.json, weights.safetensors ({size:.1f} MB), README.md"
    yield f"Next       bench predict {shlex.quote(str(out))} FOLDER --csv predictions.csv"


def _score_lines(source: str, rows: list[Expected]) -> Iterator[str]:
    from imbench.models.card import score_line

    first = rows[0]
    words = {
        "cross-validation": f"by cross-validation, {first.images} images",
        "records": f"by {first.seeds} records of single networks, decided by the highest "
        f"probability, {first.minority} minority images",
        "test images": f"on {first.images} test images, which had no part in it",
    }
    yield (
        f"Expected   {words[source]}:"
        if source != "test images"
        else f"Met        {words[source]}:"
    )
    yield f"           {', '.join(f'{one.metric} {score_line(one)}' for one in rows)}"
    ranges = [one for one in rows if one.sample_low is not None]
    if ranges:
        told = (f"{one.metric} {one.sample_low:.3f} to {one.sample_high:.3f}" for one in ranges)
        yield f"           on {ranges[0].sample} images, in 95 of 100 cases: {', '.join(told)}"


def _surprises(by_source: dict[str, list[Expected]]) -> Iterator[str]:
    """Say which scores on the test images lie beyond what cross-validation led to expect."""
    met = {one.metric: one.value for one in by_source.get("test images", ())}
    beyond = []
    for one in by_source.get("cross-validation", ()):
        if one.sample_low is None or one.sample_high is None or one.metric not in met:
            continue
        if not one.sample_low <= met[one.metric] <= one.sample_high:
            beyond.append(one.metric)
    if beyond:
        yield (
            f"note: {', '.join(beyond)} on the test images lies beyond what cross-validation led "
            "to expect: test and training images differ, or training images are alike in groups "
            "that the data set does not name"
        )
