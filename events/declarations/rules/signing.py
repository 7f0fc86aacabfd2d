"""The journey of who signs: prepare, pass on, sign, decline, decide later."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from events.declarations import tokens
from events.declarations.choices import (
    OPEN,
    SIGNING,
    Authority,
    InvitationState,
    Kind,
    MailKind,
    Purpose,
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
from events.declarations.rules.inviting import close, note_day, send
from events.declarations.rules.opening import InvalidLink, StaleText, in_force, require_open

# The words that a signatory agrees to. A change of them is a new number; each entry names the one it was made with.
STATEMENT = "I am authorised to sign for {body}."
STATEMENT_VERSION = 1
# For how long whoever sent a signature can send it again and get the receipt: an answer may be lost on its way.
REPEATS = timedelta(hours=1)
# How often what was prepared can be mailed to a signatory: a link must not become a way to mail strangers.
PASSED_ON_A_DAY = 5


@dataclass(frozen=True)
class Signatory:
    """Who signs, as typed: the name is the signature."""

    name: str
    role: str
    email: str
    authority: str = Authority.POST
    authority_reference: str = ""
    authority_date: date | None = None
    name_is_public: bool = False
    prepared_by: str = ""
    statement: str = ""  # the words that they agree to, once it is known for whom they sign

    @classmethod
    def of(cls, preparation: Preparation) -> "Signatory":
        """Return who was prepared, and what they would state."""
        prepared = {name: getattr(preparation, name) for name in cls.__dataclass_fields__ if name != "statement"}
        return cls(**prepared, statement=STATEMENT.format(body=preparation.invitation.body.name))

    @property
    def fingerprint(self) -> str:
        """SHA-256 over what the register will say and commit to: what was checked is what is signed."""
        return fingerprint_of(self.personal, name_is_public=self.name_is_public, statement=self.statement)

    @property
    def basis(self) -> str:
        """On what basis they sign, in words."""
        if self.authority != Authority.DELEGATED:
            return str(Authority(self.authority).label)
        day = f", {self.authority_date:%-d %B %Y}" if self.authority_date else ""
        return f"Delegated decision: {self.authority_reference}{day}"

    @property
    def personal(self) -> dict[str, str]:
        """What the register commits to without showing it."""
        named = {"name": self.name, "role": self.role, "email": self.email, "prepared_by": self.prepared_by}
        return named | {"authority": self.basis}


def fingerprint_of(personal: Mapping[str, str], *, name_is_public: bool, statement: str) -> str:
    """Return the fingerprint of who signs and states what, before and after: an entry keeps no value that is empty."""
    stated: dict[str, Any] = {name: value for name, value in personal.items() if value}
    return sha256(canonical(stated | {"name_is_public": name_is_public, "statement": statement}).encode()).hexdigest()


def opened(secret: str) -> Token:
    """Return the token of a link by which somebody may prepare or confirm; raises InvalidLink for every other."""
    token = tokens.find(secret, *SIGNING)
    if token is None:
        raise InvalidLink
    return token


def started(secret: str) -> Token:
    """Return the token; note that somebody has begun. The first valid form counts, not a link that a scanner opens."""
    token = opened(secret)
    invitation = token.invitation
    if invitation.state in (InvitationState.QUEUED, InvitationState.SENT, InvitationState.REFUSED):
        invitation.state = InvitationState.STARTED
        invitation.save(update_fields=["state"])
    return token


@transaction.atomic
def prepare(*, secret: str, signatory: Signatory) -> Preparation:
    """Keep what a signatory has filled in, to be checked and signed; takes back what was passed on to somebody else.

    Who confirms what an assistant has prepared stays named beside the assistant.
    """
    log.lock()
    token = started(secret)
    require_open(in_force())
    invitation = token.invitation
    before = Preparation.objects.filter(invitation=invitation).first()
    if token.purpose == Purpose.CONFIRM and before:
        kept = {"prepared_by": before.prepared_by, "passed_on_at": before.passed_on_at, "email": before.email}
    else:
        kept = {"prepared_by": "", "passed_on_at": None, "email": invitation.email}
        invitation.tokens.filter(purpose=Purpose.CONFIRM, burnt_at=None).update(burnt_at=timezone.now())
    return save_preparation(invitation, signatory, **kept)


@transaction.atomic
def pass_on(*, secret: str, signatory: Signatory) -> Preparation:
    """Keep what an assistant has filled in, and ask the signatory, in their own mailbox, to confirm it."""
    log.lock()
    token = started(secret)
    require_open(in_force())
    invitation = token.invitation
    if token.purpose != Purpose.SIGN:
        raise ValidationError("This was passed on to you. Ask who passed it on to choose somebody else.")
    if signatory.email.lower() == invitation.email.lower():
        raise ValidationError({"email": "The invitation came to this mailbox. Sign yourself, or give the signatory's."})
    if not signatory.prepared_by:
        raise ValidationError({"prepared_by": "Enter your own name: the signatory sees who prepared this."})
    lately = timezone.now() - timedelta(days=1)
    if invitation.mails.filter(kind=MailKind.CONFIRM, created_at__gt=lately).count() >= PASSED_ON_A_DAY:
        raise ValidationError("This was passed on too often today. Try again tomorrow, or write to us.")
    invitation.tokens.filter(purpose=Purpose.CONFIRM, burnt_at=None).update(burnt_at=timezone.now())
    preparation = save_preparation(invitation, signatory, passed_on_at=timezone.now())
    send(MailKind.CONFIRM, invitation, to=signatory.email)
    return preparation


def save_preparation(invitation: Invitation, signatory: Signatory, **kept: Any) -> Preparation:
    """Check and keep what was filled in."""
    row = Preparation.objects.filter(invitation=invitation).first() or Preparation(invitation=invitation)
    for name, value in {**vars(signatory), **kept}.items():
        if name != "statement":  # it follows from the body
            setattr(row, name, value)
    row.full_clean()
    row.save()
    return row


@transaction.atomic
def sign(*, secret: str, checked: str, text_sha256: str) -> Entry:
    """Sign for a body what was prepared and checked: append the entry, burn the links, queue the receipt, or nothing.

    ``checked`` is the fingerprint of the answers that were shown, ``text_sha256`` that of the text. Whoever sends the
    same again (a double click, two tabs, a lost answer) gets the entry that is there. Raises InvalidLink,
    SigningClosed, or StaleText where the text, or the answers, are not those that were shown.
    """
    head = log.lock()
    token = token_to_sign(secret)
    if token is None:
        raise InvalidLink
    if token.burnt_at:
        if repeated := entry_again(token, checked):
            return repeated
        raise InvalidLink
    version = require_open(in_force())
    invitation = token.invitation
    preparation: Preparation | None = getattr(invitation, "preparation", None)
    if token.purpose == Purpose.CONFIRM and not tokens.is_for(token, preparation):
        raise InvalidLink
    if preparation is None or (preparation.passed_on_at and token.purpose == Purpose.SIGN):
        raise StaleText
    signatory = Signatory.of(preparation)
    if text_sha256 != version.sha256 or checked != signatory.fingerprint:
        raise StaleText
    stated = {"statement": signatory.statement, "statement_version": STATEMENT_VERSION}
    entry = append_signature(body=invitation.body, version=version, signatory=signatory, stated=stated, head=head)
    if hasattr(entry, "invitation"):
        raise ValidationError(f"{invitation.body} has signed this wording already, by another invitation.")
    invitation.version = version
    invitation.entry = entry
    close(invitation, InvitationState.SIGNED, "version", "entry")
    preparation.delete()
    send(MailKind.RECEIPT, invitation, to=signatory.email)
    return entry


def token_to_sign(secret: str) -> Token | None:
    """Return the token by which somebody can sign, or has signed a moment ago, with all that a signature needs.

    One question for both, since whoever asks it holds up everybody else who signs.
    """
    now = timezone.now()
    usable = Q(burnt_at=None, expires_at__gt=now, invitation__state__in=OPEN)
    used = Q(burnt_at__gt=now - REPEATS, burnt_at__gte=F("invitation__entry__recorded_at"))
    used &= Q(invitation__state=InvitationState.SIGNED)
    rows = Token.objects.filter(usable | used, sha256=tokens.hashed(secret), purpose__in=SIGNING)
    return rows.select_related(
        "invitation__body__sector", "invitation__preparation", "invitation__entry__personal"
    ).first()


def entry_of_repeat(*, secret: str, checked: str) -> Entry | None:
    """Return the entry that a link has signed a moment ago, for whoever sends the same signature again."""
    token = token_to_sign(secret)
    return entry_again(token, checked) if token and token.burnt_at else None


def entry_again(token: Token, checked: str) -> Entry | None:
    """Return the entry that this token has made, if these are the answers that were signed.

    Only the same: the link of an assistant, one that was taken back, and a form without the answers get nothing, since
    a receipt says who has signed.
    """
    entry = token.invitation.entry
    if entry is None or entry.on_paper:  # confirmed from paper a moment ago, not signed by this link
        return None
    values = entry.personal.values
    signed_by = Purpose.CONFIRM if values.get("prepared_by") else Purpose.SIGN
    said = entry.said
    same = checked == fingerprint_of(values, name_is_public=said["name_is_public"], statement=said["statement"])
    return entry if same and token.purpose == signed_by else None


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
    """Append a signature, and the end of the body's signatures of earlier wordings.

    A body that has signed this wording keeps its entry. Raises ValidationError for one that has signed a newer wording.
    """
    signed = LiveSignature.objects.filter(body=body, version__declaration=version.declaration_id)
    earlier = list(signed.select_related("entry__invitation", "version__declaration"))
    if standing := next((live for live in earlier if live.version_id == version.pk), None):
        return standing.entry
    if newer := next((live.version for live in earlier if live.version.number > version.number), None):
        raise ValidationError(f"{body} has signed version {newer.number}, which is newer.")
    head = head or log.lock()
    entry = log.append(
        kind=Kind.SIGNED,
        body=body,
        version=version,
        personal=signatory.personal | personal,
        stated={"name_is_public": signatory.name_is_public, **stated},
        on_paper=on_paper,
        head=head,
    )
    for live in earlier:
        log.append(kind=Kind.SUPERSEDED, body=body, version=live.version, of=live.entry, head=head)
        live.delete()
    LiveSignature.objects.create(body=body, version=version, entry=entry)
    return entry


@transaction.atomic
def decline(*, secret: str, because: str) -> None:
    """Note that a body will not sign, and why."""
    log.lock()
    if not because.strip():
        raise ValidationError({"because": "Say why, in a sentence."})
    invitation = opened(secret).invitation
    invitation.declined_because = because.strip()
    Preparation.objects.filter(invitation=invitation).delete()
    close(invitation, InvitationState.DECLINED, "declined_because")


@transaction.atomic
def decide_on(*, secret: str, day: date) -> Invitation:
    """Hold reminders until the day on which a body decides; it can sign for two weeks after it at least."""
    log.lock()
    invitation = started(secret).invitation
    note_day(invitation, day)
    return invitation
