"""The declaration signed by bodies that do not exist, by its real rules, on the day on which the demonstration is made.

Nothing is dated back: a register that could do that would prove nothing.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.urls import reverse
from django_tasks_db.models import DBTaskResult

from events.declarations import pdf, rules, tokens
from events.declarations.choices import Authority, Delivery, Purpose, Reason
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
from events.declarations.tasks import deliver
from partners.models import LegalNotice, Sector
from vru_portal.demo.cast import SAY, Cast

NOTICE: dict[str, Any] = {
    "controller": f"{SAY}The Office of Examples, 1 Example Street",
    "data_protection_contact": f"{SAY}data.protection@office.example",
    "lawful_basis": f"{SAY}Article 6(1)(e) of the UK GDPR: the register is kept as a task in the public interest.",
    "retention_days": 2190,
    "complaints": f"{SAY}write to complaints@office.example; we answer within 20 working days. If that does not help, "
    "the Information Commissioner decides.",
    "accessibility": f"{SAY}tested by keyboard, with a screen reader and at 400% zoom, in the autumn.",
    "security_contact": "security@office.example",
}
ADDED = f"{SAY}we also publish each year what we did and what came of it."
DRAFT = f"{SAY}we promise to work together."
SIGNATORIES = ("Sam", "Robin", "Ash", "Kit", "Jo", "Alex", "Noor", "Priya", "Dele", "Mair", "Lee", "Ana")
ROLES = ("Chair of trustees", "Chief executive", "Leader of the council", "Director of public health")
INVITED = (
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
class Promise:
    """What becomes of the declaration: two wordings, a dozen and more bodies, and everything that can happen to one."""

    cast: Cast
    today: date
    bodies: list[Invitation] = field(default_factory=list)
    signed: list[Entry] = field(default_factory=list)

    def tell(self) -> str:
        """Record all of it; return the address of an invitation that is still open."""
        self.state_the_law()
        log.rotate_key()
        first = self.draft()
        rules.publish(by=self.cast.approver, version=first)
        self.invite()
        for place, invitation in enumerate(self.bodies[:10]):
            self.signed.append(self.sign(invitation, place))
        self.deliver()
        self.answer_otherwise()
        self.sign_on_paper(first)
        self.change_afterwards()
        self.deliver()
        rules.publish(by=self.cast.approver, version=self.second(first))
        self.deliver()
        again = Invitation.objects.open().filter(body__in=[entry.body for entry in self.signed]).order_by("pk")
        for place, invitation in enumerate(again[:4]):
            self.sign(invitation, place)
        self.ask_to_sign()
        self.deliver()
        return self.link()

    def state_the_law(self) -> None:
        """State what the law wants said, as far as the unit's own content leaves it open."""
        notice = LegalNotice.current()
        for name, words in NOTICE.items():
            if not getattr(notice, name):
                setattr(notice, name, words)
        notice.save()

    def draft(self) -> DeclarationVersion:
        """Return the unit's own draft; where it has none, one that says nothing."""
        drafts = DeclarationVersion.objects.filter(in_force_from=None).select_related("declaration")
        return drafts.first() or self.made_up(
            declaration=Declaration.objects.first()
            or Declaration.objects.create(title=f"{SAY}declaration", slug="example-declaration"),
            text=DRAFT,
        )

    def second(self, first: DeclarationVersion) -> DeclarationVersion:
        """Return a wording that promises more."""
        return self.made_up(declaration=first.declaration, text=f"{first.text}\n\n{ADDED}")

    def made_up(self, *, declaration: Declaration, text: str) -> DeclarationVersion:
        """Record a wording that nobody has stated."""
        latest = declaration.versions.first()
        return DeclarationVersion.objects.create(
            declaration=declaration,
            number=latest.number + 1 if latest else 1,
            text=text,
            note=f"{SAY}a wording for this demonstration.",
            source=self.cast.publication,
            as_at=self.cast.publication.published_on,
        )

    def invite(self) -> None:
        """Invite the bodies that money went to, and others."""
        sectors: list[Sector | None] = [*Sector.objects.all()] or [None]
        known = {body.name: body for body in self.cast.bodies}
        names = [*known, *(f"{SAY}{name}" for name in INVITED)]
        for place, name in enumerate(names):
            self.bodies.append(self.invited(name, f"post{place + 1}@body.example", sectors[place % len(sectors)]))
            if name in known:
                SignatoryBody.objects.filter(name=name).update(organisation=known[name])
        self.deliver()

    def invited(self, name: str, email: str, sector: Sector | None = None) -> Invitation:
        """Invite a body."""
        invitation = rules.invite(
            by=self.cast.officer, organisation=name, email=email, contact_name="Example Officer", sector=sector
        )
        assert invitation is not None  # noqa: S101 - nobody else is invited here
        return invitation

    def sign(self, invitation: Invitation, place: int) -> Entry:
        """Sign for a body, as its signatory does in the journey; the third by an assistant who passes it on."""
        signatory = rules.Signatory(
            name=f"{SIGNATORIES[place % len(SIGNATORIES)]} Example",
            role=ROLES[place % len(ROLES)],
            email="",
            name_is_public=place % 3 == 0,
        )
        if place == 1:
            by_decision = replace(signatory, authority=Authority.DELEGATED, authority_reference="EXAMPLE/7")
            signatory = replace(by_decision, authority_date=self.today)
        secret = tokens.mint(invitation=invitation, purpose=Purpose.SIGN)
        if place == 2:
            chair = replace(signatory, email=f"chair{invitation.pk}@body.example", prepared_by="Example Assistant")
            rules.pass_on(secret=secret, signatory=chair)
            self.deliver()
            secret = tokens.mint(invitation=invitation, purpose=Purpose.CONFIRM, to=chair.email)
        preparation = rules.prepare(secret=secret, signatory=signatory)
        version = rules.require_open(rules.in_force())
        checked = rules.Signatory.of(preparation).fingerprint
        return rules.sign(secret=secret, checked=checked, text_sha256=version.sha256)

    def answer_otherwise(self) -> None:
        """Let one decline, and one say when it decides."""
        declines, decides = (
            tokens.mint(invitation=invitation, purpose=Purpose.SIGN) for invitation in self.bodies[10:12]
        )
        rules.decline(secret=declines, because=f"{SAY}our rules do not let us sign what others have written.")
        rules.decide_on(secret=decides, day=self.today + timedelta(days=30))

    def sign_on_paper(self, version: DeclarationVersion) -> None:
        """Enter a signature on paper, which a colleague confirms; enter another, which waits for that."""
        for place, name in enumerate(("Village council", "Reading circle")):
            paper = PaperSignature(
                body=SignatoryBody.objects.create(name=f"{SAY}{name}"),
                version=version,
                signatory_name="Pat Example",
                signatory_role="Clerk",
                signed_on=self.today,
                scan=ContentFile(pdf.version(version), name="scan.pdf"),
            )
            rules.record_paper(by=self.cast.author, paper=paper)
            if place == 0:
                rules.confirm_paper(by=self.cast.approver, paper=paper)

    def change_afterwards(self) -> None:
        """Withdraw a signature, correct the name of a body, erase the personal data of a third."""
        withdrawn, corrected, erased = self.signed[-1], self.signed[-2], self.signed[-3]
        rules.withdraw(secret=tokens.mint(invitation=withdrawn.invitation, purpose=Purpose.WITHDRAW))
        body = corrected.body
        name = f"{body.name} and district"
        rules.correct(by=self.cast.approver, entry=corrected, name=name, sector=body.sector, reason=Reason.RENAMED)
        rules.erase(entry=erased)

    def ask_to_sign(self) -> None:
        """Let a body that nobody has invited ask."""
        rules.ask(
            name=f"{SAY}Allotment society",
            contact_name="Val Example",
            email="val@society.example",
            message=f"{SAY}we heard of it from the sports club.",
        )

    def deliver(self) -> None:
        """Send what waits, here and now: as files, since nobody is there to read it."""
        for number in Mail.objects.filter(delivery=Delivery.WAITING).order_by("pk").values_list("pk", flat=True):
            deliver.call(number)
        DBTaskResult.objects.filter(task_path=deliver.module_path).delete()

    def link(self) -> str:
        """Return the address of an open invitation, as its mail gives it."""
        invitation = Invitation.objects.open().filter(body=self.bodies[-1].body).get()
        secret = tokens.mint(invitation=invitation, purpose=Purpose.SIGN)
        return settings.PORTAL_URL + reverse("declarations:open", args=[secret])
