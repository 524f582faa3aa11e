"""`bench doctor`: check the machine and the installation."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from imbench.commands.arguments import ANY_DATA
from imbench.commands.terminal import echo

__all__ = ["doctor"]


@click.command()
@ANY_DATA
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("results"),
    help="Check this results folder.",
)
def doctor(root: Path, out: Path) -> None:
    """Show versions, devices, threads, folders, and plug-ins that failed to load.

    Exit code 4 if the cache or the results folder cannot be written.
    """
    from imbench.errors import EnvironmentFault
    from imbench.files.processor import processor
    from imbench.images.cache import cache_folder
    from imbench.records import environment

    for name, number in environment.versions().items():
        _print_row(name, number)
    _print_row("source", environment.commit())
    _print_row("processor", f"{processor()}, {environment.cores()} cores")
    _print_devices()
    data = "found" if root.is_dir() else "missing: needed for data sets that are read from files"
    _print_row("data", f"{root} ({data})")
    faults = [
        f"{name} {folder}"
        for name, folder in (("cache", cache_folder()), ("results", out))
        if not _check_folder(name, folder)
    ]
    _print_plugins()
    if faults:
        raise EnvironmentFault(f"cannot be written: {', '.join(faults)}; choose other folders")


def _print_row(name: str, text: str) -> None:
    echo(f"{name:<13} {text}")


def _print_devices() -> None:
    import torch

    _print_row("threads", f"{torch.get_num_threads()} by default; workers use those of the grid")
    if not torch.cuda.is_available():
        _print_row("device", "cpu (no CUDA)")
        return
    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        _print_row(f"cuda:{index}", f"{card.name}, {card.total_memory / 1e9:.0f} GB")


def _check_folder(name: str, folder: Path) -> bool:
    """Print and return whether a folder can be written, or made; writes nothing."""
    path = folder.absolute()
    nearest = next(parent for parent in (path, *path.parents) if parent.exists())
    writable = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    free = f"{shutil.disk_usage(nearest).free / 1e9:.0f} GB free"
    state = free if nearest == path else f"will be made, {free}"
    _print_row(name, f"{folder} ({state if writable else 'CANNOT BE WRITTEN'})")
    return writable


def _print_plugins() -> None:
    from imbench.commands.plugin_checks import checked_plugins

    plugins = checked_plugins()
    disabled = [plugin for plugin in plugins if plugin.fault is not None]
    _print_row("plug-ins", f"{len(plugins) - len(disabled)} of {len(plugins)} usable")
    for plugin in disabled:
        _print_row("  DISABLED", f"{plugin.kind} {plugin.name} of {plugin.package}: {plugin.fault}")
