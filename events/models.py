from datetime import date, datetime, time
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from events import querysets
from events.choices import EventStatus, ItemKind
from partners.models import Organisation, Person, Post
from partners.provenance import Sourced
from vru_portal.publishing.slugs import Slugged
from vru_portal.publishing.state import Part, Publishable
from vru_portal.text.fields import CalendarDateField, ClockTimeField, LineField, LongTextField
from vru_portal.text.typed_dates import IN_OUR_TIME, local_moment
from vru_portal.web.addresses import address_of


def check_times_exist(day: date | None, at: time | None, name: str) -> None:
    """Raise ValidationError for the field of this name if clocks skip the time on that day."""
    if day and at:
        try:
            local_moment(day, at)
        except ValidationError as error:
            raise ValidationError({name: error.messages}) from error


class Event(Slugged, Publishable, Sourced):
    """An event on one day or several. It has days and times, and the words in which the source states them."""

    parts = ("items",)

    title = LineField(max_length=160)
    short_title = LineField(max_length=40, help_text="Used in breadcrumbs and links, for example “Launch”.")
    held_on = CalendarDateField("date", **IN_OUR_TIME, help_text="The first day. The home page shows the latest event.")
    ends_on = CalendarDateField(
        "last day", **IN_OUR_TIME, null=True, blank=True, help_text="Only if it lasts longer than one day."
    )
    starts_at = ClockTimeField(
        "start", null=True, blank=True, help_text="UK time, such as 9:30am. Only if the source states it."
    )
    ends_at = ClockTimeField("end", null=True, blank=True, help_text="On the last day. Only if the source states it.")
    status = models.CharField(
        max_length=9,
        choices=EventStatus,
        default=EventStatus.ON,
        help_text="Do not delete a cancelled event: visitors and their calendars need to know. If a postponed event "
        "has a new date, enter it and choose “On”.",
    )
    status_note = LineField(
        "about the status",
        max_length=200,
        blank=True,
        help_text="What you have announced, for example “Postponed because of flooding”.",
    )
    venue = LineField(
        max_length=120,
        blank=True,
        help_text="As the source states it. If you leave this empty, the page shows “Not stated”.",
    )
    place = LineField("town or city", max_length=80, blank=True)
    days = LineField(
        "days, as stated", max_length=120, blank=True, help_text="Only if the source says more than the dates above."
    )
    times = LineField(
        "times, as stated",
        max_length=120,
        blank=True,
        help_text="As the source states them, for example “9.30 for 10am, until about 4”.",
    )
    summary = LineField(max_length=200, help_text="One sentence.")

    objects = querysets.EventQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["-held_on", "title"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(condition=Q(status__in=EventStatus.values), name="events_event_status_known"),
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(ends_on__gte=F("held_on")),
                name="events_event_days_in_order",
                violation_error_message="The last day is before the first. Check both.",
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None)
                | Q(starts_at__isnull=False)
                & (Q(ends_at__gt=F("starts_at")) | Q(ends_on__isnull=False, ends_on__gt=F("held_on"))),
                name="events_event_times_in_order",
                violation_error_message="Enter a start before the end. If only an end is stated, leave both empty and "
                "write what is stated under “times, as stated”.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return address_of("events:event", self.slug)

    def clean(self) -> None:
        """Refuse times that clocks skip on these days."""
        super().clean()
        check_times_exist(self.held_on, self.starts_at, "starts_at")
        check_times_exist(self.last_day, self.ends_at, "ends_at")

    @property
    def last_day(self) -> date:
        return self.ends_on or self.held_on

    @property
    def is_on(self) -> bool:
        return self.status == EventStatus.ON

    @property
    def location(self) -> str:
        """Venue and place, as far as they are stated."""
        return ", ".join(part for part in (self.venue, self.place) if part)


class AgendaItem(Sourced, Part):
    """One numbered item of an event's agenda."""

    owner_name = "event"
    parts = ("appearances",)

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1)],
        help_text="Number the items from 1, without gaps or repeats.",
    )
    title = LineField(max_length=160)
    kind = models.CharField(
        max_length=8,
        choices=ItemKind,
        default=ItemKind.TALK,
        help_text="Breaks and the ceremony look different on the page. Closed sessions are listed last.",
    )
    day = CalendarDateField(
        **IN_OUR_TIME,
        null=True,
        blank=True,
        help_text="Only if the event lasts several days and the source says on which this is.",
    )
    starts_at = ClockTimeField("start", null=True, blank=True, help_text="UK time. Only if the source states it.")
    ends_at = ClockTimeField("end", null=True, blank=True, help_text="Only if the source states it.")
    times = LineField("times, as stated", max_length=120, blank=True)
    text = LongTextField(blank=True, help_text="What the source says about this item.")

    objects = querysets.AgendaItemQuerySet.as_manager()

    class Meta:
        ordering = ["event", "position"]
        constraints = [
            models.UniqueConstraint(fields=["event", "position"], name="events_agendaitem_one_a_place"),
            models.CheckConstraint(condition=Q(position__gte=1), name="events_agendaitem_counts_from_one"),
            models.CheckConstraint(condition=Q(kind__in=ItemKind.values), name="events_agendaitem_kind_known"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at"), starts_at__isnull=False),
                name="events_agendaitem_times_in_order",
                violation_error_message="Enter a start before the end. If only an end is stated, leave both empty and "
                "write what is stated under “times, as stated”.",
            ),
        ]

    def __str__(self) -> str:
        # A closed session stands below the agenda, without a number.
        return self.title if self.kind == ItemKind.CLOSED else f"{self.position}. {self.title}"

    def natural_key(self) -> tuple[Any, ...]:
        return (*self.event.natural_key(), self.position)

    def clean(self) -> None:
        """Refuse a day on which the event is not held, and times that clocks skip on their day."""
        super().clean()
        first, last = self.event.held_on, self.event.last_day
        if self.day and not first <= self.day <= last:
            raise ValidationError({"day": "The event is not held on this day. Check it, or leave it empty."})
        if self.day_held:
            check_times_exist(self.day_held, self.starts_at, "starts_at")
            check_times_exist(self.day_held, self.ends_at, "ends_at")

    @property
    def day_held(self) -> date | None:
        """The day of the item; None if the event lasts several days and nothing says on which this is."""
        return self.day or (self.event.held_on if self.event.held_on == self.event.last_day else None)

    @property
    def starts(self) -> datetime | None:
        """The moment at which it starts, if day and time are known."""
        return local_moment(self.day_held, self.starts_at) if self.day_held and self.starts_at else None


class Appearance(Sourced, Part):
    """A person, or an organisation without a named person, in an agenda item."""

    owner_name = "item"

    item = models.ForeignKey(AgendaItem, on_delete=models.CASCADE, related_name="appearances")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="appearances")
    post = models.ForeignKey(
        Post,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="appearances",
        help_text="The post that the person held on the day of the event.",
    )
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="appearances",
        help_text="Choose an organisation only if no person is named.",
    )
    description = LineField(
        max_length=160, blank=True, help_text="What the organisation presented, if no person is named."
    )
    position = models.PositiveSmallIntegerField(
        default=0, help_text="Their place in the order in which the agenda names people."
    )

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
        if self.post and self.post.person_id != self.person_id:
            if self.person:
                message = f"This post belongs to {self.post.person}, not {self.person}."
            else:
                message = f"This post belongs to {self.post.person}. Choose that person too."
            raise ValidationError({"post": message})
