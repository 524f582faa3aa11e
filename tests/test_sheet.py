"""Printed cells: numbers and the ends of their intervals as text."""

from __future__ import annotations

import numpy as np
import pytest

from imbench.report.printed_table import PrintedCell, no_zero


@pytest.mark.parametrize(
    ("value", "ends", "expected"),
    [
        (0.56, (0.2149, 0.8649), ("0.560", "0.21", "0.87")),  # outward
        (0.6, (0.3, 0.9), ("0.600", "0.30", "0.90")),
        (0.1 + 0.2, (0.3 - 1e-15, 0.3 + 1e-15), ("0.300", "0.300", "0.300")),
        (0.995, (0.9921, 0.9979), ("0.995", "0.992", "0.998")),  # narrow
        (0.99, (0.9799, 1.0), ("0.990", "0.97", "1.00")),  # just not narrow
        (-0.0004, (-0.02, 0.03), ("0.000", "-0.02", "0.03")),
        (12.5, (0.0, 31.234), ("12.500", "0.00", "31.24")),
    ],
)
def test_number_and_interval(value, ends, expected):
    shown = PrintedCell(value, ends)
    assert (shown.number(), *shown.interval()) == expected


def test_without_interval_or_number():
    assert PrintedCell(0.5).interval() is None
    assert PrintedCell(text="--").number() == ""


def test_signs_and_decimals():
    assert PrintedCell(0.25, (-0.1, 0.6), signed=True).interval() == ("-0.10", "+0.60")
    assert PrintedCell(0.25, (0.249, 0.251), digits=2).interval() == ("0.24", "0.26")


def test_the_interval_printed_holds_the_number_printed():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        low, value, high = np.sort(rng.uniform(size=3) ** rng.integers(1, 6))
        shown = PrintedCell(value, (low, high))
        down, up = map(float, shown.interval())
        assert 0 <= down <= float(shown.number()) <= up <= 1
        assert down <= low + 1e-9
        assert up >= high - 1e-9


def test_the_zero_before_the_point_is_left_out():
    numbers = ["0.5", "-0.5", "+0.5", "10.5", "1.0"]
    assert [no_zero(text) for text in numbers] == [".5", "-.5", "+.5", "10.5", "1.0"]
