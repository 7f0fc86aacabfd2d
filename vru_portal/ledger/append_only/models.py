"""Base classes of append-only rows, and what a model can declare about them."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from vru_portal.ledger.append_only.trigger import Trigger

REDACTED = "[redacted]"


class AppendOnly(models.Model):
    """A row that is recorded once and never changed or removed."""

    # Fields that may still change. No sum and no decision may depend on them.
    changeable_fields: ClassVar[tuple[str, ...]] = ()
    # Free text that can be redacted, which leaves REDACTED and a reason: people write names where they should not.
    redactable: ClassVar[tuple[str, ...]] = ()
    # Relations to records that must be published, and stay so: a permanent row must not name a draft. Rules check that,
    # not triggers, since no sum depends on it. Foreign keys keep the records from being deleted.
    names_published: ClassVar[tuple[str, ...]] = ()
    # An SQL condition on which a row is frozen. Empty: from the start.
    frozen_when: ClassVar[str] = ""
    triggers: ClassVar[tuple[Trigger, ...]] = ()

    recorded_at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    redaction = models.TextField(blank=True, editable=False)  # it names staff, so it is not for the public

    class Meta:
        abstract = True


class Reversible(AppendOnly):
    """A row that another row can reverse: as a whole, once, with a reason."""

    # The fields that a reversal repeats from the row that it reverses.
    mirrored: ClassVar[tuple[str, ...]] = ()

    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="reversed_by"
    )
    reason = models.CharField("reason for the reversal", max_length=300, blank=True, editable=False)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reverses=None, reason="") | models.Q(reverses__isnull=False) & ~models.Q(reason=""),
                name="%(app_label)s_%(class)s_reversal_has_reason",
                violation_error_message="A reversal needs a reason, and only a reversal has one.",
            )
        ]

    @property
    def is_reversed(self) -> bool:
        """Whether another row reverses this one."""
        return hasattr(self, "reversed_by")

    @property
    def is_standing(self) -> bool:
        """Whether this counts: it is not a reversal, and nothing reverses it."""
        return self.reverses_id is None and not self.is_reversed  # type: ignore[attr-defined]

    def build_reversal(self) -> Self:
        """The row that would reverse this one, not yet recorded."""
        row = type(self)(reverses_id=self.pk, **{name: getattr(self, name) for name in self.mirrored})
        if "amount" in columns_of(type(self)):
            row.amount = -self.amount  # type: ignore[attr-defined]
        return row


STAYS_PUBLISHED = "This {} stays published: money is recorded against it."


def stays_published(row: models.Model) -> bool:
    """Whether an append-only row refers to this record, so that it cannot be unpublished."""
    return any(
        related.field.name in related.related_model.names_published
        and related.related_model._default_manager.filter(**{related.field.name: row}).exists()
        for related in row._meta.related_objects
        if isinstance(related.related_model, type) and issubclass(related.related_model, AppendOnly)
    )


def columns_of(model: type[models.Model]) -> dict[str, str]:
    """The columns of the model's table, by field name."""
    return {f.name: f.column for f in model._meta.local_concrete_fields if f.column}
