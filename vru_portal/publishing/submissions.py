"""Submissions: what Editors and Publishers tell each other about a record, and the dates that a later change cancels.

`workflow` has the rules of who may do what; this module only stores the results.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Q
from django.utils import timezone

from vru_portal.models import Pending, Submission
from vru_portal.permissions import has_model_permission
from vru_portal.publishing.pending_changes import pending_change, pending_lookup
from vru_portal.publishing.snapshots import row_key
from vru_portal.publishing.state import PUBLISH
from vru_portal.text.dates import format_datetime

NOTE_NEEDED = "Say what must change before it can be published."


def submission_of(root: Any) -> Submission | None:
    return Submission.objects.filter(**pending_lookup(root)).select_related("by", "concerns", "changed_by").first()


def has_only_a_notice(root: Any) -> bool:
    """Whether Publishers are told that the date of a published record was cancelled, and nothing is left to publish."""
    submission = submission_of(root)
    cancelled = submission is not None and submission.state == Submission.State.DATE_CANCELLED
    return cancelled and root.is_public and pending_change(root) is None


def is_marked_ready(root: Any) -> bool:
    submission = submission_of(root)
    return submission is not None and submission.state == Submission.State.READY


# What a Publisher decides on. What was sent back waits for the person it concerns.
FOR_PUBLISHERS = (Submission.State.READY, Submission.State.DATE_CANCELLED)


def waiting_for(user: Any) -> list[Submission]:
    """What waits for this person: for a decision if they may publish, or because it was sent back to them.

    A draft without an author, or whose author has left, waits for all who may change it.
    """
    nobody = Q(concerns=None) | Q(concerns__is_active=False)
    mine = Q(state=Submission.State.SENT_BACK) & (Q(concerns=user) | nobody)
    if user.has_perm(PUBLISH):
        mine |= Q(state__in=FOR_PUBLISHERS)
    found = Submission.objects.filter(mine).select_related("content_type", "by", "concerns", "changed_by")
    return [
        one
        for one in found.prefetch_related("record")
        if one.record is not None
        and (
            one.state != Submission.State.SENT_BACK
            or one.concerns == user
            or has_model_permission(user, "change", type(one.record))
        )
    ]


def describe(submission: Submission) -> str:
    """Who said what when, for those who decide and for the record's own page."""
    by, on = submission.by or "Somebody", format_datetime(submission.at)
    changed = f" {submission.changed_by} has changed it since." if submission.changed_by else ""
    if submission.state == Submission.State.DATE_CANCELLED:
        date = format_datetime(submission.publish_at) if submission.publish_at else ""
        did = f"{submission.note[0].lower()}{submission.note[1:]}" if submission.note else "made a change"
        return f"{by} {did} on {on}. {submission.concerns or 'Somebody'} had set {date} to publish it."
    said = f": “{submission.note}”" if submission.note else "."
    return f"{by}, {on}{said}{changed}"


def save(root: Any, state: Submission.State, *, by: Any, concerns: Any, note: str = "", publish_at: Any = None) -> None:
    """Store the latest note about a record. It replaces the one before."""
    submission = submission_of(root) or Submission(**pending_lookup(root))
    submission.state, submission.note, submission.by, submission.concerns = state, note.strip(), by, concerns
    submission.publish_at, submission.changed_by, submission.at = publish_at, None, timezone.now()
    submission.full_clean(exclude=["by", "concerns", "changed_by", "publish_at"])
    submission.save()


def close(root: Any) -> None:
    """Delete the note about publishing a record: it is decided."""
    Submission.objects.filter(**pending_lookup(root)).delete()


def author_of(root: Any) -> Any:
    """Who to notify about a record: the person who marked it ready or, if nobody did, who changed it last.

    None if none of them has an account that still works.
    """
    submission = submission_of(root)
    if submission and submission.state != Submission.State.DATE_CANCELLED and _is_active(submission.concerns):
        return submission.concerns
    pending = pending_change(root)
    if pending and pending.changes:
        return pending.by if _is_active(pending.by) else None
    last = root.history.select_related("history_user").filter(history_user__is_active=True).first()
    return last and last.history_user


