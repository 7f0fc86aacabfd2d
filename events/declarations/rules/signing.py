"""What a signatory does with the link of an invitation: prepare, pass on, sign, decline, or say when they decide."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from events.declarations import tokens
from events.declarations.choices import (
    OPEN_INVITATION_STATES,
    SIGNING_PURPOSES,
    Authority,
    EntryKind,
    InvitationState,
    MailKind,
    PaperAuthority,
    SigningLinkPurpose,
)
from events.declarations.models import (
    DeclarationVersion,
    Entry,
    Head,
    Invitation,
    LiveSignature,
    Preparation,
    SignatoryBody,
    Token,
)
from events.declarations.register import log
from events.declarations.register.canonical import canonical
from events.declarations.rules.availability import StaleText, require_signing_open, version_in_force
from events.declarations.rules.invitations import end_invitation, set_decision_date, tell_of_end
from events.declarations.rules.mail_queue import queue_mail
from vru_portal.links.answering import InvalidLink
from vru_portal.links.secrets import secret_hash
from vru_portal.text.cleaning import fold
from vru_portal.text.dates import format_date
from vru_portal.web.prepared_queries import prepared

# What a signatory agrees to. If you change it, raise the version: each entry records the one it was made with.
STATEMENT_OF_AUTHORITY = "I am authorised to sign for {body}."
STATEMENT_VERSION = 1
# How long a signature can be sent again and answered with its receipt: the first answer may be lost on its way.
REPEAT_WINDOW = timedelta(hours=1)
# A link must not become a way to email strangers.
MAX_PASSED_ON_PER_DAY = 5


@dataclass(frozen=True)
class Signatory:
    """Who signs, as typed: the typed name is the signature."""

    name: str
    role: str
    email: str
    authority: str  # has no default: nobody is said to have authority that they did not claim
    authority_reference: str = ""
    authority_date: date | None = None
    name_is_public: bool = False
    prepared_by: str = ""
    statement: str = ""  # filled in once it is known for which organisation they sign

    @classmethod
    def from_preparation(cls, preparation: Preparation) -> "Signatory":
        prepared = {name: getattr(preparation, name) for name in cls.__dataclass_fields__ if name != "statement"}
        return cls(**prepared, statement=STATEMENT_OF_AUTHORITY.format(body=preparation.invitation.body.name))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what the register will show and commit to, so that what was checked is what is signed."""
        return answers_fingerprint(self.personal, name_is_public=self.name_is_public, statement=self.statement)

    @property
    def basis(self) -> str:
        """On what authority they sign, as a sentence."""
        if self.authority == PaperAuthority.NOT_STATED:
            return str(PaperAuthority.NOT_STATED.label)
        if self.authority != Authority.DELEGATED:
            return str(Authority(self.authority).label)
        day = f", {format_date(self.authority_date)}" if self.authority_date else ""
        return f"Delegated decision: {self.authority_reference}{day}"

    @property
    def personal(self) -> dict[str, str]:
        """The values that the register commits to without showing them."""
        return {
            "name": self.name,
            "role": self.role,
            "email": self.email,
            "prepared_by": self.prepared_by,
            "authority": self.basis,
        }


def answers_fingerprint(personal: Mapping[str, str], *, name_is_public: bool, statement: str) -> str:
    """SHA-256 of a signatory's answers. Entries keep no empty values, so these are left out."""
    answers: dict[str, Any] = {name: value for name, value in personal.items() if value}
    answers |= {"name_is_public": name_is_public, "statement": statement}
    return sha256(canonical(answers).encode()).hexdigest()


# Preparing ------------------------------------------------------------------------------------------------------------


def signing_token(secret: str) -> Token:
    """The token of a link with which somebody may prepare or confirm a signature; raises InvalidLink for any other."""
    token = tokens.find_usable_token(secret, *SIGNING_PURPOSES)
    if token is None:
        raise InvalidLink
    return token


def start_signing(secret: str) -> Token:
    """Return the link's token, and mark the invitation as started.

    Called for the first valid form rather than when a page is opened: mail scanners open every link.
    """
    token = signing_token(secret)
    invitation = token.invitation
    if invitation.state in (InvitationState.QUEUED, InvitationState.SENT, InvitationState.REFUSED):
        invitation.state = InvitationState.STARTED
        invitation.save(update_fields=["state"])
    return token


@transaction.atomic
def prepare_signature(*, secret: str, signatory: Signatory) -> Preparation:
    """Save what a signatory has filled in, to be checked and signed.

    With the invitation's own link, this takes back whatever was passed on to somebody else. With a link to confirm,
    the assistant who prepared the answers stays named beside the signatory.
    """
    log.lock_head()
    token = start_signing(secret)
    require_signing_open(version_in_force())
    invitation = token.invitation
    earlier = Preparation.objects.filter(invitation=invitation).first()
    if token.purpose == SigningLinkPurpose.CONFIRM and earlier:
        passed_on = {
            "prepared_by": earlier.prepared_by,
            "passed_on_at": earlier.passed_on_at,
            "email": earlier.email,
        }
        return save_preparation(invitation, signatory, **passed_on)
    revoke_confirmation_links(invitation)
    return save_preparation(invitation, signatory, prepared_by="", passed_on_at=None, email=invitation.email)


