"""The facts that a publication is the source of, in the order of its sections."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils import timezone

from events.declarations.models import DeclarationVersion
from events.models import AgendaItem, Appearance, Event
from funding.models import BudgetHeading, FinancialYear, Fulfilment, FundingSource, SourceCondition
from partners.models import ContactPoint, Organisation, Person, Post, Publication, Statement, Unit
from partners.models.publications import section_anchor
from programmes.models import Initiative, Passage, Predecessor, PreventionLevel, Story, SuccessCondition, Term
from programmes.results.models import Target
from vru_portal.ledger.money import format_pounds
from vru_portal.publishing.state import published
from vru_portal.text.dates import format_date
from vru_portal.web.addresses import address_of
from vru_portal.web.prepared_queries import prepared

MAX_OF_A_KIND = 50  # shown of each publication; the lists of the portal have the others

Address = Callable[[Any], str]


class CitedRecords(NamedTuple):
    """One kind of record that states facts: what they are called, which are public today, and where they are shown."""

    title: str
    rows: Callable[[date], QuerySet[Any]]
    address: Address = lambda row: row.public_address
    name: Callable[[Any], str] = str


CITED_RECORDS = (
    CitedRecords("The unit", lambda _: Unit.objects.with_organisations(), name=lambda unit: unit.name),
    CitedRecords("Levels of prevention", lambda _: PreventionLevel.objects.public()),
    CitedRecords("Initiatives", lambda _: Initiative.objects.public()),
    CitedRecords(
        "Targets",
        lambda _: Target.objects.filter(**published("initiative")).select_related("initiative", "measure"),
        lambda target: f"{target.initiative.get_absolute_url()}#results",
    ),
    CitedRecords("Budget", lambda _: FinancialYear.objects.with_money(), name=lambda year: f"Funding {year.label}"),
    CitedRecords(
        "Sources of money",
        lambda _: FundingSource.objects.standing().select_related("year"),
        lambda source: f"{source.year.get_absolute_url()}#in",
        lambda source: f"{source.name}: {source.stated_as}",
    ),
    CitedRecords("Budget headings", lambda _: BudgetHeading.objects.public()),
    CitedRecords(
        "Conditions of sources",
        lambda _: SourceCondition.objects.standing().select_related("funding_source__year", "heading", "level"),
        lambda row: f"{row.funding_source.year.get_absolute_url()}#conditions",
    ),
    CitedRecords(
        "Match funding and claims",
        lambda _: Fulfilment.objects.standing().select_related("organisation", "condition__funding_source__year"),
        lambda row: f"{row.condition.funding_source.year.get_absolute_url()}#conditions",
        lambda row: f"{row}, {format_pounds(row.amount)} on {format_date(row.happened_on)}",
    ),
    CitedRecords("Organisations", lambda _: Organisation.objects.public()),
    CitedRecords("People", lambda _: Person.objects.public()),
    CitedRecords(
        "Posts",
        lambda _: Post.objects.public().select_related("person", "organisation"),
        lambda post: post.person.get_absolute_url(),
    ),
    CitedRecords("Messages", lambda _: Statement.objects.public()),
    CitedRecords("Events", lambda _: Event.objects.public()),
    CitedRecords(
        "Agenda",
        lambda _: AgendaItem.objects.filter(**published("event")).select_related("event"),
        lambda item: f"{item.event.get_absolute_url()}#item-{item.position}",
    ),
    CitedRecords(
        "Appearances",
        lambda _: Appearance.objects.public().select_related("person", "organisation", "item__event"),
        lambda row: f"{row.item.event.get_absolute_url()}#item-{row.item.position}",
        lambda row: f"{row}: {row.item.title}",
    ),
    CitedRecords(
        "Declaration",
        lambda today: DeclarationVersion.objects.in_force(today).select_related("declaration"),
        lambda version: version.get_absolute_url(),
    ),
    CitedRecords(
        "Conditions for success",
        lambda _: SuccessCondition.objects.public(),
        lambda condition: f"{address_of('about')}#condition-{condition.number}",
    ),
    CitedRecords(
        "What the unit builds on", lambda _: Predecessor.objects.public(), lambda row: f"{address_of('about')}#building"
    ),
    CitedRecords("Terms", lambda _: Term.objects.public(), lambda term: f"{address_of('about')}#term-{term.slug}"),
    CitedRecords(
        "Ways to reach the unit", lambda _: ContactPoint.objects.all(), lambda point: address_of("partners:contact")
    ),
    CitedRecords("News", lambda _: Story.objects.public()),
    CitedRecords("Texts of the pages", lambda _: Passage.objects.public(), lambda passage: passage.place_address),
)


@dataclass
class CitedSection:
    """A section of a publication, and what the portal says on its authority: for each kind, names with addresses."""

    title: str
    anchor: str
    facts: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    names_sensitive: bool = False  # the page then has “Exit this page”

    @property
    def kinds(self) -> list[tuple[str, list[tuple[str, str]]]]:
        return list(self.facts.items())


@prepared
def rows_of(publication: Publication, today: date, *, kind: CitedRecords) -> QuerySet[Any]:
    return kind.rows(today).filter(source=publication)[:MAX_OF_A_KIND]


def facts_of(publication: Publication) -> list[CitedSection]:
    """The sections of a publication by name, each with its facts; those that name no section come last."""
    sections: dict[str, CitedSection] = {}
    today = timezone.localdate()
    for kind in CITED_RECORDS:
        for row in rows_of(publication, today, kind=kind):
            for title in row.source_location.split("; "):
                if (section := sections.get(title)) is None:
                    section = sections[title] = CitedSection(title, section_anchor(title))
                section.facts[kind.title].append((kind.name(row), kind.address(row)))
                section.names_sensitive |= bool(getattr(row, "sensitive_topic", ""))
    return sorted(sections.values(), key=lambda section: (not section.title, section.title))
