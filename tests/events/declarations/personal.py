"""Somebody of whom the portal holds everything that it can hold, each value one that stands nowhere else."""

from datetime import date
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.files.base import ContentFile
from django_tasks_db.models import DBTaskResult

from events.declarations import rules
from events.declarations.choices import Authority, Purpose
from events.declarations.models import Entry, Invitation, Mail, PaperSignature, SignatoryBody, SigningRequest
from tests.factories import UserFactory
from tests.signing import days, invite, link, signatory

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


def asked(name: str = "The asking body") -> SigningRequest:
    """Ask to sign."""
    rules.ask(name=name, contact_name=CANARIES["contact"], email=CANARIES["mailbox"], message=CANARIES["message"])
    return SigningRequest.objects.get(name=name)


def prepared(name: str = "A preparing body") -> Invitation:
    """Ask, be invited, prepare for somebody else, and pass it on."""
    invitation = rules.approve(by=None, request=asked(name))
    rules.decide_on(secret=link(invitation), day=days(26))
    rules.pass_on(
        secret=link(invitation),
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


def signed(name: str = "A signing body") -> Entry:
    """Sign what somebody else has prepared."""
    invitation = prepared(name)
    version = rules.in_force()
    assert version is not None
    entry = rules.sign(
        secret=link(invitation, Purpose.CONFIRM),
        checked=rules.Signatory.of(invitation.preparation).fingerprint,
        text_sha256=version.sha256,
    )
    link(invitation, Purpose.RECEIPT)
    Mail.objects.filter(invitation=invitation).update(error=CANARIES["error"])
    return entry


def declined(name: str = "A declining body") -> Invitation:
    """Decline, with a reason."""
    invited = invite(name, CANARIES["mailbox"], contact_name=CANARIES["contact"])
    rules.decline(secret=invited.secret, because=CANARIES["reason"])
    invited.invitation.refresh_from_db()
    return invited.invitation


def on_paper(name: str = "A body on paper", *, confirmed: bool = True) -> PaperSignature:
    """Enter a signature on paper, and confirm it."""
    version = rules.in_force()
    assert version is not None
    assert version.in_force_from is not None
    paper = PaperSignature(
        body=SignatoryBody.objects.create(name=name),
        version=version,
        signatory_name=CANARIES["paper name"],
        signatory_role=CANARIES["paper role"],
        signed_on=version.in_force_from,
        name_is_public=True,
        scan=ContentFile(SCAN, name=f"{name}.jpg"),
    )
    rules.record_paper(by=UserFactory(), paper=paper)
    if confirmed:
        rules.confirm_paper(by=UserFactory(), paper=paper)
    paper.refresh_from_db()
    return paper


def confirmed(paper: PaperSignature) -> Entry:
    """Return the entry of a signature on paper."""
    assert paper.entry is not None
    return paper.entry


def everything() -> str:
    """Return all that the database and the folders of the portal hold, as text."""
    models: list[Any] = [*apps.get_app_config("declarations").get_models(), *apps.get_app_config("admin").get_models()]
    models += [DBTaskResult, *apps.get_app_config("django_smart_ratelimit").get_models()]
    rows = [repr(list(model.objects.values())) for model in models]
    files = [
        path for folder in (settings.SCANS, settings.REGISTER_KEYS) for path in folder.rglob("*") if path.is_file()
    ]
    return "\n".join([*rows, *(f"{path} {path.read_bytes()!r}" for path in files)])


def left(*names: str) -> set[str]:
    """Return which of the canaries, or of these, are held anywhere."""
    text = everything()
    return {name for name in names or CANARIES if CANARIES[name] in text}
