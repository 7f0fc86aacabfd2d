from django.db import models

from partners.models import Publication
from partners.provenance import Sourced
from programmes import querysets
from programmes.models.files import Picture
from vru_portal.publishing.slugs import Slugged
from vru_portal.publishing.state import Publishable
from vru_portal.text.fields import CalendarDateField, LineField, LongTextField
from vru_portal.web.addresses import address_of


class Story(Slugged, Publishable, Sourced):
    """A news story."""

    title = LineField(max_length=160)
    summary = LineField(max_length=200, help_text="One sentence.")
    picture = models.ForeignKey(
        Picture,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="stories",
        help_text="Shown above the text and in the list of news.",
    )
    body = LongTextField(help_text="Markdown.")
    published_on = CalendarDateField(
        "dated",
        help_text="The date that the story shows. You set the publication date on the “Publish” page.",
    )
    source = models.ForeignKey(  # type: ignore[assignment]  # unlike every other fact, news may have no source
        Publication,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The publication that states this. Leave empty for the unit's own news.",
    )

    objects = querysets.StoryQuerySet.as_manager()

    class Meta(Publishable.Meta):
        verbose_name_plural = "stories"
        ordering = ["-published_on", "title"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return address_of("programmes:story", self.slug)

    def publishing_blockers(self) -> dict[str, str]:
        blockers = super().publishing_blockers()
        if self.picture and not self.picture.is_public:
            blockers["picture"] = (
                f"“{self.picture}” is a draft. Publish that picture first, or remove it from the story."
            )
        return blockers
