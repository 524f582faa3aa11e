"""The README and docs/ against the code: commands, links, names."""

import ast
import os
import re
import runpy
import subprocess
import tomllib
from pathlib import Path

import click
import pytest

from imbench.commands.cli import cli
from imbench.training.checks import check_part

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def block(name: str) -> list[str]:
    """Return the lines of the README's code block that is marked as a command."""
    (found,) = re.findall(rf"^<!-- command: {name} -->\n```sh\n(.*?)^```$", README, re.S | re.M)
    return found.splitlines()


def test_the_readme_says_how_to_run_and_how_to_test():
    set_up = "python3 -m venv .venv && .venv/bin/pip install"
    assert block("main") == [f"{set_up} . && .venv/bin/bench run"]
    assert block("tests") == [f"{set_up} tox && .venv/bin/tox"]
    assert block("check") == [".venv/bin/bench check --require-complete"]


@pytest.fixture
def ci(tmp_path):
    """Return a runner of .ci/run in a copy of the tree whose README has commands of ours."""
    copy = tmp_path / "copy"
    (copy / ".ci").mkdir(parents=True)
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    (copy / ".ci" / "run").write_text(script)

    def run(tests: str, main: str, check: str) -> subprocess.CompletedProcess[str]:
        (copy / "README.md").write_text(
            f"<!-- command: main -->\n```sh\n{main}\n```\n"
            f"<!-- command: tests -->\n```sh\n{tests}\n```\n"
            f"<!-- command: check -->\n```sh\n{check}\n```\n"
        )
        subprocess.run(["git", "init", "-q", str(copy)], check=True)
        # A pdflatex and a browser that are there keep the script from installing them.
        tools = tmp_path / "tools"
        tools.mkdir(exist_ok=True)
        for name in ("pdflatex", "chromium"):
            (tools / name).write_text("#!/bin/sh\n")
            (tools / name).chmod(0o755)
        environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
        return subprocess.run(
            ["bash", str(copy / ".ci" / "run")], env=environment, capture_output=True, text=True
        )

    return run


PYTEST = "echo '===== 3 passed, 1 skipped in 0.10s ====='; echo after"
LEAVES = "mkdir -p results/digits/10/cs; echo {} > results/digits/10/cs/0-ab.json"


def test_ci_runs_both_commands_and_ends_with_the_summary_of_the_tests(ci):
    done = ci(PYTEST, f"{LEAVES}; echo 'the table'", "ls results/digits; echo 'all same'")
    assert done.returncode == 0, done.stderr
    *before, last = done.stdout.splitlines()
    assert last == "===== 3 passed, 1 skipped in 0.10s ====="
    assert before.index("after") < before.index("the table") < before.index("all same")


@pytest.mark.parametrize(
    ("tests", "main", "check"),
    [
        (f"{PYTEST}; false", LEAVES, "true"),
        (f"false\n{PYTEST}", LEAVES, "true"),
        ("echo no tests ran", LEAVES, "true"),
        (PYTEST, "false", "true"),
        (PYTEST, "echo no results", "true"),
        ("", LEAVES, "true"),
        (PYTEST, LEAVES, "exit 1"),
        (PYTEST, LEAVES, ""),
    ],
)
def test_ci_fails_when_a_command_fails_or_does_nothing(ci, tests, main, check):
    assert ci(tests, main, check).returncode != 0


def test_the_readmes_method_keeps_the_contract(tmp_path):
    (text,) = re.findall(r"^```python\n# mine\.py\n(.*?)^```$", README, re.S | re.M)
    (tmp_path / "mine.py").write_text(text)
    check_part(f"{tmp_path / 'mine.py'}:Sqrt")
    check_part(f"us+{tmp_path / 'mine.py'}:Sqrt")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def test_the_architecture_names_every_room():
    named = set(re.findall(r"`([a-z_]+)/?`", ARCHITECTURE))
    rooms = {file.parent.name for file in (ROOT / "benchmark").glob("*/__init__.py")}
    assert len(rooms) > 10
    assert rooms | {"methods", "datasets"} <= named


