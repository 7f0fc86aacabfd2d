"""What a funder asks in return for its money, and what was done towards it that the ledger does not show."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from funding import querysets
from funding.choices import ConditionKind, CostKind
from funding.models.headings import BudgetHeading
from funding.models.years import FundingSource
from funding.validators import positive_unless_reversal
from partners.models import Organisation
from partners.provenance import Sourced
from programmes.models import PreventionLevel
from vru_portal.ledger.append_only.models import Reversible
from vru_portal.ledger.append_only.trigger import INSERT, Trigger
from vru_portal.ledger.money import MoneyField, SignedMoneyField, format_pounds
from vru_portal.text.dates import format_date
from vru_portal.text.fields import CalendarDateField, LineField
from vru_portal.text.typed_dates import IN_OUR_TIME

OF_MONEY = (ConditionKind.AT_LEAST, ConditionKind.AT_MOST, ConditionKind.MATCH)
OF_A_DAY = (ConditionKind.SPEND_BY, ConditionKind.CLAIM_BY)
OF_USE = (ConditionKind.AT_LEAST, ConditionKind.AT_MOST)
# What was done towards these is recorded: the ledger has neither other people's money nor what was claimed.
RECORDED = (ConditionKind.MATCH, ConditionKind.CLAIM_BY)


class SourceCondition(Reversible, Sourced):
    """A condition of a source: a share or sum for something, match funding, or a day: see `funding/conditions.py`."""

    mirrored = (
        *("funding_source", "kind", "share", "sum", "share_of", "heading", "level", "cost_kind", "counts_paid"),
        *("by_day", "source", "as_at"),
    )
    redactable = ("wording", "reason")
    changeable_fields = ("checked_on",)

    funding_source = models.ForeignKey(FundingSource, on_delete=models.PROTECT, related_name="conditions")
    kind = models.CharField(max_length=8, choices=ConditionKind)
    share = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MaxValueValidator(100)],
        help_text="Per cent. Enter a share or a sum.",
    )
    sum = MoneyField(null=True, blank=True)
    share_of = models.CharField(
        max_length=13,
        choices=CostKind,
        blank=True,
        help_text="The kind of cost that it is a share of, such as a share of interventions for evaluating them. "
        "Leave empty for a share of the whole funding source.",
    )
    heading = models.ForeignKey(
        BudgetHeading, on_delete=models.PROTECT, null=True, blank=True, related_name="source_conditions"
    )
    level = models.ForeignKey(
        PreventionLevel, on_delete=models.PROTECT, null=True, blank=True, related_name="source_conditions"
    )
    cost_kind = models.CharField("kind of cost", max_length=13, choices=CostKind, blank=True)
    counts_paid = models.BooleanField(
        "counts what is paid",
        default=False,
        help_text="Tick this if the funder looks at what was spent. Otherwise, what is allocated counts.",
    )
    by_day = CalendarDateField(
        **IN_OUR_TIME, null=True, blank=True, help_text="The last day on which to spend or claim."
    )
    wording = LineField(max_length=300, blank=True, help_text="The publication's own words, without quotation marks.")

    objects = querysets.SourceConditionQuerySet.as_manager()

    class Meta:
        ordering = ["funding_source", "id"]
        constraints = [
            *Reversible.Meta.constraints,
            models.CheckConstraint(condition=Q(kind__in=ConditionKind.values), name="funding_condition_kind_known"),
            models.CheckConstraint(
                condition=Q(kind__in=OF_A_DAY, share=None, sum=None)
                # a comparison with NULL is NULL, and lets a row through
                | Q(kind__in=OF_MONEY, share__isnull=False, share__gt=0, share__lte=100, sum=None)
                | Q(kind__in=OF_MONEY, share=None, sum__isnull=False, sum__gt=0),
                name="funding_condition_share_or_sum",
                violation_error_message="Enter either a share or a sum. A day to spend or claim by has neither.",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=OF_A_DAY, by_day__isnull=False) | Q(kind__in=OF_MONEY, by_day=None),
                name="funding_condition_day",
                violation_error_message="Enter a day only for money to be spent or claimed by then.",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=OF_USE, heading__isnull=False, level=None, cost_kind="")
                | Q(kind__in=OF_USE, heading=None, level__isnull=False, cost_kind="")
                | (Q(kind__in=OF_USE, heading=None, level=None) & ~Q(cost_kind=""))
                | (~Q(kind__in=OF_USE) & Q(heading=None, level=None, cost_kind="")),
                name="funding_condition_for_one_thing",
                violation_error_message="Choose a heading, a level or a kind of cost: one of them, and only for at "
                "least or at most.",
            ),
            models.CheckConstraint(
                condition=Q(share_of="") | Q(share_of__in=CostKind.values, share__isnull=False, kind__in=OF_USE),
                name="funding_condition_share_of_a_kind",
                violation_error_message="Only a share for something can be a share of a kind of cost.",
            ),
            models.CheckConstraint(
                condition=Q(counts_paid=False) | Q(kind__in=OF_USE),
                name="funding_condition_counts_paid",
                violation_error_message="Only at least and at most can count what is paid: the other kinds say what "
                "counts.",
            ),
            models.CheckConstraint(
                condition=Q(cost_kind__in=["", *CostKind.values]), name="funding_condition_cost_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.in_words}: {self.funding_source}"

    @property
    def in_words(self) -> str:
        """What the funder asks, such as “At least 20% of the source for Staff”."""
        if self.kind in OF_A_DAY:
            return f"{self.get_kind_display()} {format_date(self.by_day) if self.by_day else '…'}"
        amount = format_pounds(self.sum or Decimal(0)) if self.share is None else self.share_in_words
        if self.kind == ConditionKind.MATCH:
            return f"Match funding of {amount}"
        subject = self.heading or self.level or CostKind(self.cost_kind or CostKind.OTHER).label
        return f"{self.get_kind_display()} {amount} {'spent on' if self.counts_paid else 'for'} {subject}"

    @property
    def share_in_words(self) -> str:
        of = CostKind(self.share_of).label.lower() if self.share_of else "the source"
        if self.share_of and self.counts_paid:
            of = f"spending on {of}"
        return f"{(self.share or Decimal(0)).normalize():f}% of {of}"


class Fulfilment(Reversible, Sourced):
    """Match funding that others gave, or a claim that was sent to the funder. It is never added to the budget."""

    mirrored = ("condition", "organisation", "happened_on", "source", "as_at")
    redactable = ("note", "reason")
    changeable_fields = ("checked_on",)
    names_published = ("organisation",)
    triggers = (
        Trigger(
            "of_a_condition_that_needs_it",
            INSERT,
            "NOT EXISTS (SELECT 1 FROM funding_sourcecondition c WHERE c.id = NEW.condition_id "
            "AND c.reverses_id IS NULL AND ((c.kind = 'match' AND NEW.organisation_id IS NOT NULL) "
            "OR (c.kind = 'claim-by' AND NEW.organisation_id IS NULL)))",
            "Enter the organisation for match funding. Leave it empty for a claim.",
            prevents="A condition could be met by what has nothing to do with it.",
        ),
    )

    condition = models.ForeignKey(SourceCondition, on_delete=models.PROTECT, related_name="fulfilments")
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="match_funding",
        help_text="Who gave the match funding. Leave empty for a claim.",
    )
    amount = SignedMoneyField()
    happened_on = CalendarDateField("on", **IN_OUR_TIME, help_text="The day of the gift or of the claim.")
    note = LineField(max_length=200, blank=True)

    objects = querysets.FulfilmentQuerySet.as_manager()

    class Meta:
        ordering = ["happened_on", "id"]
        constraints = [
            *Reversible.Meta.constraints,
            models.CheckConstraint(
                condition=Q(reverses=None, amount__gt=0) | Q(reverses__isnull=False, amount__lt=0),
                name="funding_fulfilment_positive",
                violation_error_message="Enter an amount of at least £0.01.",
            ),
        ]

    def __str__(self) -> str:
        return str(self.organisation or "Claim")

    def clean(self) -> None:
        """Refuse an amount of £0 or less, and a day to come."""
        super().clean()
        positive_unless_reversal(self)
        if self.happened_on and self.happened_on > timezone.localdate():
            raise ValidationError({"happened_on": "The date must be today or in the past."})
