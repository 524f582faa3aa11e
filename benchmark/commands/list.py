"""`bench list` and `bench info`: name the methods, data sets and more, and explain each."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import click

from imbench.commands.complete import complete_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imbench.registry import Plugin

__all__ = ["info", "list_"]

LISTS = ("methods", "datasets", "metrics", "networks", "plugins", "grids")


@click.command("list")
@click.argument("kind", type=click.Choice(LISTS))
def list_(kind: str) -> None:
    """List all of a KIND.

    `plugins` imports every plug-in and says which are disabled and why; the others import nothing.
    """
    if kind == "plugins":
        rows = _plugin_rows()
    elif kind == "grids":
        from imbench.runs.grids import shipped

        rows = [(name,) for name in shipped()]
    else:
        rows = _name_rows(kind)
    click.echo(_in_columns(rows))


@click.command()
@click.argument("name", shell_complete=complete_names)
def info(name: str) -> None:
    """Explain NAME: a method, data set, metric, network or grid."""
    texts = [*_builtin_texts(name), *_plugin_texts(name)]
    if not texts:
        from imbench.registry import KINDS, registered_names
        from imbench.runs.grids import shipped
        from imbench.spec import unknown_name

        known = {known for kind in KINDS for known in registered_names(kind)}
        raise unknown_name("name", name, {*known, *shipped(), "vanilla"})
    click.echo("\n\n".join(texts))


def _name_rows(kind: str) -> list[tuple[str, ...]]:
    from imbench.registry import list_plugins, registered_names

    usable = set(registered_names(kind))
    rows: list[tuple[str, ...]] = []
    if kind == "methods":
        rows.append(("vanilla", "imbench", "no parts: plain training"))
    for plugin in list_plugins():
        if plugin.kind == kind:
            state = "" if plugin.name in usable else "disabled, see `bench list plugins`"
            rows.append((plugin.name, plugin.package, state or plugin.target))
    return rows


def _plugin_rows() -> list[tuple[str, ...]]:
    from imbench.commands.plugin_checks import checked_plugins

    return [
        (p.kind, p.name, p.package, "ok" if p.fault is None else f"DISABLED: {p.fault}")
        for p in checked_plugins()
    ]


def _in_columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines)


def _builtin_texts(name: str) -> list[str]:
    """Return the text of a shipped grid, or of the method without parts."""
    from imbench.runs.grids import read_shipped, shipped

    if name == "vanilla":
        return ["vanilla  (method)\n\nWithout parts: plain training with cross-entropy."]
    return [f"{name}  (grid)\n\n{read_shipped(name).rstrip()}"] if name in shipped() else []


def _plugin_texts(name: str) -> list[str]:
    from imbench.registry import list_plugins
    from imbench.spec import parse_spec

    base = parse_spec(name).name
    return [_plugin_text(plugin) for plugin in list_plugins() if plugin.name == base]


def _plugin_text(plugin: Plugin) -> str:
    from imbench.commands.plugin_checks import interface_fault
    from imbench.errors import UsageError
    from imbench.registry import load_plugin

    kind = "data set" if plugin.kind == "datasets" else plugin.kind.removesuffix("s")
    title = f"{plugin.name}  ({kind} of package {plugin.package}, {plugin.target})"
    try:
        found = load_plugin(plugin.kind, plugin.name)
        fault = interface_fault(plugin.kind, found)
    except UsageError as error:
        found, fault = None, str(error)
    if fault is not None:
        return f"{title}\n\nDISABLED: {fault}"
    paragraphs = [
        title,
        *_module_docstring(plugin.kind, found),
        inspect.getdoc(found) or "It has no docstring.",
    ]
    return "\n\n".join([*paragraphs, *_details(plugin.kind, found)])


def _module_docstring(kind: str, found: Any) -> list[str]:
    """Return the docstring of the module of a method or data set, which names its paper."""
    if kind not in ("methods", "datasets"):
        return []
    module = inspect.getmodule(found)
    text = "" if module is None else inspect.cleandoc(module.__doc__ or "")
    return [text] if text else []


def _details(kind: str, found: Any) -> list[str]:
    lines = []
    if title := getattr(found, "title", ""):
        lines.append(f"in tables: {title}")
    if terms := getattr(found, "terms", ""):
        lines.append(f"terms: {terms}")
    if kind == "methods":
        from imbench.training.part import HOOKS, Part

        hooks = [hook for hook in HOOKS if getattr(found, hook) is not getattr(Part, hook)]
        lines.append(f"changes: {', '.join(hooks) or 'nothing'}    version {found.version}")
    if kind in ("methods", "metrics", "networks"):
        try:
            signature = str(inspect.signature(found))
        except (TypeError, ValueError):
            signature = "unknown"
        lines.append(f"parameters: {signature}")
    return ["\n".join(lines)] if lines else []
