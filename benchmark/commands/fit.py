"""`bench fit`: train a method on all training images and write a model to predict with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imbench.commands.arguments import DATA
from imbench.commands.complete import complete_datasets, complete_methods
from imbench.commands.counting import counted_on_stderr
from imbench.commands.fit_request import FitRequest, settle, unfit_records
from imbench.commands.fit_text import end_lines, plan_lines
from imbench.commands.terminal import echo

if TYPE_CHECKING:
    from imbench.models.fitting import Fitted, Source

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
def fit(**given: Any) -> None:
    """Train METHOD on all training images of DATASET, and write a model to predict with.

    Several networks are averaged. The threshold is chosen by cross-validation inside the training
    set, for F1 or for --cost. The folder holds tensors, data and a model card, and no code.
    """
    _fit(FitRequest(**given))


def _fit(request: FitRequest) -> None:
    from imbench.errors import Diverged, UsageError
    from imbench.models.card import model_card
    from imbench.models.fitting import find_source, matching, unfinished
    from imbench.models.fitting import fit as fit_model
    from imbench.models.folder import CARD, ONNX, WEIGHTS, new_folder
    from imbench.models.onnx_file import require_onnx
    from imbench.records.store import read_records

    if request.onnx:
        require_onnx()
    records = [] if request.results is None else read_records(request.results)
    options, spec = settle(request, records)
    with new_folder(request.out, replace=request.replace) as folder:
        source = find_source(
            spec,
            size=options.settings.size,
            root=request.root,
            bad_images=request.bad_images,
            drop_leaks=request.drop_leaks,
        )
        fitting = matching(records, source, options)
        if request.results is not None and not fitting:
            raise unfit_records(request.results, spec, options.recipe)
        for line in plan_lines(source, options):
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
        if request.onnx:
            files[ONNX], told = _onnx(fitted, source)
            echo(told)
        written = folder.publish(fitted.description, files)
        memory.remove()
    classes = len(source.decoded.classes)
    met = source.decoded.test.counts(classes).tolist()
    for line in end_lines(written, fitted, request.out, met):
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
