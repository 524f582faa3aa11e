"""`bench doctor`: what the machine and the installation look like from here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from imbench.commands.arguments import ANY_DATA

__all__ = ["doctor"]


@click.command()
@ANY_DATA
@click.option("--out", type=click.Path(path_type=Path), default=Path("results"), help="Results.")
def doctor(root: Path, out: Path) -> None:
    """Show versions, devices, threads, folders, and plug-ins that failed to load.

    Ends with 4 if a folder that is written to cannot be.
    """
    from imbench.errors import EnvironmentFault
    from imbench.images.cache import cache_folder
    from imbench.records import environment

    for name, number in environment.versions().items():
        _row(name, number)
    _row("source", environment.commit())
    _row("processor", f"{environment.processor()}, {environment.cores()} cores")
    _devices()
    data = "there" if root.is_dir() else "not there: needed for data sets that are not drawn"
    _row("data", f"{root} ({data})")
    faults = [
        f"{what} {folder}"
        for what, folder in (("cache", cache_folder()), ("results", out))
        if not _folder(what, folder)
    ]
    _plugins()
    if faults:
        raise EnvironmentFault(f"cannot be written: {', '.join(faults)}; choose other folders")


def _row(name: str, text: str) -> None:
    click.echo(f"{name:<13} {text}")


def _devices() -> None:
    import torch

    _row("threads", f"{torch.get_num_threads()} by default; workers use what the grid says")
    if not torch.cuda.is_available():
        _row("device", "cpu (no CUDA)")
        return
    for index in range(torch.cuda.device_count()):
        known = torch.cuda.get_device_properties(index)
        _row(f"cuda:{index}", f"{known.name}, {known.total_memory / 1e9:.0f} GB")


def _folder(what: str, folder: Path) -> bool:
    """Say of a folder whether it can be written, or made; touches nothing."""
    place = folder.absolute()
    there = next(one for one in (place, *place.parents) if one.exists())
    good = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    free = f"{shutil.disk_usage(there).free / 1e9:.0f} GB free"
    state = ("" if there == place else "will be made, ") + free if good else "CANNOT BE WRITTEN"
    _row(what, f"{folder} ({state})")
    return good


def _plugins() -> None:
    from imbench.commands.pluginfaults import checked_plugins

    listed = checked_plugins()
    bad = [plugin for plugin in listed if plugin.fault is not None]
    _row("plug-ins", f"{len(listed) - len(bad)} of {len(listed)} usable")
    for plugin in bad:
        _row("  DISABLED", f"{plugin.kind} {plugin.name} of {plugin.package}: {plugin.fault}")
