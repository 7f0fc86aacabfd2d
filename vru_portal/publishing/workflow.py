"""The publishing workflow: propose, mark ready, send back, publish (now or on a schedule), unpublish, discard.

This is the one place that says who may do what, however it is asked for: by a form, an action on many records, a
command or the timer.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from vru_portal.models import Pending, Submission
from vru_portal.permissions import has_model_permission
from vru_portal.publishing import pending_changes, submissions
from vru_portal.publishing.changesets import apply_changeset, changeset_between, set_history_details
from vru_portal.publishing.dead_links import problems_with_links
from vru_portal.publishing.differences import Difference, describe_differences, field_label
from vru_portal.publishing.related_drafts import drafts_named_by, related_drafts
from vru_portal.publishing.snapshots import (
    owning_record,
    record_and_parts,
    record_fingerprint,
    row_key,
    rows_with_key,
    take_snapshot,
)
from vru_portal.publishing.state import PUBLISH, Publishable, State
from vru_portal.text.dates import format_datetime

# `pending_changes` is used by its name: tests/support/processes/reading.py replaces one of its functions, to prove
# that its own check notices a page that takes locks.

CHANGED_MEANWHILE = "Somebody else saved changes while you were reading. Check the new version, then {}."
NOTHING_TO_PUBLISH = "There is nothing to publish. The public version is up to date."

logger = logging.getLogger(__name__)


def lock_record(root: Any) -> Any:
    """Lock the record until the transaction ends, and return it as it is now."""
    return type(root)._default_manager.select_for_update().get(pk=root.pk)


def require_publisher(by: Any) -> None:
    """Raise PermissionDenied for somebody who may not publish. None is the portal itself, such as a command."""
    if by is not None and not by.has_perm(PUBLISH):
        raise PermissionDenied


# Proposing ------------------------------------------------------------------------------------------------------------


@transaction.atomic
def propose(root: Any, *, by: Any, edit: Callable[[], object]) -> bool:
    """Edit a record and its parts: a draft at once, a published record only in its pending change.

    ``edit`` saves through the ORM. It sees the pending change already, so edits add up. Returns whether there is now
    a pending change. A scheduled publication is cancelled. Raises ValidationError, with nothing changed, if a rule
    refuses the edit.
    """
    if not lock_record(root).is_public:
        edit()
        submissions.note_edit(root, by=by)
        return False
    before = take_snapshot(root)
    with pending_changes.editing_with_pending_change(root):
        edit()
        after = take_snapshot(root)
    submissions.note_edit(root, by=by)
    pending_changes.save_pending_change(root, changeset_between(before, after), by=by)
    return True


@transaction.atomic
def discard(root: Any, *, by: Any = None, seen_version: str = "") -> None:
    """Drop the pending change, and with it what was said about publishing it. A scheduled publication is cancelled.

    Raises ValidationError if the pending change is no longer the one of ``seen_version`` (`pending_version`).
    """
    lock_record(root)
    if seen_version and seen_version != pending_changes.pending_version(root):
        raise ValidationError(CHANGED_MEANWHILE.format("decide"))
    submissions.close_with_dates(root, by=by, because="Discarded the pending changes")
    Pending.objects.filter(**pending_changes.pending_lookup(root)).delete()


@transaction.atomic
def delete_draft(row: Any, *, by: Any) -> None:
    """Delete a draft, or a part of one, and cancel the draft's scheduled publication."""
    root = owning_record(row)
    submissions.note_edit(root, by=by)
    if root == row:
        discard(root)
    row.delete()


# Handing over ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def mark_ready(root: Any, *, by: Any, note: str = "") -> None:
    """Tell those who may publish that a draft or a pending change is ready. Raises ValidationError if it is not."""
    if by is not None and not has_model_permission(by, "change", type(root)):
        raise PermissionDenied
    root = lock_record(root)
    if reasons := reasons_not_ready(root):
        raise ValidationError(reasons)
    submissions.save(root, Submission.State.READY, by=by, concerns=by, note=note)


