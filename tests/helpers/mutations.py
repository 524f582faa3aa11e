"""Damage to JSON data, drawn from a seed: what a disk, a hand or an enemy leaves in a file."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["HOSTILE", "damaged_bytes", "damaged_json", "draws"]

TIMES = int(os.environ.get("IMBENCH_FUZZ", "1"))
"""How often as much is drawn as tests draw by themselves."""

HOSTILE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**18,
    10**400,
    1e308,
    -1e308,
    float("nan"),
    float("inf"),
    0.5,
    "",
    " ",
    "x",
    "NaN",
    "-" * 5000,
    "us:rho=" + "-" * 5000,
    "a\x00b",
    "\x1b[31mred",
    "\u202egnp.exe",
    "\ud800",
    "../../etc/passwd",
    "/dev/zero",
    "é" * 300,
    "=cmd()|' /C calc'!A0",
    "__import__('os').system('true')",
    [],
    {},
    [[]],
    [None],
    [1e308, 1e308],
    {"": ""},
    {"f1": "0.5"},
    {"f1": [0.5]},
    ["a"] * 50,
)
"""Values that a reader may meet where it expects another."""


def draws(seed: int, count: int) -> Iterator[np.random.Generator]:
    """Yield generators of random numbers: `count` times `TIMES` of them."""
    for number in range(count * TIMES):
        yield np.random.default_rng([seed, TIMES, number])


def damaged_json(plain: Any, rng: np.random.Generator) -> Any:
    """Return a copy of JSON data with one to three places replaced, removed or doubled."""
    damaged = {"": copy.deepcopy(plain)}
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(damaged))
        holder, key = places[int(rng.integers(len(places)))]
        deed = int(rng.integers(6))
        if deed == 0 and holder is not damaged:
            del holder[key]
        elif deed == 1 and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        elif deed == 2 and isinstance(holder, dict):
            holder[_pick(rng, ("", "x", "schema", "key", "\x00", "-" * 300))] = holder[key]
        else:
            holder[key] = copy.deepcopy(_pick(rng, HOSTILE))
    return damaged[""]


def damaged_bytes(raw: bytes, rng: np.random.Generator) -> bytes:
    """Return bytes cut short, with bytes changed, doubled, or replaced by something else."""
    place = int(rng.integers(len(raw) + 1))
    deed = int(rng.integers(7))
    if deed == 0:
        return raw[:place]
    if deed == 1:
        return raw[:place] + bytes(rng.integers(0, 256, 8, dtype=np.uint8)) + raw[place + 8 :]
    if deed == 2:
        return raw + raw
    if deed == 3:
        return b"[" * 100_000
    if deed == 4:
        return b'{"a":' * 50_000
    if deed == 5:
        return json.dumps(_pick(rng, HOSTILE)).encode("utf-8", "surrogatepass")
    return bytes(rng.integers(0, 256, 200, dtype=np.uint8))


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container of JSON data with each of its keys."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield data, key
            yield from _places(value)


def _pick(rng: np.random.Generator, values: Any) -> Any:
    return values[int(rng.integers(len(values)))]
