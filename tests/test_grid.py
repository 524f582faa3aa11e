"""Cells: what their key is made of, and which of them a grid has."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest
from pydantic import ValidationError

from imbench.records.cell import PROTOCOL, Cell, Exclusion, Grid, Settings, expand

CELL = Cell(
    dataset="horse2zebra",
    fingerprint="0123456789abcdef",
    minority=50,
    majority=1000,
    recipe="us:rho=0.5+cs",
    seed=3,
    settings=Settings(),
    versions={"us": 1, "cs": 2},
    protocol=1,
)
HASHED = (
    '{"fingerprint":"0123456789abcdef","majority":1000,"minority":50,"protocol":1,'
    '"recipe":"us:rho=0.5+cs","seed":3,"settings":{"augment":"flip+crop","batch_size":64,'
    '"lr":0.05,"momentum":0.9,"network":"resnet20","size":32,"steps":1000,"threads":1,'
    '"warmup":0.05,"weight_decay":0.0002},"versions":{"cs":2,"us":1}}'
)
KEY = "15f9bdfc551e96a9"


def test_keys_are_those_of_the_records_that_people_have():
    # If this fails, no record that exists is found any more. Where scores change as well, raise
    # PROTOCOL and write the new text and key down here; else leave the fields as they were.
    assert hashlib.sha256(HASHED.encode()).hexdigest()[:16] == KEY
    body = CELL.plain()
    assert body.pop("dataset") == "horse2zebra"
    assert json.dumps(body, sort_keys=True, separators=(",", ":")) == HASHED
    assert CELL.key == KEY


def test_a_key_is_the_same_in_another_process_and_order():
    code = (
        "import sys, json\nfrom imbench.records.cell import Cell\n"
        "body = json.loads(sys.argv[1])\n"
        "print(Cell(**dict(reversed(body.items()))).key)"
    )
    body = CELL.plain() | {"versions": {"cs": 2, "us": 1}}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, json.dumps(body)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "77", "PATH": ""},
    )
    assert done.stdout.strip() == KEY


def test_the_name_of_the_data_is_not_part_of_the_key():
    renamed = CELL.model_copy(update={"dataset": "folder:/elsewhere,majority=horse"})
    assert renamed.key == CELL.key
    assert renamed != CELL


CHANGES = {
    "fingerprint": "f" * 16,
    "minority": 51,
    "majority": None,
    "by_class": (50, 900),
    "recipe": "us+cs",
    "seed": 4,
    "settings": {},
    "versions": {"us": 2, "cs": 2},
    "protocol": 2,
}
OTHER_SETTINGS = {
    "network": "cnn",
    "size": 64,
    "steps": 1001,
    "batch_size": 32,
    "lr": 0.1,
    "momentum": 0.0,
    "weight_decay": 0.0,
    "warmup": 0.0,
    "augment": "none",
    "threads": 2,
    "precision": "bfloat16",
    "code": "mine.py 0123456789abcdef",
}


def test_everything_else_is_part_of_the_key():
    assert set(CHANGES) | {"dataset"} == set(Cell.model_fields)
    assert set(OTHER_SETTINGS) == set(Settings.model_fields)
    changes = {name: value for name, value in CHANGES.items() if name != "settings"}
    cells = [Cell(**{**CELL.plain(), name: value}) for name, value in changes.items()]
    for name, value in OTHER_SETTINGS.items():
        cells.append(CELL.model_copy(update={"settings": Settings(**{name: value})}))
    assert len({cell.key for cell in [CELL, *cells]}) == 1 + len(cells)


def test_numbers_written_in_another_way_are_the_same_cell():
    same = Settings(lr="5e-2", steps="1000", momentum=0.90, weight_decay="0.0002")
    assert CELL.model_copy(update={"settings": same}).key == KEY


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 7},
        {"steps": 0},
        {"batch_size": 1},
        {"lr": 0},
        {"lr": float("inf")},
        {"weight_decay": float("inf")},
        {"momentum": 1},
        {"warmup": float("nan")},
        {"epochs": 3},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(ValidationError):
        Settings(**wrong)


@pytest.mark.parametrize("name", ["lr", "seed"])
def test_cells_and_settings_do_not_change(name):
    with pytest.raises(ValidationError, match="frozen"):
        setattr(CELL.settings if name == "lr" else CELL, name, 1)


RECIPES = {"vanilla": {}, "us+cs": {"us": 1, "cs": 1}, "cbl:beta=0.9": {"cbl": 1}}
PRINTS = {"cub": "c" * 16, "folder:x": "f" * 16}


def grid(**changes):
    body = {
        "datasets": ("folder:x", "cub"),
        "minority": {"folder:x": (50, 20), "cub": (10,)},
        "majority": {"folder:x": 100, "cub": None},
        "methods": ("not", "looked", "at"),
        "seeds": (1, 0),
    }
    return Grid(**{**body, **changes})


def places(cells):
    return [(cell.dataset, cell.minority, cell.recipe, cell.seed) for cell in cells]


def test_a_grid_is_expanded_in_the_order_given():
    cells = expand(grid(settings=Settings(steps=5)), PRINTS, RECIPES)
    assert places(cells) == [
        (dataset, count, recipe, seed)
        for dataset, counts in (("folder:x", (50, 20)), ("cub", (10,)))
        for count in counts
        for recipe in ("vanilla", "us+cs", "cbl:beta=0.9")
        for seed in (1, 0)
    ]
    first, last = cells[0], cells[-1]
    assert (first.fingerprint, first.majority, last.majority) == ("f" * 16, 100, None)
    assert last.versions == {"cbl": 1}
    assert {cell.settings.steps for cell in cells} == {5}
    assert {cell.protocol for cell in cells} == {PROTOCOL}


def test_data_that_are_not_there_have_no_cells():
    cells = expand(grid(), {"cub": "c" * 16}, RECIPES)
    assert {cell.dataset for cell in cells} == {"cub"}
    assert expand(grid(), {}, RECIPES) == []


def test_a_cell_is_there_once_whatever_names_its_data_have():
    prints = {"cub": "c" * 16, "folder:x": "c" * 16}
    same = grid(minority={"folder:x": (10,), "cub": (10,)}, majority={})
    assert len(expand(same, prints, RECIPES)) == 6


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ({"dataset": "cub"}, lambda d, c, r, s: d != "cub"),
        ({"dataset": "folder"}, lambda d, c, r, s: d != "folder:x"),
        ({"dataset": "folder:y"}, lambda d, c, r, s: True),
        ({"method": "us+cs"}, lambda d, c, r, s: r != "us+cs"),
        ({"method": "us"}, lambda d, c, r, s: True),
        ({"minority": (10, 20)}, lambda d, c, r, s: c == 50),
        ({"seed": (0, 7)}, lambda d, c, r, s: s == 1),
        (
            {"dataset": "cub", "method": "vanilla", "seed": (1,)},
            lambda d, c, r, s: (d, r, s) != ("cub", "vanilla", 1),
        ),
        ({}, lambda d, c, r, s: False),
    ],
)
def test_what_agrees_with_a_rule_in_every_field_is_left_out(rule, left):
    every = expand(grid(), PRINTS, RECIPES)
    kept = expand(grid(exclude=(Exclusion(**rule),)), PRINTS, RECIPES)
    assert kept == [cell for cell, place in zip(every, places(every), strict=True) if left(*place)]


def test_rules_add_up():
    rules = (Exclusion(dataset="folder"), Exclusion(seed=(0,)), Exclusion(method="vanilla"))
    assert places(expand(grid(exclude=rules), PRINTS, RECIPES)) == [
        ("cub", 10, "us+cs", 1),
        ("cub", 10, "cbl:beta=0.9", 1),
    ]


def test_a_grid_reads_back_from_plain_data():
    made = grid(exclude=(Exclusion(dataset="cub", seed=(0, 1)),), settings=Settings(lr=0.1))
    assert Grid.model_validate(json.loads(json.dumps(made.plain()))) == made
