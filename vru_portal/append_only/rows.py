"""What an append-only row is, and what can be declared of it."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from vru_portal.append_only.guard import Guard

REDACTED = "[redacted]"


class AppendOnly(models.Model):
    """A row that is recorded once and never changed or removed."""

    # What may change all the same: nothing that a sum or a decision hangs on.
    open_fields: ClassVar[tuple[str, ...]] = ()
    # Free text that can be taken out, leaving REDACTED and the reason: people write names where none belong.
    redactable: ClassVar[tuple[str, ...]] = ()
    # Relations that must lead to published records: a row that cannot be taken back names nothing that may not be seen.
    names_published: ClassVar[tuple[str, ...]] = ()
    # SQL that must hold for a row to be frozen; empty: from the start.
    frozen_once: ClassVar[str] = ""
    guards: ClassVar[tuple[Guard, ...]] = ()

    recorded_at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    redaction = models.TextField(blank=True, editable=False)  # names staff: not for the public

    class Meta:
        abstract = True


class Reversible(AppendOnly):
    """A row that another row can take back: whole, once, with a reason."""

    # What a reversal repeats of the row that it takes back.
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
        """Whether a later row takes this one back."""
        return hasattr(self, "reversed_by")

    def opposite(self) -> Self:
        """Return the row that would take this one back, not yet recorded."""
        row = type(self)(reverses_id=self.pk, **{name: getattr(self, name) for name in self.mirrored})
        if "amount" in columns_of(type(self)):
            row.amount = -self.amount  # type: ignore[attr-defined]
        return row


STAYS_PUBLISHED = "This {} stays published: money is recorded against it."


def stays_published(row: models.Model) -> bool:
    """Return whether a row that cannot be taken back names this record."""
    return any(
        related.field.name in related.related_model.names_published
        and related.related_model._default_manager.filter(**{related.field.name: row}).exists()
        for related in row._meta.related_objects
        if isinstance(related.related_model, type) and issubclass(related.related_model, AppendOnly)
    )


def columns_of(model: type[models.Model]) -> dict[str, str]:
    """Return the columns of the model's table, by the names of their fields."""
    return {f.name: f.column for f in model._meta.local_concrete_fields if f.column}
