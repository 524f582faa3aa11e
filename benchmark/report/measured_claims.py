"""Tests of the two claims that scores cannot decide: where methods look, and what ALT's images are.

Their numbers lie beside the records (`bench explain`) or in the report of `bench generators`.
"""

from __future__ import annotations

from collections.abc import Sequence

from imbench.report.claim_tests import MissingRecords
from imbench.report.evidence import Evidence, SumTest, all_of
from imbench.report.measured import FLIPS, LIFT, ORACLE, MeasuredPanel, pair_name
from imbench.report.phrases import signed
from imbench.stats.paired import ENOUGH, MARGIN

__all__ = ["content", "generators_at_par"]

JOINT = ("aug", "alt")
RIVALS = ("vanilla", "cs", "us")
SLIGHTLY = 0.1
"""Oracle accuracy by which a generator may be worse and still be called slightly worse."""


def content(sums: SumTest) -> Evidence:
    """Claim 15: more of the map on the object, fewer flips, against each of three rivals.

    Differences are over images that both get right. All twelve have to hold, and a conjunction
    needs no correction: it is wrong only if each of them is (Berger 1982, Technometrics 24).
    """
    panels = [_panel(sums, LIFT), _panel(sums, FLIPS)]
    tests = []
    for panel, (what, sign) in zip(panels, (("lift", 1.0), ("flips", -1.0)), strict=True):
        for first in JOINT:
            for rival in RIVALS:
                counts = _counts(panel, first, rival)
                share = sign / len(counts)
                terms = {(pair_name(first, rival), count): share for count in counts}
                title = f"{what}, {_titles(first, rival, sign)}"
                tests.append(SumTest(panel, {}).above(title, terms))
    return all_of(tests)


def generators_at_par(sums: SumTest) -> Evidence:
    """Claim 14: ALT's translations are ahead of AUG's by no margin, and not far behind.

    It holds if both ends of the 90 % interval of the difference lie between -`SLIGHTLY` and the
    margin, and does not hold if the 95 % interval lies outside of that.
    """
    panel = _panel(sums, ORACLE)
    name = pair_name("alt", "aug")
    counts = panel.counts([name])
    if not counts:
        raise MissingRecords("no generators of ALT and AUG at the same count and seed were scored")
    terms = {(name, count): 1 / len(counts) for count in counts}
    effect = panel.effect(terms)
    inner, outer = (effect.interval(level).ends for level in (0.9, 0.95))
    found = SumTest(panel, {}).close("oracle accuracy, ALT - AUG", terms)
    text = f"{found.text}; at par or slightly worse is {signed(-SLIGHTLY)} to {signed(MARGIN)}"
    if len(effect) < ENOUGH or inner is None or outer is None:
        return Evidence("cannot be told", text, len(effect))
    if inner[0] > -SLIGHTLY and inner[1] < MARGIN:
        return Evidence("holds", text, len(effect))
    beyond = outer[0] > MARGIN or outer[1] < -SLIGHTLY
    return Evidence("does not hold" if beyond else "cannot be told", text, len(effect))


def _panel(sums: SumTest, name: str) -> MeasuredPanel:
    if not sums.measured.get(name):
        what = {
            LIFT: "no maps on objects are kept beside the records: run `bench explain`",
            FLIPS: "no swapped backgrounds are kept beside the records: run `bench explain`",
            ORACLE: "no scores of generators are given: hand the output of "
            "`bench generators --json` to --generators",
        }[name]
        raise MissingRecords(what)
    return MeasuredPanel(sums.panel.group, sums.measured[name])


def _counts(panel: MeasuredPanel, first: str, second: str) -> Sequence[int]:
    counts = panel.counts([pair_name(first, second)])
    if not counts:
        raise MissingRecords(f"{first.upper()} and {second} were not explained at the same count")
    return counts


def _titles(first: str, rival: str, sign: float) -> str:
    names = (first.upper(), {"vanilla": "Vanilla"}.get(rival, rival.upper()))
    return " - ".join(names if sign > 0 else names[::-1])
