"""Type checkers and editors find `imbench` in a checkout that is installed as editable.

tox runs mypy over the wheel. Here pyright, mypy and a language server follow the links of the
strict editable installation that CONTRIBUTING.md describes.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("benchmark", "methods", "datasets", "results/published")
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONN", "ETIMEDOUT", "ENETUNREACH", "CERT", "E403")
"""What npm says where it cannot get a package: of the name service, the network, a proxy."""

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(1200)]


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONSAFEPATH": "1", "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    environment.pop("PYTHONPATH", None)
    environment.pop("MYPYPATH", None)
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """Return a copy of the checkout with env/, which has it as ``editable_mode=strict`` does."""
    copy = tmp_path_factory.mktemp("types") / "imbench"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    built = run(
        *(sys.executable, "-P", "-c"),
        "from setuptools import build_meta as hooks\n"
        "print(hooks.build_editable('dist', {'editable_mode': 'strict'}))",
        cwd=copy,
    )
    assert built.returncode == 0, built.stderr
    venv.create(copy / "env")
    (site,) = copy.glob("env/lib/python3*/site-packages")
    (wheel,) = copy.glob("dist/*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    # After that of imbench, whose name sorts first: what imbench needs, from where we have it.
    (site / "needs.pth").write_text(sysconfig.get_path("purelib"))
    return copy


@pytest.fixture(scope="module")
def pyright(checkout) -> tuple[str, ...]:
    """Return the command; pyright itself comes from npm when it is first used."""
    command = (sys.executable, "-P", "-m", "pyright")
    done = run(*command, "--version", cwd=checkout)
    if done.returncode and any(word in done.stderr for word in UNREACHABLE):
        pytest.skip(f"npm cannot get pyright: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stdout + done.stderr
    return command


def test_a_strict_editable_installation_links_every_module(checkout):
    (links,) = checkout.glob("build/__editable__.imbench-*/imbench")
    for folder, place in (("benchmark", ""), ("methods", "methods"), ("datasets", "datasets")):
        for file in (checkout / folder).rglob("*.py"):
            link = links / place / file.relative_to(checkout / folder)
            assert link.samefile(file), f"{link} does not lead to {file}"
    code = "import imbench.training.loop as loop; print(loop.__file__)"
    done = run(checkout / "env/bin/python", "-P", "-c", code, cwd=checkout)
    assert done.stdout.strip() == str(links / "training/loop.py"), done.stderr


def test_pyright_finds_only_the_error_that_was_put_there(checkout, pyright):
    page = (ROOT / "docs" / "adding.md").read_text("utf-8")
    plugin = checkout / "plugin"
    plugin.mkdir()
    for name, text in re.findall(
        r"^```python\n# imbench_extra/(.*?)\n(.*?)^```$", page, re.M | re.S
    ):
        (plugin / name).write_text(text)
    (plugin / "wrong.py").write_text("from imbench import Part, Prat\n")
    settings = (checkout / "pyproject.toml").read_text()
    wider = settings.replace(
        '"methods", "datasets"]\npython', '"methods", "datasets", "plugin"]\npython'
    )
    assert wider != settings
    (checkout / "pyproject.toml").write_text(wider)
    interpreter = ("--pythonpath", checkout / "env/bin/python")
    done = run(*pyright, "--outputjson", *interpreter, cwd=checkout)
    told = json.loads(done.stdout)
    found = [
        f"{Path(fault['file']).relative_to(checkout)}:{fault['range']['start']['line'] + 1}: "
        f"{fault['message']}"
        for fault in told["generalDiagnostics"]
    ]
    assert found == ['plugin/wrong.py:1: "Prat" is unknown import symbol']
    sources = [file for name in FOLDERS for file in (checkout / name).rglob("*.py")]
    assert told["summary"]["filesAnalyzed"] >= len(sources)


def test_mypy_finds_no_error(checkout):
    interpreter = ("--python-executable", checkout / "env/bin/python")
    done = run(sys.executable, "-P", "-m", "mypy", *interpreter, "-p", "imbench", cwd=checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.match(r"Success: no issues found in (\d+) source files", done.stdout)
    assert found is not None, done.stdout
    assert int(found[1]) > 100


class Editor:
    """What an editor does to ask a language server where a name is defined."""

    def __init__(self, server: subprocess.Popen[bytes]) -> None:
        self.server = server
        self.asked = 0

    def ask(self, method: str, **parameters: object) -> object:
        self.asked += 1
        self.tell(method, parameters, id=self.asked)
        for message in self.messages():
            if "method" in message and "id" in message:
                self.send({"id": message["id"], "result": None})
            elif message.get("id") == self.asked:
                return message["result"]
        raise AssertionError(f"the language server ended before it answered {method}")

    def tell(self, method: str, parameters: dict[str, object], **more: object) -> None:
        self.send({"method": method, "params": parameters, **more})

    def send(self, message: dict[str, object]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.server.stdin is not None
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.server.stdin.flush()

    def messages(self) -> Iterator[dict[str, object]]:
        stream = self.server.stdout
        assert stream is not None
        while header := stream.readline():
            if header.lower().startswith(b"content-length:"):
                length = int(header.partition(b":")[2])
                while stream.readline().strip():
                    pass
                yield json.loads(stream.read(length))


def test_go_to_definition_leads_to_the_file_of_the_checkout(checkout, pyright, tmp_path):
    lines = ["from imbench import Part", "from imbench.training.loop import learning_rate"]
    (tmp_path / "mine.py").write_text("\n".join(lines))
    (tmp_path / "pyrightconfig.json").write_text(
        json.dumps({"venvPath": str(checkout), "venv": "env", "useLibraryCodeForTypes": True})
    )
    command = [sys.executable, "-P", "-m", "pyright.langserver", "--stdio"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        editor = Editor(server)
        folder = {"uri": tmp_path.as_uri(), "name": "mine"}
        editor.ask(
            "initialize",
            processId=os.getpid(),
            rootUri=folder["uri"],
            workspaceFolders=[folder],
            capabilities={},
        )
        editor.tell("initialized", {})
        document = {"uri": f"{folder['uri']}/mine.py"}
        opened = {**document, "languageId": "python", "version": 1, "text": "\n".join(lines)}
        editor.tell("textDocument/didOpen", {"textDocument": opened})
        for row, (source, defines) in enumerate(
            [("part.py", "class Part("), ("loop.py", "def learning_rate(")]
        ):
            position = {"line": row, "character": len(lines[row]) - 2}
            (place, *_) = editor.ask(
                "textDocument/definition", textDocument=document, position=position
            )
            file = Path(place["uri"].removeprefix("file://"))
            assert file.samefile(checkout / "benchmark" / "training" / source)
            line = place["range"]["start"]["line"]
            assert file.read_text("utf-8").splitlines()[line].startswith(defines)
        server.kill()
