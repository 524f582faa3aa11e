"""Jobs to the workers of a Dask cluster, by futures.

Not by joblib's backend for Dask: it hands out batches ahead of time, so that a run could not stop
after so many failures, and a worker's death reaches it as an error of the whole list.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from imbench.errors import EnvironmentFault
from imbench.runs.remote import LostOrder, RemoteBackend
from imbench.runs.supervised import run_supervised

__all__ = ["DaskBackend", "connect"]

WAIT = 30
"""Seconds to wait for a scheduler."""


def connect(scheduler: str) -> Any:
    """Return a client of the scheduler at an address, or one that wrote a file.

    Raises
    ------
    EnvironmentFault
        If Dask is not installed, or nothing answers.
    """
    try:
        client: Any = import_module("distributed").Client
    except ImportError as error:
        raise EnvironmentFault(
            f"Dask is not installed ({error}): pip install 'imbench[cluster]'"
        ) from error
    for name in ("distributed", "distributed.client"):
        # It prints tracebacks of connections that are lost; what they come to is said by us.
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    file = Path(scheduler).is_file() or scheduler.endswith(".json")
    if file and not Path(scheduler).is_file():
        raise EnvironmentFault(f"--scheduler: there is no file {scheduler!r}")
    where = {"scheduler_file": scheduler} if file else {"address": scheduler}
    try:
        return client(**where, timeout=WAIT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise EnvironmentFault(
            f"no Dask scheduler answers at {scheduler}: {error}; `dask scheduler` starts one"
        ) from error


class DaskBackend(RemoteBackend):
    """The workers of a Dask cluster.

    Parameters
    ----------
    scheduler : str
        Address, or file that the scheduler wrote.
    workers : int or None
        Jobs at a time; None for as many as the cluster has threads when the run begins.
    threads : int
        Threads of each job.
    """

    def __init__(self, scheduler: str, workers: int | None, threads: int) -> None:
        self._client = connect(scheduler)
        self._futures: dict[str, Any] = {}
        self._done: SimpleQueue[str] = SimpleQueue()
        super().__init__(workers or max(1, sum(self._client.nthreads().values())), threads)

    def submit(self, attempt: str, order: str) -> None:
        """Submit an order; what is told of its end goes through a queue."""
        future = self._client.submit(run_supervised, order, key=f"imbench-{attempt}", pure=False)
        self._futures[attempt] = future
        future.add_done_callback(lambda _: self._done.put(attempt))

    def answers(self) -> Mapping[str, str | LostOrder]:
        """Wait for the next answer."""
        attempt = self._done.get()
        return {attempt: _answer(self._futures.pop(attempt))}

    def close(self) -> None:
        """Forget the orders that are under way."""
        super().close()
        futures, self._futures = list(self._futures.values()), {}
        # Of a client that is closed already, or whose scheduler is gone, nothing is wanted.
        if futures and self._client.status == "running":
            with suppress(OSError, TimeoutError):
                self._client.cancel(futures)
        self._client.close()


def _answer(future: Any) -> str | LostOrder:
    if future.status == "finished":
        return str(future.result())
    if future.status in ("cancelled", "lost"):
        return LostOrder(
            "the Dask scheduler is gone; what is done is kept: start it again, and the run",
            fatal=True,
        )
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return LostOrder("its worker was lost")
    return LostOrder(f"a Dask worker cannot work: {type(error).__name__}: {error}", fatal=True)
