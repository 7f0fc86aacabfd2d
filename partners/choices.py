from django.db import models


class ContactKind(models.TextChoices):
    """How somebody can reach the unit."""

    EMAIL = "email", "Email"
    PHONE = "phone", "Telephone"
    SOCIAL = "social", "Social media"
    POST = "post", "Postal address"


class PublicationKind(models.TextChoices):
    """What a publication is."""

    STRATEGY = "strategy", "Strategy"
    NEEDS = "needs", "Needs assessment"
    ANNUAL = "annual", "Annual report"
    EVALUATION = "evaluation", "Evaluation"
    MINUTES = "minutes", "Minutes"
    BROCHURE = "brochure", "Brochure"
    TRAINING = "training", "Training"
    OTHER = "other", "Other publication"


class Seat(models.TextChoices):
    """The role that somebody has in the unit through a post."""

    EXECUTIVE = "executive", "Executive team: leads the unit"
    TEAM = "team", "The unit's own team"
