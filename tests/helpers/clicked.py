"""`bench` by way of click, in this process: what it printed, or the error that ended it."""

from __future__ import annotations

from click.testing import CliRunner, Result

from imbench.commands.cli import cli
from imbench.errors import ImbenchError

__all__ = ["bench", "printed", "refused"]


def bench(*words: object, code: int = 0, **environment: str) -> Result:
    """Run a command that ends with a code: of an error of ours its own, as in a terminal."""
    done = CliRunner().invoke(cli, [*map(str, words)], env=environment)
    error = done.exception
    ended = error.exit_code if isinstance(error, ImbenchError) else done.exit_code
    assert ended == code, f"{done.output}{error!r}"
    return done


def printed(*words: object, **environment: str) -> str:
    """Return what a command printed that went well."""
    return bench(*words, **environment).output


def refused(*words: object, code: int = 2) -> str:
    """Return what the error said that ended a command."""
    return str(bench(*words, code=code).exception)
