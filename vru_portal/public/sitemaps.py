"""The address of every public page, with the day on which what it states was last changed.

A page of a record changes with the record, and with what is recorded about it. Changes to the names of other records
that it shows are ignored. The pages of organisations, people and publications bring together what up to twenty kinds of
records say of them, so no day is stated for them: a wrong one would keep search engines from reading them again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.db.models import Max, Model, QuerySet
from django.urls import reverse
from django.utils import timezone

from events.declarations.models import DeclarationVersion, Entry
from events.models import AgendaItem, Event
from funding.models import (
    Allocation,
    BudgetHeading,
    ContractCopy,
    Decision,
    FinancialYear,
    FundingSource,
    OnwardGrant,
    Payment,
    Regranting,
    SourceCondition,
    Variation,
)
from partners.models import LegalNotice, Organisation, Person, Post, Publication, Statement, Unit
from programmes.models import AssessmentDecision, Initiative, PreventionLevel, Story, SuccessCondition
from programmes.results.models import ApprovedReturn, Measure, Return, Target
from vru_portal.public.gaps import GAPS_BY_SLUG
from vru_portal.public.open_data.datasets import DATASETS
from vru_portal.public.open_data.descriptions import last_change_of
from vru_portal.publishing.state import Publishable, State
from vru_portal.web.prepared_queries import prepared

Moments = dict[int, datetime]  # by the primary key of the record


@dataclass(frozen=True)
class PublicPage:
    """One address; `changed_at` is None where nothing says when it was last changed."""

    address: str
    changed_at: datetime | None = None


class PublicPages(Sitemap[PublicPage]):
    """Every page that the public can see."""

    protocol = settings.ADDRESS.scheme

    def get_domain(self, site: Any = None) -> str:
        """The portal's own host, whatever host the request was sent to."""
        return settings.PORTAL_URL.partition("://")[2]

    def items(self) -> list[PublicPage]:
        changes = Changes()
        records = {name: record_pages(name, *kind, changes) for name, kind in RECORDS.items()}
        years = year_pages()
        return [*list_pages(records, years), *years, *(page for pages in records.values() for page in pages)]

    def location(self, item: PublicPage) -> str:
        return item.address

    def lastmod(self, item: PublicPage) -> datetime | None:
        return item.changed_at


def latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


def changes_of(model: type[Model], key: str = "id") -> Moments:
    """When rows that the public sees were last changed, from their history; with a `key`, by what they belong to."""
    return dict(latest_versions(model=model, key=key))


@prepared
def latest_versions(*, model: Any, key: str) -> QuerySet[Any, tuple[int, datetime]]:
    versions = model.history.filter(state=State.PUBLISHED) if issubclass(model, Publishable) else model.history
    return versions.order_by().values_list(key).annotate(Max("history_date"))


@prepared
def latest_records(*, model: Any, key: str) -> QuerySet[Any, tuple[int, datetime]]:
    """When a row was last recorded, by what it belongs to: what is only ever added to has no history."""
    return model._default_manager.order_by().values_list(key).annotate(Max("recorded_at"))


@prepared
def latest_returns() -> QuerySet[Any, tuple[int, datetime, datetime | None, datetime | None]]:
    """When figures of each initiative were last asked for, and when they were last reported or no longer asked for."""
    rows = Return.objects.order_by().values_list("initiative")
    return rows.annotate(Max("asked_at"), Max("reported_at"), Max("cancelled_at"))


@prepared
def subjects_of_allocations() -> QuerySet[Allocation, tuple[int, int | None, int | None]]:
    """What each allocation is for: an initiative or a heading."""
    return Allocation.objects.filter(reverses=None).order_by().values_list("pk", "initiative", "heading")


def latest_by(*kinds: Moments) -> Moments:
    """The latest of these moments, by their keys."""
    found: Moments = {}
    for moments in kinds:
        for key, at in moments.items():
            if at and (key not in found or found[key] < at):
                found[key] = at
    return found


