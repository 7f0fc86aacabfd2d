"""What a budget pays for besides initiatives."""

from django.db import models
from django.db.models import Q

from funding import querysets
from funding.choices import CostKind
from partners.provenance import Sourced
from vru_portal.publishing.slugs import Slugged
from vru_portal.publishing.state import Publishable
from vru_portal.text.fields import LineField, LongTextField
from vru_portal.web.addresses import address_of


class BudgetHeading(Slugged, Publishable, Sourced):
    """A budget heading that is not an initiative, such as the team, evaluation or engagement."""

    name = LineField(max_length=120, unique=True, help_text="As the budget names it, such as Evaluation.")
    kind = models.CharField(
        "kind of cost",
        max_length=13,
        choices=CostKind,
        help_text="What a funder's conditions count it as. Initiatives always count as interventions.",
    )
    summary = LongTextField(blank=True, help_text="What it pays for. Markdown.")
    position = models.PositiveSmallIntegerField(default=0)

    objects = querysets.HeadingQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["position", "name"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(condition=Q(kind__in=CostKind.values), name="funding_heading_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return address_of("funding:heading", self.slug)
