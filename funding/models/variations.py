"""What becomes of money that will not be spent as it was allocated."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from funding import querysets
from funding.choices import VariationKind
from funding.models.decisions import DECIDED_SQL, LOCK_DECISION, Decision
from funding.models.sums import (
    LIMIT_PENCE,
    LOCK_ALLOCATION,
    LOCK_SOURCE,
    NET_PENCE,
    PAID_PENCE,
    SOURCE_PENCE,
    STANDS,
    TAKEN_PENCE,
)
from funding.models.years import FundingSource
from funding.validators import make_public_id, positive_unless_reversal, public_id_validator
from vru_portal.ledger.append_only.models import Reversible
from vru_portal.ledger.append_only.trigger import INSERT, Trigger
from vru_portal.ledger.money import SignedMoneyField
from vru_portal.text.fields import CalendarDateField, LongTextField
from vru_portal.text.typed_dates import IN_OUR_TIME

_NET = NET_PENCE.format(allocation="NEW.allocation_id")
_PAID = PAID_PENCE.format(allocation="NEW.allocation_id")
_TAKEN = TAKEN_PENCE.format(source="NEW.funding_source_id")
_LOCK_SOURCE = LOCK_SOURCE.format(source="NEW.funding_source_id")


class Variation(Reversible):
    """One step that takes money out of an allocation, or returns what no allocation holds. Never what is paid.

    Money that is released, moved or left when an award ends becomes available in its source again. A move is completed
    by an allocation that names it (`Allocation.moved_from`). Money that is returned leaves the source as well.
    """

    mirrored = ("kind", "funding_source", "allocation", "decision", "varied_on")
    redactable = ("reasons", "reason")
    triggers = (
        # PostgreSQL fires triggers by name: the source is locked before the allocation, as the rules lock them.
        Trigger(
            "a_return_within_source",
            INSERT,
            f"NEW.reverses_id IS NULL AND NEW.allocation_id IS NULL AND {_TAKEN} + ROUND(NEW.amount * 100) > "
            + SOURCE_PENCE.format(source="NEW.funding_source_id"),
            "You cannot return more than is left in the source.",
            _LOCK_SOURCE,
            prevents="Money could be returned that is promised to somebody, and the source would not add up.",
        ),
        Trigger(
            "a_reversal_within_source",
            INSERT,
            "NEW.reverses_id IS NOT NULL AND NEW.allocation_id IS NOT NULL AND NEW.kind <> 'return' "
            f"AND {_TAKEN} - ROUND(NEW.amount * 100) > " + LIMIT_PENCE.format(source="NEW.funding_source_id"),
            "This money has since been allocated, carried forward or returned. Reverse that first.",
            _LOCK_SOURCE,
            prevents="Money could be back in an allocation and in another one as well.",
        ),
        Trigger(
            "decided",
            INSERT,
            "NEW.reverses_id IS NULL AND NOT " + DECIDED_SQL.format(day="varied_on"),
            "A variation needs a recorded decision made on or before its date.",
            LOCK_DECISION,
            shared=True,
            prevents="An award could be cut or moved, and nobody would have decided that.",
        ),
        Trigger(
            "move_not_reversed_alone",
            INSERT,
            "NEW.reverses_id IS NOT NULL AND EXISTS (SELECT 1 FROM funding_allocation a "
            f"WHERE a.moved_from_id = NEW.reverses_id AND {STANDS.format('a', 'funding_allocation')})",
            "The money was moved into another allocation. Reverse that allocation first.",
            "SELECT 1 FROM funding_variation WHERE id = NEW.reverses_id",
            prevents="Money could be in the award that it was moved from and in the one that it was moved to.",
        ),
        Trigger(
            "of_its_source",
            INSERT,
            "NEW.allocation_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM funding_allocation a "
            "WHERE a.id = NEW.allocation_id AND a.reverses_id IS NULL "
            "AND a.funding_source_id = NEW.funding_source_id AND a.awarded_on <= NEW.varied_on)",
            "A variation must be dated on or after its allocation, and use the allocation's source.",
            prevents="Money of one source could be given back to another, or before it was allocated.",
        ),
        Trigger(
            "unpaid",
            INSERT,
            "NEW.reverses_id IS NULL AND NEW.allocation_id IS NOT NULL AND ("
            f"ROUND(NEW.amount * 100) > {_NET} OR ROUND(NEW.amount * 100) > {_NET} - {_PAID} "
            f"OR (NEW.kind = 'end' AND ROUND(NEW.amount * 100) < {_NET} "
            f"AND ROUND(NEW.amount * 100) < {_NET} - {_PAID}))",
            "You can release, move or return only what is allocated and not paid. Ending an award takes all of it.",
            LOCK_ALLOCATION.format(allocation="NEW.allocation_id"),
            prevents="An allocation could end up below what was paid on it, and the difference would exist twice.",
        ),
    )

    public_id = models.CharField(
        max_length=10, unique=True, default=make_public_id, editable=False, validators=[public_id_validator]
    )
    kind = models.CharField(max_length=7, choices=VariationKind)
    funding_source = models.ForeignKey(FundingSource, on_delete=models.PROTECT, related_name="variations")
    allocation = models.ForeignKey(
        "funding.Allocation", on_delete=models.PROTECT, null=True, blank=True, related_name="variations"
    )
    amount = SignedMoneyField()
    varied_on = CalendarDateField("from", **IN_OUR_TIME, help_text="The day from which it counts.")
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="variations")
    reasons = LongTextField(
        blank=True, help_text="Why the money is not spent as it was allocated. Published: no personal data."
    )

    objects = querysets.VariationQuerySet.as_manager()

    class Meta:
        ordering = ["varied_on", "id"]
        constraints = [
            *Reversible.Meta.constraints,
            models.CheckConstraint(
                condition=Q(reverses=None, amount__gt=0) | Q(reverses__isnull=False, amount__lt=0),
                name="funding_variation_positive",
                violation_error_message="Enter an amount of at least £0.01.",
            ),
            models.CheckConstraint(condition=Q(kind__in=VariationKind.values), name="funding_variation_kind_known"),
            models.CheckConstraint(
                condition=Q(allocation__isnull=False) | Q(kind=VariationKind.RETURN),
                name="funding_variation_of_an_allocation",
                violation_error_message="Choose the allocation. Only a return can be of money that is not allocated.",
            ),
            models.CheckConstraint(
                condition=Q(reverses__isnull=False) | ~Q(reasons=""),
                name="funding_variation_has_reasons",
                violation_error_message="Enter the reasons. They are published with the variation.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.public_id}"

    def natural_key(self) -> tuple[str]:
        return (self.public_id,)

    def get_absolute_url(self) -> str:
        """The allocation that it varies; otherwise the variations of the year."""
        if self.allocation:
            return f"{self.allocation.get_absolute_url()}#variations"
        return f"{self.funding_source.year.get_absolute_url()}#variations"

    def clean(self) -> None:
        """Refuse an amount of £0 or less, a day to come, and a variation without reasons."""
        super().clean()
        positive_unless_reversal(self)
        if self.reverses_id is None and not self.reasons.strip():
            raise ValidationError({"reasons": "Enter the reasons. They are published with the variation."})
        if self.varied_on and self.varied_on > timezone.localdate():
            raise ValidationError({"varied_on": "The date must be today or in the past."})
