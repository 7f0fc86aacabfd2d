"""What tests of the declaration begin with: signing that is open, invitations, links, signatures."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from events.declarations import tokens
from events.declarations.choices import Authority, SigningLinkPurpose
from events.declarations.models import DeclarationVersion, Entry, Invitation, Preparation, RegisterKey
from events.declarations.register import log
from events.declarations.rules import availability, invitations, signing, versions
from partners.models import LegalNotice
from tests.support.factories import VersionFactory

NOTICE = {
    "controller": "The Office of Examples, 1 Example Street",
    "data_protection_contact": "data@example.org",
    "lawful_basis": "Article 6(1)(e): a task in the public interest.",
    "retention_days": 2190,
    "complaints": "Write to complaints@example.org.",
    "accessibility": "Tested in autumn.",
}


def open_signing(**version: Any) -> DeclarationVersion:
    """Make the register's key, state the legal notice and put a version in force: everything that signing needs."""
    LegalNotice.objects.update_or_create(pk=1, defaults=NOTICE)
    if not RegisterKey.objects.exists():
        log.rotate_key()
    draft = VersionFactory(**version)
    versions.publish_version(by=None, version=draft)
    return draft


@dataclass(frozen=True)
class Invited:
    """A body that is invited, and the secret of its link."""

    invitation: Invitation
    secret: str


def invite(name: str = "A body", email: str = "post@body.example", **other: Any) -> Invited:
    """Invite a body, and mint a link as its mail would."""
    invitation = invitations.invite(by=None, organisation=name, email=email, **other)
    assert invitation is not None, f"{name} is invited already"
    return Invited(invitation, new_link(invitation))


def new_link(invitation: Invitation, purpose: SigningLinkPurpose = SigningLinkPurpose.SIGN) -> str:
    """Return the secret of a new link; one to confirm goes to who is to confirm."""
    confirming = (
        Preparation.objects.filter(invitation=invitation).first() if purpose == SigningLinkPurpose.CONFIRM else None
    )
    return tokens.issue_secret(invitation=invitation, purpose=purpose, to=confirming.email if confirming else "")


def signatory(**other: Any) -> signing.Signatory:
    """Return somebody who signs."""
    facts = {"name": "Sam Example", "role": "Chair of trustees", "email": "", "authority": Authority.POST}
    return signing.Signatory(**{**facts, **other})


def prepare(invited: Invited, **other: Any) -> Preparation:
    """Fill in who signs."""
    return signing.prepare_signature(secret=invited.secret, signatory=signatory(**other))


def sign(invited: Invited, **other: Any) -> Entry:
    """Sign as the journey would: what was prepared, and the text in force."""
    checked = signing.Signatory.from_preparation(prepare(invited, **other)).fingerprint
    version = availability.version_in_force()
    assert version is not None
    return signing.sign(secret=invited.secret, checked=checked, text_sha256=version.sha256)


def invite_and_sign(name: str = "A body", email: str = "post@body.example", **other: Any) -> Entry:
    """Invite a body and sign for it."""
    return sign(invite(name, email), **other)


def days_from_today(number: int) -> Any:
    """Return the day so many days from today."""
    return timezone.localdate() + timedelta(days=number)
