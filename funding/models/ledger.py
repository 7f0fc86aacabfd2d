"""Money out: allocations, payments, and the explanations and contract copies added to them. Rows never change."""

from datetime import date
from decimal import Decimal
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from funding import querysets
from funding.choices import ALLOCATION_TEXT_FIELDS, PAYMENT_TEXT_FIELDS, Irregularity, Kind
from funding.models.years import ALLOCATED_PENCE_SQL, LOCK_SOURCE_SQL, SOURCE_PENCE_SQL, FinancialYear, FundingSource
from funding.validators import make_public_id, positive_unless_reversal, public_id_validator
from partners.models import Organisation
from programmes.models import EvidenceAssessment, Initiative
from vru_portal.ledger.append_only.models import AppendOnly, Reversible
from vru_portal.ledger.append_only.trigger import INSERT, Trigger
from vru_portal.ledger.money import PoundsField, SignedMoneyField, format_pounds
from vru_portal.text.dates import format_date
from vru_portal.text.fields import CalendarDateField, LineField, LongTextField, ReferenceField

NO_PERSONAL_DATA = "Published: no personal data."
REFERENCE_LENGTH = 60
IRREGULARITIES = tuple(Irregularity)  # to go through the class itself takes longer than all the rest of a row
REFERENCE_TAKEN = (
    "A payment is recorded already under this reference, or under one that differs only in capital letters."
)


