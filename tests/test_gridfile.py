"""Grid files and options to a grid; what cannot be meant is refused in a sentence."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from imbench.backbones.frozen import settle_size
from imbench.errors import UnknownName, UsageError
from imbench.records.cell import Exclusion, Settings, expand
from imbench.records.results import finished_cells
from imbench.runs.feasible import versions_of
from imbench.runs.gridfile import read_grid_file
from imbench.runs.grids import read_shipped, shipped
from imbench.runs.plan import recipes_of
from imbench.runs.settling import (
    DEFAULT,
    SEEDS,
    GridOptions,
    settle_grid,
)
from imbench.spec import parse_spec
from imbench.training.groups import GROUPS
from imbench.training.recipe import PAPER_METHODS

ROOT = Path(__file__).parents[1]
WHOLE = """
description = "all that a grid file can say"
datasets = ["horse2zebra", "folder:clothing,majority=shirt", "cub"]
methods = ["vanilla", "cbl:beta=0.9,norm=sum_C+ts"]
seeds = [5, "0-2"]
exclude = [
    { dataset = "cub", method = "vanilla", seed = "0-1", minority = 12 },
    "method=us+cs,dataset=cub",
]

[minority]
horse2zebra = [25, 50]
cub = "12,25"
default = 10

[majority]
horse2zebra = 1000
folder = "all"

