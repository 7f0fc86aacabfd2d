"""Money out: allocations, the payments made on them, and what is said of both. Rows that never change."""

from datetime import date
from decimal import Decimal
from typing import Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from funding import querysets
from funding.choices import ALLOCATION_WORDS, PAYMENT_WORDS, Irregularity, Kind
from funding.models.years import BRINGS, LOCK_SOURCE, TAKEN, FinancialYear, FundingSource
from funding.validators import make_public_id, positive_unless_reversal, public_id_validator
from partners.models import Organisation
from programmes.models import LEVEL_PUBLISHED, EvidenceAssessment, Initiative
from vru_portal.append_only import INSERT, STAYS_PUBLISHED, UPDATE, AppendOnly, Guard, Reversible
from vru_portal.money import PoundsField, SignedMoneyField, pounds

NO_PERSONAL_DATA = "Published: no personal data."
REFERENCE_LENGTH = 60


class Allocation(Reversible):
    """Money of one source set aside for one initiative, after its evidence assessment was approved."""

    paid: Decimal  # set by `objects.with_paid()`
    approved_on: date | None  # set by `objects.with_approval()`
    approval_reasons: str | None  # likewise
    payment_count: int  # set by `objects.with_payment_count()`
    copy: int | None  # set by `objects.with_copies()`
    copy_title: str | None  # likewise, and by `objects.with_copy()`
    copy_url: str | None  # likewise
    award_total: Decimal  # set by `objects.with_award()`

    mirrored = ("funding_source", "initiative", "assessment", "recipient", "awarded_by", "kind", "awarded_on")
    redactable = (*ALLOCATION_WORDS, "reason")
    names_published = ("initiative", "recipient", "awarded_by")
    guards = (
        Guard(
            "within_source",
            INSERT,
            "NEW.reverses_id IS NULL AND "
            + TAKEN.format(source="NEW.funding_source_id")
            + " + ROUND(NEW.amount * 100) > "
            + BRINGS.format(source="NEW.funding_source_id"),
            "This is more than is left of the source.",
            LOCK_SOURCE.format(source="NEW.funding_source_id"),
        ),
        Guard(
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
        ),
        Guard(
            "assessment_stands",
            INSERT,
            "NEW.reverses_id IS NOT NULL AND EXISTS (SELECT 1 FROM funding_allocation a "
            "JOIN programmes_assessmentdecision d ON d.assessment_id = a.assessment_id WHERE d.id = NEW.reverses_id "
            "AND a.reverses_id IS NULL AND NOT EXISTS (SELECT 1 FROM funding_allocation r WHERE r.reverses_id = a.id))",
            "Money is allocated on this decision. Reverse the allocations first.",
            "SELECT 1 FROM programmes_assessmentdecision WHERE id = NEW.reverses_id",
            "programmes_assessmentdecision",
        ),
        Guard(
            "not_reversed_under_payments",
            INSERT,
            "NEW.reverses_id IS NOT NULL AND EXISTS (SELECT 1 FROM funding_payment p "
            "WHERE p.allocation_id = NEW.reverses_id AND p.reverses_id IS NULL "
            "AND NOT EXISTS (SELECT 1 FROM funding_payment r WHERE r.reverses_id = p.id))",
            "Payments stand on this allocation. Reverse them first, then record them on the allocation that is right.",
            "SELECT 1 FROM funding_allocation WHERE id = NEW.reverses_id",
        ),
        Guard(
            "continues_an_award",
            INSERT,
            "NEW.reverses_id IS NULL AND NEW.continues_id IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 FROM funding_allocation a WHERE a.id = NEW.continues_id "
            "AND a.reverses_id IS NULL AND a.continues_id IS NULL AND a.kind = NEW.kind "
            "AND a.initiative_id = NEW.initiative_id AND a.recipient_id = NEW.recipient_id "
            "AND NOT EXISTS (SELECT 1 FROM funding_allocation r WHERE r.reverses_id = a.id))",
            "An award over several years goes on for the same initiative and recipient: choose its first allocation.",
        ),
        Guard(
            "states_what_the_duty_asks",
            INSERT,
            "NEW.reverses_id IS NULL AND EXISTS (SELECT 1 FROM funding_dutycolumn c WHERE c.required "
            "AND c.list = CASE NEW.kind WHEN 'grant' THEN 'grants' ELSE 'contracts' END AND ("
            + " OR ".join(f"(c.field = '{name}' AND TRIM(NEW.{name}) = '')" for name in ALLOCATION_WORDS)
            + "))",
            "Something that the law asks to be published of an allocation is missing.",
        ),
        Guard(
            "level_published",
            INSERT,
            "EXISTS (SELECT 1 FROM programmes_initiative i JOIN programmes_preventionlevel l ON l.id = i.level_id "
            "WHERE i.id = NEW.initiative_id AND l.state <> 'published')",
            "The initiative's level of prevention is a draft. Publish it first: what is recorded here is public.",
            "SELECT 1 FROM programmes_preventionlevel WHERE id = "
            "(SELECT level_id FROM programmes_initiative WHERE id = NEW.initiative_id)",
            shared=True,
        ),
        Guard(
            "level_stays",
            UPDATE,
            "NEW.state <> 'published' AND EXISTS (SELECT 1 FROM funding_allocation a "
            "JOIN programmes_initiative i ON i.id = a.initiative_id WHERE i.level_id = NEW.id)",
            STAYS_PUBLISHED.format("level of prevention"),
            table="programmes_preventionlevel",
        ),
        Guard(
            "level_not_replaced",
            INSERT,
            "EXISTS (SELECT 1 FROM funding_allocation a "
            "JOIN programmes_initiative i ON i.id = a.initiative_id WHERE i.level_id = NEW.id)",
            STAYS_PUBLISHED.format("level of prevention"),
            table="programmes_preventionlevel",
        ),
        Guard(
            "initiative_not_replaced",
            INSERT,
            "EXISTS (SELECT 1 FROM funding_allocation a WHERE a.initiative_id = NEW.id)",
            STAYS_PUBLISHED.format("initiative"),
            table="programmes_initiative",
        ),
        Guard(
            "stays_on_a_published_level",
            UPDATE,
            "NEW.level_id <> OLD.level_id AND EXISTS (SELECT 1 FROM programmes_preventionlevel l "
            "WHERE l.id = NEW.level_id AND l.state <> 'published') "
            "AND EXISTS (SELECT 1 FROM funding_allocation a WHERE a.initiative_id = NEW.id)",
            LEVEL_PUBLISHED,
            "SELECT 1 FROM programmes_preventionlevel WHERE id = NEW.level_id",
            "programmes_initiative",
            shared=True,
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
        Organisation, on_delete=models.PROTECT, related_name="allocations_made", help_text="The body that awards it."
    )
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.GRANT)
    amount = SignedMoneyField()
    awarded_on = models.DateField(help_text="The day on which it was decided.")
    starts_on = models.DateField("for work from", null=True, blank=True)
    ends_on = models.DateField("until", null=True, blank=True)
    continues = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="continued_by",
        help_text="For an award over several years: the allocation of its first year.",
    )
    purpose = models.TextField(blank=True, help_text=f"What the money is for. {NO_PERSONAL_DATA}")
    conditions = models.TextField(blank=True, help_text=f"On what conditions it is given. {NO_PERSONAL_DATA}")
    reasons = models.TextField(blank=True, help_text=f"Why it is given, and to this recipient. {NO_PERSONAL_DATA}")
    value_for_money = models.TextField(blank=True, help_text=f"Why it is value for money. {NO_PERSONAL_DATA}")
    department = models.CharField(max_length=120, blank=True)
    merchant_category = models.CharField(max_length=120, blank=True)

    objects = querysets.AllocationQuerySet.as_manager()

    class Meta:
        ordering = ["awarded_on", "id"]
        constraints = [
            *Reversible.Meta.constraints,
            models.CheckConstraint(
                condition=Q(reverses=None, amount__gt=0) | Q(reverses__isnull=False, amount__lt=0),
                name="funding_allocation_positive",
                violation_error_message="A sum must be at least £0.01.",
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="funding_allocation_kind_known"),
            models.CheckConstraint(
                condition=Q(reverses__isnull=False) | ~Q(purpose=""),
                name="funding_allocation_has_purpose",
                violation_error_message="Say what the money is for: it is published with the allocation.",
            ),
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(starts_on=None) | Q(ends_on__gte=F("starts_on")),
                name="funding_allocation_ends_after_start",
                violation_error_message="The work ends after it starts.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id}: {self.initiative}, {self.recipient}"

    def get_absolute_url(self) -> str:
        """Its page; a reversal is shown with what it reverses."""
        shown: Allocation = self.reverses or self  # type: ignore[assignment]
        return reverse("funding:allocation", args=[shown.public_id])

    @property
    def still_to_pay(self) -> Decimal:
        """What is not paid yet of an allocation fetched `with_paid`; less than nought where too much is."""
        return self.amount - self.paid

    def natural_key(self) -> tuple[str]:
        """Its id."""
        return (self.public_id,)

    def clean(self) -> None:
        """Hold the sum above nought; refuse a day that has not come."""
        super().clean()
        positive_unless_reversal(self)
        if self.awarded_on and self.awarded_on > timezone.localdate():
            raise ValidationError({"awarded_on": "This day has not come yet."})


class Payment(Reversible):
    """Money paid, or paid back, as the finance system has it: a fact, so it is recorded whatever is wrong with it."""

    # Set by `objects.with_irregularities()`.
    running: Decimal
    allocated: Decimal
    approved_on: date | None

    mirrored = ("allocation", "payee", "paid_on")
    redactable = (*PAYMENT_WORDS, "reason")
    names_published = ("payee",)
    guards = (
        Guard(
            "on_an_allocation",
            INSERT,
            "EXISTS (SELECT 1 FROM funding_allocation a WHERE a.id = NEW.allocation_id AND a.reverses_id IS NOT NULL)",
            "A payment is made on an allocation, not on the reversal of one.",
            "SELECT 1 FROM funding_allocation WHERE id = NEW.allocation_id",
            shared=True,
        ),
    )

    reference = models.CharField(
        max_length=REFERENCE_LENGTH, unique=True, help_text="The finance system's own: each comes once."
    )
    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="payments")
    payee = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="payments_received")
    paid_on = models.DateField(db_index=True)
    amount = SignedMoneyField(
        help_text="What it costs the budget: net and the VAT that cannot be recovered. Negative for a refund."
    )
    irrecoverable_vat = PoundsField(
        "VAT that cannot be recovered", null=True, blank=True, help_text="A part of the sum. Empty: not stated."
    )
    purpose = models.TextField(blank=True, help_text=NO_PERSONAL_DATA)
    value_for_money = models.TextField("why it is value for money", blank=True, help_text=NO_PERSONAL_DATA)
    department = models.CharField(max_length=120, blank=True)
    merchant_category = models.CharField(max_length=120, blank=True)

    objects = querysets.PaymentQuerySet.as_manager()

    class Meta:
        ordering = ["paid_on", "id"]
        constraints = [
            *Reversible.Meta.constraints,
            models.CheckConstraint(condition=~Q(amount=0), name="funding_payment_not_nought"),
            models.CheckConstraint(
                condition=Q(irrecoverable_vat=None)
                | Q(amount__gt=0, irrecoverable_vat__gte=0, irrecoverable_vat__lte=F("amount"))
                | Q(amount__lt=0, irrecoverable_vat__lte=0, irrecoverable_vat__gte=F("amount")),
                name="funding_payment_vat_is_part",
                violation_error_message="VAT that cannot be recovered is a part of the sum: between £0 and the sum.",
            ),
        ]
        indexes = [models.Index(fields=["allocation", "paid_on", "id"], name="funding_payment_in_order")]

    def __str__(self) -> str:
        return self.reference

    def natural_key(self) -> tuple[str]:
        """Its reference."""
        return (self.reference,)

    def clean(self) -> None:
        """Refuse a day that has not come: what is to be paid is no payment yet."""
        super().clean()
        if self.paid_on and self.paid_on > timezone.localdate():
            raise ValidationError(
                {"paid_on": "This day has not come yet: record what is paid, not what is to be paid."}
            )

    def opposite(self) -> Self:
        """Return the row that would take this payment back."""
        row = super().opposite()
        row.reference = f"{self.reference} reversed"
        if len(row.reference) > REFERENCE_LENGTH:  # others may begin alike
            row.reference = f"{self.reference[:30]}… {self.pk} reversed"
        row.irrecoverable_vat = None if self.irrecoverable_vat is None else -self.irrecoverable_vat
        return row

    @property
    def irregularities(self) -> list[str]:
        """What is irregular of a payment fetched `with_irregularities`, each as a sentence."""
        year = self.allocation.funding_source.year
        found = [name for name in Irregularity if getattr(self, name)]
        return [self._sentence(name, year) for name in found]

    def _sentence(self, irregularity: Irregularity, year: FinancialYear) -> str:
        match irregularity:
            case Irregularity.OVER:
                beyond = min(self.running - self.allocated, self.amount)
                return f"{pounds(beyond)} over its allocation of {pounds(self.allocated)}."
            case Irregularity.UNASSESSED:
                return f"Paid before its evidence assessment was approved on {self.approved_on:%-d %B %Y}."
            case Irregularity.LATE:
                return f"Paid after {year.spend_by:%-d %B %Y}, by when the money had to be spent."
            case Irregularity.OUTSIDE:
                return f"Paid outside the financial year {year.label}."
            case Irregularity.RETURNED:
                beyond = min(-self.running, -self.amount)
                return f"{pounds(beyond)} more paid back than had been paid on its allocation."

    @property
    def net(self) -> Decimal | None:
        """The sum without VAT, where the VAT in it is stated."""
        return None if self.irrecoverable_vat is None else self.amount - self.irrecoverable_vat


class Explanation(AppendOnly):
    """What the unit says of a payment that is an exception."""

    redactable = ("text",)

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="explanations")
    text = models.TextField(help_text=f"Why it happened and what was done. {NO_PERSONAL_DATA}")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"Explanation of {self.payment}"


class ContractCopy(AppendOnly):
    """Where a contract can be read."""

    redactable = ("title",)

    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="contract_copies")
    title = models.CharField(max_length=160)
    url = models.URLField("address")

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "contract copies"

    def __str__(self) -> str:
        return self.title