@transaction.atomic
def take_back(root: Any, *, by: Any) -> None:
    """Tell those who may publish that a record is not ready after all; nothing else changes."""
    if by is not None and not has_model_permission(by, "change", type(root)):
        raise PermissionDenied
    root = lock_record(root)
    if not submissions.is_marked_ready(root):
        raise ValidationError("This is not marked as ready to publish.")
    submissions.close(root)


def reasons_not_ready(root: Any) -> list[str]:
    """Why a record cannot be handed over to a Publisher, or what has to be corrected first."""
    if not has_something_to_publish(root):
        return [NOTHING_TO_PUBLISH]
    pending = pending_changes.pending_change(root)
    if pending and pending.publish_at and not pending.fault:
        return [f"{pending.by or 'Somebody'} has already set a date for this: {format_datetime(pending.publish_at)}."]
    try:
        return all_publishing_blockers(root, together=related_drafts(root))
    except ValidationError as error:
        return list(error.messages)


@transaction.atomic
def send_back(root: Any, *, by: Any, note: str) -> None:
    """Return a draft or a pending change to its author, with a note. A scheduled date is cancelled."""
    require_publisher(by)
    root = lock_record(root)
    if not has_something_to_publish(root):
        raise ValidationError(NOTHING_TO_PUBLISH)
    if not note.strip():
        raise ValidationError({"note": submissions.NOTE_NEEDED})
    author = submissions.author_of(root)
    submissions.cancel_dates(submissions.dates_that_include(root), by=by, because="Sent the record back")
    submissions.save(root, Submission.State.SENT_BACK, by=by, concerns=author, note=note)


@transaction.atomic
def cancel_date(root: Any, *, by: Any) -> None:
    """Cancel the date on which a record was to be published, or close the notice that it was; nothing else changes."""
    require_publisher(by)
    root = lock_record(root)
    if submissions.has_only_a_notice(root):
        submissions.close(root)
    elif not submissions.cancel_own_date(root, by=by):
        raise ValidationError("There is no date to cancel.")


def has_something_to_publish(root: Any) -> bool:
    return not root.is_public or pending_changes.pending_change(root) is not None


# Reviewing ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Review:
    """What somebody needs to decide whether to publish a record with its pending change."""

    fingerprint: str
    differences: list[Difference]  # from what the public sees now
    together: dict[str, Any]  # the drafts to publish with it, by their keys with their fingerprints
    blockers: list[str]  # once these drafts are published, too
    warnings: list[str]  # links that visitors could not follow then


def review_record(root: Any) -> Review:
    """Raises ValidationError if the pending change can no longer be applied."""
    before = take_snapshot(root)
    with pending_changes.viewing_with_pending_change(root):
        differences = describe_differences(before, take_snapshot(root))
        fingerprint = record_fingerprint(root)
        drafts = list(drafts_named_by(root, {row_key(root)}))
        together = {f"{row_key(draft)} {record_fingerprint(draft)}": draft for draft in drafts}
    blockers = all_publishing_blockers(root, together=drafts)
    return Review(fingerprint, differences, together, blockers, link_warnings(root, drafts))


def link_warnings(root: Any, drafts: list[Any]) -> list[str]:
    """The links that no visitor could follow once a record is published with its pending change, and drafts with it."""
    try:
        with _viewing_together(root, drafts):
            of_drafts = [f"“{draft}”, {problem}" for draft in drafts for problem in problems_with_links(draft)]
            return problems_with_links(root) + of_drafts
    except ValidationError:  # they cannot be published like this: `all_publishing_blockers` says why
        return []


def all_publishing_blockers(root: Any, *, together: list[Any] | None = None) -> list[str]:
    """What has to be corrected before a record can be published with its pending change, and drafts with it."""
    drafts = together or []
    try:
        with _viewing_together(root, drafts):
            return publishing_blockers(root) + blockers_of_drafts(drafts)
    except ValidationError as error:
        return list(error.messages)


