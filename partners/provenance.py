"""Where a fact was stated and as at when it was true."""

from django.db import models
from simple_history.models import HistoricalRecords


class Sourced(models.Model):
    """A record that states facts: it names its source and its day, and keeps the history of its changes."""

    source = models.ForeignKey(
        "partners.Publication",
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The publication that states this.",
    )
    source_location = models.CharField(
        "where in the source",
        max_length=120,
        blank=True,
        help_text="Page or section, so that a reader finds the sentence.",
    )
    as_at = models.DateField(
        "as at",
        help_text="The day on which this was true, usually that of the source. A later check does not change it.",
    )
    checked_on = models.DateField(
        "checked by staff on",
        null=True,
        blank=True,
        help_text="The day on which staff last confirmed, outside the source, that this still holds. Until then pages "
        "say “as at …”. After a year the start page asks for another check.",
    )
    history = HistoricalRecords(inherit=True)

    class Meta:
        abstract = True
