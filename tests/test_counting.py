"""How long work takes that is counted: told once a measure is there."""

from __future__ import annotations

import pytest

from imbench.commands import counting


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(counting.time, "monotonic", lambda: now[0])
    return now


def test_the_start_is_no_measure_of_what_comes_after_it(clock, capfd):
    with counting.counted_on_stderr(30, "trainings") as tell:
        clock[0] += 65  # decoding, and the first training
        tell(1)
        for _ in range(9):
            clock[0] += 2
            tell(1)
    said = capfd.readouterr().err.splitlines()
    assert said[0] == "1 of 30 trainings"
    assert said[1] == "6 of 30 trainings, about 0:00:48 to go"


def test_what_was_done_before_is_counted_and_takes_no_time(clock, capfd):
    with counting.counted_on_stderr(100, "images", done=50) as tell:
        clock[0] += 20
        tell(10)
        clock[0] += 20
        tell(10)
    said = capfd.readouterr().err.splitlines()
    assert said == ["60 of 100 images", "70 of 100 images, about 0:01:00 to go"]
