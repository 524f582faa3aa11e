"""Printing text that may hold names of any script, in whatever encoding standard output has."""

from __future__ import annotations

import sys

import click

__all__ = ["echo"]


def echo(text: str) -> None:
    """Print, spelling out the characters that the encoding lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding))
