"""Canonical recipes and keys stay what records on disk hold, whatever the code does inside."""

import numpy as np
import pytest
import torch

from imbench.methods import _kept
from imbench.methods._pair import GeneratorPair
from imbench.records.cell import Cell, Settings
from imbench.training.part import Context
from imbench.training.recipe import parse_recipe

RECIPES = [
    (
        "vanilla",
        "vanilla",
        "4cb1e7e3e6fa9b99",
        {},
    ),
    (
        "ts",
        "ts",
        "1d2a3256c9a1d04e",
        {"ts": 1},
    ),
    (
        "cs:ratio=1e2,norm=sum_C,counts=original",
        "cs:norm=sum_C,counts=original,ratio=100",
        "1031d5a87fa62c03",
        {"cs": 1},
    ),
    (
        "us+cs",
        "us+cs",
        "3a5c81940482359a",
        {"us": 1, "cs": 1},
    ),
    (
        "os:rho=0.25+cbl:0.9",
        "os:rho=0.25+cbl:beta=0.9",
        "75d89a696987642a",
        {"os": 1, "cbl": 1},
    ),
    (
        "smote:k_neighbors=3+ts",
        "smote:k_neighbors=3+ts",
        "60431c90dda200cb",
        {"smote": 1, "ts": 1},
    ),
    (
        "cbl:norm=sum_C,beta=0.999",
        "cbl:beta=0.999,norm=sum_C",
        "c65c3042f1362aa0",
        {"cbl": 1},
    ),
    (
        "imblearn:BorderlineSMOTE,k_neighbors=3",
        "imblearn:sampler=BorderlineSMOTE,k_neighbors=3",
        "5613f8fe53aafb28",
        {"imblearn": 1},
    ),
    (
        "aug",
        "aug",
        "ff1645ff4b0c34ab",
        {"aug": 3},
    ),
    (
        "aug-da",
        "aug-da",
        "cecc81787d0f0dd0",
        {"aug-da": 3},
    ),
    (
        "alt",
        "alt",
        "1d8e661cf8c74e8e",
        {"alt": 3},
    ),
    (
        "aug:steps=800,gamma=cbl",
        "aug:gamma=cbl,steps=800",
        "77b94ecae00b8efb",
        {"aug": 3},
    ),
    (
        "aug:da=false",
        "aug:da=false",
        "930ab53046c02318",
        {"aug": 3},
    ),
    (
        "aug:da=none,gamma=1",
        "aug",
        "ff1645ff4b0c34ab",
        {"aug": 3},
    ),
    (
        "aug-da:da=true,ema=0.5",
        "aug-da:da=true,ema=0.5",
        "9cd05d5d5a2df2a4",
        {"aug-da": 3},
    ),
    (
        "aug:ema=0.9,beta=0.99,filter=0.3,ratio=2,variant=a2b,kappa=0.5,gamma=ir,summed=true",
        "aug:gamma=ir,kappa=0.5,variant=a2b,ratio=2,filter=0.3,beta=0.99,summed=true,ema=0.9",
        "07c42f6581f7f656",
        {"aug": 3},
    ),
    (
        "aug:patch_width=4,layers=1,blocks=1,width=4,pool=0,gan=bce,identity=0,cycle=5,lr=1e-3,batch=2,steps=6",
        "aug:steps=6,batch=2,lr=0.001,cycle=5,identity=0,gan=bce,pool=0,width=4,blocks=1,layers=1,patch_width=4",
        "42acb97b4496e4ae",
        {"aug": 3},
    ),
    (
        "alt:gamma=learned-meta,k_m=3,k_g=2,freeze=0.2,ramp=0.3,warmup=0.05,judge=2,steps=400,variant=a2b",
        "alt:gamma=learned-meta,variant=a2b,steps=400,judge=2,warmup=0.05,ramp=0.3,freeze=0.2,k_g=2,k_m=3",
        "c3ee362899704042",
        {"alt": 3},
    ),
    (
        "alt:filter=0.2+cs",
        "alt:filter=0.2+cs",
        "6cdbf15cc4670e31",
        {"alt": 3, "cs": 1},
    ),
    (
        "us:rho=0.5+aug:gamma=2.5+cbl:beta=0.99+ts",
        "us:rho=0.5+aug:gamma=2.5+cbl:beta=0.99+ts",
        "a04db03028d5c520",
        {"us": 1, "aug": 3, "cbl": 1, "ts": 1},
    ),
    (
        "generated:./here,kappa=0.5,summed=true,beta=0.9,filter=0.1,gamma=effective",
        "generated:path=./here,gamma=effective,kappa=0.5,filter=0.1,beta=0.9,summed=true",
        "ef5a45adaa7600e2",
        {"generated": 3},
    ),
]
"""As written, as stored, the key of a cell, and the versions of the parts."""


@pytest.mark.parametrize(("written", "stored", "key", "versions"), RECIPES)
def test_a_recipe_keeps_its_text_and_its_key(written, stored, key, versions):
    recipe = parse_recipe(written)
    assert str(recipe) == stored
    assert str(parse_recipe(stored)) == stored
    cell = Cell(
        dataset="digits",
        fingerprint="0123456789abcdef",
        minority=50,
        recipe=stored,
        seed=1,
        settings=Settings(network="cnn", size=16, steps=200),
    )
    assert cell.key == key
    parts = zip(recipe.names, recipe.parts, strict=True)
    assert {name: part.version for name, part in parts} == versions


@pytest.mark.parametrize(
    ("recipe", "key"),
    [
        ("aug", "51089abe7bb29609"),
        ("aug-da", "4e224513cb38506d"),
        ("alt:ema=0.9,steps=40", "00c26f57be28d90b"),
        ("aug:steps=6,batch=2,width=4,blocks=1,layers=1,patch_width=4", "6b2edfa0fd83b2e6"),
    ],
)
def test_generators_are_stored_under_the_same_name(recipe, key, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(_kept, "training_environment", lambda _: {"torch": "2.4"})
    rng = np.random.default_rng(0)
    a = rng.integers(0, 130, (9, 16, 16, 3), dtype=np.uint8)
    b = rng.integers(0, 130, (4, 16, 16, 3), dtype=np.uint8)
    (part,) = parse_recipe(recipe).parts
    part.context_ = Context(seed=3, steps=50, augment="flip")
    assert GeneratorPair(a, b, part.gan_settings, part.context_).key == key
