"""Staff's start page: what needs doing, how much money is left and for how long, and who changed what."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Count, F, Q, Value
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

import events.declarations.todo
import funding.todo
import partners.todo
import programmes.todo
from events.declarations import rules
from partners.checked import CheckedFilter, unchecked
from vru_portal.append_only import Reversible
from vru_portal.models import Pending
from vru_portal.publishing import Publishable, State
from vru_portal.step_admin import row_url
from vru_portal.todo import Line, Way, count_all, counted, listed, sees

MOST_CHANGES, ALL_CHANGES = 10, 200
DAYS_BACK = 30
ORDER = ["programmes", "partners", "events", "funding", "declarations"]
SAME = timedelta(seconds=10)  # within which the log and the history of a record tell of the same change

Model = type[models.Model]


@require_safe
def start_page(request: HttpRequest) -> HttpResponse:
    """What needs doing, for whoever asks: only what they may look at."""
    version = rules.in_force()
    said = [
        *events.declarations.todo.lines(request, version),
        *programmes.todo.lines(request),
        *funding.todo.lines(request),
        *partners.todo.lines(request),
        *across(request),
    ]
    context = {
        "title": "What needs doing",
        "today": timezone.localdate(),
        "lines": sorted(said, key=lambda line: not line.urgent),
        "money": list(funding.todo.money(request)),
        "progress": events.declarations.todo.progress(request, version),
        "changes": changes(request),
        "app_list": sorted(admin.site.get_app_list(request), key=lambda app: place(app["app_label"])),
    }
    return admin.site.index(request, context)


@require_safe
def changes_page(request: HttpRequest) -> HttpResponse:
    """Who changed what within a month: what the start page shows the first few of."""
    found = changes(request, ALL_CHANGES)
    context = {
        **admin.site.each_context(request),
        "title": "Who changed what",
        "changes": found,
        "cut": len(found) == ALL_CHANGES,
        "log": listed(LogEntry) if sees(request, LogEntry) else "",
    }
    return TemplateResponse(request, "admin/changes.html", context)


def place(label: str) -> int:
    """Return where an app stands among the content: what is written every day first."""
    return ORDER.index(label) if label in ORDER else len(ORDER)


def visible(request: HttpRequest) -> list[Model]:
    """Return the models whose list somebody may look at."""
    return [model for model in admin.site._registry if sees(request, model)]


# What is the same of every kind ---------------------------------------------------------------------------------------


def across(request: HttpRequest) -> list[Line]:
    """Return what waits of all kinds of record: changes, drafts, and facts that nobody has looked at for long."""
    kinds = visible(request)
    drafts = {
        model: model._default_manager.filter(state=State.DRAFT) for model in kinds if issubclass(model, Publishable)
    }
    facts = {model: standing(model).filter(unchecked()) for model in kinds if asks_to_check(request, model)}
    numbers = count_all(
        {("draft", model): rows for model, rows in drafts.items()}
        | {("fact", model): rows for model, rows in facts.items()}
    )
    draft_ways = [way(model, numbers["draft", model], state__exact=State.DRAFT) for model in drafts]
    fact_ways = [
        way(
            model,
            numbers["fact", model],
            checked="no",
            **({"standing": "yes"} if issubclass(model, Reversible) else {}),
        )
        for model in facts
    ]
    return [
        *(waiting_changes() if Pending in kinds else ()),
        *by_kind("Drafts are not published", "Nobody but staff sees them.", draft_ways),
        *by_kind(
            "Facts that nobody has checked for a year",
            "Compare each with its source, then set the day on which staff checked it.",
            fact_ways,
        ),
    ]


def asks_to_check(request: HttpRequest, model: Model) -> bool:
    """Return whether a list can be asked for the facts that nobody has checked."""
    return CheckedFilter in admin.site.get_model_admin(model).get_list_filter(request)


def standing(model: Model) -> models.QuerySet[Any]:
    """Return the rows of a model that count."""
    rows = model._default_manager.all()
    return rows.filter(reverses=None, reversed_by=None) if issubclass(model, Reversible) else rows


def way(model: Model, number: int, **conditions: str) -> Way:
    """Return the way to a list of one kind, named as many as there are."""
    name = model._meta.verbose_name if number == 1 else model._meta.verbose_name_plural
    return Way(f"{number} {name}", listed(model, **conditions), number)


def by_kind(heading: str, sentence: str, ways: list[Way]) -> list[Line]:
    """Return a line that counts a list of each kind, the longest first; none where all are empty."""
    full = sorted((way for way in ways if way.number), key=lambda way: -(way.number or 0))
    return [Line(heading, sentence, tuple(full))] if full else []


def waiting_changes() -> list[Line]:
    """Return the changes that wait, and those whose day came and that could not be published."""
    found = Pending.objects.aggregate(
        failed=Count("pk", filter=~Q(fault="")), open=Count("pk", filter=Q(publish_at=None))
    )
    return [
        *counted(
            "Changes could not be published on their day",
            "Each says why. Mend it, then publish.",
            "See why",
            listed(Pending, due="failed"),
            found["failed"],
            urgent=True,
        ),
        *counted(
            "Changes wait to be published",
            "The public sees the records as they were before.",
            "Look through them",
            listed(Pending, due="open"),
            found["open"],
        ),
    ]


# Who changed what -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """Somebody did something to a record."""

    model: Model
    key: str
    at: datetime
    who: str
    what: str
    name: str = ""
    address: str = ""


def changes(request: HttpRequest, most: int = MOST_CHANGES) -> list[Change]:
    """Return the latest: from the admin's log, and from the histories what was done by another door."""
    kinds = visible(request)
    logged = [*log_of(kinds, most)]
    told = [one for one in histories_of(kinds, most) if not any(same(one, other) for other in logged)]
    latest = sorted([*logged, *told], key=lambda one: one.at, reverse=True)[:most]
    return named(request, latest)


