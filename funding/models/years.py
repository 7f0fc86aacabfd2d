"""Money in: financial years, their sources, and who contributes to each source."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from funding import querysets
from funding.models.sums import LOCK_SOURCE, SOURCE_PENCE, STANDS, TAKEN_PENCE
from funding.validators import FIRST_YEAR, LAST_YEAR, positive_unless_reversal, year_label
from partners.models import Organisation, Post
from partners.provenance import Sourced
from vru_portal.ledger.append_only.models import AppendOnly, Reversible
from vru_portal.ledger.append_only.trigger import INSERT, UPDATE, Trigger
from vru_portal.ledger.money import MoneyField, SignedMoneyField
from vru_portal.publishing.addresses import MAX_LENGTH, Addressed, AddressField
from vru_portal.publishing.state import Record
from vru_portal.text.dates import format_date
from vru_portal.text.fields import CalendarDateField, LineField, LongTextField
from vru_portal.text.typed_dates import IN_OUR_TIME
from vru_portal.web.addresses import address_of

YEAR_CANNOT_CHANGE = (
    "This financial year has money recorded, so it cannot become another year. Add the other year as a new one."
)


class FinancialYear(Sourced, Record):
    """A financial year, 1 April to 31 March, and what is stated about its budget."""

    first_year = models.PositiveSmallIntegerField(
        unique=True,
        validators=[MinValueValidator(FIRST_YEAR), MaxValueValidator(LAST_YEAR)],
        help_text="The calendar year when it begins: 2030 for 2030-31.",
    )
    stated_total = MoneyField(null=True, blank=True, help_text="The budget as stated. The sources must add up to it.")
    stated_as = LineField(max_length=60, blank=True, help_text="The amount as published, such as £1.25 million.")
    spend_by = CalendarDateField(
        **IN_OUR_TIME, null=True, blank=True, help_text="The last day on which the money may be spent."
    )
    spend_by_stated = LineField(
        max_length=60,
        blank=True,
        help_text="The publication's own words, such as “by June 2031”. Pages show these.",
    )
    purpose = LongTextField(blank=True, help_text="What the money is for. Markdown.")
    gate = LongTextField(
        "before any money is allocated",
        blank=True,
        help_text="What the unit says must happen before money is allocated. Markdown.",
    )
    applying = LongTextField(
        "how to apply",
        blank=True,
        help_text="How to apply for this money, as stated. If empty, the page says that it is not stated, and to ask "
        "the unit. Markdown.",
    )
    label_note = LineField(
        max_length=200, blank=True, help_text="Anything on this page that is worked out rather than stated."
    )

    objects = querysets.YearQuerySet.as_manager()

    class Meta:
        ordering = ["-first_year"]
        constraints = [
            models.CheckConstraint(
                condition=Q(first_year__gte=FIRST_YEAR, first_year__lte=LAST_YEAR),
                name="funding_year_in_range",
            ),
            models.CheckConstraint(
                condition=Q(stated_total__isnull=True) | Q(stated_total__gt=0),
                name="funding_year_total_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def natural_key(self) -> tuple[int]:
        return (self.first_year,)

    def get_absolute_url(self) -> str:
        return address_of("funding:year", self.label)

    def clean(self) -> None:
        """Check that the deadline is not before the year, and that a year with money stays the same year."""
        if not FIRST_YEAR <= (self.first_year or 0) <= LAST_YEAR:
            return  # the field's own validators report it
        if self.spend_by and self.spend_by < self.starts_on:
            raise ValidationError(
                {"spend_by": f"The deadline of {self.label} cannot be before {format_date(self.starts_on)}."}
            )
        if self.pk and self.sources.exclude(year__first_year=self.first_year).exists():
            raise ValidationError({"first_year": YEAR_CANNOT_CHANGE})

    def budget(self, sources: Iterable["FundingSource"]) -> Decimal:
        """The budget as stated, or the sum of the sources if only these are stated."""
        return self.stated_total or sum((source.amount for source in sources), Decimal(0))

    @property
    def deadline(self) -> str:
        """When the money must be spent by, in the source's own words if it has any; empty if that is not stated."""
        return self.spend_by_stated or (f"by {format_date(self.spend_by)}" if self.spend_by else "")

    @property
    def label(self) -> str:
        """The name of the year in addresses and headings, such as 2030-31."""
        return year_label(self.first_year)

    @property
    def starts_on(self) -> date:
        return date(self.first_year, 4, 1)

    @property
    def ends_on(self) -> date:
        return date(self.first_year + 1, 3, 31)


# The tables whose rows take money of a source, and the column that names it.
TAKEN_FROM = {
    "funding_allocation": "funding_source_id",
    "funding_variation": "funding_source_id",
    "funding_fundingsource": "carried_from_id",
}


