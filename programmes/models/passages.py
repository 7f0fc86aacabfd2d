from django.db import models
from django.db.models import Q

from partners.provenance import Sourced
from programmes import querysets
from programmes.choices import ANCHORS, PAGE_OF_PLACE, PassagePlace
from vru_portal.publishing.state import Publishable
from vru_portal.text.fields import LineField, LongTextField
from vru_portal.web.addresses import address_of


class Passage(Publishable, Sourced):
    """A text of the unit's own in a certain place of a page."""

    slot = models.CharField("place", max_length=20, choices=PassagePlace, unique=True)
    title = LineField(max_length=120, blank=True, help_text="The heading, if this place has one.")
    body = LongTextField(help_text="Markdown.")

    objects = querysets.PassageQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["slot"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(condition=Q(slot__in=PassagePlace.values), name="programmes_passage_slot_known"),
        ]

    def __str__(self) -> str:
        return self.get_slot_display()

    def natural_key(self) -> tuple[str]:
        return (self.slot,)

    @property
    def public_address(self) -> str:
        """The page that contains this place."""
        return address_of(PAGE_OF_PLACE[self.slot.partition("_")[0]])

    @property
    def place_address(self) -> str:
        """Where on that page it is."""
        return (
            f"{self.public_address}#{ANCHORS[PassagePlace(self.slot)]}" if self.slot in ANCHORS else self.public_address
        )
