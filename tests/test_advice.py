"""What is said of cells without a score: only what may pass is to be run again."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from imbench.runs.advice import advice

AGAIN = "bench run quick --retry-failed"
WRONG = ("failed", "ValueError: no room")
NAN = ("diverged", "loss is not finite at step 3")


def said(*ends, before=(), not_begun=0):
    """Return the advice on a run with such ends, and others of an earlier run."""
    bad, failed = (
        [SimpleNamespace(status=status, reason=reason) for status, reason in some]
        for some in (ends, before)
    )
    return advice(
        SimpleNamespace(
            result=SimpleNamespace(bad=bad),
            plan=SimpleNamespace(failed=failed),
            not_begun=not_begun,
        ),
        AGAIN,
    )


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ([("crashed", "SIGKILL")], f"run them again with: {AGAIN}"),
        ([("timeout", "x")], f"run them again (better with a longer timeout) with: {AGAIN}"),
        (
            [("memory", "x"), ("timeout", "y"), ("crashed", "z")],
            "run them again (better with a longer timeout and fewer jobs at a time) with: " + AGAIN,
        ),
    ],
)
def test_what_may_pass_is_to_be_run_again(ends, text):
    assert said(*ends) == said(before=ends) == text


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ([WRONG], f"it would fail again: {WRONG[1]}: change what it names, then retry what failed"),
        ([NAN], f"it would fail again: {NAN[1]}: lower the rate, lr, then retry what failed"),
        (
            [WRONG, WRONG, NAN],
            "3 would fail again: ValueError: no room (and 1 more): change what it names, "
            "then retry what failed",
        ),
    ],
)
def test_what_would_fail_again_is_to_be_changed_and_no_command_is_printed(ends, text):
    assert said(*ends) == text
    assert said(*ends, not_begun=2) == f"{text}; the same command begins the rest"


def test_the_order_in_which_cells_end_does_not_matter():
    assert said(NAN, WRONG) == said(WRONG, NAN) == said(before=[WRONG, NAN])


def test_of_both_kinds_the_others_are_to_be_run_again():
    text = said(WRONG, ("crashed", "SIGKILL"), before=[WRONG])
    assert text.startswith("2 would fail again: ValueError: no room: change")
    assert text.endswith(f"; run the others again with: {AGAIN}")
