from django.db import models


class ItemKind(models.TextChoices):
    """What kind of agenda item it is."""

    TALK = "talk", "Talk, address or performance"
    PAUSE = "pause", "Arrival, break or meal"
    CEREMONY = "ceremony", "Ceremony"
    CLOSED = "closed", "Closed session"


class EventStatus(models.TextChoices):
    """Whether an event takes place on its day."""

    ON = "on", "On"
    POSTPONED = "postponed", "Postponed, no new date yet"
    CANCELLED = "cancelled", "Cancelled"
