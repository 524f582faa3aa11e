"""What a call of `bench fit` asks for, and what that comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from imbench.errors import NotComparable
    from imbench.models.fitting import FitOptions
    from imbench.records.cell import Settings
    from imbench.records.record import Record

__all__ = ["FitRequest", "settle", "unfit_records"]


@dataclass(frozen=True, kw_only=True)
class FitRequest:
    """The options of `bench fit`, as they were written."""

    dataset: str
    method: str
    out: Path
    results: Path | None = None
    """Results folder whose records tell settings and scores."""
    cost: str | None = None
    members: int = 5
    folds: int = 5
    network: str | None = None
    steps: str | None = None
    size: str | None = None
    assignments: tuple[str, ...] = ()
    """``KEY=VALUE`` of any setting."""
    root: Path = Path("data")
    """Folder that holds the data of all data sets."""
    device: str = "auto"
    jobs: str = "auto"
    """Trainings at a time: a number, or ``auto`` for as many as there are cores."""
    bad_images: Literal["stop", "skip"] = "stop"
    drop_leaks: bool | None = None
    """Drop training images that are copies of test images; None does so where some are known."""
    onnx: bool = False
    replace: bool = False
    """Replace a model that is there."""


def settle(request: FitRequest, records: Sequence[Record]) -> tuple[FitOptions, str]:
    """Return the settled options, and the spec of the data set as records have it.

    Raises
    ------
    UsageError
        If something that is asked for cannot be had, or records leave a setting open.
    NotComparable
        If there are records, and none of this method, data and settings.
    """
    from imbench.models.backbone import refuse_unregistered
    from imbench.models.decision import parse_costs
    from imbench.models.fitting import FitOptions
    from imbench.runs.settling import GridOptions, settle_grid
    from imbench.training.recipe import parse_recipe, parse_recorded

    costs = None if request.cost is None else parse_costs(request.cost)
    named = {"network": request.network, "steps": request.steps, "size": request.size}
    grid_options = GridOptions(
        datasets=[request.dataset],
        minority=["2"],
        methods=[request.method],
        settings=GridOptions.read_settings(named, request.assignments),
    )
    grid = settle_grid(None, grid_options)
    (spec,) = grid.datasets
    recipe = str(parse_recipe(request.method))
    parse_recorded(recipe)  # code of a file would be missing from the model
    settings = grid.settings
    if request.results is not None:
        settings = _settings_of(records, spec, recipe, grid_options.settings, request.results)
    refuse_unregistered("networks", settings.network)
    return FitOptions(
        recipe=recipe,
        settings=settings,
        members=request.members,
        folds=request.folds,
        costs=costs,
        device=request.device,
        jobs=_jobs(request.jobs, request.device, settings.threads),
    ), spec


def _settings_of(
    records: Sequence[Record], spec: str, recipe: str, given: Any, results: Path
) -> Settings:
    """Return the settings of the records of a data set and recipe that have what is given."""
    from imbench.errors import NotComparable, UsageError
    from imbench.given import read_values
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
        plain = [dict(settings) for settings in fitting]
        differing = [key for key in plain[0] if len({str(one[key]) for one in plain}) > 1]
        raise UsageError(
            f"{str(results)!r} has records of {recipe} on {spec} with several values of "
            f"{', '.join(differing)}: say which, as --set {differing[0]}=..."
        )
    return fitting[0]


def unfit_records(results: Path, spec: str, recipe: str) -> NotComparable:
    """Return the error where no record is of the images that a data set has now."""
    from imbench.errors import NotComparable

    return NotComparable(
        f"the records of {recipe} in {str(results)!r} are unfinished or of other images than "
        f"{spec} has now: run `bench run` again, or leave --from out"
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
