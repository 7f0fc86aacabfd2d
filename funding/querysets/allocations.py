"""Allocations of money."""

from decimal import Decimal
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import ExpressionWrapper, F, OuterRef, Q, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from funding.querysets.expressions import (
    approval_field,
    count_of_rows,
    related_rows,
    sum_of_amounts,
    threshold_in_pence,
)
from vru_portal.ledger.cut_off import NOW, CutOff
from vru_portal.ledger.money import Pence, PenceField

if TYPE_CHECKING:
    from funding.models import (
        Allocation,
        FinancialYear,
    )


class AllocationQuerySet(models.QuerySet["Allocation"]):
    """Allocations."""

    def get_by_natural_key(self, public_id: str) -> "Allocation":
        return self.get(public_id=public_id)

    def standing(self, cut_off: CutOff = NOW) -> Self:
        """The allocations that count and are not reversed."""
        return self.filter(cut_off.counted_rows("awarded_on"), cut_off.standing_rows())

    def reversed_in(self, year: "FinancialYear") -> Self:
        """The allocations of a year that were reversed, without the reversals."""
        rows = self.filter(funding_source__year=year, reverses=None, reversed_by__isnull=False)
        return rows.select_related("initiative", "heading", "reversed_by").order_by("awarded_on", "pk")

    def with_varied(self, cut_off: CutOff = NOW) -> Self:
        """Add `varied`, the total of what was released, moved on or returned of each."""
        rows = related_rows(self.model, "variations").filter(cut_off.counted_rows("varied_on"))
        return self.annotate(varied=sum_of_amounts(rows.filter(allocation=OuterRef("pk"))))

    def with_something_left(self) -> Self:
        """Leave out those that were released, moved or returned as a whole."""
        left = ExpressionWrapper(Pence("amount") - F("varied"), PenceField())
        return self.with_varied().alias(left=left).filter(left__gt=0)

    def with_paid(self, cut_off: CutOff = NOW) -> Self:
        """Add `paid`, the total of the payments that count, net of refunds and reversals."""
        payments = related_rows(self.model, "payments").filter(
            cut_off.counted_rows("paid_on"), allocation=OuterRef("pk")
        )
        return self.annotate(paid=sum_of_amounts(payments))

    def with_approval(self) -> Self:
        """Add `approved_on`, `approval_reasons` and `approval_recorded_at` from the decision on the assessment."""
        return self.annotate(
            approved_on=approval_field("assessment"),
            approval_reasons=approval_field("assessment", "reasons"),
            approval_recorded_at=approval_field("assessment", "recorded_at"),
        )

    def with_payment_count(self) -> Self:
        """Add `payment_count`, the number of payments, reversed ones and reversals included."""
        return self.annotate(
            payment_count=count_of_rows(related_rows(self.model, "payments").filter(allocation=OuterRef("pk")))
        )

    def of_award(self, allocation: "Allocation") -> Self:
        """An allocation, even if reversed, and the standing ones of the same award, by year."""
        first = allocation.continues_id or allocation.pk
        same_award = Q(pk=first) | Q(continues=first)
        rows = self.filter(NOW.standing_rows() & same_award | Q(pk=allocation.pk)).with_varied()
        return rows.select_related("funding_source__year").order_by("funding_source__year__first_year", "pk")

    def with_each_contract_copy(self) -> Self:
        """Repeat an allocation for each copy of its contract, adding `copy` (its key), `copy_title` and `copy_url`."""
        copy = "contract_copies__"
        return self.annotate(copy=F(f"{copy}pk"), copy_title=F(f"{copy}title"), copy_url=F(f"{copy}url"))

    def with_award_over(self, kind: str, threshold: "Decimal | Combinable | None", cut_off: CutOff = NOW) -> Self:
        """Those of a kind whose award, over all its years, is above the threshold; all of the kind without one.

        The law counts what was awarded: a contract stays on the list when part of its money is taken back.
        """
        rows = self.filter(kind=kind)
        if threshold is None:
            return rows
        awarded = sum_of_amounts(self._of_same_award(cut_off))
        return rows.alias(pence_over=awarded - threshold_in_pence(threshold)).filter(pence_over__gt=0)

    def _of_same_award(self, cut_off: CutOff) -> "AllocationQuerySet":
        """For a subquery: the allocations that count of the award that an allocation belongs to."""
        first = Coalesce(OuterRef("continues"), OuterRef("pk"))
        return self.model._default_manager.standing(cut_off).filter(Q(pk=first) | Q(continues=first))

    def with_latest_contract_copy(self) -> Self:
        """Add `copy_title` and `copy_url` of the latest copy of the contract, whichever year of the award has it."""
        of_same_award = (
            Q(allocation=OuterRef("pk")) | Q(allocation=OuterRef("continues")) | Q(allocation__continues=OuterRef("pk"))
        )
        latest = related_rows(self.model, "contract_copies").filter(of_same_award).order_by("-pk")
        return self.annotate(
            copy_title=Subquery(latest.values("title")[:1]), copy_url=Subquery(latest.values("url")[:1])
        )

    def with_award_total(self, cut_off: CutOff = NOW) -> Self:
        """Add `award_total`, what is allocated by the award over all its years that count."""
        first = Coalesce(OuterRef("continues"), OuterRef("pk"))
        of_award = self._of_same_award(cut_off)
        variations = related_rows(self.model, "variations").filter(cut_off.counted_rows("varied_on"))
        of_award_too = Q(allocation=first) | Q(allocation__continues=first)
        return self.annotate(
            award_total=ExpressionWrapper(
                sum_of_amounts(of_award) - sum_of_amounts(variations.filter(of_award_too)), PenceField()
            )
        )