class Allocation(Reversible):
    """Money set aside from one source for one initiative, after its evidence assessment was approved."""

    paid: Decimal  # set by `objects.with_paid()`
    approved_on: date | None  # set by `objects.with_approval()`
    approval_reasons: str | None  # likewise
    payment_count: int  # set by `objects.with_payment_count()`
    copy: int | None  # set by `objects.with_each_contract_copy()`
    copy_title: str | None  # likewise, and by `objects.with_latest_contract_copy()`
    copy_url: str | None  # likewise
    award_total: Decimal  # set by `objects.with_award_total()`

    mirrored = ("funding_source", "initiative", "assessment", "recipient", "awarded_by", "kind", "awarded_on")
    redactable = (*ALLOCATION_TEXT_FIELDS, "reason")
    names_published = ("initiative", "recipient", "awarded_by")
    triggers = (
        Trigger(
            "within_source",
            INSERT,
            "NEW.reverses_id IS NULL AND "
            + ALLOCATED_PENCE_SQL.format(source="NEW.funding_source_id")
            + " + ROUND(NEW.amount * 100) > "
            + SOURCE_PENCE_SQL.format(source="NEW.funding_source_id"),
            "This is more than is left of the source.",
            LOCK_SOURCE_SQL.format(source="NEW.funding_source_id"),
            bypassed="Two people who allocate at once could together give away more than the source holds.",
        ),
        Trigger(
            "assessed",
            INSERT,
            "NEW.reverses_id IS NULL AND NOT EXISTS (SELECT 1 FROM programmes_assessmentdecision d "
            "JOIN programmes_evidenceassessment e ON e.id = d.assessment_id WHERE e.id = NEW.assessment_id "
            "AND e.initiative_id = NEW.initiative_id AND d.outcome = 'approved' AND d.reverses_id IS NULL "
            "AND d.decided_on <= NEW.awarded_on AND d.recorded_by_id <> e.author_id "
            "AND NOT EXISTS (SELECT 1 FROM programmes_assessmentdecision r WHERE r.reverses_id = d.id))",
            "Money is allocated only after an evidence assessment of this initiative was approved, by somebody other "
            "than its author, on or before the day of the allocation.",
            "SELECT 1 FROM programmes_assessmentdecision WHERE assessment_id = NEW.assessment_id",
            shared=True,
            bypassed="Money could go to an initiative whose evidence nobody, or only its author, has approved.",
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
            bypassed="An approval could be reversed while the money allocated on it stays allocated.",
        ),
        Trigger(
            "not_reversed_under_payments",
            INSERT,
            "NEW.reverses_id IS NOT NULL AND EXISTS (SELECT 1 FROM funding_payment p "
            "WHERE p.allocation_id = NEW.reverses_id AND p.reverses_id IS NULL "
            "AND NOT EXISTS (SELECT 1 FROM funding_payment r WHERE r.reverses_id = p.id))",
            "Payments stand on this allocation. Reverse them first, then record them on the allocation that is right.",
            "SELECT 1 FROM funding_allocation WHERE id = NEW.reverses_id",
            bypassed="Payments could be left on an allocation that no longer counts.",
        ),
        Trigger(
            "continues_an_award",
            INSERT,
            "NEW.reverses_id IS NULL AND NEW.continues_id IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 FROM funding_allocation a WHERE a.id = NEW.continues_id "
            "AND a.reverses_id IS NULL AND a.continues_id IS NULL AND a.kind = NEW.kind "
            "AND a.initiative_id = NEW.initiative_id AND a.recipient_id = NEW.recipient_id "
            "AND NOT EXISTS (SELECT 1 FROM funding_allocation r WHERE r.reverses_id = a.id))",
            "An award over several years goes on for the same initiative and recipient: choose its first allocation.",
            bypassed="An award over several years could be reported under another recipient or initiative.",
        ),
        Trigger(
            "states_what_the_duty_asks",
            INSERT,
            "NEW.reverses_id IS NULL AND EXISTS (SELECT 1 FROM funding_dutycolumn c WHERE c.required "
            "AND c.list = CASE NEW.kind WHEN 'grant' THEN 'grants' ELSE 'contracts' END AND ("
            + " OR ".join(f"(c.field = '{name}' AND TRIM(NEW.{name}) = '')" for name in ALLOCATION_TEXT_FIELDS)
            + "))",
            "Something that the law requires to be published about an allocation is missing.",
            bypassed="The published spending data would lack a field that the law requires.",
        ),
    )

    public_id = models.CharField(
        max_length=10, unique=True, default=make_public_id, editable=False, validators=[public_id_validator]
    )
    funding_source = models.ForeignKey(FundingSource, on_delete=models.PROTECT, related_name="allocations")
    initiative = models.ForeignKey(Initiative, on_delete=models.PROTECT, related_name="allocations")
    assessment = models.ForeignKey(EvidenceAssessment, on_delete=models.PROTECT, related_name="allocations")
    recipient = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="allocations_received")
    awarded_by = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="allocations_made",
        help_text="The organisation that awards it.",
    )
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.GRANT)
    amount = SignedMoneyField()
    awarded_on = CalendarDateField(help_text="The day the decision was made.")
    starts_on = CalendarDateField("for work from", null=True, blank=True)
    ends_on = CalendarDateField("until", null=True, blank=True)
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
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="funding_allocation_kind_known"),
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
        return f"{self.public_id}: {self.initiative}, {self.recipient}"

    def get_absolute_url(self) -> str:
        """A reversal has no page of its own: it is shown with the allocation that it reverses."""
        original: Allocation = self.reverses or self  # type: ignore[assignment]
        return reverse("funding:allocation", args=[original.public_id])

    @property
    def still_to_pay(self) -> Decimal:
        """What is not paid yet, never more than the amount; negative if too much is paid. Needs `with_paid`."""
        return self.amount - max(self.paid, Decimal(0))

    def natural_key(self) -> tuple[str]:
        return (self.public_id,)

    def clean(self) -> None:
        """Refuse an amount of £0 or less, and a date in the future."""
        super().clean()
        positive_unless_reversal(self)
        if self.awarded_on and self.awarded_on > timezone.localdate():
            raise ValidationError({"awarded_on": "The date must be today or in the past."})


