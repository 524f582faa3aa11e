"""Time and memory of a cell: alarms that ring in real code, and memory really held."""

from __future__ import annotations

import mmap
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from imbench.errors import OutOfTime
from imbench.runs.limits import duration, peak_memory_mb, reset_memory_peak, time_limit


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("30s", 30),
        ("5m", 300),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1d", 86400),
        ("1d2h3m4s", 93784),
        ("0.5s", 0.5),
        (" 1.5h ", 5400),
    ],
)
def test_a_time_is_read(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a time such as 90, 30s, 5m, 2h or 1h30m"),
        ("soon", "is not a time such as"),
        ("5 minutes", "is not a time such as"),
        ("-5", "is not a time such as"),
        ("1e3", "is not a time such as"),
        ("5x", "is not a time such as"),
        ("1,5h", "is not a time such as"),
        ("inf", "is not a time such as"),
        ("1h30", "every number needs its unit"),
        ("0", "leaves no time at all"),
        ("0h0m", "leaves no time at all"),
    ],
)
def test_what_is_no_time_is_refused(text, says):
    with pytest.raises(ValueError, match=says):
        duration(text)


def spin():
    """Work without end in Python, as a method that hangs does."""
    while True:
        with suppress(Exception):
            sum(range(1000))


@pytest.mark.parametrize("work", [spin, lambda: time.sleep(600), signal.pause])
def test_what_takes_longer_is_ended(work):
    with pytest.raises(OutOfTime), time_limit(0.05):
        work()


def test_no_handler_of_exceptions_keeps_it():
    assert not issubclass(OutOfTime, Exception)


def test_what_is_done_in_time_is_left_alone_and_so_is_the_alarm():
    mine = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    try:
        with time_limit(600):
            done = sum(range(10))
            assert signal.getitimer(signal.ITIMER_REAL)[0] > 500
        assert done == 45
        assert signal.getsignal(signal.SIGALRM) == signal.SIG_IGN
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        with pytest.raises(ZeroDivisionError), time_limit(600):
            raise ZeroDivisionError
        assert signal.getsignal(signal.SIGALRM) == signal.SIG_IGN
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    finally:
        signal.signal(signal.SIGALRM, mine)


def alarm():
    return signal.getsignal(signal.SIGALRM), round(signal.getitimer(signal.ITIMER_REAL)[0], -1)


def test_no_limit_sets_no_alarm():
    before = alarm()
    with time_limit(None):
        assert alarm() == before


def test_a_thread_which_hears_no_signals_has_no_limit():
    seen = []

    def work():
        with time_limit(0.01):
            seen.append(alarm())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [alarm()]


def hold(megabytes):
    """Hold memory, every page of it, for a moment."""
    block = mmap.mmap(-1, megabytes << 20)
    for page in range(0, len(block), mmap.PAGESIZE):
        block[page] = 1
    block.close()


def test_the_peak_counts_what_was_held_and_starts_anew():
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("this system cannot start the peak anew")
    reset_memory_peak()
    before = peak_memory_mb()
    hold(300)
    assert before + 250 < peak_memory_mb() < before + 400
    reset_memory_peak()
    assert peak_memory_mb() < before + 100


def test_where_there_is_no_proc_the_peak_covers_the_whole_process():
    told = (
        "import resource, pathlib; from imbench.runs import limits\n"
        "class Nowhere(pathlib.PosixPath):\n"
        "    def read_text(self, *_): raise FileNotFoundError\n"
        "    def write_text(self, *_): raise FileNotFoundError\n"
        "limits.Path = Nowhere\n"
        "limits.reset_memory_peak()\n"
        "block = bytearray(200 << 20)\n"
        "print(limits.peak_memory_mb() >= 200)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", told], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr
