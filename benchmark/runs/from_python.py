"""`imbench.run`: a grid run from Python or a notebook, as `bench run` does it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from imbench.code_files import spec_of
from imbench.errors import Interrupted, UsageError
from imbench.records.cell import Grid
from imbench.records.frame import frame
from imbench.runs.advice import advice
from imbench.runs.finished import FinishedRun
from imbench.runs.gridfile import GridFile, read_grid_file
from imbench.runs.options import RunOptions
from imbench.runs.session import Session
from imbench.runs.settling import (
    DEFAULT,
    GridOptions,
    named_methods,
    settle_grid,
)
from imbench.safe_text import visible
from imbench.stats.metrics import METRICS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RunKeywords", "run"]

_LOG = logging.getLogger("imbench")
Numbers = int | str | Iterable[int]


class RunKeywords(TypedDict, total=False):
    """What `run` passes on: the fields of `imbench.RunOptions`, which explains them."""

    results: str | Path
    data: str | Path
    jobs: int | str
    backend: Literal["local", "dask", "slurm"]
    scheduler: str | None
    slurm: Sequence[str]
    known: Sequence[str | Path]
    device: str
    per_device: int | None
    timeout: float | None
    max_failures: int | None
    max_cells: int
    retry_failed: bool
    force: bool
    bad_images: Literal["stop", "skip"]
    drop_leaks: bool | None
    quiet: bool
    json_log: Path | None
    keep: Sequence[str]
    floor: str


def run(
    grid: str | Path | None = None,
    *,
    datasets: str | Iterable[str] | None = None,
    minority: Numbers | Mapping[str, Numbers] | None = None,
    majority: int | str | Mapping[str, int] | None = None,
    methods: str | Iterable[str] | None = None,
    seeds: Numbers | None = None,
    settings: Mapping[str, object] | None = None,
    network: str | Callable[..., Any] | None = None,
    augment: str | Callable[..., Any] | Sequence[str | Callable[..., Any]] | None = None,
    exclude: Iterable[str | Mapping[str, object]] | None = None,
    metrics: Sequence[str] = tuple(METRICS),
    **options: Unpack[RunKeywords],
) -> pd.DataFrame:
    """Run a grid and return its scores; cells that are done already are not run again.

    It does what `bench run` does: the same records in the same folder, so that the command, a
    notebook and a cluster may go on with each other's work.

    Parameters
    ----------
    grid : str or Path, optional
        A grid file, or the name of a shipped one. Without it and without `datasets`: ``quick``.
    datasets : str or iterable of str, optional
        Data sets, as on the command line: ``"digits"``, ``["digits", "folder:PATH"]``.
    minority : int, str, iterable of int, or mapping, optional
        Training images of each minority class, for all data sets or by data set: a count, a text
        such as ``"natural"``, or in a list ``{"crack": 200, "soiling": 50}``.
    majority : int, str or mapping, optional
        Training images of the majority, for all data sets or by data set; all there are if not
        given.
    methods : str or iterable of str, optional
        Recipes, as on the command line: ``"vanilla,us"``, ``["vanilla", "us+cs"]``.
    seeds : int, str or iterable of int, optional
        Replicates: ``range(5)`` or ``"0-4"``.
    settings : mapping, optional
        How every method is trained: ``{"network": "cnn", "steps": 300}``.
    network : str or callable, optional
        The classifier, as in `settings`. A class or function of yours has to stand at the top of a
        file, from which workers load it.
    augment : str, callable or list, optional
        How batches are augmented, as in `settings`: ``"flip+crop"``, a function of yours on one
        image, or a list of such steps.
    exclude : iterable, optional
        Cells to leave out: ``"method=smote,seed=0"``, or such mappings.
    metrics : sequence of str, optional
        Scores in the frame; those of `score_all` by default.
    **options
        Fields of `imbench.RunOptions`: ``results``, ``data``, ``jobs``, ``device``, ``force``...

    Returns
    -------
    DataFrame
        One row a cell and metric, as `imbench.load_results` returns it; ``value`` is NaN where a
        cell has no score, and ``reason`` says why.

    Raises
    ------
    UsageError
        If a name, a number or an option cannot be used.
    DataError
        If a data set is not there.
    EnvironmentFault
        If the machine is at fault: no space, no device.
    ImbenchError
        After Ctrl-C; what is done is kept.

    Examples
    --------
    >>> import imbench
    >>> scores = imbench.run(  # doctest: +SKIP
    ...     datasets="digits", minority=[10, 20], methods="vanilla,os", seeds=range(5),
    ...     settings={"network": "cnn", "steps": 300},
    ... )
    >>> scores[scores.metric == "f1"].groupby("recipe").value.mean()  # doctest: +SKIP
    """
    given = {
        "datasets": datasets,
        "minority": minority,
        "majority": majority,
        "methods": methods,
        "seeds": seeds,
        "settings": _settings(settings, network, augment),
        "exclude": exclude,
    }
    plain = {key: _plain(value) for key, value in given.items() if value is not None}
    settled, named = _settled(grid, plain)
    run_options = _options(options, command=_call(grid, {**plain, **options}))
    session = Session(settled, run_options, named=named, say=_say(run_options))
    finished = session.run()
    _warn(finished)
    return frame(finished.records(run_options), metrics)


def _settings(
    settings: Mapping[str, object] | None, network: object, augment: object
) -> dict[str, object] | None:
    """Return all settings, code of the user by the file that it is in."""
    given = {"network": network, "augment": augment}
    given = {key: value for key, value in given.items() if value is not None}
    if twice := sorted(given.keys() & (settings or {}).keys()):
        raise UsageError(f"{twice[0]} is given twice, in settings and beside them: leave one out")
    found = {**(settings or {}), **given}
    for key in {"network", "augment"} & found.keys():
        found[key] = _text_of(key, found[key])
    return found or None


def _text_of(key: str, value: object) -> object:
    """Return the text of code of the user, and of a list of steps."""
    if isinstance(value, list | tuple):
        return "+".join(str(_text_of(key, step)) for step in value)
    return spec_of(value, key) if callable(value) else value


def _settled(grid: str | Path | None, plain: dict[str, Any]) -> tuple[Grid, set[str]]:
    """Return the grid, and the methods that were named and so have to exist."""
    name = DEFAULT if grid is None and "datasets" not in plain else grid
    file = GridFile() if name is None else read_grid_file(str(name))
    return settle_grid(file.changed(plain), GridOptions()), named_methods(plain.get("methods"))


def _options(given: RunKeywords, *, command: str) -> RunOptions:
    return RunOptions(
        **{
            **given,
            "results": Path(given.get("results", "results")),
            "data": Path(given.get("data") or os.environ.get("IMBENCH_DATA", "data")),
            "jobs": str(given.get("jobs", "auto")),
            "slurm": tuple(given.get("slurm", ())),
            "known": tuple(map(Path, given.get("known", ()))),
            "keep": tuple(given.get("keep", ())),
            "floor": given.get("floor") or os.environ.get("IMBENCH_FLOOR", "auto"),
            "command": command,
        }  # type: ignore[arg-type]  # mypy sees one type for all values of the dict
    )


def _plain(value: Any) -> Any:
    """Return texts, numbers, lists and dicts for what may be a range, a tuple or an array."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, str):
        return value
    if isinstance(value, Iterable):
        return [_plain(inner) for inner in value]
    return value.item() if hasattr(value, "item") else value  # a numpy scalar


def _call(grid: str | Path | None, given: Mapping[str, Any]) -> str:
    """Return the call as it was written, for the plan that is kept with the records."""
    arguments = [] if grid is None else [repr(str(grid))]
    arguments += [f"{key}={value!r}" for key, value in given.items()]
    return f"imbench.run({', '.join(arguments)})"


def _say(options: RunOptions) -> Callable[[str], None]:
    def say(line: str) -> None:
        if not options.quiet:
            print(visible(line), flush=True)  # noqa: T201 - what a notebook shows

    return say


def _warn(finished: FinishedRun) -> None:
    if finished.interrupted:
        raise Interrupted(
            f"interrupted with {finished.not_begun} cells to go; what is done is kept, the same "
            "call goes on"
        )
    if finished.without_score:
        _LOG.warning(
            "%d of %d cells have no score, columns status and reason say why: %s",
            finished.without_score,
            len(finished.plan.cells),
            advice(finished, "retry_failed=True"),
        )
