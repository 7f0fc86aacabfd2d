"""Money set aside for an initiative or a budget heading, and the copies of contracts. Rows never change."""

from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from funding import querysets
from funding.choices import ALLOCATION_TEXT_FIELDS, NO_PERSONAL_DATA, AllocationKind
from funding.models.decisions import DECIDED_SQL, LOCK_DECISION, Decision
from funding.models.headings import BudgetHeading
from funding.models.sums import LIMIT_PENCE, LOCK_SOURCE, STANDS, TAKEN_PENCE
from funding.models.variations import Variation
from funding.models.years import FundingSource
from funding.validators import make_public_id, positive_unless_reversal, public_id_validator
from partners.models import Organisation
from programmes.models import EvidenceAssessment, Initiative
from vru_portal.ledger.append_only.models import AppendOnly, Reversible
from vru_portal.ledger.append_only.trigger import INSERT, Trigger
from vru_portal.ledger.money import SignedMoneyField
from vru_portal.text.fields import CalendarDateField, LineField, LongTextField, WebAddressField
from vru_portal.text.typed_dates import IN_OUR_TIME


class Allocation(Reversible):
    """Money set aside from one source: for one initiative whose evidence was assessed, or for one budget heading.

    `amount` is what was awarded. Variations take part of it since: `allocated` is what they leave.
    """

    paid: Decimal  # set by `objects.with_paid()`
    varied: Decimal  # set by `objects.with_varied()`
    approved_on: date | None  # set by `objects.with_approval()`
    approval_reasons: str | None  # likewise
    payment_count: int  # set by `objects.with_payment_count()`
    copy: int | None  # set by `objects.with_each_contract_copy()`
    copy_title: str | None  # likewise, and by `objects.with_latest_contract_copy()`
    copy_url: str | None  # likewise
    award_total: Decimal  # set by `objects.with_award_total()`

    mirrored = (
        *("funding_source", "initiative", "assessment", "heading", "decision"),
        *("recipient", "awarded_by", "kind", "awarded_on"),
    )
    redactable = (*ALLOCATION_TEXT_FIELDS, "reason")
    names_published = ("initiative", "heading", "recipient", "awarded_by")
    triggers = (
        Trigger(
            "within_source",
            INSERT,
            "NEW.reverses_id IS NULL AND "
            + TAKEN_PENCE.format(source="NEW.funding_source_id")
            + " + ROUND(NEW.amount * 100) > "
            + LIMIT_PENCE.format(source="NEW.funding_source_id"),
            "This is more than is left in the source.",
            LOCK_SOURCE.format(source="NEW.funding_source_id"),
            prevents="Two people who allocate at once could together give away more than the source holds.",
        ),
        Trigger(
            "assessed",
            INSERT,
            "NEW.reverses_id IS NULL AND NEW.initiative_id IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 FROM programmes_assessmentdecision d "
            "JOIN programmes_evidenceassessment e ON e.id = d.assessment_id WHERE e.id = NEW.assessment_id "
            "AND e.initiative_id = NEW.initiative_id AND d.outcome = 'approved' AND d.reverses_id IS NULL "
            "AND d.decided_on <= NEW.awarded_on AND d.recorded_by_id <> e.author_id "
            "AND NOT EXISTS (SELECT 1 FROM programmes_assessmentdecision r WHERE r.reverses_id = d.id))",
            "The initiative needs an evidence assessment that somebody other than its author approved on or before "
            "the date of the allocation.",
            "SELECT 1 FROM programmes_assessmentdecision WHERE assessment_id = NEW.assessment_id",
            shared=True,
            prevents="Money could go to an initiative whose evidence nobody, or only its author, has approved.",
        ),
        Trigger(
            "decided",
            INSERT,
            "NEW.reverses_id IS NULL AND NOT " + DECIDED_SQL.format(day="awarded_on"),
            "An allocation needs a recorded decision made on or before its date.",
            LOCK_DECISION,
            shared=True,
            prevents="Money could be given away, and nobody would have decided that.",
        ),
        Trigger(
            "moves",
            INSERT,
            "NEW.reverses_id IS NULL AND NEW.moved_from_id IS NOT NULL AND (NOT EXISTS (SELECT 1 "
            "FROM funding_variation v WHERE v.id = NEW.moved_from_id AND v.kind = 'move' "
            "AND v.funding_source_id = NEW.funding_source_id AND v.decision_id = NEW.decision_id "
            f"AND ROUND(v.amount * 100) = ROUND(NEW.amount * 100) AND {STANDS.format('v', 'funding_variation')}) "
            "OR EXISTS (SELECT 1 FROM funding_allocation a WHERE a.moved_from_id = NEW.moved_from_id "
            f"AND {STANDS.format('a', 'funding_allocation')}))",
            "A move must be allocated in full, once, from the same source and by the same decision.",
            "SELECT 1 FROM funding_variation WHERE id = NEW.moved_from_id",
            prevents="More could arrive than was moved, or from another source.",
        ),
        Trigger(
            "assessment_stands",
            INSERT,
            "NEW.reverses_id IS NOT NULL AND EXISTS (SELECT 1 FROM funding_allocation a "
            "JOIN programmes_assessmentdecision d ON d.assessment_id = a.assessment_id WHERE d.id = NEW.reverses_id "
            "AND a.reverses_id IS NULL AND NOT EXISTS (SELECT 1 FROM funding_allocation r WHERE r.reverses_id = a.id))",
            "Money is allocated on this decision. Reverse the allocations first.",
            "SELECT 1 FROM programmes_assessmentdecision WHERE id = NEW.reverses_id",
            "programmes_assessmentdecision",
            prevents="An approval could be reversed while the money allocated on it stays allocated.",
        ),
        Trigger(
            "not_reversed_under_payments",
            INSERT,
            "NEW.reverses_id IS NOT NULL AND EXISTS (SELECT 1 FROM funding_payment p "
            "WHERE p.allocation_id = NEW.reverses_id AND p.reverses_id IS NULL "
            "AND NOT EXISTS (SELECT 1 FROM funding_payment r WHERE r.reverses_id = p.id))",
            "This allocation has payments. Reverse them first, then record them against the correct allocation.",
            "SELECT 1 FROM funding_allocation WHERE id = NEW.reverses_id",
            prevents="Payments could be left on an allocation that no longer counts.",
        ),
        Trigger(
            "not_reversed_under_variations",
            INSERT,
            "NEW.reverses_id IS NOT NULL AND EXISTS (SELECT 1 FROM funding_variation v "
            f"WHERE v.allocation_id = NEW.reverses_id AND {STANDS.format('v', 'funding_variation')})",
            "Part of this allocation was released, moved or returned. Reverse that first.",
            "SELECT 1 FROM funding_allocation WHERE id = NEW.reverses_id",
            prevents="Money could be taken back that was released already, and so be counted twice.",
        ),
        Trigger(
            "continues_an_award",
            INSERT,
            "NEW.reverses_id IS NULL AND NEW.continues_id IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 FROM funding_allocation a WHERE a.id = NEW.continues_id "
            "AND a.reverses_id IS NULL AND a.continues_id IS NULL AND a.kind = NEW.kind "
            "AND NOT a.initiative_id {differs} NEW.initiative_id AND NOT a.heading_id {differs} NEW.heading_id "
            "AND a.recipient_id = NEW.recipient_id "
            "AND NOT EXISTS (SELECT 1 FROM funding_allocation r WHERE r.reverses_id = a.id))",
            "An award over several years must have the same initiative or heading and the same recipient each year. "
            "Choose its first allocation.",
            prevents="An award over several years could be reported under another recipient or initiative.",
        ),
        Trigger(
            "states_what_the_duty_asks",
            INSERT,
            "NEW.reverses_id IS NULL AND EXISTS (SELECT 1 FROM funding_dutycolumn c WHERE c.required "
            "AND c.list = CASE NEW.kind WHEN 'grant' THEN 'grants' WHEN 'contract' THEN 'contracts' END AND ("
            + " OR ".join(f"(c.field = '{name}' AND TRIM(NEW.{name}) = '')" for name in ALLOCATION_TEXT_FIELDS)
            + "))",
            "A field that the law requires to be published about an allocation is empty.",
            prevents="The published spending data would lack a field that the law requires.",
        ),
    )

    public_id = models.CharField(
        max_length=10, unique=True, default=make_public_id, editable=False, validators=[public_id_validator]
    )
    funding_source = models.ForeignKey(FundingSource, on_delete=models.PROTECT, related_name="allocations")
    initiative = models.ForeignKey(
        Initiative, on_delete=models.PROTECT, null=True, blank=True, related_name="allocations"
    )
    assessment = models.ForeignKey(
        EvidenceAssessment, on_delete=models.PROTECT, null=True, blank=True, related_name="allocations"
    )
    heading = models.ForeignKey(
        BudgetHeading,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="allocations",
        verbose_name="budget heading",
        help_text="Instead of an initiative.",
    )
    # Rows of an earlier version have none.
    decision = models.ForeignKey(
        Decision,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="allocations",
        help_text="The decision that it was made by.",
    )
    moved_from = models.ForeignKey(
        Variation, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="moved_into"
    )
    recipient = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="allocations_received")
    awarded_by = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="allocations_made",
        help_text="The organisation that awards it.",
    )
    kind = models.CharField(max_length=8, choices=AllocationKind, default=AllocationKind.GRANT)
    amount = SignedMoneyField()
    awarded_on = CalendarDateField(**IN_OUR_TIME, help_text="The day the decision was made.")
    starts_on = CalendarDateField("for work from", **IN_OUR_TIME, null=True, blank=True)
    ends_on = CalendarDateField("until", **IN_OUR_TIME, null=True, blank=True)
    continues = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="continued_by",
        help_text="For an award over several years, the allocation of its first year.",
    )
    purpose = LongTextField(blank=True, help_text=f"What the money is for. {NO_PERSONAL_DATA}")
    conditions = LongTextField(blank=True, help_text=f"The conditions on which it is given. {NO_PERSONAL_DATA}")
    reasons = LongTextField(blank=True, help_text=f"Why it is given, and why to this recipient. {NO_PERSONAL_DATA}")
    value_for_money = LongTextField(blank=True, help_text=f"Why it is value for money. {NO_PERSONAL_DATA}")
    department = LineField(max_length=120, blank=True)
    merchant_category = LineField(max_length=120, blank=True)

    objects = querysets.AllocationQuerySet.as_manager()

    class Meta:
        ordering = ["awarded_on", "id"]
        constraints = [
            *Reversible.Meta.constraints,
            models.CheckConstraint(
                condition=Q(reverses=None, amount__gt=0) | Q(reverses__isnull=False, amount__lt=0),
                name="funding_allocation_positive",
                violation_error_message="Enter an amount of at least £0.01.",
            ),
            models.CheckConstraint(
                condition=Q(initiative__isnull=False, assessment__isnull=False, heading=None)
                | Q(initiative=None, assessment=None, heading__isnull=False),
                name="funding_allocation_for_one_thing",
                violation_error_message="Choose either an initiative or a budget heading.",
            ),
            models.CheckConstraint(condition=Q(kind__in=AllocationKind.values), name="funding_allocation_kind_known"),
            models.CheckConstraint(
                condition=~Q(kind=AllocationKind.OWN) | Q(heading__isnull=False),
                name="funding_allocation_own_of_a_heading",
                violation_error_message="Own costs belong to a budget heading. Choose one, or another kind.",
            ),
            models.CheckConstraint(
                condition=Q(reverses__isnull=False) | ~Q(purpose=""),
                name="funding_allocation_has_purpose",
                violation_error_message="Enter what the money is for. It is published with the allocation.",
            ),
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(starts_on=None) | Q(ends_on__gte=F("starts_on")),
                name="funding_allocation_ends_after_start",
                violation_error_message="The end date must not be before the start date.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id}: {self.subject}, {self.recipient}"

    def get_absolute_url(self) -> str:
        """A reversal has no page of its own: it is shown with the allocation that it reverses."""
        original: Allocation = self.reverses or self  # type: ignore[assignment]
        return reverse("funding:allocation", args=[original.public_id])

    @property
    def subject(self) -> Initiative | BudgetHeading:
        """What the money is for."""
        return self.initiative or self.heading  # type: ignore[return-value]  # a constraint: one of them

    @property
    def is_sensitive(self) -> bool:
        """Whether it is for an initiative on a sensitive topic: pages that describe it have the quick exit."""
        return bool(self.initiative and self.initiative.sensitive_topic)

    @property
    def allocated(self) -> Decimal:
        """What variations leave of the amount. Needs `with_varied`."""
        return self.amount - self.varied

    @property
    def still_to_pay(self) -> Decimal:
        """What is not paid yet, never more than is allocated; negative if too much is paid. Needs `with_paid`."""
        return self.allocated - max(self.paid, Decimal(0))

    @property
    def unpaid(self) -> Decimal:
        """What can still be released, moved or returned. Needs `with_varied` and `with_paid`."""
        return max(self.still_to_pay, Decimal(0))

    def natural_key(self) -> tuple[str]:
        return (self.public_id,)

    def clean(self) -> None:
        """Refuse an amount of £0 or less, and a date in the future."""
        super().clean()
        positive_unless_reversal(self)
        if self.awarded_on and self.awarded_on > timezone.localdate():
            raise ValidationError({"awarded_on": "The date must be today or in the past."})


class ContractCopy(AppendOnly):
    """Where a contract can be read."""

    redactable = ("title",)

    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="contract_copies")
    title = LineField(max_length=160)
    url = WebAddressField("address")

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "contract copies"

    def __str__(self) -> str:
        return self.title
