from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import (
    Case,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    FilteredRelation,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Abs, Coalesce, ExtractYear

from funding.as_at import NOW, AsAt
from funding.choices import Irregularity, Kind
from partners.models import Person
from programmes.choices import Outcome
from programmes.models import AssessmentDecision
from vru_portal.ledger.money import Pence, PenceField, PoundsField, sum_of_pounds

if TYPE_CHECKING:
    from funding.models import (  # noqa: F401 - bases name them as strings
        Allocation,
        DutyColumn,
        FinancialYear,
        FundingSource,
        OnwardGrant,
        Payment,
        PublicationDuty,
        Regranting,
    )

ZERO_POUNDS = Value(Decimal(0), PoundsField())


def related_rows(model: type[models.Model], relation: str) -> Any:
    """All rows of the model at the other end of a reverse relation.

    The models import this module, so it cannot import them: it reaches them through the relations of its own model.
    """
    related_model: Any = model._meta.get_field(relation).related_model
    return related_model._default_manager.all()


class YearQuerySet(models.QuerySet["FinancialYear"]):
    """Financial years."""

    def get_by_natural_key(self, first_year: int) -> "FinancialYear":
        return self.get(first_year=first_year)

    def with_money(self) -> Self:
        """The years that have a source, latest first. Only these have a page."""
        return self.filter(sources__isnull=False).distinct().order_by("-first_year")


class SourceQuerySet(models.QuerySet["FundingSource"]):
    """Sources of money."""

    def get_by_natural_key(self, first_year: int, slug: str) -> "FundingSource":
        return self.get(year__first_year=first_year, slug=slug)

    def standing(self, as_at: AsAt = NOW) -> Self:
        """The sources that bring money: known or dated by the day, and not reversed."""
        return self.filter(self._counted(as_at), as_at.standing_rows())

    def _counted(self, as_at: AsAt) -> Q:
        """The sources that count. A source counts no later than anything that was allocated from it.

        By `Basis.KNOWN`, a source counts from the day its publication appeared, or from the day it was recorded here if
        that was earlier. One recorded in place of a reversed source counts only from the day it was recorded.
        By `Basis.DATED`, it counts from the date on which it was stated, or from its first allocation if that was
        earlier.
        """
        if as_at.day is None:
            return Q(reverses=None)
        if as_at.known_before:
            earlier_reversals = self.model._default_manager.filter(
                year=OuterRef("year"),
                source=OuterRef("source"),
                reverses__isnull=False,
                recorded_at__lte=OuterRef("recorded_at"),
            )
            stated = Q(source__published_on__lte=as_at.day) & ~Q(Exists(earlier_reversals))
            return Q(reverses=None) & (stated | Q(recorded_at__lt=as_at.known_before))
        allocations = related_rows(self.model, "allocations")
        allocated = allocations.filter(funding_source=OuterRef("pk"), awarded_on__lte=as_at.day)
        return Q(reverses=None) & (Q(as_at__lte=as_at.day) | Q(Exists(allocated)))

    def from_person(self, person: Person) -> Self:
        """The sources contributed by a post that this person holds."""
        return self.standing().filter(contributors__post__person=person).distinct()

    def with_carried(self) -> Self:
        """Add `carried`, what is carried forward from each source into the next year."""
        carried = self.model._default_manager.standing().filter(carried_from=OuterRef("pk"))
        return self.annotate(carried=sum_of_amounts(carried))

    def with_paid(self) -> Self:
        """Add `paid`, the total paid on the allocations of each source."""
        allocation: Any = self.model._meta.get_field("allocations").related_model
        payments = related_rows(allocation, "payments")
        return self.annotate(paid=sum_of_amounts(payments.filter(allocation__funding_source=OuterRef("pk"))))

    def with_remainder(self) -> Self:
        """Add `remainder`, what is neither allocated nor carried forward."""
        allocated = sum_of_amounts(related_rows(self.model, "allocations").filter(funding_source=OuterRef("pk")))
        return self.with_carried().annotate(
            remainder=ExpressionWrapper(Pence("amount") - allocated - F("carried"), PenceField())
        )


class AllocationQuerySet(models.QuerySet["Allocation"]):
    """Allocations."""

    def get_by_natural_key(self, public_id: str) -> "Allocation":
        return self.get(public_id=public_id)

    def standing(self, as_at: AsAt = NOW) -> Self:
        """The allocations that count and are not reversed."""
        return self.filter(as_at.counted_rows("awarded_on"), as_at.standing_rows())

    def reversed_in(self, year: "FinancialYear") -> Self:
        """The allocations of a year that were reversed, without the reversals."""
        rows = self.filter(funding_source__year=year, reverses=None, reversed_by__isnull=False)
        return rows.select_related("initiative", "reversed_by").order_by("awarded_on", "pk")

    def with_paid(self, as_at: AsAt = NOW) -> Self:
        """Add `paid`, the total of the payments that count, net of refunds and reversals."""
        payments = related_rows(self.model, "payments").filter(as_at.counted_rows("paid_on"), allocation=OuterRef("pk"))
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
        rows = self.filter(NOW.standing_rows() & same_award | Q(pk=allocation.pk))
        return rows.select_related("funding_source__year").order_by("funding_source__year__first_year", "pk")

    def with_each_contract_copy(self) -> Self:
        """Repeat an allocation for each copy of its contract, adding `copy` (its key), `copy_title` and `copy_url`."""
        copy = "contract_copies__"
        return self.annotate(copy=F(f"{copy}pk"), copy_title=F(f"{copy}title"), copy_url=F(f"{copy}url"))

    def with_award_over(self, kind: str, threshold: "Decimal | Combinable | None", as_at: AsAt = NOW) -> Self:
        """Those of a kind whose award, over all its years, is above the threshold; all of the kind without one."""
        rows = self.filter(kind=kind)
        if threshold is None:
            return rows
        over = F("award_total") - threshold_in_pence(threshold)
        return rows.with_award_total(as_at).alias(pence_over=over).filter(pence_over__gt=0)

    def with_latest_contract_copy(self) -> Self:
        """Add `copy_title` and `copy_url` of the latest copy of the contract, whichever year of the award has it."""
        of_same_award = (
            Q(allocation=OuterRef("pk")) | Q(allocation=OuterRef("continues")) | Q(allocation__continues=OuterRef("pk"))
        )
        latest = related_rows(self.model, "contract_copies").filter(of_same_award).order_by("-pk")
        return self.annotate(
            copy_title=Subquery(latest.values("title")[:1]), copy_url=Subquery(latest.values("url")[:1])
        )

    def with_award_total(self, as_at: AsAt = NOW) -> Self:
        """Add `award_total`, the total of the award over all its years that count."""
        first = Coalesce(OuterRef("continues"), OuterRef("pk"))
        return self.annotate(
            award_total=sum_of_amounts(
                self.model._default_manager.standing(as_at).filter(Q(pk=first) | Q(continues=first))
            )
        )


class PaymentQuerySet(models.QuerySet["Payment"]):
    """Payments."""

    def get_by_natural_key(self, reference: str) -> "Payment":
        return self.get(reference=reference)

    def counted(self, as_at: AsAt = NOW) -> Self:
        """Every row that counts, reversed payments and their reversals included: they add up to nothing."""
        return self.filter(as_at.counted_rows("paid_on"))

    def standing(self, as_at: AsAt = NOW) -> Self:
        """The payments that count and are not reversed."""
        return self.filter(as_at.counted_rows("paid_on"), as_at.standing_rows())

    def with_irregularities(self, as_at: AsAt = NOW) -> Self:
        """Add a boolean for each `Irregularity`, under its name, and what they compare.

        `running` is the total paid on the allocation up to and including this payment, by date; `allocated` is the
        amount of the allocation, £0 if that is reversed. Only standing payments can be irregular, and a refund only if
        more comes back than had been paid.
        """
        year = "allocation__funding_source__year__"
        real = as_at.standing_rows() & Q(amount__gt=0)
        earlier = self.model._default_manager.standing(as_at).filter(
            Q(paid_on__lt=OuterRef("paid_on")) | Q(paid_on=OuterRef("paid_on"), pk__lte=OuterRef("pk")),
            allocation=OuterRef("allocation"),
        )
        return (
            self.annotate(
                running=sum_of_amounts(earlier),
                allocated=Case(
                    When(as_at.standing_rows("allocation__"), then=F("allocation__amount")), default=ZERO_POUNDS
                ),
                approved_on=approval_field("allocation__assessment"),
            )
            .alias(
                pence_over=F("running") - Pence("allocated"),
                first_year=ExtractYear("paid_on") - Case(When(paid_on__month__lt=4, then=1), default=0),
            )
            .annotate(
                over=as_boolean(real & Q(pence_over__gt=0)),
                unassessed=as_boolean(real & Q(paid_on__lt=F("approved_on"))),
                late=as_boolean(real & Q(paid_on__gt=F(f"{year}spend_by"))),
                outside=as_boolean(real & ~Q(first_year=F(f"{year}first_year"))),
                returned=as_boolean(as_at.standing_rows() & Q(amount__lt=0, running__lt=0)),
            )
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
        rows = self.exclude(allocation__kind=Kind.GRANT)
        if threshold is None:
            return rows
        # A reversal has the size of what it reverses.
        return rows.alias(over=Abs(Pence("amount")) - threshold_in_pence(threshold)).filter(over__gt=0)


class RegrantingQuerySet(models.QuerySet["Regranting"]):
    """Which allocations are for regranting."""

    def standing(self, as_at: AsAt = NOW) -> Self:
        return self.filter(as_at.counted_rows("recorded_at__date"), as_at.standing_rows())


class OnwardGrantQuerySet(models.QuerySet["OnwardGrant"]):
    """Onward grants. No total of the unit's money ever includes them."""

    def get_by_natural_key(self, reference: str) -> "OnwardGrant":
        return self.get(reference=reference)

    def standing(self, as_at: AsAt = NOW) -> Self:
        """Those that are not reversed, of allocations that are not reversed either."""
        return self.filter(as_at.counted_rows("awarded_on"), as_at.standing_rows(), as_at.standing_rows("allocation__"))


class DutyQuerySet(models.QuerySet["PublicationDuty"]):
    """The publication duty: one row at most."""

    def with_list(self, name: str) -> "tuple[PublicationDuty | None, list[DutyColumn]]":
        """The duty and the columns of one of its lists, in one query. The columns are unsaved copies."""
        wanted = FilteredRelation("columns", condition=Q(columns__list=name))
        annotations = {"column": F("wanted__field"), "column_label": F("wanted__label")}
        rows = list(
            self.select_related("awarding_body")
            .annotate(wanted=wanted)
            .annotate(**annotations)
            .order_by("wanted__position", "wanted__pk")
        )
        duty_column: Any = self.model._meta.get_field("columns").related_model
        columns = [duty_column(list=name, field=row.column, label=row.column_label) for row in rows if row.column]
        return (rows[0] if rows else None), columns

    def current(self) -> "PublicationDuty | None":
        """The duty with its columns, or None if none has been entered."""
        return self.prefetch_related("columns").first()


def threshold_in_pence(threshold: "Decimal | Combinable") -> Pence:
    return Pence(threshold if isinstance(threshold, Combinable) else Value(threshold, PoundsField()))


def sum_of_amounts(rows: models.QuerySet[Any]) -> Coalesce:
    """A subquery with the total of related rows, £0 if there are none."""
    # Grouping by a constant makes one group of all rows; without values() first, Django would group by primary key.
    sums = rows.order_by().values(group=Value(1)).annotate(t=sum_of_pounds("amount")).values("t")
    return Coalesce(Subquery(sums, output_field=PenceField()), Value(0, PenceField()))


def count_of_rows(rows: models.QuerySet[Any]) -> Coalesce:
    """A subquery with the number of related rows."""
    return Coalesce(Subquery(rows.order_by().values(group=Value(1)).annotate(n=Count("pk")).values("n")), 0)


def approval_field(path: str, field: str = "decided_on") -> Subquery:
    """A subquery with a field of the decision that approved the assessment at this path."""
    decisions = AssessmentDecision.objects.standing().filter(outcome=Outcome.APPROVED)
    return Subquery(decisions.filter(assessment=OuterRef(path)).values(field)[:1])


def as_boolean(condition: Q) -> Case:
    """A condition as a boolean expression; NULL counts as False."""
    return Case(When(condition, then=Value(True)), default=Value(False))
