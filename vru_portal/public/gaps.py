"""What the golden thread lacks: which initiatives and allocations cannot be followed from the need to the result."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from funding.models import Allocation, Payment
from programmes.models import EvidenceAssessment, Initiative
from programmes.models.assessments import COMMUNITY_FIELDS
from programmes.results.models import ApprovedReturn
from vru_portal.ledger.money import format_pounds
from vru_portal.text.dates import format_date


@dataclass(frozen=True)
class GapRow:
    """One record that lacks something, with its page and what tells it from others."""

    name: str
    address: str
    text: str


@dataclass(frozen=True)
class Gap:
    """One thing that can be missing, and how the records that lack it are found and described."""

    slug: str
    title: str
    explanation: str
    find: Callable[[], QuerySet[Any]]
    describe: Callable[[Any], GapRow]


def initiative_row(initiative: Initiative) -> GapRow:
    return GapRow(initiative.name, initiative.get_absolute_url(), initiative.level.full_name)


def allocation_row(allocation: Allocation) -> GapRow:
    return GapRow(
        f"{format_pounds(allocation.amount)} for {allocation.subject}",
        allocation.get_absolute_url(),
        f"Allocated on {format_date(allocation.awarded_on)} to {allocation.recipient.name}",
    )


def unpaid_row(allocation: Allocation) -> GapRow:
    """An allocation with what is left of it. Needs `with_varied`."""
    row = allocation_row(allocation)
    if not allocation.varied:
        return row
    left = f"{format_pounds(allocation.allocated)} left for {allocation.subject}"
    return GapRow(left, row.address, f"{format_pounds(allocation.amount)} was first allocated. {row.text}")


def assessment_row(assessment: EvidenceAssessment) -> GapRow:
    return initiative_row(assessment.initiative)


def public_initiatives() -> Any:
    return Initiative.objects.public().select_related("level").order_by("name", "pk")


def standing_allocations() -> Any:
    rows = Allocation.objects.standing().select_related("initiative", "heading", "recipient")
    return rows.order_by("-awarded_on", "-pk")


def without_assessment() -> QuerySet[Initiative]:
    approved = EvidenceAssessment.objects.approved().filter(initiative=OuterRef("pk"))
    rows: QuerySet[Initiative] = public_initiatives().filter(~Exists(approved))
    return rows


def without_community() -> QuerySet[EvidenceAssessment]:
    """Approved assessments of public initiatives that do not say whether the community was asked."""
    silent = Q(not_asked_because="")
    for name in COMMUNITY_FIELDS:
        silent &= Q(**{name: ""})
    shown = Initiative.objects.public().values("pk")
    rows = EvidenceAssessment.objects.approved().filter(silent, initiative__in=shown)
    return rows.select_related("initiative__level").order_by("initiative__name", "pk")


def without_decision() -> QuerySet[Allocation]:
    rows: QuerySet[Allocation] = standing_allocations().filter(decision=None)
    return rows


def without_payment() -> QuerySet[Allocation]:
    """Allocations with money left and no payment."""
    paid = Payment.objects.standing().filter(allocation=OuterRef("pk"))
    rows: QuerySet[Allocation] = standing_allocations().with_something_left().filter(~Exists(paid))
    return rows


def without_result() -> QuerySet[Initiative]:
    """Initiatives that money was paid for and that have no published figures."""
    paid = Payment.objects.standing().filter(allocation__initiative=OuterRef("pk"), amount__gt=0)
    published = ApprovedReturn.objects.current().filter(initiative=OuterRef("pk"))
    rows: QuerySet[Initiative] = public_initiatives().filter(Exists(paid), ~Exists(published))
    return rows


def without_check() -> QuerySet[Initiative]:
    rows: QuerySet[Initiative] = public_initiatives().filter(checked_on=None)
    return rows


GAPS = (
    Gap(
        "assessment",
        "Initiatives without an approved evidence assessment",
        "No assessment of the need for them has been approved, so no money can be allocated to them.",
        without_assessment,
        initiative_row,
    ),
    Gap(
        "community",
        "Assessments that do not say whether the community was asked",
        "They were approved before this had to be stated.",
        without_community,
        assessment_row,
    ),
    Gap(
        "decision",
        "Allocations without a recorded decision",
        "They were recorded before the decision behind each allocation had to be named.",
        without_decision,
        allocation_row,
    ),
    Gap(
        "payment",
        "Allocations without a payment",
        "Money is set aside, but no payment is recorded.",
        without_payment,
        unpaid_row,
    ),
    Gap(
        "result",
        "Initiatives without a result",
        "They have been paid for, but no results have been published.",
        without_result,
        initiative_row,
    ),
    Gap(
        "check",
        "Initiatives without the date of a check",
        "What we say about them is what their sources stated. Nobody has checked since then that it is still true.",
        without_check,
        initiative_row,
    ),
)
FIRST_ROWS = 5  # on the page of all gaps


@dataclass(frozen=True)
class FoundGap:
    """A gap with how often it was found, and the first records that have it."""

    gap: Gap
    count: int
    rows: Sequence[GapRow]


def found_gap(gap: Gap, records: QuerySet[Any]) -> FoundGap:
    return FoundGap(gap, records.count(), [gap.describe(record) for record in records[:FIRST_ROWS]])


GAPS_BY_SLUG = {gap.slug: gap for gap in GAPS}
