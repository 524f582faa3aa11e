"""`bench list` and `bench info`: name the methods, data sets and more, and explain each."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import click

from imbench.commands.complete import complete_names
from imbench.commands.terminal import echo, echo_document
from imbench.safe_text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imbench.registry import Plugin

__all__ = ["info", "list_"]

OURS = "imbench"
DISABLED = "disabled"
TRIAL = "bench run --datasets digits --minority 20 --size 8"
VANILLA = "Plain training with cross-entropy; the recipe without parts"
FRONT = {"methods": 0, "networks": 2, "backbones": 0, "metrics": 2}
"""Parameters of a plug-in that are no options: shape and classes, labels and probabilities."""
LISTS = ("methods", "datasets", "networks", "backbones", "metrics", "maps", "grids", "plugins")


@click.command("list")
@click.argument("kind", required=False, type=click.Choice(LISTS))
def list_(kind: str | None) -> None:
    """List all of a KIND, with what each is and the package of those that are not ours.

    Without KIND it lists everything that can be named. `plugins` imports every plug-in and says
    which are disabled and why; the others import nothing.
    """
    kinds = [kind] if kind else [name for name in LISTS if name != "plugins"]
    tables = {name: _rows(name) for name in kinds}
    for place, (name, rows) in enumerate(tables.items()):
        if not kind:
            echo(*([""] if place else []), name)
        echo(*_in_columns(rows))
    if kind != "plugins" and any(row[-1] == DISABLED for rows in tables.values() for row in rows):
        echo("`bench list plugins` says why one is disabled")


def _rows(kind: str) -> list[tuple[str, ...]]:
    if kind == "plugins":
        return _plugin_rows()
    return _grid_rows() if kind == "grids" else _name_rows(kind)


@click.command()
@click.argument("name", shell_complete=complete_names)
def info(name: str) -> None:
    """Explain NAME: a method, data set, metric, network, backbone, map or grid."""
    texts = [*_builtin_texts(name), *_plugin_texts(name)]
    if not texts:
        from imbench.registry import KINDS, registered_names
        from imbench.runs.grids import shipped
        from imbench.spec import unknown_name

        known = {known for kind in KINDS for known in registered_names(kind)}
        raise unknown_name("name", name, {*known, *shipped(), "vanilla"})
    echo_document("\n\n".join(texts))


def _name_rows(kind: str) -> list[tuple[str, ...]]:
    from imbench.registry import list_plugins, registered_names

    usable = set(registered_names(kind))
    rows = [("vanilla", OURS, VANILLA)] if kind == "methods" else []
    for plugin in list_plugins():
        if plugin.kind == kind:
            what = _what_it_is(plugin) if plugin.name in usable else DISABLED
            rows.append((plugin.name, plugin.package, what))
    # Where all are ours, a column that says so at each says nothing.
    foreign = any(package != OURS for _, package, _ in rows)
    return [
        (name, *(["" if package == OURS else package] if foreign else []), what)
        for name, package, what in rows
    ]


def _what_it_is(plugin: Plugin) -> str:
    """Return the first sentence of a plug-in's docstring; of our data sets, of their module's."""
    from imbench.commands.described import module_sentence, sentence_of

    if plugin.kind == "datasets" and plugin.package == OURS:
        return module_sentence(plugin.target)
    return sentence_of(plugin.target)


def _grid_rows() -> list[tuple[str, ...]]:
    import tomllib

    from imbench.runs.grids import read_shipped, shipped

    return [(name, tomllib.loads(read_shipped(name)).get("description", "")) for name in shipped()]


def _plugin_rows() -> list[tuple[str, ...]]:
    from imbench.commands.plugin_checks import checked_plugins

    return [
        (p.kind, p.name, p.package, "ok" if p.fault is None else f"DISABLED: {p.fault}")
        for p in checked_plugins()
    ]


def _in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    rows = [[visible(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _builtin_texts(name: str) -> list[str]:
    """Return the text of a shipped grid, or of the method without parts."""
    from imbench.runs.grids import read_shipped, shipped

    if name == "vanilla":
        return [f"vanilla  (method)\n\n{VANILLA}.\n\ntry it: {TRIAL} --methods vanilla"]
    return [f"{name}  (grid)\n\n{read_shipped(name).rstrip()}"] if name in shipped() else []


def _plugin_texts(name: str) -> list[str]:
    from imbench.registry import list_plugins
    from imbench.spec import parse_spec

    base = parse_spec(name).name
    return [_plugin_text(plugin) for plugin in list_plugins() if plugin.name == base]


def _plugin_text(plugin: Plugin) -> str:
    from imbench.commands.plugin_checks import interface_fault
    from imbench.contained import usable
    from imbench.errors import UsageError
    from imbench.registry import kind_word, load_plugin

    owner = "" if plugin.package == OURS else f" of package {plugin.package}"
    title = f"{plugin.name}  ({kind_word(plugin.kind)}{owner})"
    try:
        with usable("it cannot be explained"):
            found = load_plugin(plugin.kind, plugin.name)
            if fault := interface_fault(plugin.kind, found):
                return f"{title}\n\nDISABLED: {fault}"
            paragraphs = [
                title,
                *_module_docstring(plugin.kind, found),
                inspect.getdoc(found) or "It has no docstring.",
                *_details(plugin.kind, found),
                _example(plugin, found),
            ]
            return "\n\n".join(paragraphs)
    except UsageError as error:
        return f"{title}\n\nDISABLED: {error}"


def _example(plugin: Plugin, found: Any) -> str:
    """Return a command to try a plug-in with."""
    spec = plugin.name
    needed = [name for name, default in _parameters(plugin.kind, found) if default is None]
    if needed:
        spec += ":" + ",".join(f"{name}={name.upper()}" for name in needed)
    if plugin.kind == "datasets":
        return f"look into it: bench data stats {spec}{':PATH' if hasattr(found, 'kind') else ''}"
    if plugin.kind == "maps":
        return f"try it: bench explain --maps {spec}"
    if plugin.kind == "metrics":
        return f"try it: bench report --metric {spec.replace('=RATIO', '=10')}"
    if plugin.kind == "backbones":
        argument = ":" + "".join(name.upper() for name in needed) if needed else ""
        return f"try it: bench run --network features:{plugin.name}{argument}"
    option = f"--network {spec}" if plugin.kind == "networks" else f"--methods vanilla,{spec}"
    return f"try it: {TRIAL} {option}"


def _parameters(kind: str, found: Any) -> list[tuple[str, str | None]]:
    """Return what the spec of a part, network or metric may set, with defaults; None if it must."""
    if kind not in FRONT:
        return []
    try:
        parameters = list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):
        return []
    own = [p for p in parameters[FRONT[kind] :] if kind != "metrics" or p.name != "halves"]
    return [
        (p.name, None if p.default is p.empty else str(p.default))
        for p in own
        if p.kind is not p.VAR_KEYWORD
    ]


def _module_docstring(kind: str, found: Any) -> list[str]:
    """Return the docstring of the module of a method or data set, which names its paper."""
    if kind not in ("methods", "datasets", "maps"):
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
    if kind in FRONT:
        given = [
            name if default is None else f"{name}={default}"
            for name, default in _parameters(kind, found)
        ]
        if given or kind not in ("metrics", "backbones"):
            lines.append(f"parameters: {', '.join(given) or 'none'}")
    return ["\n".join(lines)] if lines else []
