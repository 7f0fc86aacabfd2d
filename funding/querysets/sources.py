"""Financial years, sources of money and the publication duty."""

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Exists, ExpressionWrapper, F, FilteredRelation, OuterRef, Q

from funding.choices import VariationKind
from funding.querysets.expressions import related_rows, sum_of_amounts
from partners.models import Person
from vru_portal.ledger.cut_off import NOW, CutOff
from vru_portal.ledger.money import Pence, PenceField

if TYPE_CHECKING:
    from funding.models import (
        DutyColumn,
        FinancialYear,
        FundingSource,
        PublicationDuty,
    )


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

    def standing(self, cut_off: CutOff = NOW) -> Self:
        """The sources that bring money: known or dated by the day, and not reversed."""
        return self.filter(self._counted(cut_off), cut_off.standing_rows())

    def _counted(self, cut_off: CutOff) -> Q:
        """The sources that count. A source counts no later than anything that was allocated from it.

        By `Basis.KNOWN`, a source counts from the day its publication appeared, or from the day it was recorded here if
        that was earlier. One recorded in place of a reversed source counts only from the day it was recorded.
        By `Basis.DATED`, it counts from the day as at which it is stated, or from its first allocation if that was
        earlier.
        """
        if cut_off.day is None:
            return Q(reverses=None)
        if cut_off.known_before:
            earlier_reversals = self.model._default_manager.filter(
                year=OuterRef("year"),
                source=OuterRef("source"),
                reverses__isnull=False,
                recorded_at__lte=OuterRef("recorded_at"),
            )
            stated = Q(source__published_on__lte=cut_off.day) & ~Q(Exists(earlier_reversals))
            return Q(reverses=None) & (stated | Q(recorded_at__lt=cut_off.known_before))
        allocations = related_rows(self.model, "allocations")
        allocated = allocations.filter(funding_source=OuterRef("pk"), awarded_on__lte=cut_off.day)
        return Q(reverses=None) & (Q(as_at__lte=cut_off.day) | Q(Exists(allocated)))

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
        """Add `returned`, and `remainder`: what is not allocated, carried forward or returned.

        With an over-commitment in use it is negative. `funding/models/sums.py` says the same in SQL.
        """
        of_source = {"funding_source": OuterRef("pk")}
        allocated = sum_of_amounts(related_rows(self.model, "allocations").filter(**of_source))
        variations = related_rows(self.model, "variations").filter(**of_source)
        varied = sum_of_amounts(variations.filter(allocation__isnull=False))
        return self.with_carried().annotate(
            returned=sum_of_amounts(variations.filter(kind=VariationKind.RETURN)),
            remainder=ExpressionWrapper(
                Pence("amount") - allocated + varied - F("carried") - F("returned"), PenceField()
            ),
        )


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
