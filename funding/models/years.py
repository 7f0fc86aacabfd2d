"""Money in: financial years, their sources, and who these come from."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse

from funding import querysets
from funding.validators import FIRST_YEAR, LAST_YEAR, label_of, positive_unless_reversal
from partners.models import Organisation, Post
from partners.provenance import Sourced
from vru_portal.append_only import INSERT, UPDATE, AppendOnly, Guard, Reversible
from vru_portal.money import MoneyField, SignedMoneyField
from vru_portal.publishing import Record

YEAR_STAYS = "Money is recorded for this financial year, so it stays this year: add the other one as a new year."


class FinancialYear(Sourced, Record):
    """A financial year, 1 April to 31 March, and what is stated of its budget."""

    first_year = models.PositiveSmallIntegerField(
        unique=True,
        validators=[MinValueValidator(FIRST_YEAR), MaxValueValidator(LAST_YEAR)],
        help_text="The calendar year in whose April it begins: 2030 for 2030-31.",
    )
    stated_total = MoneyField(null=True, blank=True, help_text="The budget as stated. The sources must add up to it.")
    stated_as = models.CharField(
        max_length=60, blank=True, help_text="The form in which it was stated, such as £1.25 million."
    )
    spend_by = models.DateField(null=True, blank=True, help_text="The last day on which the money may be spent.")
    spend_by_stated = models.CharField(
        max_length=60,
        blank=True,
        help_text="The source's own words, such as “by June 2031”: pages show these.",
    )
    purpose = models.TextField(blank=True, help_text="What the money is for. Markdown.")
    gate = models.TextField(
        "before money moves",
        blank=True,
        help_text="What the unit says must happen before money is allocated. Markdown.",
    )
    label_note = models.CharField(max_length=200, blank=True, help_text="What of this is derived rather than stated.")

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
        """The year in whose April it begins."""
        return (self.first_year,)

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("funding:year", args=[self.label])

    def clean(self) -> None:
        """Hold the deadline to the days in which this year's money can be spent."""
        if not FIRST_YEAR <= (self.first_year or 0) <= LAST_YEAR:
            return  # its own validator says so
        if self.spend_by and self.spend_by < self.starts_on:
            raise ValidationError(
                {"spend_by": f"Money of {self.label} cannot be due before {self.starts_on:%-d %B %Y}."}
            )
        if self.pk and self.sources.exclude(year__first_year=self.first_year).exists():
            raise ValidationError({"first_year": YEAR_STAYS})

    def budget(self, sources: Iterable["FundingSource"]) -> Decimal:
        """Return the budget as stated; where only its sources are, their sum."""
        return self.stated_total or sum((source.amount for source in sources), Decimal(0))

    @property
    def label(self) -> str:
        """Its name in addresses and headings, such as 2030-31."""
        return label_of(self.first_year)

    @property
    def starts_on(self) -> date:
        """Its first day."""
        return date(self.first_year, 4, 1)

    @property
    def ends_on(self) -> date:
        """Its last day."""
        return date(self.first_year + 1, 3, 31)


# What stands on a source, in pence: its allocations and what is carried forward from it, less what is reversed of them.
TAKEN = (
    "(COALESCE((SELECT SUM(ROUND(a.amount * 100)) FROM funding_allocation a WHERE a.funding_source_id = {source}), 0) "
    "+ COALESCE((SELECT SUM(ROUND(c.amount * 100)) FROM funding_fundingsource c WHERE c.carried_from_id = {source}), "
    "0))"
)
# What a source brings, in pence: nothing once it is reversed, and nothing for a reversal.
BRINGS = (
    "COALESCE((SELECT ROUND(s.amount * 100) FROM funding_fundingsource s WHERE s.id = {source} "
    "AND s.reverses_id IS NULL AND NOT EXISTS (SELECT 1 FROM funding_fundingsource r WHERE r.reverses_id = s.id)), 0)"
)
LOCK_SOURCE = "SELECT 1 FROM funding_fundingsource WHERE id = {source}"