class Changes:
    """When what the pages of records show was last changed.

    Where nothing says when a record itself was changed, nothing is said of its page either.
    """

    @cached_property
    def of_allocations(self) -> Moments:
        """An allocation's page changes with all that is recorded about it, and once it is reversed."""
        rows = Allocation.objects.filter(reverses=None).order_by()
        found = rows.values_list("pk", "recorded_at", "reversed_by__recorded_at").annotate(Max("payments__recorded_at"))
        own = {pk: moment for pk, *moments in found if (moment := latest(moments))}
        others = (Variation, ContractCopy, Regranting, OnwardGrant)
        return latest_by(own, *(dict(latest_records(model=model, key="allocation")) for model in others))

    @cached_property
    def of_money(self) -> tuple[Moments, Moments]:
        """When an allocation was last changed, by the initiative that it is for, and by the heading."""
        rows = subjects_of_allocations()
        by_initiative = ((pk, initiative) for pk, initiative, _ in rows if initiative)
        by_heading = ((pk, heading) for pk, _, heading in rows if heading)
        return self.latest_of(by_initiative, self.of_allocations), self.latest_of(by_heading, self.of_allocations)

    @cached_property
    def of_initiatives(self) -> Moments:
        """An initiative's page shows its money, its assessment, its targets and its results."""
        later = [
            self.of_money[0],
            dict(latest_records(model=AssessmentDecision, key="assessment__initiative")),
        ]
        if Measure.objects.are_in_use():
            later += [
                changes_of(Target, "initiative_id"),
                dict(latest_records(model=ApprovedReturn, key="initiative")),
                {pk: max(filter(None, moments)) for pk, *moments in latest_returns()},
            ]
        return self.with_later(changes_of(Initiative), *later)

    @cached_property
    def of_levels(self) -> Moments:
        """A level's page shows its conditions for success, and its initiatives with their progress and results."""
        initiatives = Initiative.objects.public().order_by().values_list("pk", "level")
        return self.with_later(
            changes_of(PreventionLevel),
            self.latest_of(initiatives, self.of_initiatives),
            changes_of(SuccessCondition, "level_id"),
        )

    @staticmethod
    def latest_of(pairs: Iterable[tuple[int, int]], moments: Moments) -> Moments:
        """The latest moment of all that belongs to something; ``pairs`` say what belongs to what."""
        found: Moments = {}
        for pk, owner in pairs:
            if at := moments.get(pk):
                found[owner] = max(at, found.get(owner, at))
        return found

    @staticmethod
    def with_later(own: Moments, *others: Moments) -> Moments:
        return {key: at for key, at in latest_by(own, *others).items() if key in own}

    def of_events(self) -> Moments:
        return self.with_later(changes_of(Event), changes_of(AgendaItem, "event_id"))

    def of_headings(self) -> Moments:
        return self.with_later(changes_of(BudgetHeading), self.of_money[1])


# By the name of their address: the public records, what of them is in the address, and when their pages were changed.
RECORDS: dict[str, tuple[Callable[[], QuerySet[Any]], str, Callable[[Changes], Moments]]] = {
    "programmes:level": (PreventionLevel.objects.public, "slug", lambda changes: changes.of_levels),
    "programmes:initiative": (Initiative.objects.public, "slug", lambda changes: changes.of_initiatives),
    "partners:organisation": (Organisation.objects.public, "slug", lambda _: {}),
    "partners:person": (Person.objects.public, "slug", lambda _: {}),
    "partners:statement": (Statement.objects.public, "slug", lambda _: changes_of(Statement)),
    "partners:publication": (Publication.objects.public, "slug", lambda _: {}),
    "events:event": (Event.objects.public, "slug", Changes.of_events),
    "declarations:version": (
        lambda: DeclarationVersion.objects.in_force(timezone.localdate()),
        "number",
        lambda _: changes_of(DeclarationVersion),
    ),
    "programmes:story": (Story.objects.public, "slug", lambda _: changes_of(Story)),
    # An allocation that was reversed keeps its page, which says so. The reversal itself has none.
    "funding:heading": (BudgetHeading.objects.public, "slug", Changes.of_headings),
    "funding:allocation": (
        lambda: Allocation.objects.filter(reverses=None),
        "public_id",
        lambda changes: changes.of_allocations,
    ),
}


