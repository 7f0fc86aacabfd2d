from django.db import models


class ItemKind(models.TextChoices):
    """What an item of an agenda is."""

    TALK = "talk", "Talk, address or performance"
    PAUSE = "pause", "Arrival, break or meal"
    CEREMONY = "ceremony", "Ceremony"
    CLOSED = "closed", "Closed session"
