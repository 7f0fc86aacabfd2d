"""A person about whom the portal holds everything it can, each value unique."""

from datetime import date
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.files.base import ContentFile
from django_tasks_db.models import DBTaskResult

from events.declarations.choices import Authority, PaperAuthority, SigningLinkPurpose
from events.declarations.models import Entry, Invitation, Mail, PaperSignature, SignatoryBody, SigningRequest
from events.declarations.rules import availability, paper_signatures, requests, signing
from tests.support.factories import UserFactory
from tests.support.signing import days_from_today, invite, new_link, signatory

# By what they are of. None is part of another, and none of a name that anything else bears.
CANARIES = {
    "name": "Quenby Marchetti",
    "role": "Keeper of the Seven Bridges",
    "email": "quenby@marchetti.example",
    "assistant": "Ottoline Vexley",
    "mailbox": "office@vexley.example",
    "contact": "Peregrine Ashdown",
    "reference": "Minute 4711/Zeta",
    "message": "We met at the harbour lights.",
    "reason": "Our trustees fell out over it.",
    "error": "550 no such quenbyish mailbox",
    "paper name": "Isolde Farnaby",
    "paper role": "Warden of the Ferry",
    "scan": "SCAN-OF-ISOLDE",
}
# JPEG's first bytes, then what no other file holds.
SCAN = b"\xff\xd8\xff\xe0" + CANARIES["scan"].encode() + b"\xff\xd9"


def make_request(name: str = "The asking body") -> SigningRequest:
    """Ask to sign."""
    requests.record_request(
        name=name, contact_name=CANARIES["contact"], email=CANARIES["mailbox"], message=CANARIES["message"]
    )
    return SigningRequest.objects.get(name=name)


def make_prepared_invitation(name: str = "A preparing body") -> Invitation:
    """Ask, be invited, prepare for somebody else, and pass it on."""
    invitation = requests.approve_request(by=None, request=make_request(name))
    signing.announce_decision_date(secret=new_link(invitation), day=days_from_today(26))
    signing.pass_on_to_signatory(
        secret=new_link(invitation),
        signatory=signatory(
            name=CANARIES["name"],
            role=CANARIES["role"],
            email=CANARIES["email"],
            authority=Authority.DELEGATED,
            authority_reference=CANARIES["reference"],
            authority_date=date(2031, 5, 1),
            name_is_public=False,
            prepared_by=CANARIES["assistant"],
        ),
    )
    Mail.objects.filter(invitation=invitation).update(error=CANARIES["error"])
    invitation.refresh_from_db()
    return invitation


def make_signed_entry(name: str = "A signing body") -> Entry:
    """Sign what somebody else has prepared."""
    invitation = make_prepared_invitation(name)
    version = availability.version_in_force()
    assert version is not None
    entry = signing.sign(
        secret=new_link(invitation, SigningLinkPurpose.CONFIRM),
        checked=signing.Signatory.from_preparation(invitation.preparation).fingerprint,
        text_sha256=version.sha256,
    )
    new_link(invitation, SigningLinkPurpose.RECEIPT)
    Mail.objects.filter(invitation=invitation).update(error=CANARIES["error"])
    return entry


def make_declined_invitation(name: str = "A declining body") -> Invitation:
    """Decline, with a reason."""
    invited = invite(name, CANARIES["mailbox"], contact_name=CANARIES["contact"])
    signing.decline_invitation(secret=invited.secret, reason=CANARIES["reason"])
    invited.invitation.refresh_from_db()
    return invited.invitation


def make_paper_signature(name: str = "A body on paper", *, confirmed: bool = True) -> PaperSignature:
    """Enter a signature on paper, and confirm it."""
    version = availability.version_in_force()
    assert version is not None
    assert version.in_force_from is not None
    paper = PaperSignature(
        body=SignatoryBody.objects.create(name=name),
        version=version,
        signatory_name=CANARIES["paper name"],
        signatory_role=CANARIES["paper role"],
        authority=PaperAuthority.DELEGATED,
        authority_reference=CANARIES["reference"],
        authority_date=version.in_force_from,
        signed_on=version.in_force_from,
        name_is_public=True,
        scan=ContentFile(SCAN, name=f"{name}.jpg"),
    )
    paper_signatures.record_paper_signature(by=UserFactory(), paper=paper)
    if confirmed:
        paper_signatures.confirm_paper_signature(by=UserFactory(), paper=paper)
    paper.refresh_from_db()
    return paper


def entry_of_paper(paper: PaperSignature) -> Entry:
    """Return the entry of a signature on paper."""
    assert paper.entry is not None
    return paper.entry


def everything_stored() -> str:
    """Return all that the database and the folders of the portal hold, as text."""
    models: list[Any] = [*apps.get_app_config("declarations").get_models(), *apps.get_app_config("admin").get_models()]
    models += [DBTaskResult, *apps.get_app_config("django_smart_ratelimit").get_models()]
    rows = [repr(list(model.objects.values())) for model in models]
    files = [
        path for folder in (settings.SCANS, settings.REGISTER_KEYS) for path in folder.rglob("*") if path.is_file()
    ]
    return "\n".join([*rows, *(f"{path} {path.read_bytes()!r}" for path in files)])


def canaries_left(*names: str) -> set[str]:
    """Return which of the canaries, or of these, are held anywhere."""
    text = everything_stored()
    return {name for name in names or CANARIES if CANARIES[name] in text}
