"""Regranting: allocations whose recipients award the money on, and what they have reported of that."""

from typing import Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from funding import querysets
from funding.choices import RegrantType
from funding.validators import positive_unless_reversal
from vru_portal.ledger.append_only.models import REDACTED, Reversible
from vru_portal.ledger.append_only.trigger import INSERT, Trigger
from vru_portal.ledger.money import SignedMoneyField
from vru_portal.text.fields import CalendarDateField, LineField, LongTextField, ReferenceField, WebAddressField
from vru_portal.text.typed_dates import IN_OUR_TIME

# Whether an allocation is recorded as one for regranting.
FOR_REGRANTING_SQL = (
    "EXISTS (SELECT 1 FROM funding_regranting g WHERE g.allocation_id = {allocation} AND g.reverses_id IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM funding_regranting r WHERE r.reverses_id = g.id))"
)
LOCK_ALLOCATION_SQL = "SELECT 1 FROM funding_allocation WHERE id = {allocation}"
ONLY_GRANTS = "Only a grant that was not reversed can be for regranting, not a contract or a reversal."
ALREADY_FOR_REGRANTING = "This grant is already recorded as one for regranting. Reverse that record first."
NOT_FOR_REGRANTING = (
    "This grant is not recorded as one for regranting. If its recipient awards the money on, record that first, on the "
    "grant's page."
)
ONWARD_GRANTS_STAND = "Onward grants are recorded for this grant. Reverse them first."
GRANT_REFERENCE_TAKEN = (
    "An onward grant with this reference is already recorded. Capital letters do not make a different reference."
)
GRANT_REFERENCE_LENGTH = 120