class FundingSource(Addressed, Reversible, Sourced):
    """Money that comes in for a financial year, from one contributor or from several jointly."""

    carried: Decimal  # set by `objects.with_carried()`
    paid: Decimal  # set by `objects.with_paid()`
    returned: Decimal  # set by `objects.with_remainder()`: given back to the funder
    remainder: Decimal  # set by `objects.with_remainder()`
    public_contributors: list["Contributor"]  # set by `sources_of` in funding/views/queries.py

    mirrored = ("year", "name", "nature", "stated_as", "carried_from", "source", "as_at")
    changeable_fields = ("position", "checked_on", "note")
    redactable = ("wording", "reason")
    triggers = (
        Trigger(
            "carried_within",
            INSERT,
            "NEW.carried_from_id IS NOT NULL AND NEW.reverses_id IS NULL AND "
            + TAKEN_PENCE.format(source="NEW.carried_from_id")
            + " + ROUND(NEW.amount * 100) > "
            + SOURCE_PENCE.format(source="NEW.carried_from_id"),
            "You cannot carry forward more than is left in the source.",
            LOCK_SOURCE.format(source="NEW.carried_from_id"),
            prevents="Two people could together carry forward more than is left, and the money would exist twice.",
        ),
        Trigger(
            "carried_on",
            INSERT,
            "NEW.carried_from_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM funding_fundingsource s "
            "JOIN funding_financialyear was ON was.id = s.year_id JOIN funding_financialyear becomes "
            "ON becomes.id = NEW.year_id WHERE s.id = NEW.carried_from_id AND becomes.first_year = was.first_year + 1)",
            "Money can be carried forward only into the next financial year.",
            prevents="Money could skip a year, or be carried backwards, and no year would add up.",
        ),
        Trigger(
            "year_stays",
            UPDATE,
            "NEW.first_year <> OLD.first_year "
            "AND EXISTS (SELECT 1 FROM funding_fundingsource s WHERE s.year_id = NEW.id)",
            YEAR_CANNOT_CHANGE,
            table="funding_financialyear",
            prevents="All sources of a year, and what was spent of them, would move to another year.",
        ),
        Trigger(
            "year_not_replaced",
            INSERT,
            "EXISTS (SELECT 1 FROM funding_fundingsource s WHERE s.year_id = NEW.id)",
            YEAR_CANNOT_CHANGE,
            table="funding_financialyear",
            prevents="INSERT OR REPLACE on SQLite could put another year under its sources.",
        ),
        Trigger(
            "not_reversed_under_allocations",
            INSERT,
            "NEW.reverses_id IS NOT NULL AND ("
            + " OR ".join(
                f"EXISTS (SELECT 1 FROM {table} t WHERE t.{column} = NEW.reverses_id AND {STANDS.format('t', table)})"
                for table, column in TAKEN_FROM.items()
            )
            + ")",
            "Money of this source is allocated, carried forward or returned. Reverse that first.",
            LOCK_SOURCE.format(source="NEW.reverses_id"),
            prevents="Allocations could be left on a source that no longer counts.",
        ),
    )

    year = models.ForeignKey(FinancialYear, on_delete=models.PROTECT, related_name="sources")
    name = LineField(max_length=160)
    slug: AddressField[str, str] = AddressField(max_length=MAX_LENGTH)
    nature = LineField(
        max_length=60, blank=True, help_text="What the publication calls it, such as grant or contribution."
    )
    amount = SignedMoneyField()
    stated_as = LineField(max_length=60, help_text="The amount as published, such as £1.25 million.")
    wording = LineField(max_length=300, blank=True, help_text="The publication's own words, without quotation marks.")
    note = LineField(
        max_length=200,
        blank=True,
        help_text="What the publication does not state, such as how a joint amount is split.",
    )
    carried_from = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="carried_into",
        help_text="For money left over from the year before, the funding source that it comes from.",
    )
    position = models.PositiveSmallIntegerField(default=0)

    objects = querysets.SourceQuerySet.as_manager()

    class Meta:
        ordering = ["year", "position", "id"]
        constraints = [
            *Reversible.Meta.constraints,
            models.UniqueConstraint(fields=["year", "slug"], name="funding_source_once_a_year"),
            models.CheckConstraint(
                condition=Q(reverses=None, amount__gt=0) | Q(reverses__isnull=False, amount__lt=0),
                name="funding_source_positive",
                violation_error_message="Enter an amount of at least £0.01.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.year}"

    def natural_key(self) -> tuple[int, str]:
        return (self.year.first_year, self.slug)

    def clean(self) -> None:
        """Refuse an amount of £0 or less."""
        super().clean()
        positive_unless_reversal(self)

    @property
    def allocated(self) -> Decimal:
        """What is allocated from the source, less what was varied since. Needs `with_remainder`."""
        return self.amount - self.carried - self.returned - self.remainder

    def build_reversal(self) -> "FundingSource":
        """The row that would reverse this source. Slugs are unique within a year, so it gets another."""
        row = super().build_reversal()
        row.slug = f"{self.slug[:70]}-reversed"
        return row


class Contributor(AppendOnly):
    """An organisation, or the holder of a post, that a source comes from."""

    funding_source = models.ForeignKey(FundingSource, on_delete=models.PROTECT, related_name="contributors")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="contributions"
    )
    post = models.ForeignKey(
        Post,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="contributions",
        help_text="For money that comes with a post, such as a commissioner's grant.",
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(organisation__isnull=True, post__isnull=False)
                | Q(organisation__isnull=False, post__isnull=True),
                name="funding_contributor_is_one",
                violation_error_message="Choose either an organisation or a post.",
            ),
            models.UniqueConstraint(fields=["funding_source", "organisation"], name="funding_contributor_body_once"),
            models.UniqueConstraint(fields=["funding_source", "post"], name="funding_contributor_post_once"),
        ]

    def __str__(self) -> str:
        return self.post.title if self.post else str(self.organisation)

    @property
    def is_public(self) -> bool:
        """Whether the organisation, or the holder of the post and the organisation of the post, are published."""
        records = (self.organisation,) if self.post is None else (self.post.person, self.post.organisation)
        return all(record is None or record.is_public for record in records)
