from datetime import datetime

from django.core.exceptions import ValidationError

from events.choices import ItemKind
from events.models import Event


def check_agenda(*, event: Event) -> None:
    """Check that an agenda is numbered without gaps, follows its own times and ends with its closed sessions.

    Raises ValidationError, which names the first item that is out of place. `load_unit` refuses such an agenda. The
    admin saves it and warns (`warn_about_rule`), because an agenda is put together item by item. It does not block
    publishing.
    """
    closed = False
    latest: tuple[datetime, str] | None = None
    for expected, item in enumerate(event.items.order_by("position"), start=1):
        if item.position != expected:
            raise ValidationError(
                f"The agenda of {event} has no item {expected}. “{item.title}” is number {item.position}."
            )
        if closed and item.kind != ItemKind.CLOSED:
            raise ValidationError(f"“{item.title}” comes after a closed session of {event}. Put closed sessions last.")
        closed = closed or item.kind == ItemKind.CLOSED
        if item.starts_at and not item.day_held:
            raise ValidationError(
                f"“{item.title}” has a time but no day, and {event} lasts several days. Enter its day."
            )
        if item.day and not event.held_on <= item.day <= event.last_day:
            raise ValidationError(f"“{item.title}” is on a day on which {event} is not held. Correct one of the two.")
        if item.starts:
            if latest and item.starts < latest[0]:
                raise ValidationError(f"“{item.title}” comes after “{latest[1]}” but starts before it. Check both.")
            latest = item.starts, item.title
