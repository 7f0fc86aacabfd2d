from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
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
    Prefetch,
    Q,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, ExtractYear, Round
from django.db.models.lookups import Exact
from django.utils import timezone

from funding.choices import Basis, Irregularity, Kind
from partners.models import Person
from programmes.choices import Outcome, Status
from programmes.models import AssessmentDecision, EvidenceAssessment
from programmes.querysets import InitiativeQuerySet
from vru_portal.append_only import AppendOnly
from vru_portal.money import PoundsField

if TYPE_CHECKING:
    from funding.models import (
        Allocation,
        ContractCopy,
        DutyColumn,
        FinancialYear,
        FundingSource,
        Payment,
        PublicationDuty,
    )

NOUGHT = Value(Decimal(0), PoundsField())
LARGEST = Decimal(10**12)  # more than `PoundsField` holds


@dataclass(frozen=True)
class AsAt:
    """A day in the past from which the money is looked at; no day: now.

    By `Basis.KNOWN` a row counts from the day on which it was recorded here, so what is entered later never changes the
    picture of a day. By `Basis.DATED` it counts from the day that it bears, and what was corrected since is left out.
    """

    day: date | None = None
    basis: Basis = Basis.KNOWN

    @property
    def known_before(self) -> datetime | None:
        """The moment before which a row must have been recorded, if that matters."""
        if self.day is None or self.basis == Basis.DATED:
            return None
        return timezone.make_aware(datetime.combine(self.day + timedelta(days=1), time.min))

    def counts(self, dated: str, prefix: str = "") -> Q:
        """Return which rows of the ledger count; ``dated`` is the field that dates them."""
        if self.known_before:
            return Q(**{f"{prefix}recorded_at__lt": self.known_before})
        return Q(**{f"{prefix}{dated}__lte": self.day}) if self.day else Q()

    def knows(self, row: AppendOnly) -> bool:
        """Return whether what was recorded of a row that counts (its reversal, an explanation) was known by then."""
        return self.known_before is None or row.recorded_at < self.known_before

    def stands(self, prefix: str = "") -> Q:
        """Return which rows nothing has taken back, and take nothing back themselves."""
        untouched = Q(**{f"{prefix}reversed_by": None})
        if self.known_before:
            untouched |= Q(**{f"{prefix}reversed_by__recorded_at__gte": self.known_before})
        # Said so that SQLite does not go by the index of `reverses`: for it, NULL is a key like another, and rare.
        return Q(Exact(Coalesce(F(f"{prefix}reverses_id"), 0), 0)) & untouched

    def sources(self) -> Q:
        """Return which sources count: each before anything that stands on it.

        A stated one is known from the day on which its publication appeared, or was recorded here if that was earlier;
        what was recorded in place of one that was taken back, from the day on which it was recorded.
        It is dated by the day as at which it is stated, or by its first allocation if that was earlier.
        """
        if self.day is None:
            return Q(reverses=None)
        if self.known_before:
            from funding.models import FundingSource

            taken_back = FundingSource.objects.filter(
                year=OuterRef("year"),
                source=OuterRef("source"),
                reverses__isnull=False,
                recorded_at__lte=OuterRef("recorded_at"),
            )
            stated = Q(source__published_on__lte=self.day) & ~Q(Exists(taken_back))
            return Q(reverses=None) & (stated | Q(recorded_at__lt=self.known_before))
        from funding.models import Allocation

        allocated = Allocation.objects.filter(funding_source=OuterRef("pk"), awarded_on__lte=self.day)
        return Q(reverses=None) & (Q(as_at__lte=self.day) | Q(Exists(allocated)))


NOW = AsAt()


class YearQuerySet(models.QuerySet["FinancialYear"]):
    """Financial years."""

    def get_by_natural_key(self, first_year: int) -> "FinancialYear":
        """Return the financial year that begins in April of this year."""
        return self.get(first_year=first_year)

    def with_money(self) -> Self:
        """Return the years that have a source: the only ones with a page, latest first."""
        return self.filter(sources__isnull=False).distinct().order_by("-first_year")