def record_pages(
    name: str,
    rows: Callable[[], QuerySet[Any]],
    in_address: str,
    changes_of_pages: Callable[[Changes], Moments],
    changes: Changes,
) -> list[PublicPage]:
    changed_at = changes_of_pages(changes)
    found = rows().order_by().values_list("pk", in_address)
    return [PublicPage(reverse(name, args=[value]), changed_at.get(pk)) for pk, value in found]


def year_pages() -> list[PublicPage]:
    """The years with money, and the lists of their payments."""
    own = changes_of(FinancialYear)
    paid, allocated, brought, varied, decided, conditions = (
        dict(latest_records(model=model, key=path))
        for model, path in (
            (Payment, "allocation__funding_source__year"),
            (Allocation, "funding_source__year"),
            (FundingSource, "year"),
            (Variation, "funding_source__year"),
            (Decision, "year"),
            (SourceCondition, "funding_source__year"),
        )
    )
    pages = []
    for year in FinancialYear.objects.with_money():
        moments = [found.get(year.pk) for found in (own, paid, allocated, brought, varied, conditions)]
        pages.append(PublicPage(year.get_absolute_url(), latest(moments)))
        pages.append(PublicPage(reverse("funding:payments", args=[year.label]), paid.get(year.pk)))
        if year.pk in decided:
            pages.append(PublicPage(reverse("funding:decisions", args=[year.label]), decided[year.pk]))
    return pages


def list_pages(records: dict[str, list[PublicPage]], years: list[PublicPage]) -> list[PublicPage]:
    """The pages that every unit has: a list has changed when one of its pages has."""
    changed = {name: latest(page.changed_at for page in pages) for name, pages in records.items()}
    signed = Entry.objects.aggregate(at=Max("recorded_at"))["at"]
    stated = latest(changes_of(LegalNotice).values())
    paid = Payment.objects.aggregate(at=Max("recorded_at"))["at"]
    approved = ApprovedReturn.objects.aggregate(at=Max("recorded_at"))["at"]
    named = latest(at for model in (Organisation, Person, Post) for at in changes_of(model).values())
    published = latest(changes_of(Publication).values())
    anything = latest([*changed.values(), *(year.changed_at for year in years), signed, named, published])
    moments: dict[str, datetime | None] = {
        "home": anything,
        "about": None,
        "brochure": anything,
        "programmes:initiatives": latest([changed["programmes:initiative"], changed["programmes:level"]]),
        "partners:directory": named,
        "events:events": changed["events:event"],
        "declarations:declaration": latest([changed["declarations:version"], signed]),
        "declarations:register": signed,
        "programmes:stories": changed["programmes:story"],
        "results:results": approved,
        "open_data:catalogue": None,
        "api:root": None,
        "funding:all_payments": paid,
        "funding:totals": paid,
        "partners:publications": published,
        "partners:contact": None,
        "partners:privacy": stated,
        "partners:accessibility": stated,
        "partners:cookies": None,
        "partners:complaints": stated,
    }
    pages = [PublicPage(reverse(name), changed_at) for name, changed_at in moments.items()]
    if Unit.objects.filter(publishes_gaps=True).exists():
        pages.append(PublicPage(reverse("gaps"), anything))
        pages += [PublicPage(reverse("gap", args=[slug]), anything) for slug in GAPS_BY_SLUG]
    return pages + [
        PublicPage(reverse("open_data:dataset", args=[name]), last_change_of(dataset))
        for name, dataset in DATASETS.items()
    ]