class FundingSource(Reversible, Sourced):
    """Money that comes in for a financial year, from one contributor or from several jointly."""

    counts: bool  # set by `objects.of_all_years()`
    carried: Decimal  # set by `objects.with_carried()`
    paid: Decimal  # set by `objects.with_paid()`
    remainder: Decimal  # set by `objects.with_remainder()`

    mirrored = ("year", "name", "nature", "stated_as", "carried_from", "source", "as_at")
    open_fields = ("position", "checked_on", "note")
    redactable = ("wording", "reason")
    guards = (
        Guard(
            "carried_within",
            INSERT,
            "NEW.carried_from_id IS NOT NULL AND NEW.reverses_id IS NULL AND "
            + TAKEN.format(source="NEW.carried_from_id")
            + " + ROUND(NEW.amount * 100) > "
            + BRINGS.format(source="NEW.carried_from_id"),
            "More cannot be carried forward than is left of the source.",
            LOCK_SOURCE.format(source="NEW.carried_from_id"),
        ),
        Guard(
            "carried_on",
            INSERT,
            "NEW.carried_from_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM funding_fundingsource s "
            "JOIN funding_financialyear was ON was.id = s.year_id JOIN funding_financialyear becomes "
            "ON becomes.id = NEW.year_id WHERE s.id = NEW.carried_from_id AND becomes.first_year = was.first_year + 1)",
            "Money is carried forward into the next financial year.",
        ),
        Guard(
            "year_stays",
            UPDATE,
            "NEW.first_year <> OLD.first_year "
            "AND EXISTS (SELECT 1 FROM funding_fundingsource s WHERE s.year_id = NEW.id)",
            YEAR_STAYS,
            table="funding_financialyear",
        ),
        Guard(
            "year_not_replaced",
            INSERT,
            "EXISTS (SELECT 1 FROM funding_fundingsource s WHERE s.year_id = NEW.id)",
            YEAR_STAYS,
            table="funding_financialyear",
        ),
        Guard(
            "not_reversed_under_allocations",
            INSERT,
            "NEW.reverses_id IS NOT NULL AND " + TAKEN.format(source="NEW.reverses_id") + " <> 0",
            "Money of this source is allocated or carried forward. Reverse that first.",
            LOCK_SOURCE.format(source="NEW.reverses_id"),
        ),
    )

    year = models.ForeignKey(FinancialYear, on_delete=models.PROTECT, related_name="sources")
    name = models.CharField(max_length=160)
    slug = models.SlugField(max_length=80)
    nature = models.CharField(max_length=60, blank=True, help_text="Such as grant or contribution, as stated.")
    amount = SignedMoneyField()
    stated_as = models.CharField(
        max_length=60, help_text="The form in which the sum was stated, such as £1.25 million."
    )
    wording = models.CharField(max_length=300, blank=True, help_text="The source's own words, without quotation marks.")
    note = models.CharField(
        max_length=200, blank=True, help_text="What is not stated of it, such as how a joint sum splits."
    )
    carried_from = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="carried_into",
        help_text="For money left of a source of the year before: that source.",
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
                violation_error_message="A sum must be at least £0.01.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.year}"

    def natural_key(self) -> tuple[int, str]:
        """Its year and its slug."""
        return (self.year.first_year, self.slug)

    def clean(self) -> None:
        """Hold the sum above nought."""
        super().clean()
        positive_unless_reversal(self)

    @property
    def allocated(self) -> Decimal:
        """What is set aside of a source fetched `with_remainder`."""
        return self.amount - self.carried - self.remainder

    def opposite(self) -> "FundingSource":
        """Return the row that would take this source back; its slug is its own."""
        row = super().opposite()
        row.slug = f"{self.slug[:70]}-reversed"
        return row


class Contributor(AppendOnly):
    """A body, or the holder of a post, that a source comes from."""

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
        help_text="Where the money is a post's to give, as a commissioner's grant is.",
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(organisation__isnull=True, post__isnull=False)
                | Q(organisation__isnull=False, post__isnull=True),
                name="funding_contributor_is_one",
                violation_error_message="A contributor is an organisation or a post: choose one of the two.",
            ),
            models.UniqueConstraint(fields=["funding_source", "organisation"], name="funding_contributor_body_once"),
            models.UniqueConstraint(fields=["funding_source", "post"], name="funding_contributor_post_once"),
        ]

    def __str__(self) -> str:
        return self.post.title if self.post else str(self.organisation)

    @property
    def is_public(self) -> bool:
        """Whether the public may see who this is: the body, or the post's holder and its body."""
        named = (self.organisation,) if self.post is None else (self.post.person, self.post.organisation)
        return all(one is None or one.is_public for one in named)
