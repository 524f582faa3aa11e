"""Whether this machine lets a run start its workers: semaphores, processes and threads."""

from __future__ import annotations

import errno
import multiprocessing
import threading

from imbench.errors import EnvironmentFault

__all__ = ["NO_THREADS", "check_room", "lacks_threads", "may_start"]

SEMAPHORES = 8
"""What joblib's pool takes of them, counted, and one for the worker that starts."""
OF_RUN, OF_WORKER = 8, 5
"""Processes and threads of a run beside its workers (6 counted), and of a worker (4)."""
NO_THREADS = (
    "this machine lets you start no more processes or threads: end other programs of yours, or "
    "raise the limit (`ulimit -u`)"
)


def check_room(workers: int, threads: int) -> None:
    """Try what a pool of `workers`, each with `threads` for its numerical libraries, will need.

    joblib says of a lack of it no more than what the system calls it, or its workers die of it.

    Raises
    ------
    EnvironmentFault
        If the machine does not give that much.
    """
    _check_semaphores(SEMAPHORES + workers)
    needed = OF_RUN + workers * (OF_WORKER + threads - 1)
    if not may_start(needed):
        fewer = "use fewer workers (--jobs 1), " if workers > 1 else ""
        raise EnvironmentFault(
            f"this machine does not let you start {needed} processes and threads, as a run with "
            f"{workers} worker{'s' * (workers > 1)} does: {fewer}end other programs of yours, or "
            f"raise the limit (`ulimit -u`, pids of a container)"
        )


def _check_semaphores(count: int) -> None:
    # Those of a fork have no name, so that no process is started to clean up after them.
    context, held = multiprocessing.get_context("fork"), []
    try:
        for _ in range(count):
            held.append(context.Semaphore())
    except (OSError, ImportError) as error:  # ImportError: a system without any
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise EnvironmentFault(
            f"workers cannot be started, as no semaphores can be made ({reason}): /dev/shm must "
            f"be writable and have {4 * count} kB free (docker run --shm-size, or "
            f"mount -o remount,rw,size=64m /dev/shm)"
        ) from error


def may_start(count: int) -> bool:
    """Whether this process may start so many threads, which count as processes do."""
    done, started = threading.Event(), []
    try:
        for _ in range(count):
            thread = threading.Thread(target=done.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError:
        return False
    finally:
        done.set()
        for thread in started:
            thread.join()
    return True


def lacks_threads(error: BaseException) -> bool:
    """Whether an exception says that no process or thread could be started."""
    if isinstance(error, OSError):
        return error.errno == errno.EAGAIN and error.filename is None
    return isinstance(error, RuntimeError) and "can't start new thread" in str(error)
