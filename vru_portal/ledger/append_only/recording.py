"""Recording append-only rows, reversing one, and redacting text in one."""

from collections.abc import Collection, Sequence
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from vru_portal.ledger.append_only.declared import declared_triggers
from vru_portal.ledger.append_only.models import REDACTED, AppendOnly, Reversible
from vru_portal.text.dates import format_date
from vru_portal.text.problems import Problems, collect_problems, raise_problems


def record(row: AppendOnly, *, by: Any) -> None:
    """Validate and insert a row. Raises ValidationError with all that is wrong with it, or a trigger's message."""
    row.recorded_by = by
    try:
        with transaction.atomic():
            row.full_clean(validate_constraints=False)  # the database checks them anyway, in half the time
            row.save(force_insert=True)
    except ValidationError:
        row.full_clean()  # raises what the constraints refuse, too
        raise
    except IntegrityError as error:
        if refused := validation_error_of_trigger(error):
            raise refused from error
        row.full_clean()  # raises the message of the constraint that failed, or of a row recorded meanwhile
        raise


def find_row_problems(row: AppendOnly, problems: Problems, *, unread: Collection[str] = ()) -> None:
    """Add what the fields, `clean` and the constraints of a row refuse, apart from fields that have problems already.

    `unread` names fields about which nothing can be said yet.
    """
    known = {name for name in problems if name != NON_FIELD_ERRORS}
    found = Problems()
    with collect_problems(found):
        row.full_clean(exclude=known | {*unread})
    for name, errors in found.items():
        said = {message for error in problems.get(name, []) for message in error.messages}
        problems.setdefault(name, []).extend(error for error in errors if not said & {*error.messages})


def refuse_all(row: AppendOnly, problems: Problems) -> None:
    """Raise what a rule has found, if anything, together with what the row itself refuses."""
    if problems:
        find_row_problems(row, problems)
        raise_problems(problems)


def check(row: AppendOnly, *, by: Any) -> None:
    """Validate a row by itself, before `insert_checked`, without a query. Raises ValidationError.

    What the row refers to must have been read from the database, which checks it again, like all constraints.
    """
    row.recorded_by = by
    relations = [field.name for field in row._meta.concrete_fields if field.is_relation]
    known = [name for name in relations if getattr(row, f"{name}_id") is not None]
    row.full_clean(exclude=known, validate_unique=False, validate_constraints=False)


@transaction.atomic
def insert_checked(rows: Sequence[AppendOnly]) -> None:
    """Insert rows that `check` has passed, all or none, in few statements.

    Raises IntegrityError if one is refused, without saying which: `record` each of them to find out.
    """
    now = timezone.now()
    for row in rows:
        row.recorded_at = now
    type(rows[0])._default_manager.bulk_create(rows)


def reverse(row: Reversible, *, by: Any, reason: str) -> Any:
    """Record the row that reverses this one, and return it. Raises ValidationError where a rule refuses that."""
    if not reason.strip():
        raise ValidationError({"reason": "Enter a reason. It is shown with the reversal."})
    if row.reverses_id is not None:  # type: ignore[attr-defined]
        raise ValidationError("This is a reversal, which cannot be reversed. Record the correct entry instead.")
    if row.is_reversed:
        raise ValidationError("This has already been reversed.")
    reversal = row.build_reversal()
    reversal.reason = reason.strip()
    record(reversal, by=by)
    return reversal


def redact(row: AppendOnly, *, fields: list[str], by: Any, reason: str) -> None:
    """Remove free text from a row permanently, also from its history. A note says what, when, by whom and why."""
    if not reason.strip() or not fields or set(fields) - set(row.redactable):
        raise ValidationError(f"Choose from {', '.join(row.redactable)}, and say why.")
    note = f"{format_date(timezone.localdate())}: {', '.join(fields)} redacted by {by}. {reason.strip()}"
    taken_out = dict.fromkeys(fields, REDACTED)
    with transaction.atomic():
        rows = type(row)._default_manager.filter(pk=row.pk)
        rows.update(**taken_out, redaction=f"{row.redaction} {note}".strip())
        if history := getattr(row, "history", None):
            history.update(**taken_out)
    row.refresh_from_db()


def validation_error_of_trigger(error: IntegrityError) -> ValidationError | None:
    """The trigger's message as a ValidationError; None where the error is not from one of our triggers."""
    # PostgreSQL adds lines of context below the message.
    message = str(error).partition("\n")[0]
    return ValidationError(message) if message in {trigger.message for trigger in declared_triggers()} else None