class SourceQuerySet(models.QuerySet["FundingSource"]):
    """Sources of money."""

    def get_by_natural_key(self, first_year: int, slug: str) -> "FundingSource":
        """Return this source of the financial year that begins in April of this year."""
        return self.get(year__first_year=first_year, slug=slug)

    def standing(self, as_at: AsAt = NOW) -> Self:
        """Return the sources that bring money: known or dated by the day, and not reversed."""
        return self.filter(as_at.sources(), as_at.stands())

    def of_latest_year(self) -> Self:
        """Return the sources of the latest year that has any of its own, with that year.

        A year that has only what was carried forward into it has no budget yet.
        """
        latest = self.standing().filter(carried_from=None).order_by("-year__first_year").values("year")[:1]
        rows = self.standing().filter(year__in=latest)
        return rows.select_related("year__source", "source").order_by("position", "id")

    def from_person(self, person: Person) -> Self:
        """Return the sources that a post of this person gives."""
        return self.standing().filter(contributors__post__person=person).distinct()

    def with_contributors(self) -> Self:
        """Add the contributors with their names."""
        return self.prefetch_related(contributors())

    def of_all_years(self, as_at: AsAt = NOW) -> Self:
        """Return the sources of all years, the latest first; `counts` says whether each brings money as at the day."""
        rows = self.filter(reverses=None).select_related("year__source", "source", "carried_from__year")
        counting = rows.with_carried(as_at).annotate(counts=flag(as_at.sources() & as_at.stands()))
        return counting.order_by("-year__first_year", "position", "id")

    def with_carried(self, as_at: AsAt = NOW) -> Self:
        """Add `carried`, what is carried forward from each source into the next year."""
        carried = self.model._default_manager.standing(as_at).filter(carried_from=OuterRef("pk"))
        return self.annotate(carried=total_of(carried))

    def with_paid(self) -> Self:
        """Add `paid`, what is paid on the allocations of each source."""
        from funding.models import Payment

        return self.annotate(paid=total_of(Payment.objects.filter(allocation__funding_source=OuterRef("pk"))))

    def with_remainder(self) -> Self:
        """Add `remainder`, what is neither allocated nor carried forward."""
        from funding.models import Allocation

        allocated = total_of(Allocation.objects.filter(funding_source=OuterRef("pk")))
        return self.with_carried().annotate(
            remainder=ExpressionWrapper(F("amount") - allocated - F("carried"), PoundsField())
        )


class AllocationQuerySet(models.QuerySet["Allocation"]):
    """Allocations."""

    def get_by_natural_key(self, public_id: str) -> "Allocation":
        """Return the allocation with this id."""
        return self.get(public_id=public_id)

    def standing(self, as_at: AsAt = NOW) -> Self:
        """Return the allocations that count and that nothing has taken back."""
        return self.filter(as_at.counts("awarded_on"), as_at.stands())

    def with_paid(self, as_at: AsAt = NOW) -> Self:
        """Add `paid`, the sum of the payments that count, refunds and reversals set against them."""
        from funding.models import Payment

        return self.annotate(paid=total_of(Payment.objects.filter(as_at.counts("paid_on"), allocation=OuterRef("pk"))))

    def with_approval(self) -> Self:
        """Add `approved_on`, the day on which the assessment was approved.

        Why is in `approval_reasons`, and when that was recorded here in `approval_recorded_at`.
        """
        return self.annotate(
            approved_on=approval_of("assessment"),
            approval_reasons=approval_of("assessment", "reasons"),
            approval_recorded_at=approval_of("assessment", "recorded_at"),
        )

    def with_payment_count(self) -> Self:
        """Add `payment_count`, how many rows of the ledger name it: reversals too."""
        from funding.models import Payment

        return self.annotate(payment_count=number_of(Payment.objects.filter(allocation=OuterRef("pk"))))

    def of_award(self, allocation: "Allocation") -> Self:
        """Return an allocation and those that stand of the same award, in the order of their years."""
        first = allocation.continues_id or allocation.pk
        same = Q(pk=first) | Q(continues=first)
        rows = self.filter(NOW.stands() & same | Q(pk=allocation.pk))
        return rows.select_related("funding_source__year").order_by("funding_source__year__first_year", "pk")

    def with_copies(self) -> Self:
        """Return a row for each copy of a contract: `copy` is its key, and `copy_title` and `copy_url` what it says."""
        copy = "contract_copies__"
        return self.annotate(copy=F(f"{copy}pk"), copy_title=F(f"{copy}title"), copy_url=F(f"{copy}url"))

    def above(self, kind: str, over: "Decimal | Combinable | None", as_at: AsAt = NOW) -> Self:
        """Return those of a kind whose award, all its years together, is above this sum where one is given."""
        rows = self.filter(kind=kind)
        if over is None:
            return rows
        # in whole pence: SQLite adds sums up as binary fractions
        return (
            rows.with_award(as_at)
            .alias(pence_over=Round((F("award_total") - over) * 100, output_field=PoundsField()))
            .filter(pence_over__gt=0)
        )

    def with_copy(self, as_at: AsAt = NOW) -> Self:
        """Add `copy_title` and `copy_url` of the latest copy of the contract, whichever year of the award has it."""
        latest = copies_of_award(as_at).order_by("-pk")
        return self.annotate(
            copy_title=Subquery(latest.values("title")[:1]), copy_url=Subquery(latest.values("url")[:1])
        )

    def with_award(self, as_at: AsAt = NOW) -> Self:
        """Add `award_total`, the sum of the award over all its years, as far as they count."""
        first = Coalesce(OuterRef("continues"), OuterRef("pk"))
        return self.annotate(
            award_total=total_of(self.model._default_manager.standing(as_at).filter(Q(pk=first) | Q(continues=first)))
        )


