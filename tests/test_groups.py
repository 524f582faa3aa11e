"""Groups of methods by name, and what a plan says of their cost."""

import subprocess
import sys

import pytest

from imbench.commands.cli import exit_code
from imbench.records.cell import Settings
from imbench.records.groups import group_differences, group_records
from imbench.registry import registered_names
from imbench.runs.estimate import _steps
from imbench.runs.settling import GridOptions, named_methods, settle_grid
from imbench.training.groups import GROUPS, PAPER_METHODS
from imbench.training.recipe import parse_recipe


def methods(*given):
    options = GridOptions(datasets=["digits"], minority=["5"], methods=list(given))
    return settle_grid(None, options).methods


def test_a_group_stands_for_its_methods_each_once():
    assert methods("paper-cheap") == PAPER_METHODS[:-2]
    assert methods("ts,prior,rivals,la")[:3] == ("ts", "la", "la-post")
    assert len(methods("all,rivals,paper")) == len(GROUPS["all"]) == len(set(GROUPS["all"]))
    assert methods("prior") == ("ts",)
    assert named_methods("rivals,us,prior") == {"us"}


@pytest.mark.parametrize("name", GROUPS)
def test_every_method_of_a_group_exists_once(name):
    recipes = [str(parse_recipe(text)) for text in GROUPS[name]]
    assert len(recipes) == len(set(recipes))
    for text in recipes:
        assert parse_recipe(text).cautions == ()


def test_every_part_that_needs_no_images_of_others_is_in_all():
    used = {name for text in GROUPS["all"] for name in parse_recipe(text).names}
    assert set(registered_names("methods")) - used == {"generated", "imblearn"}


def test_groups_are_offered_without_loading_torch():
    code = "import sys, imbench.training.groups; assert not {'torch', 'sklearn'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("recipe", "steps"),
    [
        *(("vanilla", 100), ("la", 100), ("sam", 200), ("sam:rho=0", 100), ("crt", 110)),
        *(("lws:share=0.5", 150), ("ensemble", 500), ("eeasy", 100), ("eeasy:each=true", 400)),
        *(("tuned", 600), ("ensemble:members=2+sam", 300)),
    ],
)
def test_trainings_are_timed_by_all_their_steps(recipe, steps):
    assert _steps(recipe, Settings(steps=100)) == steps


def test_a_plan_names_the_methods_that_take_further_steps(capsys):
    words = ("--datasets", "digits", "--minority", "20", "--steps", "100", "--network", "linear")
    assert exit_code(["run", *words, "--methods", "vanilla,sam,crt,eeasy", "--dry-run"]) == 0
    assert "beyond 100 steps each: sam 100, crt 10\n" in capsys.readouterr().out
    assert exit_code(["run", *words, "--methods", "paper-cheap", "--dry-run"]) == 0
    assert "beyond" not in capsys.readouterr().out


def test_a_plan_says_nothing_of_methods_that_an_exclusion_leaves_without_a_cell(capsys):
    words = ("--datasets", "digits", "--minority", "20", "--steps", "100", "--network", "linear")
    methods = ("--methods", "vanilla,os,sam,crt", "--exclude", "method=sam", "--seeds", "0-5")
    assert exit_code(["run", *words, *methods, "--exclude", "method=crt", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "beyond" not in said
    assert "enough to establish any difference of two methods" in said


def test_a_setting_that_a_dump_leaves_out_tells_groups_apart(make_record):
    records = [
        make_record(cell={"settings": Settings(network="cnn", **settings)})
        for settings in ({"precision": "bfloat16"}, {}, {"code": "mine.py abc"})
    ]
    for first in range(3):
        groups = group_records(records[first:] + records[:first])
        differing = group_differences(groups)
        assert sorted(differing) == ["code", "precision"]
        assert sorted(differing["precision"]) == ["bfloat16", "float32", "float32"]
