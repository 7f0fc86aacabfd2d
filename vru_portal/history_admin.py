"""The history of a record in words: who changed what, when, from what to what; and the way back."""

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

from vru_portal import drafts
from vru_portal.append_only import AppendOnly, Reversible
from vru_portal.drafts import Difference
from vru_portal.publishing import Record
from vru_portal.step_admin import link, row_url

MOST = 200  # entries that are shown, the latest first
AT_ONCE = timedelta(seconds=2)  # a form's lists are written just after its fields: one change, two rows
KINDS = {"+": "Created", "~": "Changed", "-": "Removed"}


@dataclass(frozen=True)
class Event:
    """One entry: what happened when, by whom; what changed; and where it can be brought back."""

    at: datetime
    by: Any
    what: str
    changes: list[Difference] = field(default_factory=list)
    revert: str = ""


class WithHistory:
    """An admin that tells the history of its rows in words."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show who did what, when."""
        staff: Any = self
        row = staff.get_object(request, unquote(object_id))
        if row is None:
            return staff._get_obj_does_not_exist_redirect(request, staff.opts, object_id)
        if not staff.has_view_or_change_permission(request, row):
            raise PermissionDenied
        found = events(row)
        context = {
            **staff.admin_site.each_context(request),
            "title": "History",
            "subtitle": str(row),
            "opts": staff.opts,
            "original": row,
            "events": found,
            "cut": len(found) == MOST,
            "may_revert": staff.has_change_permission(request, row),
        }
        return TemplateResponse(request, "admin/history.html", context)


def events(row: Any) -> list[Event]:
    """Return what happened to a row, the latest first."""
    found = [*logged(row)]
    if hasattr(row, "history"):
        told = [*versions(row)]
        found = [one for one in found if not any(same(one, other) for other in told)] + told
    if isinstance(row, AppendOnly):
        found += recorded(row)
    return sorted(found, key=lambda event: event.at, reverse=True)[:MOST]


def same(logged: Event, told: Event) -> bool:
    """Return whether the log says of a press of a button what the history tells with all that it changed."""
    return (logged.by, logged.what) == (told.by, told.what) and abs(logged.at - told.at) < AT_ONCE


def logged(row: models.Model) -> Iterator[Event]:
    """Yield what steps, files and changes that wait have written into the log, in their own words."""
    kind = ContentType.objects.get_for_model(row)
    rows = LogEntry.objects.filter(content_type=kind, object_id=str(row.pk)).select_related("user")
    if hasattr(row, "history"):  # which tells more of what a form has saved
        rows = rows.exclude(change_message__startswith="[").exclude(change_message="")
    for entry in rows.order_by("-action_time")[:MOST]:
        yield Event(entry.action_time, entry.user, entry.get_change_message() or entry.get_action_flag_display())


def recorded(row: AppendOnly) -> Iterator[Event]:
    """Yield how a row that never changes was recorded, and the chain of what has taken it back."""
    what = "Recorded"
    if isinstance(row, Reversible) and row.reverses_id is not None:  # type: ignore[attr-defined]
        what = format_html("Recorded as the reversal of {}: {}", link(row.reverses), row.reason)
    yield Event(row.recorded_at, row.recorded_by, what)
    if isinstance(row, Reversible) and row.is_reversed:
        back = row.reversed_by  # type: ignore[attr-defined]
        yield Event(back.recorded_at, back.recorded_by, format_html("Reversed by {}: {}", link(back), back.reason))


def versions(row: Any) -> Iterator[Event]:
    """Yield what the history of a record and of its parts tells."""
    known: dict[tuple[Any, str, str], str] = {}
    latest = None
    for model, rows in histories(row):
        part = "" if model is type(row) else f"{model._meta.verbose_name} “{{}}”: "
        for before, after in pairs(rows):
            place = part.format(called(after)) if part else ""
            told = after.history_type == "~" and before is not None
            added = part and after.history_type == "+"
            changes = [*changed(model, before if told else None, after, known)] if told or added else []
            if told and not changes:
                continue
            word = in_a_word(after)
            revert = ""
            if not part and latest is not None and isinstance(row, Record):
                name = f"admin:{row._meta.app_label}_{row._meta.model_name}_revert"
                revert = reverse(name, args=[row.pk, after.history_id])
            latest = latest or after
            yield Event(after.history_date, after.history_user, f"{place}{word}", changes, revert)


def histories(row: Any) -> Iterator[tuple[type[models.Model], list[Any]]]:
    """Yield the model and the history rows, the latest first, of a record, of its parts, and of theirs."""
    yield type(row), [*row.history.select_related("history_user")]
    parts = [(type(row), name, [row.pk]) for name in getattr(row, "parts", ())]
    for model, name, owners in parts:
        relation: Any = model._meta.get_field(name)
        part, column = relation.related_model, relation.field.attname
        rows = [*part.history.filter(**{f"{column}__in": owners}).select_related("history_user")]
        by_row: dict[int, list[Any]] = {}
        for one in rows:
            by_row.setdefault(one.id, []).append(one)
        for group in by_row.values():
            yield part, group
        parts += [(part, deeper, [*by_row]) for deeper in part.parts]


