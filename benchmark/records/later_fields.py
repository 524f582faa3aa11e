"""Models that got fields later on: texts, keys and checksums without them stay as they were."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer

__all__ = ["LaterFields"]


class LaterFields(BaseModel):
    """Base of a model that is written without its later fields where they say nothing."""

    later: ClassVar[tuple[str, ...]] = ()
    """Fields that are left out where they hold their default."""

    @model_serializer(mode="wrap")
    def _without_later(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        plain: dict[str, Any] = dump(self)
        for name in self.later:
            if getattr(self, name) == type(self).model_fields[name].default:
                plain.pop(name, None)
        return plain
