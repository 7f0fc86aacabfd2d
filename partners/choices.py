from django.db import models


class ContactKind(models.TextChoices):
    """How somebody can reach the unit."""

    EMAIL = "email", "Email"
    PHONE = "phone", "Telephone"
    SOCIAL = "social", "Social media"
    POST = "post", "Postal address"


class Seat(models.TextChoices):
    """The part that a post's holder has in the unit."""

    EXECUTIVE = "executive", "Executive team: leads the unit"
    TEAM = "team", "The unit's own team"
