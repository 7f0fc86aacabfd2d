from datetime import date

from factory.declarations import Sequence, SubFactory

from programmes.results.choices import MeasureKind
from programmes.results.models import (
    ApprovedFigure,
    ApprovedPart,
    ApprovedReturn,
    AreaPopulation,
    Breakdown,
    BreakdownGroup,
    Mail,
    Measure,
    Reporter,
    ReportingRules,
    Return,
    ReturnDraft,
    Target,
    Token,
    WorkbookColumn,
)
from tests.support.factories.base import (
    RecordFactory,
    RequestLinkFactory,
    RequestMailFactory,
    SourcedFactory,
    UserFactory,
)
from tests.support.factories.partners import OrganisationFactory
from tests.support.factories.programmes import AreaFactory, InitiativeFactory
from vru_portal.links.choices import DraftState

QUARTER = date(2031, 4, 1)


class BreakdownFactory(RecordFactory):
    class Meta:
        model = Breakdown

    name = Sequence("Age {}".format)
    slug = Sequence("age-{}".format)
    position = Sequence(int)


class GroupFactory(RecordFactory):
    class Meta:
        model = BreakdownGroup

    breakdown = SubFactory(BreakdownFactory)
    name = Sequence("Group {}".format)
    position = Sequence(int)


class MeasureFactory(RecordFactory):
    class Meta:
        model = Measure

    name = Sequence("Walkers {}".format)
    slug = Sequence("walkers-{}".format)
    kind = MeasureKind.REACH
    unit = "people"
    counts = "Everybody who walks, once."
    position = Sequence(int)


class TargetFactory(SourcedFactory):
    class Meta:
        model = Target

    initiative = SubFactory(InitiativeFactory)
    measure = SubFactory(MeasureFactory)
    first_quarter = QUARTER
    last_quarter = date(2032, 1, 1)
    count = 400


class PopulationFactory(SourcedFactory):
    class Meta:
        model = AreaPopulation

    area = SubFactory(AreaFactory)
    people = 50_000


class RulesFactory(RecordFactory):
    class Meta:
        model = ReportingRules
        django_get_or_create = ("id",)

    id = 1


class WorkbookColumnFactory(RecordFactory):
    class Meta:
        model = WorkbookColumn

    rules = SubFactory(RulesFactory)
    heading = Sequence("Column {}".format)
    holds = "initiative"


class ReporterFactory(RecordFactory):
    class Meta:
        model = Reporter

    initiative = SubFactory(InitiativeFactory)
    organisation = SubFactory(OrganisationFactory)
    contact_name = "Robin Reporter"
    email = Sequence("robin-{}@reporter.example".format)
    first_quarter = QUARTER


class ReturnFactory(RecordFactory):
    class Meta:
        model = Return

    initiative = SubFactory(InitiativeFactory)
    organisation = SubFactory(OrganisationFactory)
    quarter = QUARTER
    due_on = date(2031, 7, 30)
    closes_on = date(2031, 9, 28)


class ReturnDraftFactory(RecordFactory):
    class Meta:
        model = ReturnDraft

    return_of_figures = SubFactory(ReturnFactory)
    state = DraftState.SENT
    contact_name = "Robin Reporter"
    email = Sequence("robin-{}@reporter.example".format)


class ReturnTokenFactory(RequestLinkFactory):
    class Meta:
        model = Token

    draft = SubFactory(ReturnDraftFactory)


class ReturnMailFactory(RequestMailFactory):
    class Meta:
        model = Mail

    draft = SubFactory(ReturnDraftFactory)


class ApprovedReturnFactory(RecordFactory):
    class Meta:
        model = ApprovedReturn

    initiative = SubFactory(InitiativeFactory)
    organisation = SubFactory(OrganisationFactory)
    quarter = QUARTER
    went_well = "Many walked."
    went_badly = "It rained."
    spend = 1200
    recorded_by = SubFactory(UserFactory)


class FigureFactory(RecordFactory):
    class Meta:
        model = ApprovedFigure

    approved = SubFactory(ApprovedReturnFactory)
    measure = SubFactory(MeasureFactory)
    count = 120
    threshold = 5
    recorded_by = SubFactory(UserFactory)


class PartFactory(RecordFactory):
    class Meta:
        model = ApprovedPart

    figure = SubFactory(FigureFactory)
    group = SubFactory(GroupFactory)
    count = 60
    recorded_by = SubFactory(UserFactory)
