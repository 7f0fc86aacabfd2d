"""What tests of the declaration begin with: signing that is open, invitations, links, signatures."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from events.declarations import rules, tokens
from events.declarations.choices import Purpose
from events.declarations.models import DeclarationVersion, Entry, Invitation, Preparation, RegisterKey
from events.declarations.register import log
from partners.models import LegalNotice
from tests.factories import VersionFactory

NOTICE = {
    "controller": "The Office of Examples, 1 Example Street",
    "data_protection_contact": "data@example.org",
    "lawful_basis": "Article 6(1)(e): a task in the public interest.",
    "retention_days": 2190,
    "complaints": "Write to complaints@example.org.",
    "accessibility": "Tested in autumn.",
}


def open_signing(**version: Any) -> DeclarationVersion:
    """Make the register's key, state the legal notice and put a wording in force: everything that signing needs."""
    LegalNotice.objects.update_or_create(pk=1, defaults=NOTICE)
    if not RegisterKey.objects.exists():
        log.rotate_key()
    draft = VersionFactory(**version)
    rules.publish(by=None, version=draft)
    return draft


@dataclass(frozen=True)
class Invited:
    """A body that is invited, and the secret of its link."""

    invitation: Invitation
    secret: str


def invite(name: str = "A body", email: str = "post@body.example", **other: Any) -> Invited:
    """Invite a body, and mint a link as its mail would."""
    invitation = rules.invite(by=None, organisation=name, email=email, **other)
    assert invitation is not None, f"{name} is invited already"
    return Invited(invitation, link(invitation))


def link(invitation: Invitation, purpose: Purpose = Purpose.SIGN) -> str:
    """Return the secret of a new link; one to confirm goes to who is to confirm."""
    confirming = Preparation.objects.filter(invitation=invitation).first() if purpose == Purpose.CONFIRM else None
    return tokens.mint(invitation=invitation, purpose=purpose, to=confirming.email if confirming else "")


def signatory(**other: Any) -> rules.Signatory:
    """Return somebody who signs."""
    return rules.Signatory(**{"name": "Sam Example", "role": "Chair of trustees", "email": "", **other})


def prepare(invited: Invited, **other: Any) -> Preparation:
    """Fill in who signs."""
    return rules.prepare(secret=invited.secret, signatory=signatory(**other))


def sign(invited: Invited, **other: Any) -> Entry:
    """Sign as the journey would: what was prepared, and the text in force."""
    checked = rules.Signatory.of(prepare(invited, **other)).fingerprint
    version = rules.in_force()
    assert version is not None
    return rules.sign(secret=invited.secret, checked=checked, text_sha256=version.sha256)


def signed(name: str = "A body", email: str = "post@body.example", **other: Any) -> Entry:
    """Invite a body and sign for it."""
    return sign(invite(name, email), **other)


def days(number: int) -> Any:
    """Return the day so many days from today."""
    return timezone.localdate() + timedelta(days=number)