def pairs(rows: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each version with the one before it; what one press of a button has written counts once."""
    kept: list[Any] = []
    for row in rows:
        if kept and kept[-1].history_type == "~" and pressed_once(kept[-1], row):
            if row.history_type == "+":
                kept[-1] = merged(kept[-1], row)
            continue
        kept.append(row)
    yield from zip([*kept[1:], None], kept, strict=True)


def pressed_once(last: Any, row: Any) -> bool:
    """Return whether two versions came about at once."""
    same = (last.history_user_id, last.history_change_reason) == (row.history_user_id, row.history_change_reason)
    return same and last.history_date - row.history_date < AT_ONCE


def merged(last: Any, first: Any) -> Any:
    """Return the last row of one press as the creation that it completes."""
    last.history_type, last.history_change_reason = first.history_type, first.history_change_reason
    return last


def values_of(version: Any, model: type[models.Model]) -> dict[str, Any]:
    """Return the values of a version, as `drafts` compares them."""
    tracked = {f.name for f in version.tracked_fields}
    found = {f.name: getattr(version, f.attname) for f in model._meta.concrete_fields if f.name in tracked}
    for one in version._history_m2m_fields:
        keys = getattr(version, one.name).values_list(one.m2m_reverse_field_name(), flat=True)
        found[one.name] = sorted(keys)
    return {name: value for name, value in found.items() if name != "id"}


def changed(
    model: type[models.Model], before: Any, after: Any, known: dict[tuple[Any, str, str], str]
) -> Iterator[Difference]:
    """Yield how two versions differ, in words."""

    def worded(name: str, value: Any) -> str:
        key = (model, name, repr(value))
        if key not in known:
            known[key] = drafts.in_words(model, name, value)
        return known[key]

    new = values_of(after, model)
    old = values_of(before, model) if before else dict.fromkeys(new)
    for name, value in new.items():
        if name in old and old[name] != value and (worded(name, old[name]) or worded(name, value)):
            yield Difference(drafts.title(model, name), worded(name, old[name]), worded(name, value))


def in_a_word(version: Any) -> str:
    """Return what became of a row, and by which step."""
    kind, reason = KINDS[version.history_type], version.history_change_reason
    if not reason:
        return kind
    return reason if version.history_type == "~" else f"{kind}. {reason}"


def called(version: Any) -> str:
    """Return what a part was called."""
    names = ("title", "value", "description")
    return next((str(getattr(version, name)) for name in names if getattr(version, name, "")), f"no. {version.id}")


# The way back ---------------------------------------------------------------------------------------------------------


def revert_view(staff: Any, request: HttpRequest, object_id: str, version: int) -> HttpResponse:
    """Show what bringing a version back would change, and, confirmed, do it: a public record's change then waits."""
    if not staff.has_change_permission(request):
        raise PermissionDenied
    root = staff.found(object_id)
    old = root and root.history.filter(history_id=version).first()
    if old is None:
        raise Http404("There is no such version.")
    now = drafts.snapshot(root)
    reasons: list[str] = []
    if request.method == "POST":
        try:
            waits = drafts.propose(root, by=request.user, edit=lambda: bring_back(root, old))
        except ValidationError as error:
            reasons = list(error.messages)
        else:
            staff.log_change(request, root, f"Brought back: the version of {old.history_date:%-d %B %Y}")
            messages.success(request, "Brought back. It waits to be published." if waits else "Brought back.")
            return HttpResponseRedirect(row_url(root))
    try:
        record, lists = restored(root, old)
        changes = drafts.worded(now, now | {drafts.key_of(record): drafts.values_of(record, lists)})
    except ValidationError as error:
        changes, reasons = [], list(error.messages)
    context = {
        **staff.admin_site.each_context(request),
        "title": "Bring this version back",
        "opts": staff.opts,
        "original": root,
        "back": reverse(f"admin:{staff.opts.app_label}_{staff.opts.model_name}_history", args=[root.pk]),
        "version": old,
        "changes": changes,
        "reasons": reasons,
        "waits": root.is_public,
    }
    return TemplateResponse(request, "admin/record/revert.html", context, status=422 if reasons else 200)


def bring_back(root: Any, old: Any) -> None:
    """Give a record the values of a version; its parts, and who sees it, stay as they are."""
    record, lists = restored(root, old)
    record._change_reason = "Brought back"
    record.save()
    for name, keys in lists.items():
        getattr(record, name).set(keys)


def restored(root: Any, old: Any) -> tuple[Any, dict[str, list[int]]]:
    """Return a record with the values of a version, not saved, and the keys of its many-to-many relations.

    Raises ValidationError where a rule refuses it by now.
    """
    record = type(root)._default_manager.get(pk=root.pk)
    values = {name: value for name, value in values_of(old, type(root)).items() if name not in drafts.NOT_COMPARED}
    lists = {name: values.pop(name) for name in [f.name for f in root._meta.many_to_many] if name in values}
    for name, value in values.items():
        setattr(record, record._meta.get_field(name).attname, value)
    record.full_clean()
    return record, {name: existing(getattr(record, name).model, keys) for name, keys in lists.items()}


def existing(model: type[models.Model], keys: Iterable[int]) -> list[int]:
    """Return the keys of the rows that are still there."""
    return list(model._default_manager.filter(pk__in=keys).values_list("pk", flat=True))
