"""Files of a newer imbench, which says so by the number of their schema."""

from __future__ import annotations

from pathlib import Path

from imbench.errors import EnvironmentFault

__all__ = ["refuse_newer"]


def refuse_newer(plain: object, most: int, path: Path, remedy: str = "") -> None:
    """Raise EnvironmentFault if a file has a schema beyond `most`, the last that is read here.

    Parameters
    ----------
    plain : object
        What the file holds as JSON; anything without a schema passes.
    most : int
        The last schema that is known.
    path : Path
        The file.
    remedy : str
        What can be done besides an update: the end of a sentence.
    """
    schema = plain.get("schema") if isinstance(plain, dict) else None
    if isinstance(schema, int) and schema > most:
        raise EnvironmentFault(
            f"{path} has schema {str(schema)[:20]}, this imbench reads up to {most}: update imbench"
            f"{remedy}"
        )