def _is_active(user: Any) -> bool:
    return user is not None and user.is_active


# Dates ----------------------------------------------------------------------------------------------------------------


def dates_that_include(root: Any) -> list[Pending]:
    """The scheduled publications that a change of the record would cancel: its own, and those it is published with."""
    scheduled = Pending.objects.exclude(publish_at=None).select_related("by", "content_type")
    own = pending_lookup(root)
    return [
        pending
        for pending in scheduled
        if (pending.content_type, pending.object_id) == (own["content_type"], own["object_id"])
        or row_key(root) in pending.together
    ]


def describe_date(pending: Pending, reader: Any) -> str:
    """Such as “the date that Robin had set for “Rain”, 3 March 2031 at 9am”."""
    who = "you" if reader is not None and pending.by == reader else str(pending.by or "somebody")
    at = format_datetime(pending.publish_at) if pending.publish_at else "none"
    return f"the date that {who} had set for “{pending.record}”, {at}"


def dates_lost_by(by: Any, root: Any) -> list[str]:
    """A sentence for this person about each date that a change of the record, or its end, cancels."""
    return [cancelling_sentence(pending, by) for pending in dates_that_include(root) if not pending.fault]


def cancelling_sentence(pending: Pending, reader: Any) -> str:
    return f"This cancels {describe_date(pending, reader)}."


def note_edit(root: Any, *, by: Any) -> list[str]:
    """Cancel the dates that were set for a record before this change of it, and return them, for its author.

    The history of each record that loses its date says who has changed what, and so does staff's start page.
    """
    Submission.objects.filter(**pending_lookup(root), state=Submission.State.READY).exclude(by=by).update(changed_by=by)
    sentences = []
    for pending in dates_that_include(root):
        if pending.fault:  # its day is over
            cancel_date_of(pending)
            continue
        sentences.append(cancelling_sentence(pending, by))
        record, at, set_by = pending.record, pending.publish_at, pending.by
        log_lost_date(pending, f"Cancelled by a change to “{root}”", by=by)
        cancel_date_of(pending)
        if record is not None:
            save(record, Submission.State.DATE_CANCELLED, by=by, concerns=set_by, publish_at=at)
    return sentences


def cancel_dates(dates: Iterable[Pending], *, by: Any, because: str) -> None:
    """Cancel scheduled publications, and tell anyone else who has set them: in the history and on the start page."""
    for pending in dates:
        record, at, set_by, is_over = pending.record, pending.publish_at, pending.by, bool(pending.fault)
        if not is_over:
            log_lost_date(pending, because, by=by)
        cancel_date_of(pending)
        if record is not None and set_by != by and not is_over:
            save(record, Submission.State.DATE_CANCELLED, by=by, concerns=set_by, publish_at=at, note=because)


def cancel_own_date(root: Any, *, by: Any) -> bool:
    """Cancel the date that was set for this record, and no other; return whether there was one."""
    pending = pending_change(root)
    if pending is None or pending.publish_at is None:
        return False
    cancel_dates([pending], by=by, because="Cancelled the date")
    return True


def close_with_dates(root: Any, *, by: Any, because: str) -> None:
    """Close the note about a record whose draft or change is gone, and cancel its dates: whoever set them is told."""
    close(root)
    cancel_dates(dates_that_include(root), by=by, because=because)


def log_lost_date(pending: Pending, because: str, *, by: Any) -> None:
    """Note in the history of a record which date it loses, and who had set it."""
    if by is not None and pending.record is not None:
        said = f"{because}: {describe_date(pending, None)}"
        LogEntry.objects.log_actions(by.pk, [pending.record], CHANGE, said, single_object=True)


def cancel_date_of(pending: Pending) -> None:
    """Cancel a scheduled publication. Of a draft nothing else was stored."""
    if not pending.changes:
        pending.delete()
        return
    pending.publish_at, pending.together, pending.fault = None, [], ""
    pending.save()
