"""What needs doing: a line of staff's start page, and the lists that it counts."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Count, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode


@dataclass(frozen=True)
class Way:
    """A link to where something is done: a list, with how many rows it shows as it is filtered."""

    label: str
    address: str
    number: int | None = None


@dataclass(frozen=True)
class Line:
    """One thing that waits for staff."""

    heading: str
    sentence: str
    ways: tuple[Way, ...]
    urgent: bool = field(default=False, kw_only=True)

    @property
    def number(self) -> int | None:
        """How many rows its lists show; nothing where nothing can be counted."""
        return sum(way.number or 0 for way in self.ways) or None


def word(request: HttpRequest, permission: str, does: str) -> str:
    """Return what a link says: what somebody does there, or, where another role does it, that they can look."""
    return does if request.user.has_perm(permission) else "See them"


def counted(heading: str, sentence: str, label: str, address: str, number: int, *, urgent: bool = False) -> list[Line]:
    """Return a line that counts one list; none where that is empty."""
    return [Line(heading, sentence, (Way(label, address, number),), urgent=urgent)] if number else []


def sees(request: HttpRequest, model: type[models.Model]) -> bool:
    """Return whether somebody may view the list of a model."""
    return admin.site.get_model_admin(model).has_view_permission(request)


def count_all(queries: dict[Any, models.QuerySet[Any]]) -> dict[Any, int]:
    """Return how many rows each query has, in one question."""
    keys = list(queries)
    arms = [
        rows.order_by().values(arm_=Value(place)).annotate(n_=Count("pk")).values_list("arm_", "n_")
        for place, rows in enumerate(queries.values())
    ]
    found = dict(arms[0].union(*arms[1:], all=True)) if arms else {}
    return {key: found.get(place, 0) for place, key in enumerate(keys)}


def listed(model: type[models.Model], **conditions: str | int) -> str:
    """Return the address of a filtered list."""
    query = f"?{urlencode(conditions)}" if conditions else ""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") + query


def days(number: int) -> str:
    """Return a number of days in words."""
    return f"{number:,} day{'' if number == 1 else 's'}"


def long_day(day: date) -> str:
    """Return a day as sentences have it."""
    return f"{day:%-d %B %Y}"
