"""Requests that go out as emailed links, from the first email to the answer: what is the same whatever they ask for.

Each app that asks for something has one `Requests`, with what only it knows. Nobody but staff sees a request, so an
answer is public only once the app's own rules have recorded it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from vru_portal.links import mailing
from vru_portal.links.answering import InvalidLink, NotOpen, find_token
from vru_portal.links.choices import OPEN_STATES, DraftState, LinkPurpose, MailPurpose
from vru_portal.links.querysets import RequestQuerySet

MAX_DAYS_AHEAD = 366
CHANGED_SINCE_SHOWN = (
    "Somebody else has changed these answers since you opened this page. Nothing was sent. Check them again below, "
    "then send them."
)
CHANGED_SINCE_READ = (
    "These answers have changed since you opened this page. Nothing was approved. Read them again above, then approve "
    "them."
)


@dataclass(frozen=True)
class Requests:
    """One kind of requests. Whatever changes one locks its draft first."""

    drafts: Callable[[], RequestQuerySet[Any]]  # with all that its pages and rules read of one
    tokens: Callable[[], QuerySet[Any]]
    deliver: Any  # the task that sends its emails
    check_answers: Callable[[Any], object]  # raises ValidationError for answers that cannot be sent like this

    # Emails -----------------------------------------------------------------------------------------------------------

    def find_token(self, secret: str) -> Any | None:
        """The token of a link that opens a page now; None for any other, whatever is wrong with it."""
        return find_token(self.tokens(), secret)

    def queue_mail(self, kind: str, draft: Any, *, to: str = "") -> Any:
        """Queue an email; the worker sees it once this transaction is committed."""
        return mailing.queue_mail(self.deliver, kind, draft, to=to)

    def tell_reporters(self, kind: str, draft: Any) -> None:
        for address in draft.reporters:
            self.queue_mail(kind, draft, to=address)

    # Answering --------------------------------------------------------------------------------------------------------

    def why_not_open(self, token: Any) -> str:
        """The name of the reason why this link cannot change the answers now; empty if it can."""
        draft = token.draft
        if draft.state == DraftState.CANCELLED:
            return str(draft.state)
        if draft.is_withdrawn:
            return "withdrawn"
        if draft.state in (DraftState.SUBMITTED, DraftState.APPROVED):
            return str(draft.state)
        if draft.is_closed(timezone.localdate()):
            return "closed"
        if draft.state == DraftState.PASSED_ON and token.purpose != LinkPurpose.CONFIRM:
            return "passed_on"
        return ""

    def locked_token(self, secret: str) -> Any:
        """The token of a link, with its draft locked. Raises InvalidLink."""
        token = self.find_token(secret)
        if token is None:
            raise InvalidLink
        self.drafts().select_for_update(of=("self",)).get(pk=token.draft_id)
        token = self.find_token(secret)  # read again: it may have been erased or taken back before the lock was ours
        if token is None:
            raise InvalidLink
        return token

    def locked_open_token(self, secret: str) -> Any:
        """Like `locked_token`, but raises NotOpen unless the answers can be changed with it now."""
        token = self.locked_token(secret)
        if reason := self.why_not_open(token):
            raise NotOpen(reason, token)
        return token

    def save_answers(self, draft: Any) -> None:
        """Keep answers that were changed through a link."""
        if draft.state not in (DraftState.QUERIED, DraftState.PASSED_ON):
            draft.state = DraftState.STARTED
        draft.save(update_fields=["answers", "state"])

    @transaction.atomic
    def pass_on(self, *, secret: str, prepared_by: str, confirm_name: str, confirm_email: str, seen: str = "") -> Any:
        """Ask a second person to check the answers and send them. Raises ValidationError.

        ``seen`` is the fingerprint of the answers that were shown, if they were.
        """
        draft = self.locked_open_token(secret).draft
        require_seen(draft, seen, CHANGED_SINCE_SHOWN)
        self.check_answers(draft)
        draft.prepared_by, draft.confirm_name, draft.confirm_email = prepared_by, confirm_name, confirm_email
        draft.state = DraftState.PASSED_ON
        draft.full_clean()
        draft.save()
        self.queue_mail(MailPurpose.CONFIRM, draft, to=draft.confirm_email)
        return draft

    @transaction.atomic
    def take_back(self, *, secret: str) -> Any:
        """Let the first person continue with the answers. The second person's link stops working."""
        token = self.locked_token(secret)
        draft = token.draft
        if draft.state == DraftState.PASSED_ON and token.purpose == LinkPurpose.FILL_IN:
            draft.state, draft.confirm_name, draft.confirm_email = DraftState.STARTED, "", ""
            draft.save()
        return draft

    @transaction.atomic
    def submit(self, *, secret: str, name: str, seen: str = "", **fields: Any) -> Any:
        """Send the answers to the unit. ``name`` is who sends them. Raises ValidationError, InvalidLink or NotOpen.

        ``seen`` is the fingerprint of the answers that were shown, if they were.
        """
        token = self.locked_open_token(secret)
        draft = token.draft
        require_seen(draft, seen, CHANGED_SINCE_SHOWN)
        self.check_answers(draft)
        fields["confirmed_by" if token.purpose == LinkPurpose.CONFIRM else "prepared_by"] = name
        for field, value in {**fields, "state": DraftState.SUBMITTED}.items():
            setattr(draft, field, value)
        draft.full_clean()
        draft.save()
        self.tell_reporters(MailPurpose.RECEIVED, draft)
        return draft

    # What staff decide, about a draft that they have locked -----------------------------------------------------------

    def require_open(self, draft: Any) -> None:
        """Raise ValidationError, for staff, where nobody can answer."""
        if draft.state not in OPEN_STATES:
            raise ValidationError(f"This {draft.noun} is “{draft.get_state_display()}”, so it cannot be filled in.")
        require_asked(draft)
        if draft.is_closed(timezone.localdate()):
            raise ValidationError(f"This {draft.noun} is closed. Extend it first.")

    def address(self, draft: Any, email: str, contact_name: str = "") -> None:
        """Set who is asked, and queue the email to them. Raises ValidationError.

        Until somebody has begun to answer, the state says what has become of that email.
        """
        draft.email, draft.contact_name = email, contact_name
        if not draft.answers and draft.state != DraftState.QUERIED:
            draft.state = DraftState.QUEUED
        draft.full_clean()
        if not draft.email:
            raise ValidationError({"email": "Enter the email address of the person who will report."})
        draft.save()
        self.queue_mail(MailPurpose.REQUEST, draft)

    def send_back(self, draft: Any, question: str, **fields: Any) -> None:
        """Ask about answers that were sent. The same link works again, and the answers are still there."""
        require_asked(draft)
        if draft.is_closed(timezone.localdate()):
            raise ValidationError(f"This {draft.noun} is closed. Extend it first, so that they can answer.")
        if not question.strip():
            raise ValidationError({"question": "Enter your question."})
        nobody = dict.fromkeys(("confirm_name", "confirm_email", "confirmed_by"), "")
        for field, value in {**fields, **nobody, "state": DraftState.QUERIED, "question": question}.items():
            setattr(draft, field, value)
        draft.save()
        if draft.email:
            self.queue_mail(MailPurpose.QUERY, draft)

    def cancel(self, draft: Any) -> None:
        """Stop asking for it. Nothing that was typed is published."""
        if draft.state == DraftState.CANCELLED:
            raise ValidationError(f"This {draft.noun} is already cancelled.")
        draft.state = DraftState.CANCELLED
        draft.save(update_fields=["state"])
        if draft.sent_at:
            self.tell_reporters(MailPurpose.CANCELLED, draft)


def require_asked(draft: Any) -> None:
    """Raise ValidationError, for staff, if a draft is no longer asked for: no email about it would be sent."""
    if draft.is_withdrawn:
        raise ValidationError(draft.withdrawn_because)


def require_seen(draft: Any, seen: str, otherwise: str) -> None:
    """Raise ValidationError if the answers of a locked draft do not have the fingerprint ``seen``."""
    if seen and seen != draft.fingerprint:
        raise ValidationError(otherwise)


def check_day_ahead(day: date, *, field: str) -> None:
    """Raise ValidationError, about this field, for a day that is not between today and a year from now."""
    today = timezone.localdate()
    if not today <= day <= today + timedelta(days=MAX_DAYS_AHEAD):
        raise ValidationError({field: "Enter a date between today and a year from now."})


def check_closing_day(closes_on: date, *, due_on: date, noun: str) -> None:
    """Raise ValidationError for a day that cannot be the last one on which answers are taken."""
    check_day_ahead(closes_on, field="day")
    if closes_on < due_on:
        raise ValidationError({"day": f"A {noun} cannot close before it is due."})
