"""What the page of an allocation says about the grants that its recipient has awarded on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Max

from funding.models import Allocation, OnwardGrant, Regranting
from vru_portal.ledger.money import sum_of_pounds

GRANTS_SHOWN = 20  # the file has them all


@dataclass(frozen=True)
class OnwardReport:
    """What the recipient of an allocation has reported. None of it is counted in any total."""

    regranting: Regranting
    allocated: Decimal
    reported: Decimal
    count: int
    reported_on: date | None  # the last report
    grants: Sequence[OnwardGrant]  # the first of them

    @property
    def unreported(self) -> Decimal:
        """The part of the allocation that is not reported as awarded on; never negative."""
        return max(self.allocated - self.reported, Decimal(0))

    @property
    def beyond(self) -> Decimal:
        """What is reported beyond the allocation: the recipient may have added other money."""
        return max(self.reported - self.allocated, Decimal(0))


def onward_report(allocation: Allocation) -> OnwardReport | None:
    """The report on an allocation; None if it is not for regranting. Needs `with_varied`."""
    regranting = allocation.regrantings.standing().first()
    if regranting is None:
        return None
    rows = allocation.onward_grants.filter(reverses=None, reversed_by=None)
    found = rows.aggregate(total=sum_of_pounds("amount"), count=Count("pk"), last=Max("reported_on"))
    return OnwardReport(
        regranting,
        allocation.allocated,
        found["total"] or Decimal(0),
        found["count"],
        found["last"],
        list(rows.order_by("awarded_on", "pk")[:GRANTS_SHOWN]),
    )
