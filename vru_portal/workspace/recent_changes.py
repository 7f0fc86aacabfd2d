"""Who changed what: from the admin's log, and from the histories of records what the log does not have."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import F, Value
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from vru_portal.staff.admin_links import can_view, change_url, changelist_url

MAX_CHANGES = 200  # on the page of changes
DAYS_BACK = 30
# The log and the history of a record note the same change one after the other, in one request.
SAME_CHANGE_WITHIN = timedelta(seconds=10)

Model = type[models.Model]


@require_safe
def changes_page(request: HttpRequest) -> HttpResponse:
    """The changes of the last month, or of a week of it or one person: the start page shows the first few."""
    form = ChangesForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    weeks = int(chosen.get("week") or 0)
    changes = recent_changes(request, MAX_CHANGES, by=chosen.get("who"), weeks_ago=weeks - 1 if weeks else None)
    context = {
        **admin.site.each_context(request),
        "title": "Who changed what",
        "form": form,
        "changes": changes,
        "cut": len(changes) == MAX_CHANGES,
        "log": changelist_url(LogEntry) if can_view(request, LogEntry) else "",
    }
    return TemplateResponse(request, "admin/changes.html", context)


WEEKS = {1: "The last 7 days", 2: "8 to 14 days ago", 3: "15 to 21 days ago", 4: "22 to 28 days ago"}


class ChangesForm(forms.Form):
    """Whose changes, and in which week."""

    who = forms.ModelChoiceField(
        get_user_model().objects.filter(is_staff=True).order_by("username"), required=False, empty_label="Everybody"
    )
    week = forms.ChoiceField(label="When", choices=[("", "The last month"), *WEEKS.items()], required=False)


@dataclass(frozen=True)
class Selection:
    """Which changes are wanted."""

    since: datetime
    until: datetime
    by: Any = None  # None for everybody


def viewable_models(request: HttpRequest) -> list[Model]:
    """The models whose lists the user may view."""
    return [model for model in admin.site._registry if can_view(request, model)]


@dataclass(frozen=True)
class RecentChange:
    """Somebody did something to a record."""

    model: Model
    key: str  # primary key of the record
    at: datetime
    user: str
    action: str
    record_name: str = ""
    url: str = ""


def recent_changes(
    request: HttpRequest, limit: int, *, by: Any = None, weeks_ago: int | None = None
) -> list[RecentChange]:
    """The latest changes of records that the user may view, newest first, each of them once.

    ``weeks_ago`` is 0 for the last seven days, 1 for the seven before; None for the last month.
    """
    now = timezone.now()
    until = now - timedelta(weeks=weeks_ago or 0)
    wanted = Selection(now - timedelta(days=DAYS_BACK) if weeks_ago is None else until - timedelta(weeks=1), until, by)
    viewable = viewable_models(request)
    logged = [*logged_changes(viewable, wanted, limit)]
    unlogged = [
        change
        for change in changes_in_histories(viewable, wanted, limit)
        if not any(is_same_change(change, other) for other in logged)
    ]
    latest = sorted([*logged, *unlogged], key=lambda change: change.at, reverse=True)[:limit]
    return with_record_names(request, latest)


def is_same_change(one: RecentChange, other: RecentChange) -> bool:
    return one.model is other.model and one.key == other.key and abs(one.at - other.at) < SAME_CHANGE_WITHIN


def logged_changes(viewable: list[Model], wanted: Selection, limit: int) -> Iterator[RecentChange]:
    """Yield the latest changes that were made in the admin."""
    models_by_type = {kind.pk: model for model, kind in ContentType.objects.get_for_models(*viewable).items()}
    entries = LogEntry.objects.filter(
        content_type__in=models_by_type, action_time__gt=wanted.since, action_time__lte=wanted.until
    )
    if wanted.by:
        entries = entries.filter(user=wanted.by)
    entries = entries.select_related("user").order_by("-action_time")
    for entry in entries[:limit]:
        action = {ADDITION: "Added.", DELETION: "Deleted."}.get(entry.action_flag) or entry.get_change_message()
        url = "" if entry.action_flag == DELETION else entry.get_admin_url() or ""
        yield RecentChange(
            models_by_type[entry.content_type_id or 0],
            str(entry.object_id),
            entry.action_time,
            str(entry.user),
            action,
            entry.object_repr,
            url,
        )


def changes_in_histories(viewable: list[Model], wanted: Selection, limit: int) -> list[RecentChange]:
    """The latest changes in the histories of all models, by whatever way they were made, in a single query.

    Changes that nobody signed in has made, such as those of the schedule, are left out.
    """
    whose = {"history_user": wanted.by} if wanted.by else {"history_user__isnull": False}
    historic = [model for model in viewable if hasattr(model, "history")]
    selects = [
        model.history.filter(history_date__gt=wanted.since, history_date__lte=wanted.until, **whose)
        .order_by()
        .annotate(index_=Value(index), key_=F(model._meta.pk.attname))
        .values_list("index_", "key_", "history_date", "history_type", "history_user", "history_change_reason")
        for index, model in enumerate(historic)
    ]
    if not selects:
        return []
    # Up to `limit` of the newest rows may be in the log too, and are then left out.
    rows = list(selects[0].union(*selects[1:], all=True).order_by("-history_date")[: 2 * limit])
    users = get_user_model().objects.in_bulk({row[4] for row in rows if row[4]}) if rows else {}
    actions = {"+": "Added.", "~": "Changed.", "-": "Deleted."}
    return [
        RecentChange(historic[index], str(key), at, str(users.get(user, "Somebody")), reason or actions[history_type])
        for index, key, at, history_type, user, reason in rows
    ]


def with_record_names(request: HttpRequest, changes: list[RecentChange]) -> list[RecentChange]:
    """Add names and links to changes that only a history tells of, with one query for each model."""
    keys_by_model: dict[Model, set[int]] = {}
    for change in changes:
        if not change.record_name:
            keys_by_model.setdefault(change.model, set()).add(int(change.key))
    records: dict[Model, dict[int, Any]] = {
        model: admin.site.get_model_admin(model).get_queryset(request).in_bulk(keys)
        for model, keys in keys_by_model.items()
    }

    def with_name(change: RecentChange) -> RecentChange:
        if change.record_name:
            return change
        record = records[change.model].get(int(change.key))
        if record is None:  # it was deleted since
            return replace(change, record_name=f"{change.model._meta.verbose_name} {change.key}")
        return replace(change, record_name=str(record), url=change_url(record))

    return [with_name(change) for change in changes]
