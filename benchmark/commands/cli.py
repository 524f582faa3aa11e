"""The command ``bench``: its sub-commands, imported when called, and its exit codes.

0 success; 1 a regression, or cells without a score; 2 usage; 3 nothing comparable; 4 environment
or data; 130 interrupted. Every code but 0 comes with one line on standard error.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from imbench.errors import ImbenchError
from imbench.spec import did_you_mean

__all__ = ["cli", "exit_code", "main"]

COMMANDS = {
    "run": ("imbench.commands.run:run", "Run a grid of trainings and print its table."),
    "status": (
        "imbench.commands.status:status",
        "Count cells done, failed, running, missing.",
    ),
    "report": ("imbench.commands.report:report", "Print tables of the results."),
    "check": ("imbench.commands.check:check", "Compare the results with a baseline."),
    "baseline": ("imbench.commands.baseline:baseline", "Write, show or compare a baseline."),
    "export": ("imbench.commands.export:export", "Write scores and outputs for other programs."),
    "generators": (
        "imbench.commands.generators:generators",
        "Evaluate the trained generators that runs stored.",
    ),
    "list": (
        "imbench.commands.list:list_",
        "List methods, data sets, metrics, networks, grids or plug-ins.",
    ),
    "info": ("imbench.commands.list:info", "Explain one method, data set, metric or network."),
    "data": ("imbench.commands.data:data", "Download, check and describe data sets."),
    "doctor": ("imbench.commands.doctor:doctor", "Check versions, devices, folders and plug-ins."),
}
"""Name to the command's place and help, so that `bench --help` imports no command."""


class _LazyGroup(click.Group):
    """A group of commands that are imported when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        wrong = bool(args) and args[0] not in COMMANDS and not args[0].startswith("-")
        if wrong and not ctx.resilient_parsing:  # Tab completion must print no error
            raise click.UsageError(
                f"unknown command {args[0]!r}: {did_you_mean(args[0], COMMANDS)}", ctx
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would exit with 1 and no message
            _discard_output()
            ctx.exit(0)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="imbench", prog_name="bench")
def cli() -> None:
    """Find which remedy for class imbalance works on which images, and how certain that is.

    `bench run` without options compares the methods of arXiv 2008.05524 on data that need no
    download. Exit codes: 0 success, 1 cells failed or a score got worse, 2 usage, 3 nothing
    comparable, 4 environment or data, 130 interrupted.
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code."""
    _log_to_stderr()
    sys.exit(exit_code(args))


def exit_code(args: Sequence[str] | None = None) -> int:
    """Run the command line; print the error that ends it, if any, and return the exit code."""
    try:
        returned = cli.main(args, prog_name="bench", standalone_mode=False)
        sys.stdout.flush()
        return returned if isinstance(returned, int) else 0
    except ImbenchError as error:
        return _fail(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "bench"
        return _fail(f"{error.format_message()} (`{path} --help` lists the options)", 2)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted; run the same command again to continue", 130)
    except BrokenPipeError:
        _discard_output()
        return 0


def _discard_output() -> None:
    # The reader of the pipe, such as `head`, is gone; Python would report that again at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(text: str, code: int) -> int:
    line = " ".join(text.split())
    click.echo(f"bench: {line}", err=True)
    return code


class _LevelFormatter(logging.Formatter):
    """Prefixes warnings and errors with their level."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        level = record.levelname.lower()
        return text if record.levelno <= logging.INFO else f"{level}: {text}"


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_LevelFormatter())
    logger = logging.getLogger("imbench")
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING)
    logger.propagate = False


if __name__ == "__main__":
    main()