class Payment(Reversible):
    """Money paid, or paid back, as the finance system has it. It has happened, so it is recorded even if irregular."""

    # Set by `objects.with_irregularities()`.
    running: Decimal
    allocated: Decimal
    approved_on: date | None

    mirrored = ("allocation", "payee", "paid_on")
    redactable = (*PAYMENT_TEXT_FIELDS, "reason")
    names_published = ("payee",)
    triggers = (
        Trigger(
            "on_an_allocation",
            INSERT,
            "EXISTS (SELECT 1 FROM funding_allocation a WHERE a.id = NEW.allocation_id AND a.reverses_id IS NOT NULL)",
            "A payment is made on an allocation, not on the reversal of one.",
            "SELECT 1 FROM funding_allocation WHERE id = NEW.allocation_id",
            shared=True,
            bypassed="A payment on a reversal would count against money that was taken back.",
        ),
    )

    reference = ReferenceField(
        max_length=REFERENCE_LENGTH,
        unique=True,
        error_messages={"unique": REFERENCE_TAKEN},
        help_text="The finance system's own reference. Each can be used once.",
    )
    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="payments")
    payee = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="payments_received")
    paid_on = CalendarDateField(db_index=True)
    amount = SignedMoneyField(
        help_text="What it costs the budget: net amount plus VAT that cannot be recovered. Negative for a refund."
    )
    irrecoverable_vat = PoundsField(
        "VAT that cannot be recovered",
        null=True,
        blank=True,
        help_text="Part of the amount. Leave empty if it is not stated.",
    )
    purpose = LongTextField(blank=True, help_text=NO_PERSONAL_DATA)
    value_for_money = LongTextField("why it is value for money", blank=True, help_text=NO_PERSONAL_DATA)
    department = LineField(max_length=120, blank=True)
    merchant_category = LineField(max_length=120, blank=True)

    objects = querysets.PaymentQuerySet.as_manager()

    class Meta:
        ordering = ["paid_on", "id"]
        constraints = [
            *Reversible.Meta.constraints,
            models.UniqueConstraint(
                Lower("reference"),
                name="funding_payment_reference_once",
                violation_error_message=REFERENCE_TAKEN,
            ),
            models.CheckConstraint(condition=~Q(amount=0), name="funding_payment_not_nought"),
            models.CheckConstraint(
                condition=Q(irrecoverable_vat=None)
                | Q(amount__gt=0, irrecoverable_vat__gte=0, irrecoverable_vat__lte=F("amount"))
                | Q(amount__lt=0, irrecoverable_vat__lte=0, irrecoverable_vat__gte=F("amount")),
                name="funding_payment_vat_is_part",
                violation_error_message="VAT that cannot be recovered must be between £0 and the amount.",
            ),
        ]
        indexes = [models.Index(fields=["allocation", "paid_on", "id"], name="funding_payment_in_order")]

    def __str__(self) -> str:
        return self.reference

    def natural_key(self) -> tuple[str]:
        return (self.reference,)

    def clean(self) -> None:
        """Refuse a date in the future: a payment that is due has not been made."""
        super().clean()
        if self.paid_on and self.paid_on > timezone.localdate():
            raise ValidationError(
                {"paid_on": "The date must be today or in the past. Record a payment once it has been made."}
            )

    def opposite(self) -> Self:
        """The row that would reverse this payment. References are unique, so it gets another."""
        row = super().opposite()
        row.reference = f"{self.reference} reversed"
        if len(row.reference) > REFERENCE_LENGTH:  # the key tells it from others that begin alike
            row.reference = f"{self.reference[:30]}… {self.pk} reversed"
        row.irrecoverable_vat = None if self.irrecoverable_vat is None else -self.irrecoverable_vat
        return row

    @property
    def irregularities(self) -> list[str]:
        """A sentence for each irregularity of the payment. Needs `with_irregularities`."""
        return irregularities_of(self, self.allocation.funding_source.year)

    @property
    def net(self) -> Decimal | None:
        """The amount without irrecoverable VAT; None if that VAT is not stated."""
        return None if self.irrecoverable_vat is None else self.amount - self.irrecoverable_vat


def irregularities_of(payment: Any, year: FinancialYear) -> list[str]:
    """A sentence for each irregularity of a payment, or of a row with what `with_irregularities` adds to one."""
    return [irregularity_sentence(payment, name, year) for name in IRREGULARITIES if getattr(payment, name)]


def irregularity_sentence(payment: Any, irregularity: Irregularity, year: FinancialYear) -> str:
    # A date that is None is never compared, so it cannot be None where it made a payment irregular.
    match irregularity:
        case Irregularity.OVER:
            beyond = min(payment.running - payment.allocated, payment.amount)
            return f"{format_pounds(beyond)} over its allocation of {format_pounds(payment.allocated)}."
        case Irregularity.UNASSESSED:
            return f"Paid before its evidence assessment was approved on {format_date(payment.approved_on)}."
        case Irregularity.LATE:
            return f"Paid after {format_date(year.spend_by)}, the deadline for spending the money."  # type: ignore[arg-type]
        case Irregularity.OUTSIDE:
            return f"Paid outside the financial year {year.label}."
        case Irregularity.RETURNED:
            beyond = min(-payment.running, -payment.amount)
            return f"{format_pounds(beyond)} more paid back than had been paid on its allocation."


class Explanation(AppendOnly):
    """The unit's explanation of a payment that is an exception."""

    redactable = ("text",)

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="explanations")
    text = LongTextField(help_text=f"Why it happened and what was done. {NO_PERSONAL_DATA}")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"Explanation of {self.payment}"


class ContractCopy(AppendOnly):
    """Where a contract can be read."""

    redactable = ("title",)

    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="contract_copies")
    title = LineField(max_length=160)
    url = models.URLField("address")

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "contract copies"

    def __str__(self) -> str:
        return self.title
