"""Fixtures: a cache of our own, and pictures, folders and servers (``data_...``) for data tests."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePath

import numpy as np
import pytest
from in_process import jobs_here as trained_here
from longest import LONG
from PIL import Image

from imbench.records.cell import Cell, Settings
from imbench.records.record import Record


@pytest.fixture(autouse=True)
def data_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep decoded images out of the user's cache; one cache for the whole test run."""
    folder = tmp_path_factory.getbasetemp() / "imbench-cache"
    monkeypatch.setenv("IMBENCH_CACHE", str(folder))
    return folder


# Embedding the images of every test would take minutes; fixtures of modules run commands too.
os.environ.setdefault("IMBENCH_FLOOR", "none")


def pytest_configure(config: pytest.Config) -> None:
    """Hand files to parallel processes in the order of the tests, the long ones first.

    pytest-xdist begins with the files of most tests: a long one of few tests comes last, and the
    other processes wait for it.
    """
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files."""
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONG)))


def pytest_collection_finish() -> None:
    """Leave what is loaded by now out of later collections of garbage: each takes a tenth of it.

    A cell that fails collects what its stack held, which is not among the modules of all tests.
    """
    gc.collect()
    gc.freeze()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests that are named after a fault of the specification: ``pytest -m faults``."""
    if item.name.startswith("test_row_"):
        item.add_marker(pytest.mark.faults)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name no test after bytes or paths, nor after more digits than machines agree on.

    Compressed bytes hold the second they were made in: two processes that collect the tests in
    different seconds would give them different names.
    """
    if isinstance(val, bytes | PurePath):
        return argname
    return f"{val:g}" if isinstance(val, float) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape half characters that a test logs: reports of parallel processes travel as UTF-8."""
    report = yield
    report.sections = [
        (title, text.encode("utf-8", "backslashreplace").decode())
        for title, text in report.sections
    ]
    return report


LOG = logging.getLogger("imbench")
LOG_BEFORE = LOG.level, LOG.propagate, list(LOG.handlers)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Give networks that a test makes the same weights whatever tests ran before."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have commands say nothing of what takes long: on a busy machine anything may."""
    monkeypatch.setattr("imbench.commands.terminal.PATIENCE", 3600.0)


@pytest.fixture(autouse=True)
def curves(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw loss curves of generators in the tests of them alone: each takes longer than a training.

    It takes matplotlib 0.2 s, and a contract has eight trainings.
    """
    if "torch" in sys.modules and not request.node.get_closest_marker("curves"):
        monkeypatch.setattr("imbench.methods._pictures.loss_curves", lambda *_: b"")


@pytest.fixture(autouse=True)
def log_as_it_was() -> None:
    """Undo what a command run in this process, by a fixture of a module too, did to our log."""
    LOG.setLevel(LOG_BEFORE[0])
    LOG.propagate = LOG_BEFORE[1]
    LOG.handlers[:] = LOG_BEFORE[2]


@pytest.fixture(autouse=True)
def modules_as_they_were(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Forget modules that a test wrote and imported: another may write one of the same name."""
    before = set(sys.modules)
    yield
    base = str(tmp_path_factory.getbasetemp())
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(base):
            del sys.modules[name]


@pytest.fixture
def jobs_here() -> Iterator[None]:
    """Do the trainings of runs in this process, where workers are not the point."""
    with trained_here():
        yield


@pytest.fixture
def data_picture() -> Callable[..., Image.Image]:
    """Return a maker of colourful pictures, a different one for each seed."""

    def make(seed: int, size: tuple[int, int] = (48, 40)) -> Image.Image:
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)

    return make


@pytest.fixture
def data_photograph() -> Callable[..., Image.Image]:
    """Return a maker of pictures with detail of every size, as photographs have."""

    def make(seed: int, size: tuple[int, int] = (96, 80)) -> Image.Image:
        rng = np.random.default_rng(seed)
        total = np.zeros((size[1], size[0]), np.float32)
        for cells in (3, 6, 12, 24, 48):
            coarse = Image.fromarray(rng.normal(size=(cells, cells)).astype(np.float32))
            total += np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)) / cells
        total = 120 + total * 40 / total.std()
        tint = np.array([1.0, 0.9, 0.8])
        return Image.fromarray(np.clip(total[..., None] * tint, 0, 255).astype(np.uint8))

    return make


@pytest.fixture
def data_folder(
    tmp_path: Path, data_picture: Callable[..., Image.Image]
) -> Callable[[dict[str, int]], Path]:
    """Return a maker of folders of PNG images: ``{"train/cat": 6}`` to ``train/cat/0.png``..."""

    def make(counts: dict[str, int]) -> Path:
        root = tmp_path / "pictures"
        seed = 0
        for name, count in counts.items():
            (root / name).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                data_picture(seed).save(root / name / f"{number}.png")
                seed += 1
        return root

    return make


@pytest.fixture
def data_real() -> Path:
    """Return the folder of real images, or skip."""
    named = os.environ.get("IMBENCH_DATA")
    if not named or not (Path(named) / "horse2zebra").is_dir():
        pytest.skip("IMBENCH_DATA does not name a folder with horse2zebra: real images are needed")
    return Path(named)


class Answers(dict[str, tuple[int, bytes, int]]):
    """Path to (status, body, bytes announced beyond the body); `url` is the server's address."""

    url = ""
    asked: list[str]


@pytest.fixture
def data_server() -> Iterator[Answers]:
    """Run an HTTP server on this machine that gives the answers put into it."""
    answers = Answers()
    answers.asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.asked.append(self.path)
            status, body, more = answers.get(self.path, (404, b"not here", 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) + more))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    answers.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield answers
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def make_record() -> Callable[..., Record]:
    """Return a maker of sealed records by hand, for reports."""

    def make(
        recipe: str = "vanilla",
        minority: int = 50,
        seed: int = 0,
        score: float | None = 0.5,
        *,
        cell: dict[str, object] | None = None,
        **fields: object,
    ) -> Record:
        settings = Settings(network="cnn", size=16, steps=200)
        given = {"dataset": "digits", "fingerprint": "0123456789abcdef", "settings": settings}
        made = Cell(recipe=recipe, minority=minority, seed=seed, **{**given, **(cell or {})})
        body: dict[str, object] = {
            "status": "ok",
            "metrics": {} if score is None else {"f1": score, "acsa": score},
            "train_counts": [1000, minority],
            "test_counts": [120, 140],
        }
        return Record(key=made.key, cell=made, **{**body, **fields}).sealed()

    return make
