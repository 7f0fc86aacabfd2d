"""The history page: who changed what in a record, when, from what to what; and reverting to an earlier version.

It combines three sources: the versions that simple_history keeps of a record and of its parts, Django's log of what was
done in the admin, and, for append-only rows, what the row itself says about its recording and reversal.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from vru_portal.ledger.append_only.models import AppendOnly, Reversible
from vru_portal.publishing.differences import Difference, describe_differences, display_value, field_label
from vru_portal.publishing.snapshots import NOT_COMPARED, row_key, row_values, take_snapshot
from vru_portal.publishing.state import Record
from vru_portal.publishing.submissions import dates_lost_by
from vru_portal.publishing.workflow import propose
from vru_portal.staff.admin_links import admin_link, change_url
from vru_portal.text.dates import format_date

MAX_EVENTS = 200  # that a page shows, the latest first
SAME_SAVE = timedelta(seconds=2)  # Django saves a form's many-to-many fields just after the row: one save, two versions
CHANGE_TYPES = {"+": "Created", "~": "Changed", "-": "Removed"}  # as simple_history stores them


@dataclass(frozen=True)
class HistoryEvent:
    """One line of the history page."""

    at: datetime
    by: Any
    what: str
    changes: list[Difference] = field(default_factory=list)
    revert: str = ""  # the page that reverts to this version


class HistoryMixin:
    """An admin whose history page says what changed."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        staff: Any = self
        row = staff.get_object(request, unquote(object_id))
        if row is None:
            return staff._get_obj_does_not_exist_redirect(request, staff.opts, object_id)
        if not staff.has_view_or_change_permission(request, row):
            raise PermissionDenied
        events = history_events(row)
        context = {
            **staff.admin_site.each_context(request),
            "title": "History",
            "subtitle": str(row),
            "opts": staff.opts,
            "original": row,
            "events": events,
            "cut": len(events) == MAX_EVENTS,
            "may_revert": staff.has_change_permission(request, row),
        }
        return TemplateResponse(request, "admin/history.html", context)


def history_events(row: Any) -> list[HistoryEvent]:
    """What happened to a row, the latest first."""
    events = [*_log_events(row)]
    if hasattr(row, "history"):
        version_events = [*_version_events(row)]
        events = [one for one in events if not any(_is_same_event(one, other) for other in version_events)]
        events += version_events
    if isinstance(row, AppendOnly):
        events += _append_only_events(row)
    return sorted(events, key=lambda event: event.at, reverse=True)[:MAX_EVENTS]


def _is_same_event(logged: HistoryEvent, version: HistoryEvent) -> bool:
    """Whether a log entry tells of the same save as a version, which says more about it."""
    return (logged.by, logged.what) == (version.by, version.what) and abs(logged.at - version.at) < SAME_SAVE


def _log_events(row: models.Model) -> Iterator[HistoryEvent]:
    """What actions, imports and pending changes have written into the log."""
    kind = ContentType.objects.get_for_model(row)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(row.pk)).select_related("user")
    if hasattr(row, "history"):
        # Django's own entries are JSON, or empty. They tell only which fields a form changed: the versions tell more.
        entries = entries.exclude(change_message__startswith="[").exclude(change_message="")
    for entry in entries.order_by("-action_time")[:MAX_EVENTS]:
        what = entry.get_change_message() or entry.get_action_flag_display()
        yield HistoryEvent(entry.action_time, entry.user, what)


def _append_only_events(row: AppendOnly) -> Iterator[HistoryEvent]:
    """How an append-only row was recorded, and what has reversed it."""
    what = "Recorded"
    if isinstance(row, Reversible) and row.reverses_id is not None:  # type: ignore[attr-defined]
        what = format_html("Recorded as the reversal of {}: {}", admin_link(row.reverses), row.reason)
    yield HistoryEvent(row.recorded_at, row.recorded_by, what)
    if isinstance(row, Reversible) and row.is_reversed:
        reversal = row.reversed_by  # type: ignore[attr-defined]
        what = format_html("Reversed by {}: {}", admin_link(reversal), reversal.reason)
        yield HistoryEvent(reversal.recorded_at, reversal.recorded_by, what)


