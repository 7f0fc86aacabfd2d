"""The address of every public page, with the day on which what it states was last changed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
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
    Decision,
    FinancialYear,
    FundingSource,
    OnwardGrant,
    Payment,
    SourceCondition,
    Variation,
)
from partners.models import LegalNotice, Organisation, Person, Post, Publication, Statement, Unit
from programmes.models import Initiative, PreventionLevel, Story
from programmes.results.models import ApprovedReturn
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
        records = {name: record_pages(name, *kind) for name, kind in RECORDS.items()}
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


def changes_of_event() -> Moments:
    items = changes_of(AgendaItem, "event_id")
    return {key: max(at, items.get(key, at)) for key, at in changes_of(Event).items()}


def changes_of_person() -> Moments:
    posts = changes_of(Post, "person_id")
    return {key: max(at, posts.get(key, at)) for key, at in changes_of(Person).items()}


def changes_of_allocation() -> Moments:
    """An allocation's page changes with each payment, variation and onward grant, and once it is reversed."""
    rows = Allocation.objects.filter(reverses=None).order_by()
    moments = rows.values_list("pk", "recorded_at", "reversed_by__recorded_at").annotate(Max("payments__recorded_at"))
    later = [dict(latest_records(model=model, key="allocation")) for model in (Variation, OnwardGrant)]
    return {pk: moment for pk, *found in moments if (moment := latest([*found, *(rows.get(pk) for rows in later)]))}


# By the name of their address: the public records, what of them is in the address, and when they were changed.
RECORDS: dict[str, tuple[Callable[[], QuerySet[Any]], str, Callable[[], Moments]]] = {
    "programmes:level": (PreventionLevel.objects.public, "slug", lambda: changes_of(PreventionLevel)),
    "programmes:initiative": (Initiative.objects.public, "slug", lambda: changes_of(Initiative)),
    "partners:organisation": (Organisation.objects.public, "slug", lambda: changes_of(Organisation)),
    "partners:person": (Person.objects.public, "slug", changes_of_person),
    "partners:statement": (Statement.objects.public, "slug", lambda: changes_of(Statement)),
    "partners:publication": (Publication.objects.public, "slug", lambda: changes_of(Publication)),
    "events:event": (Event.objects.public, "slug", changes_of_event),
    "declarations:version": (
        lambda: DeclarationVersion.objects.in_force(timezone.localdate()),
        "number",
        lambda: changes_of(DeclarationVersion),
    ),
    "programmes:story": (Story.objects.public, "slug", lambda: changes_of(Story)),
    # An allocation that was reversed keeps its page, which says so. The reversal itself has none.
    "funding:heading": (BudgetHeading.objects.public, "slug", lambda: changes_of(BudgetHeading)),
    "funding:allocation": (lambda: Allocation.objects.filter(reverses=None), "public_id", changes_of_allocation),
}


def record_pages(
    name: str, rows: Callable[[], QuerySet[Any]], in_address: str, changes: Callable[[], Moments]
) -> list[PublicPage]:
    changed_at = changes()
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
    anything = latest([*changed.values(), *(year.changed_at for year in years), signed])
    moments: dict[str, datetime | None] = {
        "home": anything,
        "about": None,
        "brochure": anything,
        "programmes:initiatives": latest([changed["programmes:initiative"], changed["programmes:level"]]),
        "partners:directory": latest([changed["partners:organisation"], changed["partners:person"]]),
        "events:events": changed["events:event"],
        "declarations:declaration": latest([changed["declarations:version"], signed]),
        "declarations:register": signed,
        "programmes:stories": changed["programmes:story"],
        "results:results": approved,
        "open_data:catalogue": None,
        "api:root": None,
        "funding:all_payments": paid,
        "funding:totals": paid,
        "partners:publications": changed["partners:publication"],
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
