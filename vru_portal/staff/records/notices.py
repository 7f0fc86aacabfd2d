"""What the form of a record says about other people's work on it: before somebody saves, and afterwards."""

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from vru_portal.models import Pending
from vru_portal.publishing import pending_changes, submissions
from vru_portal.publishing.changesets import overwritten_values
from vru_portal.publishing.differences import summarise_changeset
from vru_portal.staff.admin_links import action_url, admin_link
from vru_portal.text.dates import format_datetime


def visibility_sentences(root: Any, *, can_change: bool) -> Iterator[str]:
    """Who sees a record, what is pending, and what happens to a change by somebody who can make one."""
    pending = pending_changes.pending_change(root)
    if not root.is_public:
        yield "Draft: only staff can see this."
    elif pending is None:
        yield "The public sees this."
        if can_change:
            yield "Your changes stay pending until they are published."
    else:
        yield (
            f"This has pending changes, saved by {pending.by or 'nobody'} on {format_datetime(pending.saved_at)}. "
            "The form includes them; the public does not see them yet."
        )
    if pending and pending.fault:
        yield f"It could not be published: {pending.fault}"


def handover_sentences(request: HttpRequest, root: Any) -> Iterator[str]:
    """What others have decided or said about publishing a record, which a change of it would undo."""
    for pending in submissions.dates_that_include(root):
        if not pending.fault:
            yield f"If you save a change, this cancels {submissions.describe_date(pending, request.user)}."
    if submission := submissions.submission_of(root):
        yield f"{submission.get_state_display()}: {submissions.describe(submission)}"


def last_editor(root: Any) -> str:
    pending = pending_changes.pending_change(root)
    last = root.history.select_related("history_user").first() if hasattr(root, "history") else None
    by = pending.by if pending else last and last.history_user
    return str(by) if by else "Somebody else"


def replaced_sentence(earlier: Pending | None, now: Pending | None, by: Any) -> str:
    """Whose pending values a save has replaced, and which; empty if they are one's own, or none."""
    if earlier is None or earlier.by == by:
        return ""
    lost = overwritten_values(earlier.changes, now.changes if now else {})
    return (
        f"This replaces changes that {earlier.by or 'somebody'} had saved: {summarise_changeset(lost)}" if lost else ""
    )


def saved_message(root: models.Model) -> SafeString:
    if pending_changes.pending_change(root) is None:
        return format_html(
            "The public already sees this version of {}. There are no pending changes.", admin_link(root)
        )
    return format_html(
        "Saved. The public still sees the earlier version of {} until the change is published. "
        '<a href="{}">Preview</a>',
        admin_link(root), action_url(root, "preview"),
    )  # fmt: skip
