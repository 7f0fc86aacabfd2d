"""Whole portals: rows of everything, tied to one another."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone

from events.choices import ItemKind
from events.declarations.choices import InvitationState
from funding.choices import AllocationKind, ConditionKind, DutyField, DutyList, VariationKind
from partners.choices import Seat
from programmes.choices import Outcome, PassagePlace
from tests.support.factories.base import DAY, PublicationFactory, reverse, with_history
from tests.support.factories.declarations import (
    DeclarationFactory,
    EntryFactory,
    InvitationFactory,
    MailFactory,
    PaperSignatureFactory,
    PreparationFactory,
    SigningRequestFactory,
    TokenFactory,
    VersionFactory,
)
from tests.support.factories.events import AgendaItemFactory, AppearanceFactory, EventFactory
from tests.support.factories.funding import (
    AllocationFactory,
    ColumnFactory,
    ContractCopyFactory,
    ContributorFactory,
    DecisionFactory,
    DutyFactory,
    ExplanationFactory,
    FulfilmentFactory,
    FundingSourceFactory,
    HeadingFactory,
    OnwardGrantFactory,
    OnwardMailFactory,
    OnwardRequestFactory,
    OnwardTokenFactory,
    OvercommitmentFactory,
    PaymentFactory,
    RegrantingFactory,
    SourceConditionFactory,
    VariationFactory,
    YearFactory,
)
from tests.support.factories.partners import (
    ContactPointFactory,
    LegalNoticeFactory,
    OrganisationFactory,
    PersonFactory,
    PostFactory,
    SectorFactory,
    StatementFactory,
    UnitFactory,
)
from tests.support.factories.programmes import (
    ApproachFactory,
    AreaFactory,
    AssessmentDecisionFactory,
    AssessmentFactory,
    AudienceFactory,
    DocumentFactory,
    InitiativeFactory,
    LevelFactory,
    PassageFactory,
    PictureFactory,
    PredecessorFactory,
    SettingFactory,
    StoryFactory,
    SuccessConditionFactory,
    SynonymFactory,
    TermFactory,
)
from tests.support.factories.results import (
    ApprovedReturnFactory,
    BreakdownFactory,
    FigureFactory,
    GroupFactory,
    MeasureFactory,
    PartFactory,
    PopulationFactory,
    ReporterFactory,
    ReturnDraftFactory,
    ReturnFactory,
    ReturnMailFactory,
    ReturnTokenFactory,
    RulesFactory,
    TargetFactory,
    WorkbookColumnFactory,
)
from vru_portal.links.choices import DraftState
from vru_portal.models import HeadingMapping


def spend(source: Any, initiative: Any, body: Any) -> None:
    """Make everything that can belong to a source of money, and what comes before it."""
    AssessmentFactory(initiative=initiative)
    AssessmentDecisionFactory(assessment__initiative=initiative, outcome=Outcome.DECLINED)
    reverse(AssessmentDecisionFactory(assessment__initiative=initiative))
    decided = DecisionFactory(year=source.year, decided_by__organisation=body)
    all_of_it = {"funding_source": source, "initiative": initiative, "recipient": body, "decision": decided}
    cited = AssessmentDecisionFactory(assessment__initiative=initiative, assessment__approach=ApproachFactory())
    all_of_it["assessment"] = cited.assessment
    grant = AllocationFactory(**all_of_it, starts_on=DAY, ends_on=date(2032, 3, 31))
    AllocationFactory(**all_of_it, continues=grant, amount=Decimal("50.25"))
    reverse(AllocationFactory(**all_of_it, purpose="Lamps."))
    contract = AllocationFactory(**all_of_it, kind=AllocationKind.CONTRACT)
    ContractCopyFactory(allocation=contract)
    OnwardGrantFactory(allocation=RegrantingFactory(allocation=grant).allocation)
    asked = OnwardRequestFactory(allocation=grant)
    OnwardTokenFactory(draft=asked)
    OnwardMailFactory(draft=asked)
    PaymentFactory(allocation=grant, irrecoverable_vat=Decimal("2.50"))
    PaymentFactory(allocation=grant, amount=Decimal("-1.25"))
    reverse(PaymentFactory(allocation=grant))
    ExplanationFactory(payment=PaymentFactory(allocation=contract, amount=Decimal("501.00")))
    ExplanationFactory(payment=PaymentFactory(allocation=contract, paid_on=date(2032, 4, 1)))
    vary_and_return(source, grant, body, decided)


def vary_and_return(source: Any, grant: Any, body: Any, decision: Any) -> None:
    """Make every kind of variation, and every kind of condition that a funder can set."""
    heading = HeadingFactory()
    own = {"funding_source": source, "heading": heading, "recipient": body, "awarded_by": body, "decision": decision}
    team = AllocationFactory(**own, kind=AllocationKind.OWN)
    PaymentFactory(allocation=team)
    VariationFactory(allocation=grant, decision=decision)
    reverse(VariationFactory(allocation=grant, kind=VariationKind.RETURN, decision=decision))
    moved = VariationFactory(allocation=team, kind=VariationKind.MOVE, decision=decision)
    AllocationFactory(**own, amount=moved.amount, moved_from=moved)
    VariationFactory(allocation=None, funding_source=source, decision=decision)
    OvercommitmentFactory(funding_source=source, decision=decision)
    SourceConditionFactory(funding_source=source, cost_kind="", heading=heading)
    SourceConditionFactory(funding_source=source, kind=ConditionKind.SPEND_BY, share=None, cost_kind="", by_day=DAY)
    match = SourceConditionFactory(funding_source=source, kind=ConditionKind.MATCH, cost_kind="")
    FulfilmentFactory(condition=match, organisation=body)


def make_result_records(initiative: Any, body: Any, area: Any) -> None:
    """Make whatever there is of the results of an initiative: published, corrected, late, and on its way."""
    breakdown = BreakdownFactory()
    groups = [GroupFactory(breakdown=breakdown), GroupFactory(breakdown=breakdown)]
    measure = MeasureFactory()
    measure.breakdowns.add(breakdown)
    for quarter in (date(2031, 4, 1), date(2031, 7, 1)):
        asked = ReturnFactory(initiative=initiative, organisation=body, quarter=quarter, reported_at=timezone.now())
        ReturnDraftFactory(return_of_figures=asked, state=DraftState.APPROVED)
        first = {"initiative": initiative, "organisation": body, "quarter": quarter, "return_of_figures": asked}
        FigureFactory(approved=ApprovedReturnFactory(**first), measure=measure, count=99)
        approved = ApprovedReturnFactory(**first, number=2, correction="Counted again.")
        figure = FigureFactory(approved=approved, measure=measure)
        for group in groups:
            PartFactory(figure=figure, group=group)
    FigureFactory(approved=approved, measure=MeasureFactory(), count=3, is_suppressed=True)
    TargetFactory(initiative=initiative, measure=measure)
    PopulationFactory(area=area)
    ReporterFactory(initiative=initiative, organisation=body)
    late = ReturnDraftFactory(
        return_of_figures__initiative=initiative,
        return_of_figures__organisation=body,
        return_of_figures__quarter=date(2031, 1, 1),
    )
    ReturnTokenFactory(draft=late)
    ReturnMailFactory(draft=late)
    WorkbookColumnFactory(rules=RulesFactory())


def make_declaration_records(version: Any, body: Any) -> None:
    """Make every kind of row about people who are asked to sign a version, and who signed it."""
    signed = EntryFactory(version=version, body__organisation=body, body__sector=body.sector)
    InvitationFactory(version=version, body=signed.body, state=InvitationState.SIGNED, entry=signed)
    PreparationFactory(invitation__version=version)
    asked = InvitationFactory(version=version)
    TokenFactory(invitation=asked)
    MailFactory(invitation=asked)
    SigningRequestFactory(sector=body.sector)
    PaperSignatureFactory(version=version)


@with_history()
def make_everything(rows: int) -> None:
    """Make a unit with this many rows of everything, each tied to everything else that it can be tied to."""
    unit = UnitFactory(colour_ink="#0b3d2e", colour_accent="#ffd166", publishes_gaps=True)
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
        body = OrganisationFactory(
            sector=SectorFactory(), represents=group, website="https://body.example.org/", area="Moorside"
        )
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
        SuccessConditionFactory(level=level)
        TermFactory(defined_by=body, level=here, defines_violence=number == 0)
        PredecessorFactory(organisation=body, publication=publication)
        StoryFactory(picture=PictureFactory())
        DocumentFactory()
        SynonymFactory()
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
        area = AreaFactory()
        initiative.areas.add(area)
        if number:
            FundingSourceFactory(year=YearFactory(first_year=2020 + number))
        source = FundingSourceFactory(year=year)
        ContributorFactory(funding_source=source, organisation=body)
        HeadingMapping.objects.create(name=f"System {number}", kind="payments", columns={"Doc no": "reference"})
        ContributorFactory(funding_source=source, organisation=None, post=post)
        left = FundingSourceFactory(year=before)
        FundingSourceFactory(year=year, carried_from=left, amount=Decimal("250.00"))
        reverse(FundingSourceFactory(year=year))
        spend(source, initiative, body)
        make_result_records(initiative, body, area)
        for column in DutyList.values:
            ColumnFactory(duty=duty, list=column, field=DutyField.values[number % len(DutyField)])
        item = AgendaItemFactory(event=event)
        AppearanceFactory(item=item, person=person, post=post)
        AppearanceFactory(item=item, person=None, organisation=group)
        closed = AgendaItemFactory(event=EventFactory(held_on=date(2019, 3, 4)), kind=ItemKind.CLOSED)
        AppearanceFactory(item=closed, person=person, post=post)
        VersionFactory(declaration=declaration)
        make_declaration_records(version, body)
    for slot in PassagePlace.values:
        PassageFactory(slot=slot)