# Versions -------------------------------------------------------------------------------------------------------------


def _version_events(row: Any) -> Iterator[HistoryEvent]:
    """What the versions of a record and of its parts tell."""
    value_cache: dict[tuple[Any, str, str], str] = {}
    latest = None
    for model, versions in _histories(row):
        is_part = model is not type(row)
        for before, after in _with_previous(versions):
            is_change = after.history_type == "~" and before is not None
            is_new_part = is_part and after.history_type == "+"
            changes = []
            if is_change or is_new_part:
                changes = [*_version_differences(model, before if is_change else None, after, value_cache)]
            if is_change and not changes:
                continue
            what = _what_happened(after)
            if is_part:
                what = f"{model._meta.verbose_name} “{_part_title(after)}”: {what}"
            revert = ""
            if not is_part and latest is not None and isinstance(row, Record):  # the latest is how the record is now
                name = f"admin:{row._meta.app_label}_{row._meta.model_name}_revert"
                revert = reverse(name, args=[row.pk, after.history_id])
            latest = latest or after
            yield HistoryEvent(after.history_date, after.history_user, what, changes, revert)


def _histories(row: Any) -> Iterator[tuple[type[models.Model], list[Any]]]:
    """The versions, the latest first, of a record, then of each of its parts (deleted ones too), and of their parts."""
    yield type(row), [*row.history.select_related("history_user")]
    parts = [(type(row), name, [row.pk]) for name in getattr(row, "parts", ())]
    for model, name, owner_ids in parts:  # grows while it is read: parts of parts are added at its end
        relation: Any = model._meta.get_field(name)
        part, column = relation.related_model, relation.field.attname
        versions_by_id: dict[int, list[Any]] = {}
        for version in part.history.filter(**{f"{column}__in": owner_ids}).select_related("history_user"):
            versions_by_id.setdefault(version.id, []).append(version)
        for versions in versions_by_id.values():
            yield part, versions
        parts += [(part, deeper, [*versions_by_id]) for deeper in part.parts]


