"""The claims that the paper makes or that its table shows, tested on records.

One result for each claim and data set, by F1 of the minority. Claims are tested separately: of
fifteen tests at 5 %, one may be significant by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from imbench.records.groups import Group, group_records
from imbench.records.record import Record
from imbench.report import claim_tests, measured_claims
from imbench.report.claim_tests import METRIC, MissingRecords
from imbench.report.evidence import ClaimVerdict, Evidence, SumTest
from imbench.report.measured import Differences, Measured
from imbench.report.panel import Panel
from imbench.report.paper import paper_dataset, published
from imbench.report.pools import pool_notes
from imbench.report.prose import Prose
from imbench.report.table_notes import protocol_line
from imbench.report.tables import metric_title
from imbench.stats.metrics import METRICS
from imbench.stats.paired import ENOUGH

__all__ = ["CLAIMS", "ClaimResult", "PaperClaim", "claims_prose", "judge_claims"]


@dataclass(frozen=True)
class PaperClaim:
    """A claim of the paper.

    Attributes
    ----------
    number : int
        1 to 15.
    text : str
        The claim.
    test : callable
        Tests the claim.
    """

    number: int
    text: str
    test: Callable[[SumTest], Evidence]


@dataclass(frozen=True)
class ClaimResult:
    """Result of testing a claim on the records of one data set."""

    claim: PaperClaim
    finding: ClaimVerdict
    text: str

    @property
    def sentence(self) -> str:
        """Claim, verdict and numbers."""
        return f"{self.claim.number}. {self.claim.text}: {self.finding}; {self.text}"


def judge_claims(
    records: Iterable[Record], measured: Measured | None = None
) -> list[tuple[Group, list[ClaimResult]]]:
    """Test each claim on each group of comparable records.

    `measured` are the numbers of maps, swapped backgrounds and generators, which two claims need.
    """
    found = measured or {}
    groups = group_records(records)
    tests = [(group, _sum_test(group, found.get(group.code, {}))) for group in groups]
    return [(group, [_test(claim, sums) for claim in CLAIMS]) for group, sums in tests]


def claims_prose(group: Group, results: Sequence[ClaimResult], pool: Sequence[int] = ()) -> Prose:
    """Return the results of one data set as text; `pool` has its training images by class."""
    numbers: dict[ClaimVerdict, int] = {"holds": 0, "does not hold": 0, "cannot be told": 0}
    for result in results:
        numbers[result.finding] += 1
    counted = ", ".join(f"{finding} {number}" for finding, number in numbers.items())
    return Prose(
        title=f"{group.title}: claims about the paper's methods, by {metric_title(METRIC)}",
        above="; ".join([protocol_line(group), counted, *pool_notes(group, pool)]),
        items=tuple(result.sentence for result in results),
    )


def _sum_test(group: Group, measured: Mapping[str, Differences]) -> SumTest:
    dataset = paper_dataset(group.names)
    printed = {key[1:]: cell.value for key, cell in published().items() if key[0] == dataset}
    return SumTest(Panel(group, METRIC, METRICS[METRIC]), printed, measured)


def _test(claim: PaperClaim, sums: SumTest) -> ClaimResult:
    try:
        evidence = claim.test(sums)
    except MissingRecords as reason:
        return ClaimResult(claim, "cannot be told", str(reason))
    few = f"{evidence.seeds} seed{'s' * (evidence.seeds != 1)}, {ENOUGH} needed: "
    return ClaimResult(
        claim, evidence.finding, (few if evidence.seeds < ENOUGH else "") + evidence.text
    )


CLAIMS = (
    PaperClaim(
        1, "Vanilla collapses at the smallest count and rises with the count", claim_tests.collapse
    ),
    PaperClaim(2, "AUG is ahead of Vanilla, less so with more images", claim_tests.shrinking_lead),
    PaperClaim(3, "AUG is ahead of ALT", claim_tests.leads("aug", "alt")),
    PaperClaim(
        4,
        "ALT is ahead of Vanilla at the smallest count and behind at the largest",
        claim_tests.crossing,
    ),
    PaperClaim(5, "AUG is ahead of the best baseline", claim_tests.best_baseline),
    PaperClaim(6, "AUG is ahead of each of CS, US, US+CS and CBL 0.9999", claim_tests.four_rivals),
    PaperClaim(7, "CBL 0.9 is ahead of Vanilla at the smallest count", claim_tests.no_weights),
    PaperClaim(8, "CBL improves with beta at the smallest count", claim_tests.rising_beta),
    PaperClaim(9, "CBL 0.9999 is as good as CS", claim_tests.equals("cbl:beta=0.9999", "cs")),
    PaperClaim(10, "TS is as good as Vanilla", claim_tests.equals("ts", "vanilla")),
    PaperClaim(11, "US is ahead of OS", claim_tests.leads("us", "os")),
    PaperClaim(12, "OS+CS is as good as CS, and CS ahead of OS", claim_tests.middle_way),
    PaperClaim(13, "the methods converge as images are added", claim_tests.convergence),
    PaperClaim(
        14,
        "joint training leaves the generator at par or slightly worse",
        measured_claims.generators_at_par,
    ),
    PaperClaim(
        15,
        "AUG and ALT look at the content, Vanilla at the context",
        measured_claims.content,
    ),
)
"""Claims of arXiv 2008.05524 or of its table, in the order of docs/protocol.md."""
