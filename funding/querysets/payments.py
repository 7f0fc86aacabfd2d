"""Payments, and what is irregular about them."""

from decimal import Decimal
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Case, Exists, ExpressionWrapper, F, OuterRef, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Abs, Cast, Concat
from django.db.models.lookups import GreaterThan

from funding.choices import AllocationKind, Irregularity
from funding.querysets.expressions import (
    approval_field,
    as_boolean,
    related_rows,
    sum_of_amounts,
    threshold_in_pence,
)
from vru_portal.ledger.cut_off import NOW, CutOff
from vru_portal.ledger.money import Pence, PenceField

if TYPE_CHECKING:
    from funding.models import (
        Payment,
    )


class PaymentQuerySet(models.QuerySet["Payment"]):
    """Payments."""

    def get_by_natural_key(self, reference: str) -> "Payment":
        return self.get(reference=reference)

    def counted(self, cut_off: CutOff = NOW) -> Self:
        """Every row that counts, reversed payments and their reversals included: they add up to nothing."""
        return self.filter(cut_off.counted_rows("paid_on"))

    def standing(self, cut_off: CutOff = NOW) -> Self:
        """The payments that count and are not reversed."""
        return self.filter(cut_off.counted_rows("paid_on"), cut_off.standing_rows())

    def with_irregularities(self, cut_off: CutOff = NOW) -> Self:
        """Add a boolean for each `Irregularity`, under its name, and what they compare.

        `running` is the total paid on the allocation up to and including this payment, by date; `allocated` is what
        it is measured against (`measure_of_payments`), £0 if the allocation is reversed. Only standing payments can be
        irregular, and a refund only if more comes back than had been paid.
        """
        year = "allocation__funding_source__year__"
        real = cut_off.standing_rows() & Q(amount__gt=0)
        earlier = self.model._default_manager.standing(cut_off).filter(
            Q(paid_on__lt=OuterRef("paid_on")) | Q(paid_on=OuterRef("paid_on"), pk__lte=OuterRef("pk")),
            allocation=OuterRef("allocation"),
        )
        return (
            self.annotate(
                running=sum_of_amounts(earlier),
                allocated=self.measure_of_payments(cut_off),
                approved_on=approval_field("allocation__assessment"),
            )
            .alias(
                pence_over=F("running") - F("allocated"),
                first_day=first_of_april(F(f"{year}first_year")),
                day_after=first_of_april(F(f"{year}first_year") + 1),
            )
            .annotate(
                over=as_boolean(real & Q(pence_over__gt=0)),
                unassessed=as_boolean(real & Q(paid_on__lt=F("approved_on"))),
                late=as_boolean(real & Q(paid_on__gt=F(f"{year}spend_by"))),
                outside=as_boolean(real & (Q(paid_on__lt=F("first_day")) | Q(paid_on__gte=F("day_after")))),
                returned=as_boolean(cut_off.standing_rows() & Q(amount__lt=0, running__lt=0)),
            )
        )

    def measure_of_payments(self, cut_off: CutOff) -> Case:
        """The amount of the allocation; once more is paid than variations left of it, what they left.

        So a refund that was followed by a release makes no exception of the payment before it.
        """
        of_same = {"allocation": OuterRef("allocation")}
        variations = related_rows(self.model._meta.get_field("allocation").related_model, "variations")
        varied = variations.filter(cut_off.counted_rows("varied_on"), **of_same)
        left = ExpressionWrapper(Pence("allocation__amount") - sum_of_amounts(varied), PenceField())
        paid = sum_of_amounts(self.model._default_manager.counted(cut_off).filter(**of_same))
        stands = cut_off.standing_rows("allocation__")
        return Case(
            # Few allocations are varied: only for these, what is paid in all is added up.
            When(stands & Q(Exists(varied)) & Q(GreaterThan(paid, left)), then=left),
            When(stands, then=Pence("allocation__amount")),
            default=Value(Decimal(0), PenceField()),
            output_field=PenceField(),
        )

    def irregular(self) -> Self:
        """The payments with at least one irregularity. Needs `with_irregularities`."""
        condition = Q()
        for name in Irregularity.values:
            condition |= Q(**{name: True})
        return self.filter(condition)

    def non_grant_items(self, threshold: "Decimal | Combinable | None") -> Self:
        """The items of expenditure other than grants; with a threshold, only those above it.

        The threshold comes from the publication duty. In England it is £500: the Elected Local Policing Bodies
        (Specified Information) Order 2011 does not ask for items of £500 or less.
        Refunds are listed by their size, as councils list credits, and a reversal with the payment that it reverses, so
        that the list still adds up.
        """
        rows = self.exclude(allocation__kind=AllocationKind.GRANT)
        if threshold is None:
            return rows
        # A reversal has the size of what it reverses.
        return rows.alias(over=Abs(Pence("amount")) - threshold_in_pence(threshold)).filter(over__gt=0)


def first_of_april(year: Combinable) -> Cast:
    """The day on which the financial year that begins in this year begins."""
    # To extract year and month from each payment's date instead, SQLite would call Python twice for each row.
    return Cast(Concat(year, Value("-04-01"), output_field=models.CharField()), models.DateField())
