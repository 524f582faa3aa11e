"""The claims that the paper makes or that its table shows, tested on records.

One result for each claim and data set, by F1 of the minority. Claims are tested separately: of
thirteen tests at 5 %, one may be significant by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from imbench.records.groups import Group, group_records
from imbench.records.record import Record
from imbench.report import claim_tests
from imbench.report.claim_tests import METRIC, MissingRecords
from imbench.report.evidence import ClaimVerdict, Evidence, SumTest
from imbench.report.panel import Panel
from imbench.report.paper import paper_dataset, published
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
    test : callable or None
        Tests the claim; None if records cannot.
    needs : str
        What a test would need besides records.
    """

    number: int
    text: str
    test: Callable[[SumTest], Evidence] | None = None
    needs: str = ""


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


def judge_claims(records: Iterable[Record]) -> list[tuple[Group, list[ClaimResult]]]:
    """Test each claim on each group of comparable records."""
    tests = [(group, _sum_test(group)) for group in group_records(records)]
    return [(group, [_test(claim, sums) for claim in CLAIMS]) for group, sums in tests]


def claims_prose(group: Group, results: Sequence[ClaimResult]) -> Prose:
    """Return the results of one data set as text."""
    numbers: dict[ClaimVerdict, int] = {"holds": 0, "does not hold": 0, "cannot be told": 0}
    for result in results:
        numbers[result.finding] += 1
    counted = ", ".join(f"{finding} {number}" for finding, number in numbers.items())
    return Prose(
        title=f"{group.title}: claims about the paper's methods, by {metric_title(METRIC)}",
        above=f"{protocol_line(group)}; {counted}",
        items=tuple(result.sentence for result in results),
    )


def _sum_test(group: Group) -> SumTest:
    dataset = paper_dataset(group.names)
    printed = {key[1:]: cell.value for key, cell in published().items() if key[0] == dataset}
    return SumTest(Panel(group, METRIC, METRICS[METRIC]), printed)


def _test(claim: PaperClaim, sums: SumTest) -> ClaimResult:
    if claim.test is None:
        return ClaimResult(claim, "cannot be told", f"records do not contain {claim.needs}")
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
        needs="the quality of generated images (oracle accuracy and KID, ALT against AUG)",
    ),
    PaperClaim(
        15,
        "AUG and ALT look at the content, Vanilla at the context",
        needs="attention maps (energy within the object, flips after a change of background)",
    ),
)
"""Claims of arXiv 2008.05524 or of its table, in the order of docs/protocol.md."""
