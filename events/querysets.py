from datetime import date
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Prefetch, Q

from partners.models import Organisation, Person
from vru_portal.publishing import PublishableQuerySet, published

if TYPE_CHECKING:
    from events.models import AgendaItem, Appearance, Event  # noqa: F401 - bases name them as strings


class EventQuerySet(PublishableQuerySet["Event"]):
    """Events."""

    def upcoming(self, today: date) -> Self:
        """Return events on or after this day, the next one first."""
        return self.filter(held_on__gte=today).order_by("held_on", "title")

    def past(self, today: date) -> Self:
        """Return events before this day, the latest first."""
        return self.filter(held_on__lt=today).order_by("-held_on", "title")


class AgendaItemQuerySet(models.QuerySet["AgendaItem"]):
    """Items of agendas."""

    def get_by_natural_key(self, event: str, position: int) -> "AgendaItem":
        """Return the item in this place of this event's agenda."""
        return self.get(event__slug=event, position=position)

    def of_latest_event(self) -> Self:
        """Return the agenda of the latest public event that has one, with that event."""
        latest = self.filter(**published("event")).order_by("-event__held_on", "event").values("event")[:1]
        return self.filter(event__in=latest).select_related("event__source", "source").order_by("position")

    def with_appearances(self) -> Self:
        """Add who appears, as far as public."""
        from events.models import Appearance

        rows = Appearance.objects.public().with_names()
        return self.select_related("source").prefetch_related(
            Prefetch("appearances", queryset=rows, to_attr="public_appearances")
        )


class AppearanceQuerySet(models.QuerySet["Appearance"]):
    """Who appeared in an agenda's item."""

    def public(self) -> Self:
        """Return appearances that name no draft, at events that are none."""
        return self.filter(
            Q(person=None) | Q(**published("person")),
            Q(organisation=None) | Q(**published("organisation")),
            Q(post=None) | Q(post__organisation=None) | Q(**published("post__organisation")),
            **published("item__event"),
        )

    def with_names(self) -> Self:
        """Return appearances with what a line about them names."""
        return self.select_related("person", "organisation", "post__organisation", "item__event", "source")

    def of_person(self, person: Person) -> Self:
        """Return where this person appeared."""
        return self.filter(person=person)

    def of_organisation(self, organisation: Organisation) -> Self:
        """Return where this body appeared, or one of its people in that post."""
        return self.filter(Q(organisation=organisation) | Q(post__organisation=organisation))
