"""Metrics by what names them on the command line: ``f1``, ``cost:ratio=10``, ``my.py:youden``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from imbench.constraints import LOOSE, Constraint, number
from imbench.contained import usable
from imbench.errors import UsageError
from imbench.given import read_options
from imbench.registry import load_plugin
from imbench.spec import Spec, parse_spec
from imbench.stats.configured import HALVES, Configured, wants
from imbench.stats.metrics import Metric

__all__ = ["COSTS", "RATIO", "base_name", "load_metric", "metric_options"]

RATIO = number(0, 1e6, open_low=True)
"""What a missed minority image may cost, a false alarm costing 1."""
COSTS = ("cost", "cost_bayes", "cost_tuned")
"""Metrics of a cost ratio."""
UNDECLARED: Mapping[str, Constraint] = dict.fromkeys(COSTS, RATIO)
"""What the options of our metrics may be, which cannot say it: the room `stats` imports nothing."""


def load_metric(text: str) -> Metric:
    """Import a metric and set its options.

    Options are its parameters behind labels, probabilities and what else it asks for;
    ``metric.constraints`` says which values they may take, as for a part.

    Returns
    -------
    callable
        The function as it is registered if no option is given, else a `Configured`.

    Raises
    ------
    UsageError
        If the name is unknown, the metric cannot be imported, or an option is unknown, missing or
        has a wrong value.

    Examples
    --------
    >>> load_metric("cost:ratio=10").options  # type: ignore[attr-defined]
    {'ratio': 10}
    """
    spec = parse_spec(text)
    function: Metric = load_plugin("metrics", spec.name)
    with usable(f"metric {spec.name!r} cannot be used"):
        options = _options(spec, function) if spec.options or spec.argument else {}
        missing = [name for name in metric_options(function, needed=True) if name not in options]
    if missing:
        example = Spec(spec.name, None, dict.fromkeys(missing, "10"))
        raise UsageError(f"{spec.name} needs {', '.join(missing)}: write {example}")
    return Configured(function, options) if options else function


def base_name(text: str) -> str:
    """Return the name without options; the text itself where it is no spec."""
    try:
        return parse_spec(text).name
    except UsageError:
        return text


def _options(spec: Spec, function: Metric) -> dict[str, Any]:
    return read_options(
        spec.name,
        function,
        spec.options,
        argument=spec.argument,
        skip=_before_options(function),
        undeclared=UNDECLARED.get(spec.name, LOOSE),
    )


def metric_options(function: Metric, *, needed: bool = False) -> list[str]:
    """Return the names of a metric's options, or only of those that have no default."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # code that is not Python may have no signature
        return []
    own = parameters[_before_options(function) :]
    named = [one for one in own if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)]
    return [one.name for one in named if not needed or one.default is one.empty]


def _before_options(function: Metric) -> int:
    return 3 if wants(function, HALVES) else 2