@transaction.atomic
def pass_on_to_signatory(*, secret: str, signatory: Signatory) -> Preparation:
    """Save what an assistant has filled in, and email the signatory to confirm it from their own mailbox."""
    log.lock_head()
    token = start_signing(secret)
    require_signing_open(version_in_force())
    invitation = token.invitation
    if token.purpose != SigningLinkPurpose.SIGN:
        raise ValidationError("This was passed on to you. To choose somebody else, ask the person who passed it on.")
    if fold(signatory.email) == fold(invitation.email):
        message = "The invitation was sent to this email address. Sign yourself, or enter the signatory's own address."
        raise ValidationError({"email": message})
    if not signatory.prepared_by:
        raise ValidationError({"prepared_by": "Enter your own name: the signatory sees who prepared this."})
    last_day = timezone.now() - timedelta(days=1)
    if invitation.mails.filter(kind=MailKind.CONFIRM, created_at__gt=last_day).count() >= MAX_PASSED_ON_PER_DAY:
        raise ValidationError("This has been passed on too often today. Try again tomorrow, or contact us.")
    revoke_confirmation_links(invitation)
    preparation = save_preparation(invitation, signatory, passed_on_at=timezone.now())
    queue_mail(MailKind.CONFIRM, invitation, to=signatory.email)
    return preparation


def revoke_confirmation_links(invitation: Invitation) -> None:
    invitation.tokens.filter(purpose=SigningLinkPurpose.CONFIRM, burnt_at=None).update(burnt_at=timezone.now())


def save_preparation(invitation: Invitation, signatory: Signatory, **overrides: Any) -> Preparation:
    """Validate and save what was filled in; ``overrides`` are fields that the signatory's answers do not decide."""
    preparation = Preparation.objects.filter(invitation=invitation).first() or Preparation(invitation=invitation)
    for name, value in {**vars(signatory), **overrides}.items():
        if name != "statement":  # not stored: it follows from the organisation
            setattr(preparation, name, value)
    preparation.full_clean()
    preparation.save()
    return preparation


# Signing --------------------------------------------------------------------------------------------------------------


@transaction.atomic
def sign(*, secret: str, checked: str, text_sha256: str) -> Entry:
    """Sign for an organisation: append the entry, revoke the links and queue the receipt, or do nothing.

    ``checked`` is the fingerprint of the answers that the signatory was shown, ``text_sha256`` that of the text.
    Sending the same signature again (a double click, two tabs, a lost answer) returns the existing entry. Raises
    InvalidLink, SigningClosed, or StaleText if the text or the answers are not the ones that were shown.
    """
    head = log.lock_head()
    size = head.size
    token = find_token_for_signature(secret)
    if token is None:
        raise InvalidLink
    if token.burnt_at:
        if repeated := entry_if_repeated(token, checked):
            return repeated
        raise InvalidLink
    version = require_signing_open(version_in_force(), head)
    invitation = token.invitation
    preparation: Preparation | None = getattr(invitation, "preparation", None)
    if token.purpose == SigningLinkPurpose.CONFIRM and not tokens.was_sent_to_signatory(token, preparation):
        raise InvalidLink
    if preparation is None or (preparation.passed_on_at and token.purpose == SigningLinkPurpose.SIGN):
        raise StaleText
    signatory = Signatory.from_preparation(preparation)
    if text_sha256 != version.sha256 or checked != signatory.fingerprint:
        raise StaleText
    stated = {"statement": signatory.statement, "statement_version": STATEMENT_VERSION}
    entry = append_signature(body=invitation.body, version=version, signatory=signatory, stated=stated, head=head)
    if entry.seq <= size and hasattr(entry, "invitation"):  # it was there before: `append_signature` returns it
        raise ValidationError(f"{invitation.body} has already signed this version, by another invitation.")
    invitation.version = version
    invitation.entry = entry
    end_invitation(invitation, InvitationState.SIGNED, "version", "entry")
    if preparation.passed_on_at:
        queue_mail(MailKind.SIGNED, invitation)  # to the person who was invited, and prepared it
    preparation.delete()
    queue_mail(MailKind.RECEIPT, invitation, to=signatory.email)
    return entry


