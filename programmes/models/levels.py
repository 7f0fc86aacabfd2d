from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from partners.provenance import Sourced
from programmes import querysets
from programmes.choices import Mark
from vru_portal.ledger.append_only.models import stays_published
from vru_portal.publishing.slugs import Slugged
from vru_portal.publishing.state import Publishable
from vru_portal.text.fields import LineField, LongTextField
from vru_portal.web.addresses import address_of

if TYPE_CHECKING:
    from programmes.models.initiatives import Initiative


class PreventionLevel(Slugged, Publishable, Sourced):
    """A level of prevention: when it acts, and who for."""

    initiative_count: int  # set by `objects.with_counts()`
    public_initiatives: list["Initiative"]  # set by `programmes.presenters.levels.levels_with_initiatives()`

    name = LineField(max_length=60, unique=True, help_text="One word if possible, such as Primary.")
    position = models.PositiveSmallIntegerField(
        unique=True, help_text="Its position among the levels, from left to right."
    )
    mark = models.CharField(
        max_length=8, choices=Mark, unique=True, help_text="The shape and colour that represent it on every page."
    )
    moment = LineField(max_length=60, help_text="When it acts, in a few words, such as “Before it starts”.")
    summary = LineField(max_length=200, help_text="One sentence.")
    definition = LongTextField(help_text="What this level means, in the portal's words. Markdown.")

    objects = querysets.LevelQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["position"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(condition=Q(mark__in=Mark.values), name="programmes_level_mark_known"),
        ]

    def __str__(self) -> str:
        return self.full_name

    def get_absolute_url(self) -> str:
        return address_of("programmes:level", self.slug)

    def has_ledger_rows(self) -> bool:
        return self.pk is not None and any(map(stays_published, self.initiatives.all()))

    @property
    def full_name(self) -> str:
        return f"{self.name} prevention"
