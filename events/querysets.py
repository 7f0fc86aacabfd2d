from datetime import date
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from events.choices import EventStatus
from partners.models import Organisation, Person
from vru_portal.publishing.state import PublishableQuerySet, published

if TYPE_CHECKING:
    from events.models import AgendaItem, Appearance, Event  # noqa: F401 - bases name them as strings


class EventQuerySet(PublishableQuerySet["Event"]):
    """Events."""

    def upcoming(self, today: date) -> Self:
        """Events that last until this day or begin later, the next one first."""
        return self.filter(Q(held_on__gte=today) | Q(ends_on__gte=today)).order_by("held_on", "title")

    def past(self, today: date) -> Self:
        """Events that ended before this day, the latest first."""
        return self.filter(Q(ends_on=None) | Q(ends_on__lt=today), held_on__lt=today).order_by("-held_on", "title")

    def with_agenda(self) -> Self:
        """Events that have an agenda, without those that are cancelled or postponed."""
        return self.filter(items__isnull=False, status=EventStatus.ON)


class AgendaItemQuerySet(models.QuerySet["AgendaItem"]):
    """Agenda items."""

    def get_by_natural_key(self, event: str, position: int) -> "AgendaItem":
        return self.get(event__slug=event, position=position)


class AppearanceQuerySet(models.QuerySet["Appearance"]):
    """Who appeared in an agenda item."""

    def public(self) -> Self:
        """Appearances at published events that name only published people and organisations."""
        return self.filter(
            Q(person=None) | Q(**published("person")),
            Q(organisation=None) | Q(**published("organisation")),
            Q(post=None) | Q(post__organisation=None) | Q(**published("post__organisation")),
            **published("item__event"),
        )

    def with_names(self) -> Self:
        """Select the records that a row about an appearance names."""
        return self.select_related("person", "organisation", "post__organisation", "source")

    def of_person(self, person: Person) -> Self:
        return self.filter(person=person)

    def of_organisation(self, organisation: Organisation) -> Self:
        """Where this organisation appeared, or one of its people in a post that they held there."""
        return self.filter(Q(organisation=organisation) | Q(post__organisation=organisation))