def same(one: Change, other: Change) -> bool:
    """Return whether the history tells of what the log does."""
    return one.model is other.model and one.key == other.key and abs(one.at - other.at) < SAME


def log_of(kinds: list[Model], most: int) -> Iterator[Change]:
    """Yield the latest of the admin's log."""
    types = {kind.pk: model for model, kind in ContentType.objects.get_for_models(*kinds).items()}
    since = timezone.now() - timedelta(days=DAYS_BACK)
    rows = (
        LogEntry.objects.filter(content_type__in=types, action_time__gte=since)
        .select_related("user")
        .order_by("-action_time")
    )
    for row in rows[:most]:
        model, key = types[row.content_type_id or 0], str(row.object_id)
        done = {ADDITION: "Added.", DELETION: "Deleted."}.get(row.action_flag) or row.get_change_message()
        address = "" if row.action_flag == DELETION else row.get_admin_url() or ""
        yield Change(model, key, row.action_time, str(row.user), done, row.object_repr, address)


def histories_of(kinds: list[Model], most: int) -> list[Change]:
    """Return the latest of all histories in one question, without what nobody signed in has done."""
    since = timezone.now() - timedelta(days=DAYS_BACK)
    historic = [model for model in kinds if hasattr(model, "history")]
    arms = [
        model.history.filter(history_date__gte=since)
        .exclude(history_user=None)
        .order_by()
        .annotate(arm_=Value(place), key_=F(model._meta.pk.attname))
        .values_list("arm_", "key_", "history_date", "history_type", "history_user", "history_change_reason")
        for place, model in enumerate(historic)
    ]
    if not arms:
        return []
    rows = list(arms[0].union(*arms[1:], all=True).order_by("-history_date")[: 2 * most])
    users = get_user_model().objects.in_bulk({row[4] for row in rows if row[4]}) if rows else {}
    words = {"+": "Added.", "~": "Changed.", "-": "Deleted."}
    return [
        Change(historic[place], str(key), at, str(users.get(user, "Somebody")), reason or words[done])
        for place, key, at, done, user, reason in rows
    ]


def named(request: HttpRequest, found: list[Change]) -> list[Change]:
    """Give the records that only their history tells of their names, with one question a kind."""
    keys: dict[Model, set[int]] = {}
    for one in found:
        if not one.name:
            keys.setdefault(one.model, set()).add(int(one.key))
    rows = {
        model: admin.site.get_model_admin(model).get_queryset(request).in_bulk(wanted) for model, wanted in keys.items()
    }

    def of(one: Change) -> Change:
        row = None if one.name else rows[one.model].get(int(one.key))
        name = str(row) if row else one.name or f"{one.model._meta.verbose_name} {one.key}"
        return Change(one.model, one.key, one.at, one.who, one.what, name, row_url(row) if row else one.address)

    return [of(one) for one in found]