class PaymentQuerySet(models.QuerySet["Payment"]):
    """Payments."""

    def get_by_natural_key(self, reference: str) -> "Payment":
        """Return the payment with this reference."""
        return self.get(reference=reference)

    def counted(self, as_at: AsAt = NOW) -> Self:
        """Return every row of the ledger that counts: what was taken back, and what took it back, too."""
        return self.filter(as_at.counts("paid_on"))

    def standing(self, as_at: AsAt = NOW) -> Self:
        """Return the payments that count and that nothing has taken back."""
        return self.filter(as_at.counts("paid_on"), as_at.stands())

    def with_irregularities(self, as_at: AsAt = NOW) -> Self:
        """Add a flag for each `Irregularity`, named for it, and what the flags compare.

        `running` is what is paid on the allocation up to this payment, in the order of their dates; `allocated` the
        allocation's sum. Only what stands can be irregular; a refund only where more comes back than was paid.
        """
        year = "allocation__funding_source__year__"
        real = as_at.stands() & Q(amount__gt=0)
        earlier = self.model._default_manager.standing(as_at).filter(
            Q(paid_on__lt=OuterRef("paid_on")) | Q(paid_on=OuterRef("paid_on"), pk__lte=OuterRef("pk")),
            allocation=OuterRef("allocation"),
        )
        return (
            self.annotate(
                running=total_of(earlier),
                allocated=Case(When(as_at.stands("allocation__"), then=F("allocation__amount")), default=NOUGHT),
                approved_on=approval_of("allocation__assessment"),
            )
            .alias(
                pence_running=Round(F("running") * 100),
                pence_over=Round((F("running") - F("allocated")) * 100),
                first_year=ExtractYear("paid_on") - Case(When(paid_on__month__lt=4, then=1), default=0),
            )
            .annotate(
                over=flag(real & Q(pence_over__gt=0)),
                unassessed=flag(real & Q(paid_on__lt=F("approved_on"))),
                late=flag(real & Q(paid_on__gt=F(f"{year}spend_by"))),
                outside=flag(real & ~Q(first_year=F(f"{year}first_year"))),
                returned=flag(as_at.stands() & Q(amount__lt=0, pence_running__lt=0)),
            )
        )

    def irregular(self) -> Self:
        """Return the exceptions among payments `with_irregularities`."""
        condition = Q()
        for name in Irregularity.values:
            condition |= Q(**{name: True})
        return self.filter(condition)

    def items(self, over: "Decimal | Combinable | None") -> Self:
        """Return the items of expenditure other than grants, above this sum where one is given.

        Which sums are left out is the duty's: in the Specified Information Order 2011, an item of not more than £500.
        """
        rows = self.exclude(allocation__kind=Kind.GRANT)
        return rows if over is None else rows.filter(Q(amount__gt=over) | Q(reverses__amount__gt=over))


def copies_of_award(as_at: AsAt) -> "models.QuerySet[ContractCopy]":
    """Return the copies of the contract of an allocation asked about, whichever year of the award has them."""
    from funding.models import ContractCopy

    same = Q(allocation=OuterRef("pk")) | Q(allocation=OuterRef("continues"))
    copies = ContractCopy.objects.filter(same | Q(allocation__continues=OuterRef("pk")))
    return copies.filter(recorded_at__lt=as_at.known_before) if as_at.known_before else copies


