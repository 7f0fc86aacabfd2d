from django.db import models
from django.db.models import F, Q

from partners import querysets, validators
from partners.models.other_names import OtherNames
from partners.provenance import Sourced
from vru_portal.publishing.slugs import Slugged
from vru_portal.publishing.state import Publishable
from vru_portal.text.fields import LineField, LongTextField, WebAddressField
from vru_portal.web.addresses import address_of


class Sector(Slugged):
    """A sector that organisations belong to. Each unit has its own list."""

    name = LineField(max_length=80, unique=True)

    objects = querysets.SectorQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Organisation(Slugged, OtherNames, Publishable, Sourced):
    """An organisation that leads, pays for, delivers, speaks for or signs something."""

    name = LineField(max_length=200, unique=True)
    sector = models.ForeignKey(Sector, on_delete=models.PROTECT, null=True, blank=True, related_name="organisations")
    summary = LongTextField(blank=True, help_text="What it is and what it does here, as stated. Markdown.")
    website = WebAddressField(blank=True)
    org_id = LineField(
        "organisation identifier",
        max_length=60,
        blank=True,
        validators=[validators.org_id],
        help_text="Its identifier in open data on grants, such as GB-COH-12345678. Find it on org-id.guide.",
    )
    charity_number = LineField(
        max_length=12,
        blank=True,
        validators=[validators.charity_number],
        help_text="Its number in the register of charities, such as 1234567, SC012345 or NIC100000.",
    )
    company_number = LineField(
        max_length=8,
        blank=True,
        validators=[validators.company_number],
        help_text="Its number at Companies House, in eight characters, such as 01234567.",
    )
    area = LineField(max_length=80, blank=True, help_text="The town or district where it is based.")
    area_code = LineField(
        "area's official code",
        max_length=9,
        blank=True,
        validators=[validators.gss_code],
        help_text="The code of that area in the Office for National Statistics' register of geographic codes, such as "
        "E08000025. 360Giving files say by it where a recipient is based.",
    )
    is_group = models.BooleanField(
        "a group", default=False, help_text="Several organisations that the source does not name individually."
    )
    represents = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="represented_by",
        help_text="The group that it represents in the unit.",
    )

    objects = querysets.OrganisationQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["name"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(represents=F("id")) | Q(represents=None),
                name="partners_organisation_represents_others",
                violation_error_message="An organisation represents others, not itself.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def identifier(self) -> str:
        """Its identifier on org-id.guide: as stated, or made of its number in a register; empty if none is known."""
        if self.org_id:
            return self.org_id
        if self.company_number:
            return f"GB-COH-{self.company_number}"
        registers = {"SC": "GB-SC", "NI": "GB-NIC"}
        register = registers.get(self.charity_number[:2], "GB-CHC")
        number = self.charity_number.removeprefix("NIC").partition("-")[0]
        return f"{register}-{number}" if number else ""

    def number_in(self, *registers: str) -> str:
        """Its number, if its stated identifier is of one of these lists of org-id.guide."""
        return next((self.org_id[len(r) + 1 :] for r in registers if self.org_id.startswith(f"{r}-")), "")

    def get_absolute_url(self) -> str:
        return address_of("partners:organisation", self.slug)

    def unpublishing_blocker(self) -> str:
        if hasattr(self, "as_unit"):
            return "Every page shows its name, as it is the unit's own organisation."
        return super().unpublishing_blocker()
