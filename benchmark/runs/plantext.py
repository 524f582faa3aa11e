"""A plan, a cell and an outcome in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from imbench.errors import UsageError
from imbench.records.cell import Grid
from imbench.records.groups import MethodKey, format_ranges, method_order
from imbench.runs.features import feature_lines
from imbench.runs.job import Outcome
from imbench.runs.plan import Plan
from imbench.runs.shots import shots_text
from imbench.short_names import short_name, short_names
from imbench.training.recipe import Recipe, canonical_recipe

__all__ = [
    "failure_line",
    "grid_lines",
    "in_order",
    "no_space",
    "plan_lines",
    "seeds_lines",
    "test_set_lines",
]

T = TypeVar("T")


def grid_lines(grid: Grid) -> list[str]:
    """Return the settled grid, a line for the data, the methods and the settings."""
    data = []
    for dataset in grid.datasets:
        majority = grid.majority.get(dataset)
        counts = ",".join(map(shots_text, grid.minority[dataset]))
        data.append(f"{dataset} (minority {counts}; majority {majority or 'all'})")
    settings = "  ".join(f"{key}={value}" for key, value in grid.settings.model_dump().items())
    lines = [
        f"Grid  {f'{grid.name}: ' if grid.name else ''}{'  '.join(data)}",
        f"      methods {' '.join(grid.methods)}",
        f"      seeds {format_ranges(grid.seeds)}",
        f"      {settings}",
    ]
    recipes = {_canonical(method) for method in grid.methods}
    for rule in grid.exclude:
        if not rule.concerns(grid.datasets, recipes, grid.seeds):
            continue  # a rule of a grid file of which a part was asked for
        given = rule.model_dump(exclude_none=True)
        said = ",".join(
            f"{key}={format_ranges(value) if isinstance(value, tuple) else value}"
            for key, value in given.items()
        )
        lines.append(f"      without {said}")
    return lines


def _canonical(method: str) -> str:
    """Return the canonical recipe of a method; of one that does not exist the text."""
    try:
        return canonical_recipe(method)
    except UsageError:
        return method


def plan_lines(plan: Plan, workers: int) -> list[str]:
    """Return the plan: cells by state, what is shared, time, space, data sets."""
    other = f" ({len(plan.elsewhere)} of them in other results)" if plan.elsewhere else ""
    states = [f"{len(plan.done)} done{other}"] if plan.done else []
    states += [f"{len(plan.failed)} failed before"] if plan.failed else []
    states += [f"{len(plan.to_run)} to run ({_count(plan.trainings, 'training')})"]
    lines = [f"Plan  {_product(plan)}: {', '.join(states)}"]
    names, planned = short_names(plan.sources), _planned(plan)
    time = plan.estimate.words(workers) if plan.jobs else "nothing to do"
    facts = [time, f"disk {_space(plan)}"]
    if plan.absent and not plan.cells:
        lines, facts = ["Plan  no cell can be counted while its data are missing"], facts[1:]
    facts += [
        f"{names[spec]} {'missing' if source.fault else 'found'}"
        for spec, source in plan.sources.items()
    ]
    lines.append(f"      {'    '.join(facts)}")
    lines += [f"      {line}" for line in _equal_data(plan)]
    lines += [
        f"      {names[spec]}: {note.line}"
        for spec, source in plan.sources.items()
        for note in source.notes
    ]
    lines += [
        f"      {text}: {caution}"
        for text, recipe in planned.items()
        for caution in recipe.cautions
    ]
    lines += [f"      {line}" for line in feature_lines(plan)]
    if further := _further_steps(planned, plan.grid.settings.steps):
        lines.append(f"      beyond {plan.grid.settings.steps} steps each: {further}")
    lines += [f"      {line}" for line in seeds_lines(len(plan.grid.seeds), len(planned))]
    lines += [f"      {line}" for line in test_set_lines(plan)]
    if plan.missing:
        lines.append(f"      missing: {', '.join(plan.missing)} (part not available)")
    return lines


def _equal_data(plan: Plan) -> Iterator[str]:
    """Name the data sets whose images and classes are those of one before: their cells are one."""
    first: dict[str, str] = {}
    for spec, source in plan.sources.items():
        if source.fault:
            continue
        same = first.setdefault(source.fingerprint, spec)
        if same != spec:
            yield (
                f"{spec}: the same images and classes as {same}; a cell that both ask for is "
                "trained once"
            )


def _planned(plan: Plan) -> Mapping[str, Recipe]:
    """Return the recipes that have a cell; all, while no cell is known for want of data."""
    there = {cell.recipe for cell in plan.cells}
    return {text: recipe for text, recipe in plan.recipes.items() if text in there or not there}


def _further_steps(planned: Mapping[str, Recipe], steps: int) -> str:
    """Name the methods that take more steps than the others, and how many."""
    own = {
        text: sum(part.own_steps(steps) for part in recipe.parts)
        for text, recipe in planned.items()
    }
    return ", ".join(f"{text} {more}" for text, more in own.items() if more)


def no_space(plan: Plan) -> str:
    """Say that the records will not fit on the disk; empty if they will."""
    if plan.bytes_needed <= plan.bytes_free:
        return ""
    return (
        f"the records need {_bytes(plan.bytes_needed)}, the results folder has "
        f"{_bytes(plan.bytes_free)} free: make room, or name another --out"
    )


def seeds_lines(seeds: int, methods: int) -> list[str]:
    """Say what so many seeds can show, and how many a comparison needs; empty for one method."""
    from imbench.stats.paired import seeds_needed

    if methods < 2:
        return []
    pair, all_others = seeds_needed(1), seeds_needed(methods - 1)
    one_of_all = f"{all_others} for one method against {_count(methods - 1, 'other')}"
    if seeds >= all_others:
        return [f"{_count(seeds, 'seed')}: enough to establish any difference of two methods"]
    if seeds >= pair:
        return [f"{_count(seeds, 'seed')}: enough to establish a difference of two; {one_of_all}"]
    more = f"; {one_of_all}" if all_others > pair else ""
    return [
        f"{_count(seeds, 'seed')}: differences can be described, not established; "
        f"{pair} are needed for a pair of methods{more}"
    ]


def test_set_lines(plan: Plan) -> list[str]:
    """Name the data sets in which one test image moves F1 further than methods may be apart."""
    from imbench.stats.resolution import COARSE, expected_f1_step

    names = short_names(plan.sources)
    tests = {
        spec: one.test_counts for spec, one in plan.sources.items() if all(one.test_counts[1:])
    }
    steps = {spec: expected_f1_step(counts) for spec, counts in tests.items() if len(counts) > 1}
    return [
        f"{names[spec]}: one test image moves F1 by about {step:.3f} ({min(tests[spec][1:])} test "
        "images of the smallest minority), so take no smaller difference for one of methods"
        for spec, step in steps.items()
        if step > COARSE
    ]


def failure_line(outcome: Outcome, results: str) -> str:
    """Return `` FAILED   cub-50   smote  seed 1   reason   results/cub/50/smote/1-9be2.log``."""
    cell = outcome.cell
    line = (
        f" {outcome.status.upper():<8} {short_name(cell.dataset)}-{shots_text(cell.shots)}  "
        f"{cell.recipe}  "
        f"seed {cell.seed}  {outcome.reason}"
    )
    return f"{line}  {results}/{outcome.log}" if outcome.log else line


def _product(plan: Plan) -> str:
    cells = len(plan.cells)
    there = [name for name, source in plan.sources.items() if not source.fault]
    counts = {len(plan.grid.minority[name]) for name in there}
    seeds, methods = len(plan.grid.seeds), len(plan.recipes)
    whole = sum(len(plan.grid.minority[name]) for name in there) * seeds * methods
    if len(counts) == 1 and whole == cells:
        factors = [
            _count(len(there), "data set"),
            _count(counts.pop(), "minority count"),
            _count(methods, "method"),
            _count(seeds, "seed"),
        ]
        return f"{' x '.join(factors)} = {_count(cells, 'cell')}"
    left_out = f" ({whole - cells} of {whole} left out)" if whole > cells else ""
    return f"{_count(cells, 'cell')}{left_out}"


def _space(plan: Plan) -> str:
    needed, free = plan.bytes_needed / 1e9, plan.bytes_free / 1e9
    if free < 1:
        return f"{_bytes(plan.bytes_needed)} of {_bytes(plan.bytes_free)} free"
    return f"{needed:.{1 if needed >= 0.1 else 3}f} GB of {free:.0f} free"


def _bytes(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.2f} MB"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def in_order(rows: Mapping[tuple[str, str], T]) -> list[tuple[tuple[str, str], T]]:
    """Return (data set, recipe) pairs and what belongs to them, recipes in the paper's order."""
    return sorted(
        rows.items(), key=lambda item: (item[0][0], method_order(MethodKey(item[0][1], ())))
    )
