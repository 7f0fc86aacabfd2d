from datetime import date
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from partners import querysets
from partners.choices import Seat
from partners.models.organisations import Organisation
from partners.models.other_names import OtherNames
from partners.provenance import Sourced
from vru_portal.publishing.slugs import Slugged
from vru_portal.publishing.state import Part, Publishable
from vru_portal.text.dates import format_date
from vru_portal.text.fields import CalendarDateField, LineField, LongTextField
from vru_portal.web.addresses import address_of


class Person(Slugged, OtherNames, Publishable, Sourced):
    """Somebody who leads, speaks or writes."""

    parts = ("posts",)

    name = LineField(max_length=120, help_text="Without a title or honorific.")
    honorific = LineField(max_length=40, blank=True, help_text="Such as Dr, Cllr, Rev Dr, Rt Hon.")
    family_name = LineField(max_length=80, help_text="Lists are sorted by it.")
    biography = LongTextField(blank=True, help_text="As stated. Markdown.")

    objects = querysets.PersonQuerySet.as_manager()

    class Meta(Publishable.Meta):
        verbose_name_plural = "people"
        ordering = ["family_name", "name"]

    def __str__(self) -> str:
        return self.full_name

    def get_absolute_url(self) -> str:
        return address_of("partners:person", self.slug)

    @property
    def full_name(self) -> str:
        """The name with its honorific."""
        return f"{self.honorific} {self.name}".strip()


def lasts_on(day: date, since: date | None, until: date | None) -> bool:
    return (since is None or since <= day) and (until is None or day <= until)


class Post(Sourced, Part):
    """A position that a person holds, usually in an organisation, as at a date; with its end once that is known."""

    owner_name = "person"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="posts")
    title = LineField(max_length=160, blank=True, help_text="As stated on that day, such as Chief Constable.")
    department = LineField(
        max_length=160, blank=True, help_text="The part of the organisation, if the source names one."
    )
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="posts",
        help_text="Leave empty if none is stated, as for an artist.",
    )
    seat = models.CharField(
        "role in the unit",
        max_length=9,
        choices=Seat,
        blank=True,
        help_text="A seat on the executive team makes the organisation a lead organisation. Leave empty for "
        "everybody else.",
    )
    seat_from = CalendarDateField(
        "on the executive team from", null=True, blank=True, help_text="Only if it began later than the post."
    )
    seat_until = CalendarDateField(
        "on the executive team until",
        null=True,
        blank=True,
        help_text="The last day. Only if it ended earlier than the post.",
    )
    held_from = CalendarDateField("held from", null=True, blank=True, help_text="The first day, if it is stated.")
    held_until = CalendarDateField(
        "held until",
        null=True,
        blank=True,
        help_text="The last day. From the next day on, pages name the person as a former holder. Agendas and messages "
        "keep the post as it was on their day.",
    )
    position = models.PositiveSmallIntegerField(default=0, help_text="The order in which the source names the posts.")

    objects = querysets.PostQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["person", "title", "organisation"], name="partners_post_once"),
            models.UniqueConstraint(
                fields=["person", "title"], condition=Q(organisation=None), name="partners_post_without_body_once"
            ),
            models.CheckConstraint(
                condition=~Q(title="") | Q(organisation__isnull=False),
                name="partners_post_says_something",
                violation_error_message="A post needs a title, an organisation or both.",
            ),
            models.CheckConstraint(
                condition=~Q(seat=Seat.EXECUTIVE) | Q(organisation__isnull=False),
                name="partners_post_executive_of_a_body",
                violation_error_message="Select the organisation that this executive sits for.",
            ),
            models.CheckConstraint(condition=Q(seat__in=["", *Seat.values]), name="partners_post_seat_known"),
            models.CheckConstraint(
                condition=Q(held_from=None) | Q(held_until=None) | Q(held_until__gte=F("held_from")),
                name="partners_post_days_in_order",
                violation_error_message="The post ends before it begins. Check both dates.",
            ),
            models.CheckConstraint(
                condition=Q(seat_from=None) | Q(seat_until=None) | Q(seat_until__gte=F("seat_from")),
                name="partners_post_seat_days_in_order",
                violation_error_message="The role in the unit ends before it begins. Check both dates.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.described}"

    def natural_key(self) -> tuple[Any, ...]:
        """The slug of the person, the title and, if there is one, the slug of the organisation."""
        return (*self.person.natural_key(), self.title, self.organisation and self.organisation.slug)

    def is_held_on(self, day: date) -> bool:
        return lasts_on(day, self.held_from, self.held_until)

    def has_seat_on(self, day: date) -> bool:
        return bool(self.seat) and self.is_held_on(day) and lasts_on(day, self.seat_from, self.seat_until)

    @property
    def is_former(self) -> bool:
        return self.held_until is not None and self.held_until < timezone.localdate()

    @property
    def is_current(self) -> bool:
        return self.is_held_on(timezone.localdate())

    @property
    def has_seat(self) -> bool:
        return self.has_seat_on(timezone.localdate())

    @property
    def period(self) -> str:
        """Since when and until when it is held, as far as that is stated."""
        since = f"from {format_date(self.held_from)}" if self.held_from else ""
        until = f"until {format_date(self.held_until)}" if self.held_until else ""
        return f"{since} {until}".strip()

    @property
    def described(self) -> str:
        """Title, department and organisation, as far as they are stated."""
        return ", ".join(part for part in (self.title, self.department, str(self.organisation or "")) if part)