class Regranting(Reversible):
    """That the recipient of a grant awards the money on, and in which way, by the codelist of 360Giving."""

    mirrored = ("allocation", "regrant_type")
    redactable = ("reason",)
    triggers = (
        Trigger(
            "of_a_grant",
            INSERT,
            "NEW.reverses_id IS NULL AND NOT EXISTS (SELECT 1 FROM funding_allocation a "
            "WHERE a.id = NEW.allocation_id AND a.kind = 'grant' AND a.reverses_id IS NULL "
            "AND NOT EXISTS (SELECT 1 FROM funding_allocation r WHERE r.reverses_id = a.id))",
            ONLY_GRANTS,
            LOCK_ALLOCATION_SQL.format(allocation="NEW.allocation_id"),
            prevents="A contract, or money that was taken back, would be published as a grant to be awarded on.",
        ),
        Trigger(
            "once",
            INSERT,
            f"NEW.reverses_id IS NULL AND {FOR_REGRANTING_SQL.format(allocation='NEW.allocation_id')}",
            ALREADY_FOR_REGRANTING,
            LOCK_ALLOCATION_SQL.format(allocation="NEW.allocation_id"),
            prevents="A grant could be published under two codes, and a reader would see only one.",
        ),
        Trigger(
            "not_reversed_under_grants",
            INSERT,
            "NEW.reverses_id IS NOT NULL AND EXISTS (SELECT 1 FROM funding_onwardgrant o "
            "WHERE o.allocation_id = NEW.allocation_id AND o.reverses_id IS NULL "
            "AND NOT EXISTS (SELECT 1 FROM funding_onwardgrant r WHERE r.reverses_id = o.id))",
            ONWARD_GRANTS_STAND,
            LOCK_ALLOCATION_SQL.format(allocation="NEW.allocation_id"),
            prevents="Onward grants would be left on a grant that is not said to be awarded on.",
        ),
    )

    allocation = models.ForeignKey("funding.Allocation", on_delete=models.PROTECT, related_name="regrantings")
    regrant_type = models.CharField(
        "kind of regranting",
        max_length=6,
        choices=RegrantType,
        help_text="Its code is published in the 360Giving file.",
    )

    objects = querysets.RegrantingQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = "record of regranting"
        verbose_name_plural = "records of regranting"
        constraints = [
            *Reversible.Meta.constraints,
            models.CheckConstraint(
                condition=Q(regrant_type__in=RegrantType.values), name="funding_regranting_type_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_regrant_type_display()}: {self.allocation}"


class OnwardGrant(Reversible):
    """A grant that the recipient of an allocation has awarded from it, as the recipient reports it.

    It is part of money that is counted already, so no total includes it. The recipient may have added money of its own:
    more than was allocated can be reported.
    """

    mirrored = ("allocation", "recipient_name", "recipient_org_id", "awarded_on", "reported_on")
    redactable = ("recipient_name", "title", "description", "area", "url", "reason")
    triggers = (
        Trigger(
            "for_regranting",
            INSERT,
            f"NEW.reverses_id IS NULL AND NOT {FOR_REGRANTING_SQL.format(allocation='NEW.allocation_id')}",
            NOT_FOR_REGRANTING,
            LOCK_ALLOCATION_SQL.format(allocation="NEW.allocation_id"),
            shared=True,
            prevents="Money that the recipient should spend would look as if it had been given to others.",
        ),
    )

    reference = ReferenceField(
        max_length=GRANT_REFERENCE_LENGTH,
        unique=True,
        blank=True,
        error_messages={"unique": GRANT_REFERENCE_TAKEN},
        help_text="The recipient's own, such as the identifier in its 360Giving file. If it has none, leave this "
        "empty: the portal makes one.",
    )
    allocation = models.ForeignKey("funding.Allocation", on_delete=models.PROTECT, related_name="onward_grants")
    recipient_name = LineField(
        "awarded to", max_length=200, help_text="An organisation. For a grant to a person, enter “An individual”."
    )
    recipient_org_id = LineField(
        "identifier of the organisation", max_length=80, blank=True, help_text="On org-id.guide, if it is reported."
    )
    amount = SignedMoneyField()
    awarded_on = CalendarDateField(**IN_OUR_TIME, help_text="The day on which the recipient awarded it.")
    title = LineField(max_length=200, blank=True)
    description = LongTextField("what it is for", blank=True, help_text="Published: no personal data.")
    area = LineField("where", max_length=200, blank=True, help_text="Where its beneficiaries are, as reported.")
    area_code = LineField(
        "official code", max_length=20, blank=True, help_text="Of that place, such as E08000025, as reported."
    )
    reported_on = CalendarDateField(
        **IN_OUR_TIME, default=timezone.localdate, help_text="The day on which the recipient reported it."
    )
    url = WebAddressField("address", blank=True, help_text="Where the recipient publishes it, if it does.")

    objects = querysets.OnwardGrantQuerySet.as_manager()

    class Meta:
        ordering = ["awarded_on", "id"]
        constraints = [
            *Reversible.Meta.constraints,
            models.UniqueConstraint(
                Lower("reference"),
                name="funding_onwardgrant_reference_once",
                violation_error_message=GRANT_REFERENCE_TAKEN,
            ),
            models.CheckConstraint(
                condition=Q(reverses=None, amount__gt=0) | Q(reverses__isnull=False, amount__lt=0),
                name="funding_onwardgrant_positive",
                violation_error_message="Enter an amount of at least £0.01.",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        return f"{reverse('funding:allocation', args=[self.allocation.public_id])}#onward"

    @property
    def published_at(self) -> str:
        """The address where the recipient publishes it; empty once that is redacted, since nothing may link to it."""
        return "" if self.url == REDACTED else self.url

    def natural_key(self) -> tuple[str]:
        return (self.reference,)

    def clean(self) -> None:
        """Refuse an amount of £0 or less, and dates in the future."""
        super().clean()
        positive_unless_reversal(self)
        errors = {
            name: "The date must be today or in the past."
            for name in ("awarded_on", "reported_on")
            if (day := getattr(self, name)) and day > timezone.localdate()
        }
        if errors:
            raise ValidationError(errors)

    def build_reversal(self) -> Self:
        """The row that would reverse this one. References are unique, so it gets another."""
        row = super().build_reversal()
        row.reference = f"{self.reference[: GRANT_REFERENCE_LENGTH - 30]} reversed ({self.pk})"
        return row
