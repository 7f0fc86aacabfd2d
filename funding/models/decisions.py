"""The decisions that money is allocated, varied and returned by."""

from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from funding import querysets
from funding.models.sums import (
    LOCK_SOURCE,
    SOURCE_PENCE,
    STANDS,
    TAKEN_PENCE,
)
from funding.models.years import FinancialYear, FundingSource
from partners.models import Post
from vru_portal.ledger.append_only.models import Reversible
from vru_portal.ledger.append_only.trigger import INSERT, Trigger
from vru_portal.text.fields import CalendarDateField, LineField, LongTextField, ReferenceField, WebAddressField
from vru_portal.text.typed_dates import IN_OUR_TIME
from vru_portal.web.addresses import address_of

# True where the decision that a new row names was made by the row's day and is not reversed. Takes the name of the day.
DECIDED_SQL = (
    "EXISTS (SELECT 1 FROM funding_decision d WHERE d.id = NEW.decision_id AND d.decided_on <= NEW.{day} "
    f"AND {STANDS.format('d', 'funding_decision')})"
)
LOCK_DECISION = "SELECT 1 FROM funding_decision WHERE id = NEW.decision_id"
NAMED_BY = "EXISTS (SELECT 1 FROM {0} n WHERE n.decision_id = NEW.reverses_id AND " + STANDS.format("n", "{0}") + ")"


class Decision(Reversible):
    """A decision about money: its reference, who made it, when and why, and where its notice is published."""

    mirrored = ("year", "reference", "decided_on", "decided_by", "title")
    # A notice is often published after the decision is recorded. No sum depends on its address.
    changeable_fields = ("notice_url",)
    redactable = ("title", "reasons", "reason")
    triggers = (
        Trigger(
            "once",
            INSERT,
            "NEW.reverses_id IS NULL AND EXISTS (SELECT 1 FROM funding_decision d WHERE d.year_id = NEW.year_id "
            f"AND LOWER(d.reference) = LOWER(NEW.reference) AND {STANDS.format('d', 'funding_decision')})",
            "This financial year already has a decision with this reference.",
            "SELECT 1 FROM funding_financialyear WHERE id = NEW.year_id",
            prevents="Nobody could tell which of two decisions an award was made by.",
        ),
        Trigger(
            "not_reversed_under_money",
            INSERT,
            "NEW.reverses_id IS NOT NULL AND ("
            + " OR ".join(
                NAMED_BY.format(table)
                for table in ("funding_allocation", "funding_variation", "funding_overcommitment")
            )
            + ")",
            "Money is allocated, varied or returned by this decision. Reverse that first.",
            "SELECT 1 FROM funding_decision WHERE id = NEW.reverses_id",
            prevents="Money could stay allocated by a decision that was withdrawn.",
        ),
    )

    year = models.ForeignKey(
        FinancialYear,
        on_delete=models.PROTECT,
        related_name="decisions",
        help_text="The year whose money it is about, even if it was made in another.",
    )
    reference = ReferenceField(max_length=60, help_text="As the notice gives it, such as 04/2031.")
    decided_on = CalendarDateField(**IN_OUR_TIME, help_text="The day on which it was made.")
    decided_by = models.ForeignKey(
        Post,
        on_delete=models.PROTECT,
        related_name="decisions",
        help_text="The post that made it, with its holder on that day.",
    )
    title = LineField(max_length=200, help_text="What was decided, in a few words.")
    reasons = LongTextField(blank=True, help_text="Why. Published: no personal data.")
    notice_url = WebAddressField(
        "published notice", blank=True, help_text="The address of the published notice. You can add it later."
    )

    objects = querysets.DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["decided_on", "id"]
        constraints = [
            *Reversible.Meta.constraints,
            models.CheckConstraint(
                condition=Q(reverses__isnull=False) | ~Q(reasons=""),
                name="funding_decision_has_reasons",
                violation_error_message="Enter the reasons. They are published with the decision.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.title}"

    def natural_key(self) -> tuple[int, str]:
        return (self.year.first_year, self.reference)

    @property
    def decider(self) -> Post | None:
        """The post that made it, if its holder and its organisation are published."""
        records = (self.decided_by.person, self.decided_by.organisation)
        return self.decided_by if all(record is None or record.is_public for record in records) else None

    def get_absolute_url(self) -> str:
        """The list of its year, reduced to this decision."""
        address = address_of("funding:decisions", self.year.label)
        return f"{address}?{urlencode({'reference': self.reference})}"

    def clean(self) -> None:
        """Refuse a decision without reasons, a day to come, and a post that was not held on that day."""
        super().clean()
        if not self._state.adding:  # only the address of its notice is still edited
            return
        if self.reverses_id is None and not self.reasons.strip():
            raise ValidationError({"reasons": "Enter the reasons. They are published with the decision."})
        if self.decided_on and self.decided_on > timezone.localdate():
            raise ValidationError({"decided_on": "The date must be today or in the past."})
        if self.decided_on and self.decided_by_id and not self.decided_by.is_held_on(self.decided_on):
            raise ValidationError(
                {"decided_by": f"{self.decided_by} did not hold this post on that day. Choose who held it then."}
            )


class Overcommitment(Reversible):
    """A decision that a source may be allocated beyond its amount, because some recipients always spend less."""

    mirrored = ("funding_source", "decision", "share", "allowed_on")
    redactable = ("reason",)
    triggers = (
        Trigger(
            "decided",
            INSERT,
            "NEW.reverses_id IS NULL AND NOT " + DECIDED_SQL.format(day="allowed_on"),
            "To over-commit a source, you need a recorded decision made on or before that date.",
            LOCK_DECISION,
            shared=True,
            prevents="More could be promised than there is, and nobody would have decided that.",
        ),
        Trigger(
            "once",
            INSERT,
            "NEW.reverses_id IS NULL AND EXISTS (SELECT 1 FROM funding_overcommitment o "
            "WHERE o.funding_source_id = NEW.funding_source_id "
            f"AND {STANDS.format('o', 'funding_overcommitment')})",
            "This source already has an overcommitment. Reverse it first.",
            LOCK_SOURCE.format(source="NEW.funding_source_id"),
            prevents="Two decisions could each allow a share, and nobody could tell which counts.",
        ),
        Trigger(
            "not_reversed_in_use",
            INSERT,
            "NEW.reverses_id IS NOT NULL AND "
            + TAKEN_PENCE.format(source="NEW.funding_source_id")
            + " > "
            + SOURCE_PENCE.format(source="NEW.funding_source_id"),
            "The allocations from this source add up to more than its amount. Release or reverse some of them first.",
            LOCK_SOURCE.format(source="NEW.funding_source_id"),
            prevents="A source could stay over-committed after the decision that allowed it was taken back.",
        ),
    )

    funding_source = models.ForeignKey(FundingSource, on_delete=models.PROTECT, related_name="overcommitments")
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="overcommitments")
    share = models.DecimalField(
        max_digits=5, decimal_places=2, help_text="Per cent of the source that may be allocated beyond its amount."
    )
    allowed_on = CalendarDateField("allowed from", **IN_OUR_TIME)

    objects = querysets.OvercommitmentQuerySet.as_manager()

    class Meta:
        ordering = ["allowed_on", "id"]
        constraints = [
            *Reversible.Meta.constraints,
            models.CheckConstraint(
                condition=Q(share__gt=0, share__lte=25),
                name="funding_overcommitment_share_in_range",
                violation_error_message="Enter a share above 0 and up to 25 per cent.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.share.normalize():f}% beyond {self.funding_source}"
