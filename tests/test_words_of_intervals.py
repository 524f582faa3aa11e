"""The sentence of an interval: what it is about, with a reason only where there is one."""

from __future__ import annotations

import pytest

from imbench.report.words import intervals_text
from imbench.stats.effect import Effect


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        ("", "about these test images only"),
        ("outputs are not kept", "about these test images only, since outputs are not kept"),
    ],
)
def test_a_missing_reason_leaves_no_hole(reason, end):
    values = {seed: 0.5 + seed / 100 for seed in range(6)}
    text = intervals_text(Effect(values, (-1.0, 1.0), no_bootstrap=reason))
    assert text.endswith(end)