def contributors(path: str = "contributors") -> Prefetch[Any]:
    """Return what fetches the contributors of sources, or of the sources at this path, with their names."""
    from funding.models import Contributor

    rows = Contributor.objects.select_related("organisation", "post__person", "post__organisation")
    return Prefetch(path, queryset=rows)


class DutyQuerySet(models.QuerySet["PublicationDuty"]):
    """What this unit must publish."""

    def with_counts(self, year: "FinancialYear", as_at: AsAt = NOW) -> Self:
        """Add what of a year the duty's lists hold, beside what the accounts say: `item_count`, the contracts without a
        copy in `copies_missing`, and whether the awarding body has made any grant in `any_grants`.
        """
        from funding.models import Allocation, Payment

        items = Payment.objects.counted(as_at).filter(allocation__funding_source__year=year)
        items = items.items(Coalesce(OuterRef("items_over"), -LARGEST, output_field=PoundsField()))
        contracts = Allocation.objects.standing(as_at).filter(funding_source__year=year)
        missing = contracts.above(
            Kind.CONTRACT, Coalesce(OuterRef("contracts_over"), NOUGHT, output_field=PoundsField()), as_at
        ).filter(~Exists(copies_of_award(as_at)))
        grants = Allocation.objects.standing().filter(kind=Kind.GRANT, awarded_by=OuterRef("awarding_body"))
        return self.annotate(item_count=number_of(items), copies_missing=number_of(missing), any_grants=Exists(grants))

    def with_list(self, name: str) -> "tuple[PublicationDuty | None, list[DutyColumn]]":
        """Return the duty and the columns of one of its lists, in one query."""
        from funding.models import DutyColumn

        wanted = FilteredRelation("columns", condition=Q(columns__list=name))
        words = {"column": F("wanted__field"), "column_label": F("wanted__label")}
        rows = list(
            self.select_related("awarding_body")
            .annotate(wanted=wanted)
            .annotate(**words)
            .order_by("wanted__position", "wanted__pk")
        )
        columns = [DutyColumn(list=name, field=row.column, label=row.column_label) for row in rows if row.column]
        return (rows[0] if rows else None), columns

    def current(self) -> "PublicationDuty | None":
        """Return the duty with its columns, or None where none is entered."""
        return self.prefetch_related("columns").first()


def total_of(rows: models.QuerySet[Any]) -> Coalesce:
    """Return the sum of related rows, nought where there is none."""
    return Coalesce(Subquery(rows.order_by().values(same=Value(1)).annotate(t=Sum("amount")).values("t")), NOUGHT)


def number_of(rows: models.QuerySet[Any]) -> Coalesce:
    """Return how many related rows there are."""
    return Coalesce(Subquery(rows.order_by().values(same=Value(1)).annotate(n=Count("pk")).values("n")), 0)


def approval_of(path: str, field: str = "decided_on") -> Subquery:
    """Return the day on which the assessment at this path was approved, or another field of that decision."""
    decisions = AssessmentDecision.objects.standing().filter(outcome=Outcome.APPROVED)
    return Subquery(decisions.filter(assessment=OuterRef(path)).values(field)[:1])


def flag(condition: Q) -> Case:
    """Return a condition as a boolean that is never unknown."""
    return Case(When(condition, then=Value(True)), default=Value(False))


def with_status(initiatives: InitiativeQuerySet) -> InitiativeQuerySet:
    """Add `status`, how far each initiative has come: the furthest that its assessments, money and dates bear out."""
    from funding.models import Allocation, Payment

    today = timezone.localdate()
    mine = {"initiative": OuterRef("pk")}
    standing = Allocation.objects.standing().filter(**mine)
    going_on = standing.filter(Q(ends_on=None) | Q(ends_on__gte=today))
    started = standing.filter(starts_on__lte=today)
    paid = Payment.objects.standing().filter(allocation__initiative=OuterRef("pk"), amount__gt=0)
    assessments = EvidenceAssessment.objects.filter(**mine)
    return initiatives.annotate(
        status=Case(
            When(Exists(standing) & ~Exists(going_on), then=Value(Status.ENDED)),
            When(Exists(standing) & (Exists(paid) | Exists(started)), then=Value(Status.DELIVERING)),
            When(Exists(standing), then=Value(Status.COMMISSIONED)),
            When(Exists(assessments.approved()), then=Value(Status.ASSESSED)),
            When(Exists(assessments.undecided()), then=Value(Status.PROPOSED)),
            default=Value(Status.ANNOUNCED),
            output_field=models.CharField(),
        )
    )
