"""Upgrade the data of records that an older imbench wrote to the newest schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from imbench.records.record import SCHEMA

__all__ = ["UPGRADES", "other_schema", "upgrade"]

UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: lambda plain: plain | {"files": {}},
    2: lambda plain: plain | {"data_notes": []},
    3: lambda plain: plain,  # cells may have `by_class` from then on
    4: lambda plain: plain | {"file_hashes": {}},
}
"""Schema number to the function that converts its data to the next schema."""


def upgrade(
    plain: dict[str, Any],
    table: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = UPGRADES,
    newest: int = SCHEMA,
) -> dict[str, Any]:
    """Convert a record's data to the newest schema, step by step.

    Raises
    ------
    ValueError
        If no function converts its schema.
    """
    while plain["schema"] < newest:
        if plain["schema"] not in table:
            raise ValueError(f"schema {plain['schema']} cannot be converted to {newest}")
        schema = plain["schema"]
        plain = {**table[schema](plain), "schema": schema + 1}
    return plain


def other_schema(raw: bytes) -> dict[str, Any] | None:
    """Return the data of a record of another schema; None if it is no record."""
    try:
        plain = json.loads(raw)
    except ValueError:
        return None
    if not isinstance(plain, dict) or not {"key", "cell", "status"} <= plain.keys():
        return None
    schema = plain.get("schema")
    valid = isinstance(schema, int) and not isinstance(schema, bool) and schema != SCHEMA
    return plain if valid else None
