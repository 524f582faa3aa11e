"""The command ``bench``: its sub-commands, imported when called, and its exit codes.

0 success; 1 a regression, or cells without a score; 2 usage; 3 nothing comparable; 4 environment
or data, or output that cannot be written; 70 an error that nobody foresaw; 130 interrupted. Every
code but 0 comes with one line on standard error.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from imbench.commands.terminal import (
    echo,
    echo_document,
    fill_missing_streams,
    flush_output,
    nobody_reads,
)
from imbench.errors import BUG, EnvironmentFault, ImbenchError
from imbench.safe_text import visible
from imbench.spec import did_you_mean

__all__ = ["cli", "exit_code", "main"]

COMPLETE = "_BENCH_COMPLETE"
"""Environment variable by which a shell asks what Tab offers."""
COMMANDS = {
    "run": ("imbench.commands.run:run", "Run a grid of trainings and print its table."),
    "status": (
        "imbench.commands.status:status",
        "Count cells done, failed, running, missing.",
    ),
    "report": ("imbench.commands.report:report", "Print tables of the results."),
    "board": ("imbench.commands.board:board", "Write where methods stand as a static page."),
    "pack": ("imbench.commands.pack:pack", "Write results to one small file for a repository."),
    "check": ("imbench.commands.check:check", "Compare the results with a baseline."),
    "baseline": ("imbench.commands.baseline:baseline", "Write, show or compare a baseline."),
    "export": ("imbench.commands.export:export", "Write scores and outputs for other programs."),
    "fit": ("imbench.commands.fit:fit", "Train a model on all images, to predict with."),
    "predict": ("imbench.commands.predict:predict", "Predict image files with a model."),
    "generators": (
        "imbench.commands.generators:generators",
        "Evaluate the trained generators that runs stored.",
    ),
    "explain": (
        "imbench.commands.explain:explain",
        "Show where trained classifiers look: maps, numbers, swapped backgrounds.",
    ),
    "list": (
        "imbench.commands.list:list_",
        "List methods, data sets, metrics, networks, maps, grids or plug-ins.",
    ),
    "info": ("imbench.commands.list:info", "Explain one method, data set, metric or network."),
    "data": ("imbench.commands.data:data", "Download, check, describe and show data sets."),
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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="imbench", prog_name="bench")
def cli() -> None:
    """Find which remedy for class imbalance works on which images, and how certain that is.

    `bench run` without options compares the methods of arXiv 2008.05524 on data that need no
    download. Exit codes: 0 success, 1 cells failed or a score got worse, 2 usage, 3 nothing
    comparable, 4 environment or data, 70 a fault of imbench, 130 interrupted.
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code."""
    if fill_missing_streams():
        sys.exit(_fail("standard output is closed; send it to a file, or to /dev/null", 4))
    _log_to_stderr()
    sys.exit(exit_code(args))


def exit_code(args: Sequence[str] | None = None) -> int:
    """Run the command line; print the error that ends it, if any, and return the exit code."""
    try:
        return _exit_code(sys.argv[1:] if args is None else list(args))
    except KeyboardInterrupt:
        return _interrupted()
    except MemoryError:
        return _fail("this machine has too little memory for that", EnvironmentFault.exit_code)
    except BaseException as error:  # an exit of a plug-in too: only the command ends the command
        return _unforeseen(error)


def _exit_code(args: list[str]) -> int:
    if any("\0" in text for text in args):  # from a shell it cannot come, from Python it can
        return _fail("an argument holds a NUL, which no name and no number does", 2)
    try:
        returned = _run(args)
        flush_output()
        return returned if isinstance(returned, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except ImbenchError as error:
        return _fail(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        echo_document(error.format_message())
        return 0
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "bench"
        return _fail(f"{error.format_message()} (`{path} --help` lists the options)", 2)
    except OSError as error:
        fault = _broken_output()
        if isinstance(error, BrokenPipeError) and nobody_reads():
            return 0
        return _fail(fault or _told(error), EnvironmentFault.exit_code)


def _run(args: list[str]) -> Any:
    """Run a command as click's own `main` does, which ends with 1 where a pipe is broken."""
    if completion := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, "bench", COMPLETE, completion)
    with cli.make_context("bench", args) as context:
        return cli.invoke(context)


def _broken_output() -> str:
    """Say that standard output cannot be written; empty if it can. Click prints helps by itself."""
    try:
        flush_output()
    except EnvironmentFault as fault:
        return str(fault)
    return ""


def _told(error: OSError) -> str:
    """Say which file the machine refuses, and why."""
    from imbench.runs.room import NO_THREADS, lacks_threads

    if lacks_threads(error):
        return NO_THREADS
    files = [str(name) for name in (error.filename, error.filename2) if name is not None]
    where = f"{' and '.join(map(repr, files))}: " if files else ""
    return f"{where}{error.strerror or error}"


def _fail(text: str, code: int) -> int:
    echo(f"bench: {' '.join(text.split())}", err=True)
    return code


def _interrupted() -> int:
    from imbench.runs.room import NO_THREADS, may_start

    if not may_start(1):  # OpenBLAS then interrupts the process that loads it
        return _fail(NO_THREADS, EnvironmentFault.exit_code)
    return _fail("interrupted; run the same command again to continue", 130)


def _unforeseen(error: BaseException) -> int:
    """Keep the traceback of an error that nobody foresaw in a file, and say where."""
    import tempfile
    import traceback

    from imbench.contained import described
    from imbench.records.environment import versions
    from imbench.runs.room import NO_THREADS, lacks_threads

    if lacks_threads(error):
        return _fail(NO_THREADS, EnvironmentFault.exit_code)
    try:
        installed = ", ".join(f"{name} {number}" for name, number in versions().items())
        told = "".join(traceback.format_exception(error))
        number, path = tempfile.mkstemp(prefix="bench-error-", suffix=".txt")
        with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{sys.argv}\n{installed}\n\n{told}")
        where = f"please report it with {path}, which says where it happened"
    except OSError as fault:
        where = f"where it happened cannot be written down ({fault.strerror})"
    return _fail(f"a fault of imbench or of a plug-in: {described(error)}; {where}", BUG)


class _LevelFormatter(logging.Formatter):
    """Prefixes warnings and errors with their level, and keeps a message on its line."""

    def format(self, record: logging.LogRecord) -> str:
        text = visible(super().format(record))
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
