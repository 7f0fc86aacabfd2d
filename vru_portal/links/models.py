"""What every app that emails links stores about them. Each has tables of its own, tied to what its links are about."""

import hashlib
import json
from datetime import date
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from vru_portal.links.choices import OPEN_STATES, DraftState, LinkPurpose, MailPurpose
from vru_portal.text.fields import EmailAddressField, LineField, LongTextField


class Delivery(models.TextChoices):
    """The delivery state of an email."""

    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"
    REFUSED = "refused", "Refused by the mail server"
    DROPPED = "dropped", "Not sent: no longer needed"


class LinkDraft(models.Model):
    """What somebody is asked for through an emailed link, and their answers until staff have approved them.

    Never public. Its links are its `tokens`, its emails its `mails`. A subclass has, or tells, the days `due_on` and
    `closes_on`.
    """

    state = models.CharField(max_length=9, choices=DraftState, default=DraftState.QUEUED, db_index=True, editable=False)
    email = EmailAddressField(blank=True)
    contact_name = LineField(max_length=120, blank=True)
    # As text, so that nothing typed is lost because it is not a number or a date.
    answers = models.JSONField(default=dict, editable=False)
    prepared_by = LineField(max_length=120, blank=True, editable=False)
    confirm_name = LineField(max_length=120, blank=True, editable=False)
    confirm_email = EmailAddressField(blank=True, editable=False)
    confirmed_by = LineField(max_length=120, blank=True, editable=False)
    question = LongTextField(blank=True, editable=False)
    reminders = models.PositiveSmallIntegerField(default=0, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)
    erased_at = models.DateTimeField("personal data erased", null=True, editable=False)

    class Meta:
        abstract = True

    # The fields that hold personal data: of these, the addresses and the names by which it is found (`personal.py`).
    addresses: ClassVar[tuple[str, ...]] = ("email", "confirm_email")
    names: ClassVar[tuple[str, ...]] = ("contact_name", "prepared_by", "confirm_name", "confirmed_by")
    texts: ClassVar[tuple[str, ...]] = ("question", "answers")
    titles: ClassVar[tuple[str, str, str]]  # under which it, its emails and its links are disclosed
    noun: ClassVar[str]  # what staff call it
    withdrawn_because: ClassVar[str]  # why it is no longer asked for, although nobody has cancelled it, and what to do

    asked_at: Any
    due_on: Any
    closes_on: Any
    mails: Any
    tokens: Any

    @property
    def is_open(self) -> bool:
        """Whether the answers can still be changed, unless the request is closed."""
        return self.state in OPEN_STATES

    def is_closed(self, today: date) -> bool:
        return bool(self.closes_on < today)

    @property
    def is_withdrawn(self) -> bool:
        """Whether it can no longer be asked for, because of what it is about (`with_still_asked` of the queryset)."""
        drafts: Any = type(self)._default_manager
        return not drafts.still_asked().filter(pk=self.pk).exists()

    @property
    def fingerprint(self) -> str:
        """The same for the same answers: what somebody was shown is what they send, or approve."""
        return hashlib.sha256(json.dumps(self.answers, sort_keys=True).encode()).hexdigest()

    @property
    def staff_row(self) -> models.Model:
        """The row on whose page staff deal with it."""
        return self

    @property
    def state_once_erased(self) -> str:
        """The state to set when its personal data and answers are erased: nothing is left to confirm or to check."""
        raise NotImplementedError

    def answers_erased(self) -> None:
        """Withdraw what pages say about answers that no longer exist, in the transaction that erases them."""

    @property
    def reporters(self) -> list[str]:
        """The addresses of all who were asked to answer or to confirm, also of those who were asked earlier."""
        asked = (MailPurpose.REQUEST, MailPurpose.CONFIRM)
        links = self.mails.filter(kind__in=asked, delivery=Delivery.SENT).order_by("pk")
        found: dict[str, str] = {}
        for address in (*(getattr(self, name) for name in self.addresses), *links.values_list("to", flat=True)):
            found.setdefault(address.casefold(), address)
        return [*filter(None, found.values())]


class EmailedLink(models.Model):
    """A link that was emailed, of which only the hash is known."""

    sha256 = models.CharField(max_length=64, unique=True)
    mailbox = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the email address that it was sent to.")
    expires_at = models.DateTimeField()
    burnt_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class RequestLink(EmailedLink):
    """A link to a request; a subclass has the `draft`.

    Answers can be typed until the request is approved, cancelled or closed. For a year after that, the link still says
    what became of them (`answering.answering_link_expiry`).
    """

    purpose = models.CharField(max_length=7, choices=LinkPurpose)

    class Meta:
        abstract = True


class QueuedMail(models.Model):
    """An email to be sent, kept until the mail server has accepted it. Its text and its link are created only then."""

    to = models.EmailField()
    message_id = models.CharField(max_length=200, unique=True, help_text="Stays the same for every attempt.")
    delivery = models.CharField(max_length=8, choices=Delivery, default=Delivery.WAITING, db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField("next attempt", default=timezone.now)
    error = models.TextField("what the mail server said", blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True
        ordering = ["-created_at", "-id"]