@contextmanager
def _viewing_together(root: Any, drafts: list[Any]) -> Iterator[None]:
    """Inside the block, this connection sees the record with its pending change, and these drafts as published.

    Raises ValidationError with what blocks the drafts, if one of them cannot even be looked at as published.
    """
    try:
        with pending_changes.viewing_with_pending_change(root, together=drafts):
            yield
    except IntegrityError as error:
        raise ValidationError(blockers_of_drafts(drafts)) from error


def blockers_of_drafts(drafts: list[Any]) -> list[str]:
    return [f"“{draft}”, {blocker}" for draft in drafts for blocker in publishing_blockers(draft)]


def publishing_blockers(root: Any) -> list[str]:
    """What has to be corrected before the record can be published as it is in the database: where, and how."""
    record = type(root)._default_manager.get(pk=root.pk)
    if isinstance(record, Publishable):
        record.state = State.PUBLISHED  # some rules hold only for what the public sees
    blockers: list[str] = []
    for row in record_and_parts(record):
        part = "" if row is record else f"{row}, "
        blockers += [f"{part}{field_label(row, name)}: {sentence}" for name, sentence in _row_blockers(row)]
    return blockers


def _row_blockers(row: Any) -> Iterator[tuple[str, str]]:
    """Yield the fields that keep a row from being published, each with what to do about it."""
    blockers = row.publishing_blockers()
    yield from blockers.items()
    try:
        row.full_clean()
    except ValidationError as error:
        for name, sentences in error.message_dict.items():
            yield from ((name, sentence) for sentence in sentences if name not in blockers)


# Publishing -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def publish(
    root: Any,
    *,
    by: Any,
    at: datetime | None = None,
    seen_fingerprint: str = "",
    together: Mapping[str, str] | None = None,
) -> None:
    """Publish a draft, or a record's pending change: now, or at a time in the future.

    ``together`` names drafts to publish with it, all or none: the keys of their rows, each with its fingerprint. Each
    fingerprint, and ``seen_fingerprint`` of the record itself, is that of what the person read: if one of them has
    changed since, nothing is published (an empty one is not compared). Raises ValidationError with all that blocks it.
    """
    require_publisher(by)
    root = lock_record(root)
    if not has_something_to_publish(root):
        raise ValidationError(NOTHING_TO_PUBLISH)
    drafts = _lock_drafts(root, together or {})
    with _viewing_together(root, drafts):
        if seen_fingerprint and seen_fingerprint != record_fingerprint(root):
            raise ValidationError(CHANGED_MEANWHILE.format("publish"))
        if blockers := publishing_blockers(root) + blockers_of_drafts(drafts):
            raise ValidationError(blockers)
    if at is not None:
        _schedule(root, by=by, at=at, drafts=drafts)
        return
    for draft in drafts:
        _publish_now(draft, by=by)
        _log(draft, f"Published together with “{root}”", by=by)
    _publish_now(root, by=by)


def _lock_drafts(root: Any, together: Mapping[str, str]) -> list[Any]:
    """Lock the drafts to publish with a record, in the order in which that is possible."""
    related = {row_key(draft): draft for draft in related_drafts(root)} if together else {}
    if together.keys() - related.keys():
        raise ValidationError(CHANGED_MEANWHILE.format("publish"))
    locked = {key: lock_record(related[key]) for key in sorted(together)}  # sorted, so that no two wait for each other
    for key, draft in locked.items():
        if together[key] and together[key] != record_fingerprint(draft):
            raise ValidationError(CHANGED_MEANWHILE.format("publish"))
    return [locked[key] for key in related if key in locked]


def _log(record: Any, what: str, *, by: Any) -> None:
    """Note it in the record's history, if somebody has done it."""
    if by is not None:
        LogEntry.objects.log_actions(by.pk, [record], CHANGE, what, single_object=True)


