from django.db import models
from django.db.models import Q

from events.declarations import querysets
from events.models import Event
from partners.provenance import Sourced
from vru_portal.slugs import Slugged


class Declaration(Slugged):
    """A promise that organisations sign."""

    title = models.CharField(max_length=120)
    event = models.OneToOneField(
        Event,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="declaration",
        help_text="The event at which it was first signed.",
    )

    objects = querysets.DeclarationQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.title


class DeclarationVersion(Sourced):
    """A wording of a declaration. Without a date it is a draft, which only staff see."""

    declaration = models.ForeignKey(Declaration, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField()
    text = models.TextField(help_text="Markdown.")
    note = models.TextField(blank=True, help_text="Where the wording comes from.")
    in_force_from = models.DateField(null=True, blank=True, editable=False)

    objects = querysets.VersionQuerySet.as_manager()

    class Meta:
        ordering = ["declaration", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["declaration", "number"], name="declarations_version_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="declarations_version_counts_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.declaration}, version {self.number}"
