"""The progress of initiatives, worked out from their assessments, money and dates."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from funding.choices import VariationKind
from funding.models import Allocation, Payment, Variation
from programmes.choices import InitiativeStatus
from programmes.models import EvidenceAssessment, Initiative
from vru_portal.ledger.money import Pence
from vru_portal.web.prepared_queries import prepared
from vru_portal.web.public_pages import cached_per_content_version


def initiative_statuses() -> dict[int, InitiativeStatus]:
    """The furthest status that the records of each initiative support, by its primary key.

    Initiatives without an assessment, money or dates are left out: they are only announced.
    """
    return cached_per_content_version("statuses", _read_statuses)


def _read_statuses() -> dict[int, InitiativeStatus]:
    today = timezone.localdate()
    # Each later stage overwrites the one before it.
    statuses = dict.fromkeys(undecided_initiatives(), InitiativeStatus.PROPOSED)
    statuses |= dict.fromkeys(approved_initiatives(), InitiativeStatus.ASSESSED)
    paid = set(paid_initiatives())
    work_dates: dict[int, list[tuple[date | None, date | None]]] = defaultdict(list)
    for initiative, starts, ends, ended_on in dates_of_work():
        work_dates[initiative].append((starts, ended_on - timedelta(days=1) if ended_on else ends))
    for initiative, periods in work_dates.items():
        if all(ends and ends < today for _, ends in periods):
            statuses[initiative] = InitiativeStatus.ENDED
        elif initiative in paid or any(starts and starts <= today for starts, _ in periods):
            statuses[initiative] = InitiativeStatus.DELIVERING
        else:
            statuses[initiative] = InitiativeStatus.COMMISSIONED
    return statuses


@prepared
def undecided_initiatives() -> QuerySet[EvidenceAssessment, int]:
    return EvidenceAssessment.objects.undecided().order_by().values_list("initiative", flat=True)


@prepared
def approved_initiatives() -> QuerySet[EvidenceAssessment, int]:
    return EvidenceAssessment.objects.approved().order_by().values_list("initiative", flat=True)


@prepared
def paid_initiatives() -> QuerySet[Payment, int]:
    rows = Payment.objects.standing().filter(amount__gt=0).order_by()
    rows = rows.filter(allocation__initiative__isnull=False)
    return rows.values_list("allocation__initiative", flat=True).distinct()


@prepared
def dates_of_work() -> QuerySet[Allocation, tuple[int, date | None, date | None, date | None]]:
    """When the work of each initiative begins and ends, and the day on which its award was ended, if it was.

    Money that was released, moved or returned before any of it was paid commissions nothing.
    """
    ends = Variation.objects.standing().filter(kind=VariationKind.END, allocation=OuterRef("pk"))
    rows: Any = Allocation.objects.standing().filter(initiative__isnull=False).with_varied().order_by()
    used: Any = rows.annotate(ended_on=Subquery(ends.values("varied_on")[:1])).exclude(varied=Pence("amount"))
    found: QuerySet[Allocation, Any] = used.values_list("initiative", "starts_on", "ends_on", "ended_on").distinct()
    return found


def set_statuses(initiatives: Collection[Initiative]) -> None:
    """Set the attribute `status` of each of these initiatives."""
    statuses = initiative_statuses()
    for initiative in initiatives:
        initiative.status = statuses.get(initiative.pk, InitiativeStatus.ANNOUNCED)
