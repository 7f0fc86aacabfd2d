"""Made-up records for tests of rules: no fact of any real unit stands here."""

import io
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.db import transaction
from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory, Trait
from factory.django import DjangoModelFactory
from PIL import Image

from events.choices import ItemKind
from events.declarations import rules
from events.declarations.choices import InvitationState, MailKind, Purpose
from events.declarations.models import (
    Declaration,
    DeclarationVersion,
    Entry,
    Head,
    Invitation,
    LiveSignature,
    Mail,
    PaperSignature,
    PersonalRecord,
    Preparation,
    RegisterKey,
    SignatoryBody,
    SigningRequest,
    Token,
    TreeNode,
)
from events.declarations.register import log
from events.models import AgendaItem, Appearance, Event
from funding.choices import DutyField, DutyList, Kind
from funding.models import (
    Allocation,
    ContractCopy,
    Contributor,
    DutyColumn,
    Explanation,
    FinancialYear,
    FundingSource,
    Payment,
    PublicationDuty,
)
from partners.choices import ContactKind, Seat
from partners.models import (
    ContactPoint,
    LegalNotice,
    Organisation,
    Person,
    Post,
    Publication,
    Sector,
    Statement,
    Unit,
)
from programmes.choices import Mark, Outcome, Slot
from programmes.models import (
    Area,
    AssessmentDecision,
    Audience,
    Document,
    EvidenceAssessment,
    Initiative,
    Passage,
    Picture,
    Predecessor,
    PreventionLevel,
    Setting,
    Story,
    SuccessCondition,
    Term,
)
from vru_portal.publishing import State

DAY = date(2031, 5, 6)
_writes_history = ContextVar("writes_history", default=False)


@contextmanager
def with_history() -> Iterator[None]:
    """Let factories write the history of what they make, as every door does."""
    token = _writes_history.set(True)
    try:
        yield
    finally:
        _writes_history.reset(token)


