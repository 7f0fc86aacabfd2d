"""Money paid, and the explanations added to it. Rows never change."""

from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from funding import querysets
from funding.choices import NO_PERSONAL_DATA, PAYMENT_TEXT_FIELDS, Irregularity
from funding.models.allocations import Allocation
from funding.models.years import FinancialYear
from partners.models import Organisation
from vru_portal.ledger.append_only.models import AppendOnly, Reversible
from vru_portal.ledger.append_only.trigger import INSERT, Trigger
from vru_portal.ledger.money import PoundsField, SignedMoneyField, format_pounds
from vru_portal.text.dates import format_date
from vru_portal.text.fields import CalendarDateField, LineField, LongTextField, ReferenceField
from vru_portal.text.typed_dates import IN_OUR_TIME

REFERENCE_LENGTH = 60
IRREGULARITIES = tuple(Irregularity)  # iterating over the class itself would take longer than the rest of a row
READ_FLAGS = attrgetter(*IRREGULARITIES)
REFERENCE_TAKEN = (
    "A payment with this reference is already recorded. Capital letters do not make a different reference."
)


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
            "Choose the allocation itself, not its reversal.",
            "SELECT 1 FROM funding_allocation WHERE id = NEW.allocation_id",
            shared=True,
            prevents="A payment on a reversal would count against money that was taken back.",
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
    paid_on = CalendarDateField(**IN_OUR_TIME, db_index=True)
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

    def build_reversal(self) -> Self:
        """The row that would reverse this payment. References are unique, so it gets another."""
        row = super().build_reversal()
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
    if not any(READ_FLAGS(payment)):  # as with nearly every payment on a page
        return []
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
