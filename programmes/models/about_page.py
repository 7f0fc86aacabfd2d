from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from partners.models import Organisation, Publication
from partners.provenance import Sourced
from programmes import querysets
from programmes.models.levels import PreventionLevel
from vru_portal.publishing.slugs import Slugged
from vru_portal.publishing.state import Publishable
from vru_portal.text.fields import LineField, LongTextField
from vru_portal.text.look_alikes import DistinctNames
from vru_portal.web.addresses import address_of


class OnAboutPage(models.Model):
    """A record that the about page shows, without a page of its own."""

    class Meta:
        abstract = True

    @property
    def public_address(self) -> str:
        return address_of("about")


class SuccessCondition(OnAboutPage, Publishable, Sourced):
    """A condition that must be met for the programme to succeed."""

    number = models.PositiveSmallIntegerField(
        unique=True, validators=[MinValueValidator(1)], help_text="Its number in the list, which is shown beside it."
    )
    title = LineField(max_length=120)
    text = LongTextField(help_text="What it requires, in the portal's words. Markdown.")
    level = models.ForeignKey(
        PreventionLevel,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="conditions",
        help_text="The level of prevention that it mentions, if any.",
    )

    objects = querysets.SuccessConditionQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number}. {self.title}"


class Predecessor(DistinctNames, OnAboutPage, Publishable, Sourced):
    """Earlier work that the unit builds on."""

    title = LineField(max_length=160, unique=True)
    description = LongTextField(blank=True, help_text="As far as stated. Markdown.")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="as_predecessor"
    )
    publication = models.ForeignKey(
        Publication, on_delete=models.PROTECT, null=True, blank=True, related_name="predecessors"
    )
    position = models.PositiveSmallIntegerField(default=0, help_text="The lowest number comes first.")

    objects = querysets.PredecessorQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["position", "title"]

    def __str__(self) -> str:
        return self.title


class Term(OnAboutPage, Slugged, Publishable, Sourced):
    """A term with its definition, which is quoted word for word if it is another organisation's."""

    name = LineField(max_length=80, unique=True)
    definition = LongTextField(
        help_text="Word for word, without quotation marks, if it is another organisation's. In the portal's "
        "words it may be "
        "Markdown."
    )
    defined_by = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="definitions",
        help_text="The organisation whose definition is quoted. Leave empty if the definition is in the portal's "
        "words.",
    )
    defines_violence = models.BooleanField(
        "what the unit means by violence",
        default=False,
        help_text="Shown in large type on the about page. Only one term can have this.",
    )
    level = models.OneToOneField(PreventionLevel, on_delete=models.CASCADE, null=True, blank=True, related_name="term")

    objects = querysets.TermQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["name"]
        constraints = [
            *Publishable.Meta.constraints,
            models.UniqueConstraint(
                fields=["defines_violence"],
                condition=Q(defines_violence=True),
                name="programmes_term_defines_violence_once",
                violation_error_message="Another term already says what the unit means by violence.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