def _with_previous(versions: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each version, the latest first, with the one before it. The versions of a single save count as one."""
    saves: list[Any] = []
    for version in versions:
        if saves and saves[-1].history_type == "~" and _is_same_save(saves[-1], version):
            if version.history_type == "+":  # a row was created, then its many-to-many fields were set
                saves[-1].history_type = version.history_type
                saves[-1].history_change_reason = version.history_change_reason
            continue
        saves.append(version)
    yield from zip([*saves[1:], None], saves, strict=True)


def _is_same_save(later: Any, earlier: Any) -> bool:
    by_same = (later.history_user_id, later.history_change_reason) == (
        earlier.history_user_id, earlier.history_change_reason,
    )  # fmt: skip
    return by_same and later.history_date - earlier.history_date < SAME_SAVE


def _version_values(version: Any, model: type[models.Model]) -> dict[str, Any]:
    """A version's values by field name, in the form in which `snapshots.row_values` gives those of a row."""
    tracked = {f.name for f in version.tracked_fields}
    values = {f.name: getattr(version, f.attname) for f in model._meta.concrete_fields if f.name in tracked}
    for relation in version._history_m2m_fields:
        ids = getattr(version, relation.name).values_list(relation.m2m_reverse_field_name(), flat=True)
        values[relation.name] = sorted(ids)
    return {name: value for name, value in values.items() if name != "id"}


def _version_differences(
    model: type[models.Model], before: Any, after: Any, value_cache: dict[tuple[Any, str, str], str]
) -> Iterator[Difference]:
    """How two versions differ. Displayed values are cached: each foreign key would otherwise be a query."""

    def display(name: str, value: Any) -> str:
        key = (model, name, repr(value))
        if key not in value_cache:
            value_cache[key] = display_value(model, name, value)
        return value_cache[key]

    new = _version_values(after, model)
    old = _version_values(before, model) if before else dict.fromkeys(new)
    for name, value in new.items():
        if name in old and old[name] != value and (display(name, old[name]) or display(name, value)):
            yield Difference(field_label(model, name), display(name, old[name]), display(name, value))


def _what_happened(version: Any) -> str:
    """Such as "Changed", "Published" or "Removed. Published"."""
    change, reason = CHANGE_TYPES[version.history_type], version.history_change_reason
    if not reason:
        return change
    return reason if version.history_type == "~" else f"{change}. {reason}"


def _part_title(version: Any) -> str:
    names = ("title", "value", "description")
    return next((str(getattr(version, name)) for name in names if getattr(version, name, "")), f"no. {version.id}")


# Reverting ------------------------------------------------------------------------------------------------------------


def revert_page(staff: Any, request: HttpRequest, object_id: str, version: int) -> HttpResponse:
    """Show what reverting to a version would change and, once confirmed, propose that as any other edit."""
    if not staff.has_change_permission(request):
        raise PermissionDenied
    root = staff.find_root(object_id)
    old = root and root.history.filter(history_id=version).first()
    if old is None:
        raise Http404("There is no such version.")
    kept = {getattr(staff, "order_field", "")}  # the order is changed on a page of its own
    now = take_snapshot(root)
    reasons: list[str] = []
    if request.method == "POST":
        try:
            cancelled = dates_lost_by(request.user, root)
            is_pending = propose(root, by=request.user, edit=lambda: _save_version(root, old, kept))
        except ValidationError as error:
            reasons = list(error.messages)
        else:
            staff.log_change(request, root, f"Reverted to the version of {format_date(old.history_date)}")
            done = "Reverted. The change is pending until it is published." if is_pending else "Reverted."
            messages.success(request, done)
            for sentence in cancelled:
                messages.warning(request, sentence)
            return HttpResponseRedirect(change_url(root))
    try:
        record, related_ids = _record_at_version(root, old, kept)
        changes = describe_differences(now, now | {row_key(record): row_values(record, related_ids)})
    except ValidationError as error:
        changes, reasons = [], list(error.messages)
    context = {
        **staff.admin_site.each_context(request),
        "title": "Revert to this version",
        "opts": staff.opts,
        "original": root,
        "back": reverse(f"admin:{staff.opts.app_label}_{staff.opts.model_name}_history", args=[root.pk]),
        "version": old,
        "changes": changes,
        "reasons": reasons,
        "is_public": root.is_public,
        "cancelled": dates_lost_by(request.user, root),
    }
    return TemplateResponse(request, "admin/record/revert.html", context, status=422 if reasons else 200)


def _save_version(root: Any, old: Any, kept: set[str]) -> None:
    """Give a record the values of a version. Its parts and its state stay as they are."""
    record, related_ids = _record_at_version(root, old, kept)
    record._change_reason = "Reverted to an earlier version"
    record.save()
    for name, ids in related_ids.items():
        getattr(record, name).set(ids)


def _record_at_version(root: Any, old: Any, kept: set[str]) -> tuple[Any, dict[str, list[int]]]:
    """The record with a version's values, except the ``kept``, not saved, and the IDs of its many-to-many fields.

    Raises ValidationError if a rule now refuses these values.
    """
    record = type(root)._default_manager.get(pk=root.pk)
    values = {
        name: value for name, value in _version_values(old, type(root)).items() if name not in NOT_COMPARED | kept
    }
    related_ids = {name: values.pop(name) for name in [f.name for f in root._meta.many_to_many] if name in values}
    for name, value in values.items():
        setattr(record, record._meta.get_field(name).attname, value)
    record.full_clean()
    return record, {name: _existing_ids(getattr(record, name).model, ids) for name, ids in related_ids.items()}


def _existing_ids(model: type[models.Model], ids: Iterable[int]) -> list[int]:
    """Without those of rows that have been deleted since."""
    return list(model._default_manager.filter(pk__in=ids).values_list("pk", flat=True))
