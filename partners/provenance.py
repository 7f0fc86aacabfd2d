"""Where a fact was stated, and when it was true."""

from django.db import models
from simple_history.models import HistoricalRecords

from vru_portal.publishing.history import HistoryManager
from vru_portal.text.fields import CalendarDateField, LineField
from vru_portal.text.typed_dates import IN_OUR_TIME


class Sourced(models.Model):
    """A record that states facts, with their source, the date on which they were true, and the history of changes."""

    source = models.ForeignKey(
        "partners.Publication",
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The publication that states this.",
    )
    source_location = LineField(
        "where in the source",
        max_length=120,
        blank=True,
        help_text="The page or section, so that readers can find the sentence.",
    )
    as_at = CalendarDateField(
        "as at",
        help_text="The date on which this was true, usually the date of the source. A later check does not change it.",
    )
    checked_on = CalendarDateField(
        "checked by staff on",
        **IN_OUR_TIME,
        null=True,
        blank=True,
        help_text="The day on which staff last confirmed, other than from the source, that this is still true. Pages "
        "say “as at …” until it is filled in. After a year the start page asks for another check.",
    )
    history = HistoricalRecords(inherit=True, history_manager=HistoryManager)

    class Meta:
        abstract = True
