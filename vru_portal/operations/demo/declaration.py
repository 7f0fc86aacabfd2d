"""A declaration signed by organisations that do not exist, through the real rules.

Everything happens on the day on which the demonstration is made: a register whose entries could be dated back would
prove nothing.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.urls import reverse
from django_tasks_db.models import DBTaskResult

from events.declarations import tokens
from events.declarations.choices import Authority, CorrectionReason, PaperAuthority, SigningLinkPurpose
from events.declarations.documents import pdf
from events.declarations.models import (
    Declaration,
    DeclarationVersion,
    Entry,
    Invitation,
    Mail,
    PaperSignature,
    SignatoryBody,
)
from events.declarations.register import log
from events.declarations.rules import (
    availability,
    corrections,
    erasure,
    invitations,
    paper_signatures,
    requests,
    signing,
    versions,
)
from events.declarations.tasks import deliver
from partners.models import LegalNotice, Sector
from vru_portal.links.models import Delivery
from vru_portal.operations.demo.people import EXAMPLE, DemoPeople
from vru_portal.web.addresses import full_url

NOTICE: dict[str, Any] = {
    "controller": f"{EXAMPLE}The Office of Examples, 1 Example Street",
    "data_protection_contact": f"{EXAMPLE}data.protection@office.example",
    "lawful_basis": f"{EXAMPLE}Article 6(1)(e) of the UK GDPR: the register is kept as a task in the public interest.",
    "retention_days": 2190,
    "complaints": f"{EXAMPLE}write to complaints@office.example; we answer within 20 working days. "
    "If that does not help, the Information Commissioner decides.",
    "accessibility": f"{EXAMPLE}tested by keyboard, with a screen reader and at 400% zoom, in the autumn.",
    "security_contact": "security@office.example",
}
ADDED_COMMITMENT = f"{EXAMPLE}we also publish each year what we did and what it achieved."
MADE_UP_TEXT = f"{EXAMPLE}we promise to work together."
SIGNATORIES = ("Sam", "Robin", "Ash", "Kit", "Jo", "Alex", "Noor", "Priya", "Dele", "Mair", "Lee", "Ana")
ROLES = ("Chair of trustees", "Chief executive", "Leader of the council", "Director of public health")
INVITED_NAMES = (
    "North council",
    "South council",
    "Riverside council",
    "Police service",
    "Fire service",
    "Hospital trust",
    "University",
    "Sports club",
    "Faith forum",
    "Housing society",
)


@dataclass
class DemoDeclaration:
    """Two versions of the declaration, over a dozen organisations, and everything that can happen to an invitation."""

    people: DemoPeople
    today: date
    invitations: list[Invitation] = field(default_factory=list)
    signed: list[Entry] = field(default_factory=list)

    def record_all(self) -> str:
        """Record all of it, and return the link of an invitation that is still open."""
        self.complete_legal_notice()
        log.rotate_key()
        first = self.draft()
        versions.publish_version(by=self.people.approver, version=first)
        self.invite_all()
        for place, invitation in enumerate(self.invitations[:10]):
            self.signed.append(self.sign(invitation, place))
        self.deliver_mail()
        self.decline_and_postpone()
        self.sign_on_paper(first)
        self.withdraw_correct_and_erase()
        self.deliver_mail()
        versions.publish_version(by=self.people.approver, version=self.create_second_version(first))
        self.deliver_mail()
        invited_again = Invitation.objects.open().filter(body__in=[entry.body for entry in self.signed]).order_by("pk")
        for place, invitation in enumerate(invited_again[:4]):
            self.sign(invitation, place)
        self.request_to_sign()
        self.deliver_mail()
        return self.open_link()

    def complete_legal_notice(self) -> None:
        """Fill in the legal notice where the unit's own content leaves it empty: signing is closed without it."""
        notice = LegalNotice.current()
        for name, value in NOTICE.items():
            if not getattr(notice, name):
                setattr(notice, name, value)
        notice.save()

    def draft(self) -> DeclarationVersion:
        """The unit's own draft, or a made-up one where it has none."""
        drafts = DeclarationVersion.objects.filter(in_force_from=None).select_related("declaration")
        return drafts.first() or self.create_version(
            declaration=Declaration.objects.first()
            or Declaration.objects.create(title=f"{EXAMPLE}declaration", slug="example-declaration"),
            text=MADE_UP_TEXT,
        )

    def create_second_version(self, first: DeclarationVersion) -> DeclarationVersion:
        """Create a version that promises more."""
        return self.create_version(declaration=first.declaration, text=f"{first.text}\n\n{ADDED_COMMITMENT}")

    def create_version(self, *, declaration: Declaration, text: str) -> DeclarationVersion:
        latest = declaration.versions.first()
        return DeclarationVersion.objects.create(
            declaration=declaration,
            number=latest.number + 1 if latest else 1,
            text=text,
            note=f"{EXAMPLE}a version for this demonstration.",
            source=self.people.publication,
            as_at=self.people.publication.published_on,
        )

    def invite_all(self) -> None:
        """Invite the organisations that money went to, and others."""
        sectors: list[Sector | None] = [*Sector.objects.all()] or [None]
        paid = {organisation.name: organisation for organisation in self.people.organisations}
        names = [*paid, *(f"{EXAMPLE}{name}" for name in INVITED_NAMES)]
        for place, name in enumerate(names):
            self.invitations.append(
                self.invite(name, f"post{place + 1}@organisation.example", sectors[place % len(sectors)])
            )
            if name in paid:
                SignatoryBody.objects.filter(name=name).update(organisation=paid[name])
        self.deliver_mail()

    def invite(self, name: str, email: str, sector: Sector | None = None) -> Invitation:
        invitation = invitations.invite(
            by=self.people.officer, organisation=name, email=email, contact_name="Example Officer", sector=sector
        )
        assert invitation is not None  # noqa: S101 - nobody else is invited here
        return invitation

    def sign(self, invitation: Invitation, place: int) -> Entry:
        """Sign as an organisation's signatory would.

        The second signs by delegated authority; the third signature is prepared by an assistant.
        """
        signatory = signing.Signatory(
            name=f"{SIGNATORIES[place % len(SIGNATORIES)]} Example",
            role=ROLES[place % len(ROLES)],
            email="",
            authority=Authority.POST,
            name_is_public=place % 3 == 0,
        )
        if place == 1:
            delegated = replace(signatory, authority=Authority.DELEGATED, authority_reference="EXAMPLE/7")
            signatory = replace(delegated, authority_date=self.today)
        secret = tokens.issue_secret(invitation=invitation, purpose=SigningLinkPurpose.SIGN)
        if place == 2:
            chair = replace(
                signatory, email=f"chair{invitation.pk}@organisation.example", prepared_by="Example Assistant"
            )
            signing.pass_on_to_signatory(secret=secret, signatory=chair)
            self.deliver_mail()
            secret = tokens.issue_secret(invitation=invitation, purpose=SigningLinkPurpose.CONFIRM, to=chair.email)
        preparation = signing.prepare_signature(secret=secret, signatory=signatory)
        version = availability.require_signing_open(availability.version_in_force())
        checked = signing.Signatory.from_preparation(preparation).fingerprint
        return signing.sign(secret=secret, checked=checked, text_sha256=version.sha256)

    def decline_and_postpone(self) -> None:
        """Let one organisation decline, and one say when it will decide."""
        declines, decides = (
            tokens.issue_secret(invitation=invitation, purpose=SigningLinkPurpose.SIGN)
            for invitation in self.invitations[10:12]
        )
        signing.decline_invitation(
            secret=declines, reason=f"{EXAMPLE}our rules do not let us sign what others have written."
        )
        signing.announce_decision_date(secret=decides, day=self.today + timedelta(days=30))

    def sign_on_paper(self, version: DeclarationVersion) -> None:
        """Enter two signatures on paper: one that a colleague has confirmed, one that is still to be confirmed."""
        for place, name in enumerate(("Village council", "Reading circle")):
            paper = PaperSignature(
                body=SignatoryBody.objects.create(name=f"{EXAMPLE}{name}"),
                version=version,
                signatory_name="Pat Example",
                signatory_role="Clerk",
                authority=PaperAuthority.POST if place == 0 else PaperAuthority.NOT_STATED,
                signed_on=self.today,
                scan=ContentFile(pdf.render_version_pdf(version), name="scan.pdf"),
            )
            paper_signatures.record_paper_signature(by=self.people.author, paper=paper)
            if place == 0:
                paper_signatures.confirm_paper_signature(by=self.people.approver, paper=paper)

    def withdraw_correct_and_erase(self) -> None:
        """Withdraw one signature, correct the organisation's name in another, erase the personal data of a third."""
        withdrawn, corrected, erased = self.signed[-1], self.signed[-2], self.signed[-3]
        corrections.withdraw_signature(
            secret=tokens.issue_secret(invitation=withdrawn.invitation, purpose=SigningLinkPurpose.WITHDRAW)
        )
        body = corrected.body
        name = f"{body.name} and district"
        corrections.correct_entry(
            by=self.people.approver, entry=corrected, name=name, sector=body.sector, reason=CorrectionReason.RENAMED
        )
        erasure.erase_personal_data(entry=erased)

    def request_to_sign(self) -> None:
        """Let an organisation that nobody has invited ask to sign."""
        requests.record_request(
            name=f"{EXAMPLE}Allotment society",
            contact_name="Val Example",
            email="val@society.example",
            message=f"{EXAMPLE}we heard of it from the sports club.",
        )

    def deliver_mail(self) -> None:
        """Deliver queued mail at once, as files, and delete its tasks: no worker runs yet."""
        for number in Mail.objects.filter(delivery=Delivery.WAITING).order_by("pk").values_list("pk", flat=True):
            deliver.call(number)
        DBTaskResult.objects.filter(task_path=deliver.module_path).delete()

    def open_link(self) -> str:
        invitation = Invitation.objects.open().filter(body=self.invitations[-1].body).get()
        secret = tokens.issue_secret(invitation=invitation, purpose=SigningLinkPurpose.SIGN)
        return full_url(reverse("declarations:open", args=[secret]))