[settings]
network = "cnn"
steps = 500
lr = 1
"""


@pytest.fixture
def grid_file(tmp_path):
    """Return a function that writes a grid file and reads it."""

    def make(text):
        path = tmp_path / "my grid.toml"
        path.write_text(text, "utf-8")
        return read_grid_file(str(path))

    return make


def test_a_whole_file_is_settled(grid_file):
    grid = settle_grid(grid_file(WHOLE), GridOptions())
    clothing = "folder:clothing,majority=shirt"
    assert grid.name == "my grid"
    assert grid.datasets == ("horse2zebra", clothing, "cub")
    assert grid.minority == {"horse2zebra": (25, 50), clothing: (10,), "cub": (12, 25)}
    assert grid.majority == {"horse2zebra": 1000, clothing: None, "cub": None}
    assert grid.methods == ("vanilla", "cbl:beta=0.9,norm=sum_C+ts")
    assert grid.seeds == (5, 0, 1, 2)
    assert grid.settings == Settings(network="cnn", steps=500, lr=1.0)
    assert grid.exclude == (
        Exclusion(dataset="cub", method="vanilla", seed=(0, 1), minority=(12,)),
        Exclusion(dataset="cub", method="us+cs"),
    )


def test_options_win_over_the_file_and_the_file_over_defaults(grid_file):
    file = grid_file(WHOLE)
    options = GridOptions(
        datasets=["cub,celeba", "cub"],
        minority=["7", "8-9"],
        majority="500",
        methods=["us,cs", "us"],
        seeds=["3", "4-5"],
        exclude=["seed=4"],
        settings=GridOptions.read_settings(
            {"network": None, "steps": "20", "size": None}, ["lr=0.5", " batch_size = 16 "]
        ),
    )
    grid = settle_grid(file, options)
    assert grid.datasets == ("cub", "celeba")
    assert grid.minority == dict.fromkeys(grid.datasets, (7, 8, 9))
    assert grid.majority == dict.fromkeys(grid.datasets, 500)
    assert grid.methods == ("us", "cs")
    assert grid.seeds == (3, 4, 5)
    assert grid.settings == Settings(network="cnn", steps=20, lr=0.5, batch_size=16)
    assert grid.exclude == (*settle_grid(file, GridOptions()).exclude, Exclusion(seed=(4,)))


def test_an_option_changes_nothing_but_its_own(grid_file):
    file = grid_file(WHOLE)
    before, after = (
        settle_grid(file, GridOptions()).plain(),
        settle_grid(file, GridOptions(seeds=["9"])).plain(),
    )
    assert {key for key in before if before[key] != after[key]} == {"seeds"}


def test_what_nothing_says_is_the_default():
    grid = settle_grid(None, GridOptions(datasets=["digits"], minority=["10"]))
    assert (grid.name, grid.seeds, grid.methods) == ("", SEEDS, PAPER_METHODS)
    assert (grid.majority, grid.settings, grid.exclude) == ({"digits": None}, Settings(), ())


def test_all_of_the_majority_can_be_asked_for_again(grid_file):
    file = grid_file('datasets = "cub"\nminority = 5\nmajority = 100')
    assert settle_grid(file, GridOptions()).majority == {"cub": 100}
    assert settle_grid(file, GridOptions(majority="all")).majority == {"cub": None}
    assert settle_grid(file, GridOptions(majority="7")).majority == {"cub": 7}


def test_the_papers_methods_stand_where_they_are_named_each_once():
    options = GridOptions(
        datasets=["digits"], minority=["5"], methods=["us+ts,paper", "cs,us:rho=1"]
    )
    assert settle_grid(None, options).methods == ("us+ts", *PAPER_METHODS, "us:rho=1")


def test_duplicates_merge_however_they_are_written():
    options = GridOptions(
        datasets=["folder:a, flag=007", "folder:a,flag=007,digits", "digits "],
        minority=["5,5", "4-5"],
        seeds=["1,0-1"],
    )
    grid = settle_grid(None, options)
    assert grid.datasets == ("folder:a,flag=007", "digits")
    assert grid.minority["digits"] == (5, 4)
    assert grid.seeds == (1, 0)


def test_an_entry_is_found_by_spec_then_by_name_then_for_all(grid_file):
    file = grid_file(
        'datasets = ["folder:a,flag=1.50", "folder:b", "cub"]\n'
        'minority = { "folder:a, flag=1.50" = 1, folder = 2, default = 3 }'
    )
    assert settle_grid(file, GridOptions()).minority == {
        "folder:a,flag=1.50": (1,),
        "folder:b": (2,),
        "cub": (3,),
    }


def test_a_data_set_of_a_file_has_counts_by_its_file(grid_file):
    file = grid_file('datasets = "my/set.py:Mine:x=1"\nminority = { "my/set.py:Mine" = 4 }')
    assert settle_grid(file, GridOptions()).minority == {"my/set.py:Mine:x=1": (4,)}


BASE = 'datasets = "digits"\nminority = 5\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sed = 1", "unknown key 'sed': did you mean seeds?"),
        ("dataset = 'cub'", "unknown key 'dataset': did you mean datasets?"),
        ("xyzzy = 1", "unknown key 'xyzzy': known: datasets, description, exclude"),
        ("datasets = []", "the list of datasets is empty"),
        ("datasets = ','", "the list of datasets is empty"),
        ("methods = []", "the list of methods is empty"),
        ("seeds = []", "the list of seeds is empty"),
        ("minority = []", "the list of minority counts is empty"),
        ("minority = { cub = [] }", "the list of minority counts is empty"),
        ("datasets = 5", "datasets: 5 is not a text"),
        ("datasets = [['cub']]", r"datasets: \['cub'\] is not a text"),
        ("datasets = { cub = 1 }", "datasets: {'cub': 1} is not a text"),
        ("methods = [true]", "methods: True is not a text"),
        ("seeds = 1.5", "seeds: 1.5 is not a whole number"),
        ("seeds = true", "seeds: True is not a whole number"),
        ("seeds = 2020-01-01", "is not a whole number"),
        ("seeds = '4-0'", "seeds: the range '4-0' is backwards"),
        ("minority = -1", "minority counts: '-1' is not a whole number"),
        ("minority = 2.5", "minority counts: 2.5 is not a whole number"),
        ("majority = [1, 2]", "majority is one count, or all"),
        ("majority = { cub = true }", "majority count: True is not a whole number"),
        ("majority = 'none'", "majority count: 'none' is not a whole number"),
        ("minority = { celba = 5 }", "unknown data set 'celba': did you mean celeba?"),
        ("majority = { 'fodler:x' = 5 }", "unknown data set 'fodler': did you mean folder?"),
        ("name = 5", r"name: Input should be a valid string \(not 5\)"),
        ("description = [1]", "description: Input should be a valid string"),
        ("settings = 5", "settings: Input should be a valid dictionary"),
        ("exclude = 5", "exclude: 5 is no rule; write method=smote,dataset=cub"),
        ("exclude = [{}]", "exclude: {} is no rule"),
        ("exclude = [['method=us']]", "is no rule"),
        ("exclude = [{ sed = 1 }]", "unknown condition 'sed': did you mean seed?"),
        ("exclude = [{ seed = 'x' }]", "exclude seed: 'x' is not a whole number"),
        ("exclude = [{ method = 'somte' }]", "unknown method 'somte': did you mean smote"),
        ("datasets = ", "is not TOML: "),
        ("seeds = 1\nseeds = 2", "is not TOML: "),
        pytest.param(f"seeds = {'[' * 100_000}", "is not TOML: ", id="deep"),
        pytest.param(f"seeds = {'9' * 5000}", "is not TOML: ", id="endless"),
        pytest.param(f"seeds = {'9' * 4000}", "seeds: .* is not a whole number", id="long"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_its_name(grid_file, text, says):
    with pytest.raises(UsageError, match=says) as raised:
        grid_file(text)
    assert re.match("grid file '.*my grid.toml'", str(raised.value))
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stps = 5", "unknown setting 'stps': did you mean steps?"),
        ("epochs = 5", "unknown setting 'epochs': known: augment, batch_size"),
        ("steps = 'many'", "setting: steps=many must be a whole number from 1 to 100000000"),
        ("steps = 0", "setting: steps=0 must be a whole number"),
        ("size = [32]", r"setting: size=\[32\] must be a whole number from 8 to 1024"),
        ("lr = nan", "setting: lr=nan must be a number"),
        ("lr = inf", r"setting: lr=inf must be a number in \(0, 1000000\]"),
        ("network = 5", "setting: network=5 must be the name of a network"),
        ("network = 'resnet2'", "unknown network 'resnet2': did you mean resnet20?"),
        ("augment = 'flop'", "augment='flop'; write flip, crop"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(grid_file, text, says):
    file = grid_file(f"{BASE}[settings]\n{text}")
    with pytest.raises(UsageError, match=says):
        settle_grid(file, GridOptions())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "no data set is named: give --datasets"),
        ({"datasets": ["cub"]}, "no minority counts are given for cub: say --minority"),
        ({"datasets": [""]}, "the list of data sets is empty"),
        ({"datasets": ["a"], "minority": [","]}, "the list of minority counts is empty"),
        ({"datasets": ["a"], "minority": ["5"], "seeds": [""]}, "the list of seeds is empty"),
        ({"datasets": ["a"], "minority": ["5"], "methods": [""]}, "the list of methods is empty"),
        ({"datasets": ["a"], "minority": ["5"], "majority": "few"}, "majority count: 'few' is"),
        ({"datasets": ["a"], "minority": ["5"], "majority": "1,2"}, "majority is one count, or"),
        ({"datasets": ["caf\udce9"], "minority": ["5"]}, "is not a text in UTF-8"),
        ({"datasets": ["a:b=1,b=2"], "minority": ["5"]}, "'b' is given twice"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(given, says):
    with pytest.raises(UsageError, match=says) as raised:
        settle_grid(None, GridOptions(**given))
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("steps", "--set 'steps' is not of the form KEY=VALUE"),
        ("=5", "unknown setting ''"),
        ("stpes=5", "unknown setting 'stpes': did you mean steps?"),
        ("steps=many", "setting: steps=many must be a whole number"),
        ("lr=inf", "setting: lr=inf must be a number in (0, 1000000]"),
        ("network=resnet2", "unknown network 'resnet2': did you mean resnet20?"),
        ("network=cnn:widht=8", "network cnn takes no 'widht': did you mean width?"),
        ("network=torchvision:nosuch", "unknown torchvision model 'nosuch': "),
        ("network=nowhere.py:Net", "no file 'nowhere.py'"),
        ("augment=flop", "augment='flop'; write flip, crop"),
    ],
)
def test_assignments_that_cannot_be_meant_are_refused(text, says):
    options = {"datasets": ["a"], "minority": ["5"]}
    with pytest.raises(UsageError, match=re.escape(says)):
        settle_grid(None, GridOptions(**options, settings=GridOptions.read_settings({}, [text])))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("method=smote,seed=0,dataset=cub", {"method": "smote", "seed": (0,), "dataset": "cub"}),
        ("dataset=cub", {"dataset": "cub"}),
        ("seed=0,2-3,minority=50", {"seed": (0, 2, 3), "minority": (50,)}),
        (" method=us, seed=1 ", {"method": "us", "seed": (1,)}),
        (
            "method=cbl:beta=0.90,norm=sum_C+us:rho=0.5,minority=5",
            {"method": "cbl:beta=0.9,norm=sum_C+us:rho=0.5", "minority": (5,)},
        ),
        # A data set comes last, and what follows is its own, even if it looks like a condition.
        (
            "seed=1,dataset=folder:a b,minority=hat,flag=True",
            {"seed": (1,), "dataset": "folder:a b,minority=hat,flag=True"},
        ),
        ("method=smote:k_neighbors=5", {"method": "smote"}),
    ],
)
def test_the_grammar_of_exclusions(text, rule):
    options = GridOptions(datasets=["digits"], minority=["5"], exclude=[text])
    assert settle_grid(None, options).exclude == (Exclusion(**rule),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "unknown condition ''"),
        ("smote", "unknown condition 'smote'"),
        ("methods=smote", "unknown condition 'methods': did you mean method?"),
        ("method=somte", "did you mean smote"),
        ("method=", "has no name"),
        ("seed=", "the list of exclude seed is empty"),
        ("seed=x", "exclude seed: 'x' is not a whole number"),
        ("seed=1,seed=2", "gives a condition twice; write two rules"),
        ("method=us,method=cs,dataset=cub", "gives a condition twice; write two rules"),
    ],
)
def test_exclusions_that_cannot_be_meant_are_refused(text, says):
    options = GridOptions(datasets=["digits"], minority=["5"], exclude=[text])
    with pytest.raises(UsageError, match=re.escape(says)):
        settle_grid(None, options)


@pytest.mark.parametrize(
    "text", ['"method=us,seed=0"', '{ method = "us", seed = 0 }', '["method=us,seed=0"]']
)
def test_one_rule_needs_no_list(grid_file, text):
    file = grid_file(f"{BASE}exclude = {text}")
    assert settle_grid(file, GridOptions()).exclude == (Exclusion(method="us", seed=(0,)),)


def test_an_unknown_grid_is_refused_with_the_nearest():
    with pytest.raises(UnknownName, match=r"unknown grid .* 'qick': did you mean quick\?"):
        read_grid_file("qick")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, content):
    path = tmp_path / "no.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"no\.toml' cannot be read: "):
        read_grid_file(str(path))


def test_a_file_needs_no_ending_and_its_name_is_the_grids(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text(BASE)
    assert read_grid_file("mine").name == "mine"
    (tmp_path / "named.toml").write_text('name = "other"')
    assert read_grid_file("named.toml").name == "other"


def test_the_default_grid_is_shipped():
    assert {DEFAULT, "cpu", "paper", "study"} <= set(shipped())


def named(methods):
    """Return the methods of a grid file, those of each group in its place."""
    return tuple(dict.fromkeys(one for name in methods for one in GROUPS.get(name, (name,))))


def is_table(value):
    return isinstance(value, dict)


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_grid_settles_as_it_is_written(name):
    plain = tomllib.loads(read_shipped(name))
    grid = settle_grid(read_grid_file(name), GridOptions())
    assert grid.name == name
    assert plain["description"]
    assert list(grid.datasets) == plain["datasets"]
    given = plain["methods"]
    assert grid.methods == named(given if isinstance(given, list) else [given])
    assert grid.settings == Settings(**settle_size(plain["settings"]))
    assert set(grid.minority) == set(grid.majority) == set(grid.datasets)
    given = plain["minority"]
    for dataset, counts in grid.minority.items():
        own = given.get(dataset, given.get(parse_spec(dataset).name)) if is_table(given) else given
        assert list(counts) == own
        assert grid.majority[dataset] == plain.get("majority", {}).get(dataset)
    assert list(grid.seeds) == list(range(len(grid.seeds)))
    assert len(grid.seeds) >= 3


def test_the_study_and_its_sisters_share_their_data_and_what_they_leave_out_exists():
    study, joint, features, resnet = (
        settle_grid(read_grid_file(f"study{tail}"), GridOptions())
        for tail in ("", "-joint", "-features", "-resnet")
    )
    assert set(study.datasets) | set(joint.datasets) <= set(features.datasets)
    for grid in (study, joint, resnet):
        for dataset, counts in grid.minority.items():
            assert set(counts) <= set(features.minority[dataset])
        assert not grid.exclude
    assert study.settings == joint.settings
    # As published: a name of it would otherwise be looked for in vain.
    assert set(PAPER_METHODS) <= set(study.methods)
    assert set(joint.methods) <= set(study.methods)
    # `trashnet` alone is trash against the rest, and no third task.
    assert [d for d in features.datasets if parse_spec(d).name == "trashnet"] == [
        "trashnet:minority=trash",
        "trashnet:majority=paper,minority=glass/plastic/metal/cardboard/trash",
    ]
    names = {parse_spec(dataset).name for dataset in features.datasets}
    for rule in features.exclude:
        assert rule.method is None or rule.method in features.methods
        assert rule.dataset is None or rule.dataset in {*names, *features.datasets}
        assert set(rule.seed or features.seeds) <= set(features.seeds)


@pytest.fixture(scope="module")
def published():
    return [one.cell for one in finished_cells([ROOT / "results" / "study"]).values()]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in shipped() if name.startswith("study")])
def test_the_published_packs_hold_each_cell_of_the_study(name, published):
    grid = settle_grid(read_grid_file(name), GridOptions())
    of_grid = [cell for cell in published if cell.settings == grid.settings]
    recipes, missing = recipes_of(grid.methods)
    cells = expand(
        grid,
        {cell.dataset: cell.fingerprint for cell in of_grid},
        versions_of(recipes, grid.settings.network),
    )
    assert not missing
    assert {cell.dataset for cell in cells} == set(grid.datasets)
    there = {cell.key for cell in of_grid}
    absent = [cell for cell in cells if cell.key not in there]
    assert not absent, f"{len(absent)} of {len(cells)}, first {absent[0]}"