def _publish_now(root: Any, *, by: Any) -> None:
    pending = pending_changes.pending_change(root)
    apply_changeset(pending.changes if pending else {}, by=by, reason="Published", final=True)
    if pending:
        pending.delete()
    submissions.close(root)
    root.refresh_from_db()
    if not root.is_public:
        _set_state(root, State.PUBLISHED, by=by, reason="Published")


def _schedule(root: Any, *, by: Any, at: datetime, drafts: list[Any]) -> None:
    if at <= timezone.now():
        raise ValidationError({"publish_at": "Enter a date and time in the future, or leave both empty."})
    before = pending_changes.pending_change(root)
    if before and before.publish_at and before.by != by:
        submissions.log_lost_date(before, "Replaced by another date", by=by)
    values = {"publish_at": at, "together": [row_key(draft) for draft in drafts], "by": by, "fault": ""}
    Pending.objects.update_or_create(**pending_changes.pending_lookup(root), defaults=values)
    for record in (root, *drafts):
        submissions.close(record)


@transaction.atomic
def unpublish(root: Any, *, by: Any) -> None:
    """Make a published record a draft, including its pending change. Raises ValidationError if it must stay public."""
    require_publisher(by)
    root = lock_record(root)
    if blocker := root.unpublishing_blocker():
        raise ValidationError(blocker)
    _set_state(root, State.DRAFT, by=by, reason="Unpublished")
    submissions.close_with_dates(root, by=by, because="Unpublished the record")
    if pending := pending_changes.pending_change(root):
        apply_changeset(pending.changes, by=pending.by, reason="Pending changes kept in the draft", final=True)
        pending.delete()


def _set_state(root: Any, state: State, *, by: Any, reason: str) -> None:
    root.state = state
    set_history_details(root, by, reason, final=True)
    root.full_clean()
    root.save()


def publish_due() -> int:
    """Publish what is due and return how many; the timer runs this.

    What cannot be published keeps the reason in `Pending.fault`, which puts it on staff's start page. It is not tried
    again.
    """
    published = 0
    due = Pending.objects.filter(publish_at__lte=timezone.now(), fault="").order_by("publish_at", "pk")
    for pk in list(due.values_list("pk", flat=True)):
        try:
            published += _publish_if_due(pk)
        except ValidationError as error:
            fault = " ".join(error.messages)
        except Exception as error:  # of one record: the others are still published
            # Only the type is logged: the message may contain what is not public yet.
            logger.error("A scheduled record could not be published: %s", type(error).__name__)
            fault = "Something went wrong. Publish it yourself, and tell the person who runs the portal."
        else:
            continue
        Pending.objects.filter(pk=pk).update(fault=fault)
    return published


@transaction.atomic
def _publish_if_due(pk: int) -> bool:
    """Publish a pending change if, once nobody else is changing the record, it is still due; return whether it was."""
    pending = Pending.objects.filter(pk=pk).first()
    if pending is None:
        return False
    if pending.record is None:
        pending.delete()
        return False
    root = lock_record(pending.record)
    # Somebody may have changed or dropped it while this waited for the lock.
    pending = Pending.objects.filter(pk=pk, publish_at__lte=timezone.now(), fault="").select_related("by").first()
    if pending is None:
        return False
    if pending.by is not None and not pending.by.has_perm(PUBLISH):
        raise ValidationError(f"{pending.by}, who scheduled this, can no longer publish. Publish it yourself.")
    drafts = [key for key in pending.together if rows_with_key(key).filter(state=State.DRAFT).exists()]  # still
    publish(root, by=pending.by, together=dict.fromkeys(drafts, ""))
    dead = ". ".join(problems_with_links(root))  # some may have broken since it was scheduled
    _log(root, f"Published, with links that do not work for visitors: {dead}" if dead else "Published", by=pending.by)
    return True
