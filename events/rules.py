from django.core.exceptions import ValidationError

from events.choices import ItemKind
from events.models import Event


def check_agenda(*, event: Event) -> None:
    """Hold an agenda to numbers without a gap, closed sessions last; raises ValidationError that names the item."""
    closed = False
    for expected, item in enumerate(event.items.order_by("position"), start=1):
        if item.position != expected:
            raise ValidationError(f"The agenda of {event} has no item {expected}: “{item.title}” is {item.position}.")
        if closed and item.kind != ItemKind.CLOSED:
            raise ValidationError(
                f"“{item.title}” stands after a closed session of {event}: closed sessions come last."
            )
        closed = closed or item.kind == ItemKind.CLOSED