def find_token_for_signature(secret: str) -> Token | None:
    """The token of a link that can sign now, or has signed within REPEAT_WINDOW, with all rows that signing needs.

    This runs while the head is locked, so everybody else who signs waits for it. The first query, nearly always enough,
    joins as few tables as possible, because PostgreSQL takes longer to plan a join than to run it.
    """
    sha256, now = secret_hash(secret), timezone.now()
    found = tokens_that_can_sign(sha256, now) or tokens_that_signed(sha256, now - REPEAT_WINDOW)
    return next(iter(found), None)


@prepared
def tokens_that_can_sign(sha256: str, now: datetime) -> QuerySet[Token]:
    rows = Token.objects.filter(sha256=sha256, purpose__in=SIGNING_PURPOSES, burnt_at=None, expires_at__gt=now)
    rows = rows.filter(invitation__state__in=OPEN_INVITATION_STATES)
    return rows.select_related("invitation__body__sector", "invitation__preparation")


@prepared
def tokens_that_signed(sha256: str, since: datetime) -> QuerySet[Token]:
    rows = Token.objects.filter(sha256=sha256, purpose__in=SIGNING_PURPOSES, burnt_at__gt=since)
    rows = rows.filter(invitation__state=InvitationState.SIGNED, burnt_at__gte=F("invitation__entry__recorded_at"))
    return rows.select_related("invitation__entry__personal")


def find_entry_of_repeat(*, secret: str, checked: str) -> Entry | None:
    """The entry that this link has just made, for somebody who sends the same signature again."""
    token = find_token_for_signature(secret)
    return entry_if_repeated(token, checked) if token and token.burnt_at else None


def entry_if_repeated(token: Token, checked: str) -> Entry | None:
    """The entry that this token has made, if these are the answers that were signed.

    A receipt shows who signed, so nobody else gets it: not the assistant's link, not a revoked link, and not a form
    with other answers.
    """
    entry = token.invitation.entry
    if entry is None or entry.on_paper:  # just confirmed from paper, not signed with this link
        return None
    values = entry.personal.values
    signing_purpose = SigningLinkPurpose.CONFIRM if values.get("prepared_by") else SigningLinkPurpose.SIGN
    leaf = entry.leaf_values
    signed = answers_fingerprint(values, name_is_public=leaf["name_is_public"], statement=leaf["statement"])
    return entry if checked == signed and token.purpose == signing_purpose else None


def append_signature(
    *,
    body: SignatoryBody,
    version: DeclarationVersion,
    signatory: Signatory,
    stated: Mapping[str, Any],
    on_paper: bool = False,
    head: Head | None = None,
    **personal: str,
) -> Entry:
    """Append a signature, and entries that end the organisation's signatures of earlier versions.

    An organisation that has signed this version keeps its entry, which is returned. Raises ValidationError for one
    that has signed a newer version.
    """
    signatures = live_signatures_of(body, version.declaration_id)
    if same_version := next((row for row in signatures if row.version_id == version.pk), None):
        return same_version.entry
    if newer := next((row.version for row in signatures if row.version.number > version.number), None):
        raise ValidationError(f"{body} has signed version {newer.number}, which is newer.")
    head = head or log.lock_head()
    entry = log.append_entry(
        kind=EntryKind.SIGNED,
        body=body,
        version=version,
        personal=signatory.personal | personal,
        stated={"name_is_public": signatory.name_is_public, **stated},
        on_paper=on_paper,
        head=head,
    )
    for row in signatures:
        log.append_entry(kind=EntryKind.SUPERSEDED, body=body, version=row.version, of=row.entry, head=head)
        row.delete()
    LiveSignature.objects.create(body=body, version=version, entry=entry)
    return entry


@prepared
def live_signatures_of(body: SignatoryBody, declaration: int) -> QuerySet[LiveSignature]:
    live = LiveSignature.objects.filter(body=body, version__declaration=declaration)
    return live.select_related("entry", "version__declaration")


# Not signing, or not yet ----------------------------------------------------------------------------------------------


@transaction.atomic
def decline_invitation(*, secret: str, reason: str) -> None:
    """Record that an organisation will not sign, and why."""
    log.lock_head()
    if not reason.strip():
        raise ValidationError({"reason": "Enter the reason, in a sentence."})
    token = signing_token(secret)
    invitation = token.invitation
    invitation.declined_because = reason.strip()
    preparation = Preparation.objects.filter(invitation=invitation).first()
    ended_by = preparation.email if preparation and token.purpose == SigningLinkPurpose.CONFIRM else invitation.email
    tell_of_end(invitation, ended_by=ended_by)
    Preparation.objects.filter(invitation=invitation).delete()
    end_invitation(invitation, InvitationState.DECLINED, "declined_because")


@transaction.atomic
def announce_decision_date(*, secret: str, day: date) -> Invitation:
    """Record the day on which an organisation decides, as its own link says. No reminder is sent before."""
    log.lock_head()
    invitation = start_signing(secret).invitation
    set_decision_date(invitation, day)
    return invitation