class RecordFactory(DjangoModelFactory[Any]):
    """Calling a factory gives a record, which a type checker cannot see."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:

        def __new__(cls, **fields: Any) -> Any: ...

        @classmethod
        def build(cls, **fields: Any) -> Any: ...

        @classmethod
        def create_batch(cls, size: int, **fields: Any) -> list[Any]: ...

    @classmethod
    def _create(cls, model_class: type[Any], *args: Any, **kwargs: Any) -> Any:
        """Save a row; outside `with_history`, without the first row of its history, which costs half as much again."""
        looked_up_first = getattr(cls._meta, "django_get_or_create", False)
        if _writes_history.get() or looked_up_first or not hasattr(model_class, "history"):
            return super()._create(model_class, *args, **kwargs)
        row = model_class(*args, **kwargs)
        row.skip_history_when_saving = True
        row.save(force_insert=True)
        del row.skip_history_when_saving
        return row

    @classmethod
    def unsaved(cls, **fields: Any) -> Any:
        """Return a row that is not recorded yet; what it names is."""
        made = {"_create": classmethod(lambda _, model, **values: model(**values))}
        return type(cls.__name__, (cls,), made)(**fields)


class SectorFactory(RecordFactory):
    class Meta:
        model = Sector

    name = Sequence("Sector {}".format)
    slug = Sequence("sector-{}".format)


class PublicationFactory(RecordFactory):
    class Meta:
        model = Publication
        skip_postgeneration_save = True

    title = Sequence("Plan {}".format)
    slug = Sequence("plan-{}".format)
    published_on = DAY
    state = State.PUBLISHED


class SourcedFactory(RecordFactory):
    """Each record has a publication of its own, so that a page that asks for them one by one is found out."""

    class Meta:
        abstract = True

    source = SubFactory(PublicationFactory)
    source_location = "Chapter 7"
    as_at = DAY


class PublishedFactory(SourcedFactory):
    class Meta:
        abstract = True

    state = State.PUBLISHED


class OrganisationFactory(PublishedFactory):
    class Meta:
        model = Organisation

    name = Sequence("Body {}".format)
    slug = Sequence("body-{}".format)
    summary = "Mends *bridges*."


class UnitFactory(SourcedFactory):
    class Meta:
        model = Unit

    organisation = SubFactory(OrganisationFactory, name="Moor Partnership", slug="moor-partnership")
    region = "The Moor"
    slogan = "Paths are made by walking"
    slogan_emphasis = "walking"
    description = "What the moor does against violence."


class LegalNoticeFactory(RecordFactory):
    """All that the law wants said before personal data is taken."""

    class Meta:
        model = LegalNotice
        django_get_or_create = ("id",)

    id = 1
    controller = "The Office of Examples, 1 Example Street"
    data_protection_contact = "data@example.org"
    lawful_basis = "Article 6(1)(e): a task in the public interest."
    retention_days = 2190
    complaints = "Write to complaints@example.org."
    accessibility = "Tested in autumn."


class ContactPointFactory(SourcedFactory):
    class Meta:
        model = ContactPoint

    unit = LazyFunction(lambda: Unit.objects.get())
    kind = ContactKind.EMAIL
    value = Sequence("desk{}@moor.example.org".format)
    position = Sequence(int)


class PersonFactory(PublishedFactory):
    class Meta:
        model = Person

    name = Sequence("Robin Vale {}".format)
    family_name = "Vale"
    slug = Sequence("robin-vale-{}".format)


class PostFactory(SourcedFactory):
    class Meta:
        model = Post

    person = SubFactory(PersonFactory)
    title = Sequence("Warden {}".format)
    organisation = SubFactory(OrganisationFactory)
    position = Sequence(int)


class StatementFactory(PublishedFactory):
    class Meta:
        model = Statement

    title = Sequence("Message {}".format)
    slug = Sequence("message-{}".format)
    speaker = SubFactory(PersonFactory)
    quote = "A path is everybody's."
    summary = "Why paths matter."
    text = "Robin Vale says that paths matter."
    position = Sequence(int)


class LevelFactory(PublishedFactory):
    class Meta:
        model = PreventionLevel

    name = Sequence("Level{}".format)
    slug = Sequence("level-{}".format)
    position = Sequence(lambda number: number + 1)
    mark = LazyFunction(
        lambda: next(mark for mark in Mark.values if mark not in PreventionLevel.objects.values_list("mark", flat=True))
    )
    moment = "At dawn"
    summary = "Begin early."
    definition = "Work that begins **early**."


class ConditionFactory(PublishedFactory):
    class Meta:
        model = SuccessCondition

    number = Sequence(lambda number: number + 1)
    title = "Everybody walks"
    text = "Each path has a keeper."


class AudienceFactory(RecordFactory):
    class Meta:
        model = Audience

    name = Sequence("Audience {}".format)
    slug = Sequence("audience-{}".format)


class SettingFactory(RecordFactory):
    class Meta:
        model = Setting

    name = Sequence("Setting {}".format)
    slug = Sequence("setting-{}".format)


class AreaFactory(RecordFactory):
    class Meta:
        model = Area

    name = Sequence("Area {}".format)
    slug = Sequence("area-{}".format)


class InitiativeFactory(PublishedFactory):
    class Meta:
        model = Initiative
        skip_postgeneration_save = True

    name = Sequence("Night walk {}".format)
    slug = Sequence("night-walk-{}".format)
    level = SubFactory(LevelFactory)
    position = Sequence(int)
    summary = "Neighbours walk together."
    description = "A walk *every* Friday."


class PredecessorFactory(PublishedFactory):
    class Meta:
        model = Predecessor

    title = Sequence("Older path {}".format)
    position = Sequence(int)


class TermFactory(PublishedFactory):
    class Meta:
        model = Term

    name = Sequence("Word {}".format)
    slug = Sequence("word-{}".format)
    definition = "What it means."


class PassageFactory(PublishedFactory):
    class Meta:
        model = Passage

    slot = Slot.HOME_LEAD
    title = "In our words"
    body = "We keep the paths."


def jpeg() -> ContentFile[bytes]:
    """Return the smallest picture that can be read."""
    written = io.BytesIO()
    Image.new("RGB", (2, 1)).save(written, "JPEG")
    return ContentFile(written.getvalue(), f"{secrets.token_hex(16)}.jpg")


class PictureFactory(RecordFactory):
    class Meta:
        model = Picture

    title = Sequence("View {}".format)
    slug = Sequence("view-{}".format)
    alternative_text = "Two walkers on a path"
    file = LazyFunction(jpeg)
    size, width, height, sha256 = 600, 2, 1, "0" * 64
    state = State.PUBLISHED


class DocumentFactory(RecordFactory):
    class Meta:
        model = Document

    title = Sequence("Report {}".format)
    slug = Sequence("report-{}".format)
    file = LazyFunction(lambda: ContentFile(b"Words.", f"{secrets.token_hex(16)}.txt"))
    size, sha256 = 6, "0" * 64
    state = State.PUBLISHED


class StoryFactory(PublishedFactory):
    class Meta:
        model = Story

    title = Sequence("News {}".format)
    slug = Sequence("news-{}".format)
    summary = "A path was opened."
    body = "It was **long**."
    published_on = DAY


class YearFactory(SourcedFactory):
    class Meta:
        model = FinancialYear

    first_year = Sequence(lambda number: 2040 + number % 50)


class FundingSourceFactory(SourcedFactory):
    class Meta:
        model = FundingSource

    year = SubFactory(YearFactory)
    name = Sequence("Chest {}".format)
    slug = Sequence("chest-{}".format)
    amount = Decimal("1250.50")
    stated_as = "£1,250.50"
    position = Sequence(int)


class ContributorFactory(RecordFactory):
    class Meta:
        model = Contributor

    funding_source = SubFactory(FundingSourceFactory)
    organisation = SubFactory(OrganisationFactory)


class UserFactory(RecordFactory):
    class Meta:
        model = get_user_model()

    username = Sequence("colleague-{}".format)
    is_staff = True


class AssessmentFactory(RecordFactory):
    class Meta:
        model = EvidenceAssessment

    initiative = SubFactory(InitiativeFactory)
    author = SubFactory(UserFactory)
    evidence = "Night walks were counted."
    need = "Walkers stumble."
    expected_effect = "Fewer stumbles."


class DecisionFactory(RecordFactory):
    class Meta:
        model = AssessmentDecision

    assessment = SubFactory(AssessmentFactory)
    recorded_by = SubFactory(UserFactory)
    outcome = Outcome.APPROVED
    decided_on = DAY
    reasons = "The count is sound."


class AllocationFactory(RecordFactory):
    """An allocation of £100 on an assessment that was approved the day it is dated."""

    class Meta:
        model = Allocation

    funding_source = SubFactory(FundingSourceFactory)
    initiative = SubFactory(InitiativeFactory)
    awarded_on = DAY
    assessment = LazyAttribute(
        lambda made: DecisionFactory(assessment__initiative=made.initiative, decided_on=made.awarded_on).assessment
    )
    recipient = SubFactory(OrganisationFactory)
    awarded_by = SubFactory(OrganisationFactory)
    amount = Decimal("100.00")
    purpose = "Lanterns."
    conditions = "Lit every Friday."
    reasons = "It is dark."
    value_for_money = "Three quotes."


class PaymentFactory(RecordFactory):
    class Meta:
        model = Payment

    reference = Sequence("FIN-{:05}".format)
    allocation = SubFactory(AllocationFactory)
    payee = LazyAttribute(lambda made: made.allocation.recipient)
    paid_on = DAY
    amount = Decimal("12.50")
    purpose = "Lantern oil."


class ExplanationFactory(RecordFactory):
    class Meta:
        model = Explanation

    payment = SubFactory(PaymentFactory)
    text = "The oil came late."


class ContractCopyFactory(RecordFactory):
    class Meta:
        model = ContractCopy

    allocation = SubFactory(AllocationFactory)
    title = "Lantern contract"
    url = "https://moor.example.org/contract"


class DutyFactory(RecordFactory):
    class Meta:
        model = PublicationDuty

    name = "Moor Publishing Order"
    awarding_body = SubFactory(OrganisationFactory)
    items_over = Decimal("500.00")
    contracts_over = Decimal("10000.00")


class ColumnFactory(RecordFactory):
    class Meta:
        model = DutyColumn

    duty = SubFactory(DutyFactory)
    list = "grants"
    field = "purpose"
    position = Sequence(int)


class EventFactory(PublishedFactory):
    class Meta:
        model = Event

    title = Sequence("Moor day {}".format)
    short_title = "Moor day"
    slug = Sequence("moor-day-{}".format)
    held_on = DAY
    summary = "A day on the moor."


class AgendaItemFactory(SourcedFactory):
    class Meta:
        model = AgendaItem

    event = SubFactory(EventFactory)
    position = LazyAttribute(lambda item: item.event.items.count() + 1)
    title = Sequence("Talk {}".format)
    kind = ItemKind.TALK


class AppearanceFactory(SourcedFactory):
    class Meta:
        model = Appearance

    item = SubFactory(AgendaItemFactory)
    person = SubFactory(PersonFactory)
    position = Sequence(int)


class DeclarationFactory(RecordFactory):
    class Meta:
        model = Declaration

    title = Sequence("Promise {}".format)
    slug = Sequence("promise-{}".format)


class VersionFactory(SourcedFactory):
    class Meta:
        model = DeclarationVersion

    class Params:
        in_force = Trait(
            in_force_from=date(2019, 5, 9),
            sha256=LazyAttribute(lambda version: DeclarationVersion(text=version.text).fingerprint),
        )

    declaration = SubFactory(DeclarationFactory)
    number = LazyAttribute(lambda version: version.declaration.versions.count() + 1)
    text = "We keep the paths."


class BodyFactory(RecordFactory):
    class Meta:
        model = SignatoryBody

    name = Sequence("Signatory {}".format)


class InvitationFactory(RecordFactory):
    class Meta:
        model = Invitation

    body = SubFactory(BodyFactory)
    version = SubFactory(VersionFactory, in_force=True)
    email = Sequence("post{}@body.example".format)
    contact_name = "Robin Vale"
    state = InvitationState.SENT


class PreparationFactory(RecordFactory):
    class Meta:
        model = Preparation

    invitation = SubFactory(InvitationFactory, state=InvitationState.STARTED)
    name = "Sam Example"
    role = "Chair of trustees"
    email = LazyAttribute(lambda made: made.invitation.email)


class TokenFactory(RecordFactory):
    class Meta:
        model = Token

    invitation = SubFactory(InvitationFactory)
    purpose = Purpose.SIGN
    sha256 = Sequence("{:064x}".format)
    expires_at = datetime(2099, 1, 1, tzinfo=UTC)


class MailFactory(RecordFactory):
    class Meta:
        model = Mail

    kind = MailKind.INVITATION
    invitation = SubFactory(InvitationFactory)
    to = LazyAttribute(lambda made: made.invitation.email)
    message_id = Sequence("<{}@portal.example>".format)


class SigningRequestFactory(RecordFactory):
    class Meta:
        model = SigningRequest

    name = Sequence("Asking body {}".format)
    contact_name = "Kit Asker"
    email = Sequence("ask{}@body.example".format)


class PaperSignatureFactory(RecordFactory):
    class Meta:
        model = PaperSignature

    body = SubFactory(BodyFactory)
    version = SubFactory(VersionFactory, in_force=True)
    signatory_name = "Sam Example"
    signatory_role = "Chair of trustees"
    signed_on = date(2019, 5, 9)
    scan = "2019/scan.pdf"
    scan_sha256 = "5" * 64
    recorded_by = SubFactory(UserFactory)


class RegisterKeyFactory(RecordFactory):
    """A key whose private half is a file: with it comes the head."""

    class Meta:
        model = RegisterKey

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **fields: Any) -> Any:
        return log.rotate_key()


class EntryFactory(RecordFactory):
    """A signature: nothing makes an entry but the register itself, and with it come the rows below."""

    class Meta:
        model = Entry

    body = SubFactory(BodyFactory)
    version = SubFactory(VersionFactory, in_force=True)
    name_is_public = True

    @classmethod
    def _create(cls, model_class: Any, *args: Any, body: Any, version: Any, name_is_public: bool, **fields: Any) -> Any:
        if not RegisterKey.objects.exists():
            log.rotate_key()
        who = rules.Signatory("Sam Example", "Chair of trustees", "sam@body.example", name_is_public=name_is_public)
        with transaction.atomic():
            return rules.append_signature(body=body, version=version, signatory=who, stated={})


class WithEntryFactory(RecordFactory):
    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **fields: Any) -> Any:
        EntryFactory(**fields)
        return model_class._default_manager.latest("pk")


class HeadFactory(WithEntryFactory):
    class Meta:
        model = Head


class TreeNodeFactory(WithEntryFactory):
    class Meta:
        model = TreeNode


class PersonalRecordFactory(WithEntryFactory):
    class Meta:
        model = PersonalRecord


class LiveSignatureFactory(WithEntryFactory):
    class Meta:
        model = LiveSignature


def reverse(row: Any) -> Any:
    """Record the row that takes this one back."""
    opposite = row.opposite()
    opposite.reason = "Entered twice."
    opposite.recorded_by = UserFactory()
    opposite.save(force_insert=True)
    return opposite


def spend(source: Any, initiative: Any, body: Any) -> None:
    """Make whatever can stand on a source of money, and what comes before it."""
    AssessmentFactory(initiative=initiative)
    DecisionFactory(assessment__initiative=initiative, outcome=Outcome.DECLINED)
    reverse(DecisionFactory(assessment__initiative=initiative))
    all_of_it = {"funding_source": source, "initiative": initiative, "recipient": body}
    grant = AllocationFactory(**all_of_it, starts_on=DAY, ends_on=date(2032, 3, 31))
    AllocationFactory(**all_of_it, continues=grant, amount=Decimal("50.25"))
    reverse(AllocationFactory(**all_of_it, purpose="Lamps."))
    contract = AllocationFactory(**all_of_it, kind=Kind.CONTRACT)
    ContractCopyFactory(allocation=contract)
    PaymentFactory(allocation=grant, irrecoverable_vat=Decimal("2.50"))
    PaymentFactory(allocation=grant, amount=Decimal("-1.25"))
    reverse(PaymentFactory(allocation=grant))
    ExplanationFactory(payment=PaymentFactory(allocation=contract, amount=Decimal("501.00")))
    ExplanationFactory(payment=PaymentFactory(allocation=contract, paid_on=date(2032, 4, 1)))


def promise(version: Any, body: Any) -> None:
    """Make whatever there is of who is asked to sign a wording, and of who has signed it."""
    signed = EntryFactory(version=version, body__organisation=body, body__sector=body.sector)
    InvitationFactory(version=version, body=signed.body, state=InvitationState.SIGNED, entry=signed)
    PreparationFactory(invitation__version=version)
    asked = InvitationFactory(version=version)
    TokenFactory(invitation=asked)
    MailFactory(invitation=asked)
    SigningRequestFactory(sector=body.sector)
    PaperSignatureFactory(version=version)


@with_history()
def furnish(rows: int) -> None:
    """Make a unit with this many rows of everything, each tied to everything else that it can be tied to."""
    unit = UnitFactory(colour_ink="#0b3d2e", colour_accent="#ffd166")
    year, before = YearFactory(first_year=2031, spend_by=date(2032, 3, 31)), YearFactory(first_year=2030)
    duty = DutyFactory(awarding_body=unit.organisation)
    event = EventFactory(title="Opening", slug="opening", held_on=date(2031, 5, 7))
    declaration = DeclarationFactory(event=event)
    LegalNoticeFactory()
    version = VersionFactory(declaration=declaration, in_force=True)
    level = LevelFactory(slug="first")
    initiative = None
    for number in range(rows):
        group = OrganisationFactory(is_group=True)
        body = OrganisationFactory(sector=SectorFactory(), represents=group, website="https://body.example.org/")
        person = PersonFactory()
        post = PostFactory(person=person, organisation=body, seat=Seat.EXECUTIVE)
        PostFactory(person=PersonFactory(), organisation=unit.organisation, seat=Seat.TEAM)
        PostFactory(organisation=group)
        PostFactory(organisation=None)
        ContactPointFactory(unit=unit)
        publication = PublicationFactory(issued_by=body)
        publication.authors.add(person, PersonFactory())
        StatementFactory(speaker=person)
        here = level if number == 0 else LevelFactory()
        ConditionFactory(level=level)
        TermFactory(defined_by=body, level=here, defines_violence=number == 0)
        PredecessorFactory(organisation=body, publication=publication)
        StoryFactory(picture=PictureFactory())
        DocumentFactory()
        initiative = InitiativeFactory(
            level=level,
            lead_organisation=body,
            audience_text="Walkers",
            setting_text="Paths",
            area_text="The moor",
            sensitive_topic="storms",
            safety_notice="Stay inside.",
        )
        initiative.partners.add(group, body)
        initiative.audiences.add(AudienceFactory())
        initiative.settings.add(SettingFactory())
        initiative.areas.add(AreaFactory())
        if number:
            FundingSourceFactory(year=YearFactory(first_year=2020 + number))
        source = FundingSourceFactory(year=year)
        ContributorFactory(funding_source=source, organisation=body)
        ContributorFactory(funding_source=source, organisation=None, post=post)
        left = FundingSourceFactory(year=before)
        FundingSourceFactory(year=year, carried_from=left, amount=Decimal("250.00"))
        reverse(FundingSourceFactory(year=year))
        spend(source, initiative, body)
        for column in DutyList.values:
            ColumnFactory(duty=duty, list=column, field=DutyField.values[number % len(DutyField)])
        item = AgendaItemFactory(event=event)
        AppearanceFactory(item=item, person=person, post=post)
        AppearanceFactory(item=item, person=None, organisation=group)
        closed = AgendaItemFactory(event=EventFactory(held_on=date(2019, 3, 4)), kind=ItemKind.CLOSED)
        AppearanceFactory(item=closed, person=person, post=post)
        VersionFactory(declaration=declaration)
        promise(version, body)
    for slot in Slot.values:
        PassageFactory(slot=slot)
