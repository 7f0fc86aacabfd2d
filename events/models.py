from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse

from events import querysets
from events.choices import ItemKind
from partners.models import Organisation, Person, Post
from partners.provenance import Sourced
from vru_portal.publishing import Part, Publishable
from vru_portal.slugs import Slugged


class Event(Slugged, Publishable, Sourced):
    """An event on one day."""

    parts = ("items",)

    title = models.CharField(max_length=160)
    short_title = models.CharField(max_length=40, help_text="For breadcrumbs and links, such as Launch.")
    held_on = models.DateField("date", help_text="Home shows the latest event.")
    venue = models.CharField(max_length=120, blank=True, help_text="As stated. Empty: “Not stated”.")
    place = models.CharField("town or city", max_length=80, blank=True)
    times = models.CharField(max_length=120, blank=True, help_text="As stated, such as “9.30am to 4pm”.")
    summary = models.CharField(max_length=200, help_text="One sentence.")

    objects = querysets.EventQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["-held_on", "title"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("events:event", args=[self.slug])

    @property
    def location(self) -> str:
        """Venue and place, as far as stated."""
        return ", ".join(part for part in (self.venue, self.place) if part)


class AgendaItem(Sourced, Part):
    """One item of an agenda, in its order."""

    owner_name = "event"
    parts = ("appearances",)

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1)], help_text="Its number on the agenda: from 1, without gaps, each once."
    )
    title = models.CharField(max_length=160)
    kind = models.CharField(
        max_length=8,
        choices=ItemKind,
        default=ItemKind.TALK,
        help_text="Pauses and the ceremony are drawn differently. What is closed to the public says so.",
    )
    text = models.TextField(blank=True, help_text="What it is, as far as stated.")

    objects = querysets.AgendaItemQuerySet.as_manager()

    class Meta:
        ordering = ["event", "position"]
        constraints = [
            models.UniqueConstraint(fields=["event", "position"], name="events_agendaitem_one_a_place"),
            models.CheckConstraint(condition=Q(position__gte=1), name="events_agendaitem_counts_from_one"),
            models.CheckConstraint(condition=Q(kind__in=ItemKind.values), name="events_agendaitem_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.title}"

    def natural_key(self) -> tuple[Any, ...]:
        """Its event and its place there."""
        return (*self.event.natural_key(), self.position)


class Appearance(Sourced, Part):
    """A person, or a body without a named person, in an agenda's item."""

    owner_name = "item"

    item = models.ForeignKey(AgendaItem, on_delete=models.CASCADE, related_name="appearances")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="appearances")
    post = models.ForeignKey(
        Post,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="appearances",
        help_text="The person's post on that day.",
    )
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="appearances",
        help_text="Only where no person is named.",
    )
    description = models.CharField(max_length=160, blank=True, help_text="What a body without a named person showed.")
    position = models.PositiveSmallIntegerField(default=0, help_text="The order in which the agenda names them.")

    objects = querysets.AppearanceQuerySet.as_manager()

    class Meta:
        ordering = ["item", "position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(person__isnull=False, organisation__isnull=True)
                | Q(person__isnull=True, organisation__isnull=False, post__isnull=True),
                name="events_appearance_of_one",
                violation_error_message="Choose a person (and their post), or an organisation if no person is named.",
            ),
            models.UniqueConstraint(fields=["item", "person"], name="events_appearance_person_once"),
            models.UniqueConstraint(fields=["item", "organisation"], name="events_appearance_body_once"),
        ]

    def __str__(self) -> str:
        return str(self.person or self.organisation)

    def clean(self) -> None:
        """Hold the post to the person."""
        if self.post and self.post.person_id != self.person_id:
            whose = f", not {self.person}'s" if self.person else ": choose that person too"
            raise ValidationError({"post": f"This post is {self.post.person}'s{whose}."})
