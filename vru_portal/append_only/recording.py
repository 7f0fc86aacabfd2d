"""Recording rows that never change, taking one back, and taking text out of one."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from vru_portal.append_only.guards import expected
from vru_portal.append_only.rows import REDACTED, AppendOnly, Reversible


def record(row: AppendOnly, *, by: Any) -> None:
    """Check and insert a row; raises ValidationError in the words of the rule that refuses it."""
    row.recorded_by = by
    try:
        with transaction.atomic():
            row.full_clean(validate_constraints=False)  # the database asks these, in half the time
            row.save(force_insert=True)
    except IntegrityError as error:
        if refused := refusal(error):
            raise refused from error
        row.full_clean()  # says in words which constraint it was, or that somebody recorded the same in the meantime
        raise


def reverse(row: Reversible, *, by: Any, reason: str) -> Any:
    """Record the row that takes this one back, and return it; raises ValidationError where a rule refuses that."""
    if not reason.strip():
        raise ValidationError({"reason": "Say why this is reversed: the reason is shown with it."})
    if row.reverses_id is not None:  # type: ignore[attr-defined]
        raise ValidationError("This is a reversal itself. Record what is right anew instead.")
    if row.is_reversed:
        raise ValidationError("This is reversed already.")
    opposite = row.opposite()
    opposite.reason = reason.strip()
    record(opposite, by=by)
    return opposite


def redact(row: AppendOnly, *, fields: list[str], by: Any, reason: str) -> None:
    """Take free text out of a row for good, with the reason, the day and who did it in its place."""
    if not reason.strip() or not fields or set(fields) - set(row.redactable):
        raise ValidationError(f"Choose from {', '.join(row.redactable)}, and say why.")
    note = f"{timezone.localdate():%-d %B %Y}: {', '.join(fields)} taken out by {by}. {reason.strip()}"
    taken_out = dict.fromkeys(fields, REDACTED)
    with transaction.atomic():
        rows = type(row)._default_manager.filter(pk=row.pk)
        rows.update(**taken_out, redaction=f"{row.redaction} {note}".strip())
        if history := getattr(row, "history", None):
            history.update(**taken_out)
    row.refresh_from_db()


def refusal(error: IntegrityError) -> ValidationError | None:
    """Return what the database refused in the words of its guard; None where it was none of them."""
    said = str(error).partition("\n")[0]
    return ValidationError(said) if said in {guard.message for guard in expected()} else None
