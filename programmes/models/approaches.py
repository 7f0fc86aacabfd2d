from django.db import models
from simple_history.models import HistoricalRecords

from programmes import querysets
from vru_portal.publishing.history import HistoryManager
from vru_portal.publishing.slugs import Slugged
from vru_portal.publishing.state import Publishable
from vru_portal.text.fields import CalendarDateField, LineField, WebAddressField
from vru_portal.text.typed_dates import IN_OUR_TIME
from vru_portal.web.addresses import address_of

AS_STATED = "In the toolkit's own words. Leave empty if it does not give one."


class ToolkitApproach(Slugged, Publishable):
    """An approach as a public toolkit rates it on the day on which it was read. It is its own source."""

    toolkit = LineField(max_length=120, help_text="The toolkit that rates it, by its own name.")
    title = LineField("approach", max_length=160, help_text="What the toolkit calls the approach.")
    url = WebAddressField("address", help_text="Its page in the toolkit.")
    read_on = CalendarDateField(
        "read on", **IN_OUR_TIME, help_text="The day on which its page was read. Toolkits change."
    )
    impact = LineField("rating of impact", max_length=120, blank=True, help_text=AS_STATED)
    evidence = LineField("rating of evidence", max_length=120, blank=True, help_text=AS_STATED)
    cost = LineField("rating of cost", max_length=120, blank=True, help_text=AS_STATED)
    history = HistoricalRecords(history_manager=HistoryManager)

    objects = querysets.ApproachQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["toolkit", "title"]
        verbose_name = "toolkit approach"
        verbose_name_plural = "toolkit approaches"
        constraints = [
            *Publishable.Meta.constraints,
            models.UniqueConstraint(
                fields=["toolkit", "title"],
                name="programmes_approach_once",
                violation_error_message="This approach of the toolkit is already recorded. Change that record.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}, {self.toolkit}"

    @property
    def ratings(self) -> list[tuple[str, str]]:
        """What each rating is about, and what the toolkit states; empty where it states none."""
        return [("Impact", self.impact), ("Evidence", self.evidence), ("Cost", self.cost)]

    @property
    def public_address(self) -> str:
        """The catalogue, which is filtered by it. It has no page of its own: the toolkit has."""
        return address_of("programmes:initiatives")

    def has_ledger_rows(self) -> bool:
        return self.pk is not None and self.assessments.decided().exists()

    def unpublishing_blocker(self) -> str:
        return "An assessment that was decided on cites it, so it stays published." if self.has_ledger_rows() else ""
