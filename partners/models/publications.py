from django.apps import apps
from django.db import models
from simple_history.models import HistoricalRecords

from partners import querysets
from partners.choices import PublicationKind
from partners.provenance import Sourced
from vru_portal.publishing.addresses import slug_of
from vru_portal.publishing.history import HistoryManager
from vru_portal.publishing.slugs import Slugged
from vru_portal.publishing.state import Publishable
from vru_portal.text.fields import CalendarDateField, LineField, LongTextField
from vru_portal.web.addresses import address_of


class Publication(Slugged, Publishable):
    """A publication that facts are taken from. As it is a source, it has no source itself."""

    author_links: list[tuple[str, str]]  # set by `querysets.with_author_links`

    title = LineField(max_length=200)
    kind = models.CharField(max_length=10, choices=PublicationKind, default=PublicationKind.OTHER)
    published_on = CalendarDateField(
        "published or launched on", help_text="Facts taken from it are as at this date, unless they state another."
    )
    issued_by = models.ForeignKey(
        "partners.Organisation", on_delete=models.PROTECT, null=True, blank=True, related_name="publications"
    )
    authors = models.ManyToManyField("partners.Person", blank=True, related_name="publications")
    note = LongTextField(blank=True, help_text="What it is, in one or two sentences.")
    period = LineField(
        "period covered", max_length=120, blank=True, help_text="As stated, such as April 2030 to March 2031."
    )
    area = LineField("area covered", max_length=120, blank=True, help_text="As stated.")
    history = HistoricalRecords(m2m_fields=["authors"], history_manager=HistoryManager)

    objects = querysets.PublicationQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["-published_on", "title"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(kind__in=PublicationKind.values), name="partners_publication_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return address_of("partners:publication", self.slug)

    def address_of_section(self, section: str) -> str:
        """Where its page lists the facts of one of its sections."""
        return f"{self.get_absolute_url()}#{section_anchor(section)}"

    def unpublishing_blocker(self) -> str:
        """Name a public fact that is taken from it: each page names the sources of what it says."""
        for model in apps.get_models():
            if issubclass(model, Sourced):
                for row in model._default_manager.filter(source=self):
                    if getattr(row, "is_public", True):
                        return (
                            f"Published facts come from this publication, for example {row}. "
                            "Give them another source first."
                        )
        return ""


def section_anchor(section: str) -> str:
    """The anchor of a section, or of a page, on the page of the publication that has it."""
    return f"section-{slug_of(section)}"