def test_files_that_the_architecture_names_are_there():
    named = set(re.findall(r"`([a-z_]+/[a-z_/]+\.(?:py|html|js))`", ARCHITECTURE))
    assert len(named) > 15
    assert {name for name in named if not (ROOT / "benchmark" / name).is_file()} <= {
        name for name in named if (ROOT / name).is_file()
    }


def commands() -> dict[str, click.Command]:
    """Return every command and sub-command by its full name."""
    found = {}
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None, name
        inner = command.commands if isinstance(command, click.Group) else {}
        found |= {f"{name} {sub}": one for sub, one in inner.items()} or {name: command}
    return found


def test_the_page_of_commands_has_every_command_and_option_and_no_other():
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    options = {
        option
        for command in commands().values()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert set(re.findall(r"--[a-z][a-z-]+", page)) == options | {"--help"}
    for name in commands():
        assert f"bench {name}" in page, name


def test_every_command_that_the_pages_show_exists():
    known = commands()
    for page in PAGES:
        shown = re.findall(
            r"(?:^| {4}|`|/)bench ([a-z]+)(?: ([a-z]+))?", page.read_text("utf-8"), re.M
        )
        for first, second in shown:
            assert first in known or f"{first} {second}" in known or first == "data", first


def test_methods_metrics_and_networks_are_described():
    points = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    methods = (ROOT / "docs" / "methods.md").read_text("utf-8")
    for name in points["imbench.methods"]:
        page = (ROOT / "docs" / "methods" / f"{name}.md").read_text("utf-8")
        for head in ("When it helps", "The authors' code"):
            assert re.search(rf"^## {head}\n\n\S", page, re.M), (name, head)
    metrics = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    for name in (*points["imbench.methods"], *points["imbench.networks"]):
        assert re.search(rf"`{name}[`:]", methods), name
    for name in points["imbench.metrics"]:
        assert f"| `{name}` |" in metrics, name


def test_every_page_of_a_method_is_that_of_a_part_and_their_table_is_up_to_date():
    script = runpy.run_path(str(ROOT / "docs" / "index_methods.py"))
    pages = {page.stem for page in (ROOT / "docs" / "methods").glob("*.md")}
    assert pages == set(script["parts"]())
    methods = (ROOT / "docs" / "methods.md").read_text("utf-8")
    assert script["written"](methods) == methods, "run python docs/index_methods.py"
    # What stands between the marks is replaced as a whole, whatever it was.
    stale = methods.replace("| [`cs`](methods/cs.md) |", "| `gone` |")
    assert stale != methods == script["written"](stale)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_import_from_imbench_itself(page):
    for text in re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.S | re.M):
        for node in ast.walk(ast.parse(text)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            module = node.module if isinstance(node, ast.ImportFrom) else ""
            assert not [name for name in (*names, module) if name.startswith("imbench.")]


def test_the_page_for_authors_names_no_module_of_ours():
    page = (ROOT / "docs" / "adding.md").read_text("utf-8")
    groups = re.findall(r"entry-points\.\"(imbench\.[a-z]+)\"", page)
    found = set(re.findall(r"imbench\.[a-z_]+(?![a-z_]*\()", page)) - set(groups)
    assert not found


def test_results_rest_on_packs_that_are_published():
    text = (ROOT / "docs" / "results.md").read_text("utf-8")
    named = {ROOT / name for name in re.findall(r"results/[\w/-]+\.pack", text)}
    packs = named | set((ROOT / "results" / "study").glob("*.pack"))
    assert len(named) == 1
    for pack in packs:
        # A file that git ignores is on this machine and in no clone.
        ignored = subprocess.run(["git", "check-ignore", "-q", str(pack)], cwd=ROOT, check=False)
        assert pack.is_file(), pack
        assert ignored.returncode != 0, pack
