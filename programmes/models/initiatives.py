from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from partners import validators
from partners.models import Organisation
from partners.provenance import Sourced
from programmes import querysets
from programmes.choices import InitiativeStatus
from programmes.models.levels import PreventionLevel
from vru_portal.ledger.append_only.models import stays_published
from vru_portal.publishing.slugs import Slugged
from vru_portal.publishing.state import Publishable
from vru_portal.text.fields import LineField, LongTextField
from vru_portal.web.addresses import address_of

if TYPE_CHECKING:
    from programmes.models.approaches import ToolkitApproach


class FilterWord(Slugged):
    """A word that several initiatives have in common, by which visitors filter the catalogue."""

    name = LineField(max_length=80, unique=True)

    objects = querysets.FilterWordQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Audience(FilterWord):
    """A group of people that an initiative is for."""


class Setting(FilterWord):
    """A kind of place in which an initiative works."""


class Area(FilterWord):
    """A named place that an initiative serves."""

    gss_code = LineField(
        "official code",
        max_length=9,
        blank=True,
        validators=[validators.gss_code],
        help_text="Its code in the Office for National Statistics' register of geographic codes, such as E08000025. "
        "Open data names the place by it.",
    )

    @property
    def kind(self) -> str:
        """What kind of area it is, as its code says; empty without one."""
        return validators.AREA_KINDS[self.gss_code[:3]][0] if self.gss_code else ""


class Initiative(Slugged, Publishable, Sourced):
    """A project or scheme that the programme funds."""

    status: InitiativeStatus  # set by `funding.statuses.set_statuses`
    approach: "ToolkitApproach | None"  # set by `filters.InitiativeFilters.add_details`

    name = LineField(max_length=160, unique=True)
    level = models.ForeignKey(
        PreventionLevel,
        on_delete=models.PROTECT,
        related_name="initiatives",
        help_text="When it acts. The initiative is not shown while its level is a draft.",
    )
    position = models.PositiveSmallIntegerField(
        default=0,
        help_text="Its place within its level. The lowest number comes first; equal numbers are sorted by name.",
    )
    summary = LineField(max_length=200, help_text="One sentence.")
    description = LongTextField(help_text="What it does, in the portal's words. Markdown.")
    funded_period = LineField(max_length=120, blank=True, help_text="When it is funded, as stated.")
    audience_text = LineField(
        "who it is for",
        max_length=200,
        blank=True,
        help_text="As stated. If empty, the page says “Not stated”. Visitors filter by the audiences below.",
    )
    audiences = models.ManyToManyField(Audience, blank=True, related_name="initiatives")
    setting_text = LineField(
        "where it works", max_length=200, blank=True, help_text="The kind of place, as stated, such as schools."
    )
    settings = models.ManyToManyField(Setting, blank=True, related_name="initiatives")
    area_text = LineField(
        "area served",
        max_length=200,
        blank=True,
        help_text="The places, as stated. If empty, the page says “Not stated”.",
    )
    areas = models.ManyToManyField(Area, blank=True, related_name="initiatives")
    eligibility = LongTextField("who can join", blank=True, help_text="Only what is stated, as people will rely on it.")
    referral = LongTextField("how to be referred", blank=True, help_text="Who to ask, and how, as stated.")
    contact = LongTextField(
        "who to ask", blank=True, help_text="A public address or number of the service, not of a person."
    )
    lead_organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="initiatives_delivered",
        verbose_name="delivered by",
        help_text="Only if it is stated.",
    )
    partners = models.ManyToManyField(
        Organisation,
        blank=True,
        related_name="initiatives_supported",
        help_text="Who helps to deliver it, if that is stated. Who pays for it is recorded as an allocation.",
    )
    sensitive_topic = LineField(
        max_length=60,
        blank=True,
        help_text="Such as domestic abuse. Pages that show the initiative will have an “Exit this page” button.",
    )
    safety_notice = LongTextField(
        blank=True,
        help_text="What people at risk should know. A sensitive initiative cannot be published without it. Markdown.",
    )

    _history_m2m_fields = ("audiences", "settings", "areas", "partners")  # where simple-history looks for them

    objects = querysets.InitiativeQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["level__position", "position", "name"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state="draft") | Q(sensitive_topic="") | ~Q(safety_notice=""),
                name="programmes_initiative_sensitive_needs_notice",
                violation_error_message="A sensitive initiative needs a safety notice before it is published.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return address_of("programmes:initiative", self.slug)

    def clean(self) -> None:
        """Refuse a level that is a draft while money is recorded against the initiative, which it would hide."""
        super().clean()
        if self.pk and self.level_id and not self.level.is_public and stays_published(self):
            raise ValidationError(
                {"level": "Money is recorded against this initiative, so its level of prevention must be published."}
            )

    def publishing_blockers(self) -> dict[str, str]:
        blockers = super().publishing_blockers()
        if not self.level.is_public:
            blockers["level"] = f"{self.level} is a draft. Publish that level first, or choose another."
        return blockers
