from typing import Any

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils import timezone

from events.declarations.models import DeclarationVersion
from events.models import Event
from funding.models import Allocation, FinancialYear, Payment
from partners.models import Organisation, Person, Statement
from programmes.models import Initiative, PreventionLevel, Story

# Pages that every unit has.
FIXED = (
    "home",
    "about",
    "programmes:initiatives",
    "partners:directory",
    "events:events",
    "declarations:declaration",
    "declarations:register",
    "programmes:stories",
    "partners:contact",
    "partners:privacy",
    "partners:accessibility",
    "partners:cookies",
    "partners:complaints",
)

# What stands in the address of a record that has no slug.
KEYS: dict[str, Any] = {"declarations:version": Cast("number", CharField()), "funding:allocation": "public_id"}


class PublicPages(Sitemap[str]):
    """Every page that the public may see."""

    protocol = settings.ADDRESS.scheme

    def get_domain(self, site: Any = None) -> str:
        """Return the portal's own address, whatever name it was asked by."""
        return settings.PORTAL_URL.partition("://")[2]

    def items(self) -> list[str]:
        """Return their addresses, in two queries."""
        records = (reverse(name, args=[slug]) for name, slug in named_pages())
        return [*map(reverse, FIXED), *year_pages(), *records]

    def location(self, item: str) -> str:
        """Return the address, which is what `items` holds."""
        return item


def named_pages() -> QuerySet[Any, tuple[str, str]]:
    """Return the name of an address and the slug in it, of every record that has a page, in one query."""
    records: dict[str, QuerySet[Any]] = {
        "programmes:level": PreventionLevel.objects.public(),
        "programmes:initiative": Initiative.objects.public(),
        "partners:organisation": Organisation.objects.public(),
        "partners:person": Person.objects.public(),
        "partners:statement": Statement.objects.public(),
        "events:event": Event.objects.public(),
        "declarations:version": DeclarationVersion.objects.in_force(timezone.localdate()),
        "programmes:story": Story.objects.public(),
        # one that was reversed keeps its page, which says so; its reversal has none
        "funding:allocation": Allocation.objects.filter(reverses=None),
    }
    first, *others = (
        rows.order_by().values_list(Value(name), KEYS.get(name, "slug")) for name, rows in records.items()
    )
    return first.union(*others, all=True)


def year_pages() -> list[str]:
    """Return the addresses of the years that have money, and of their payments where there are any."""
    payments = Payment.objects.filter(allocation__funding_source__year=OuterRef("pk"))
    years: QuerySet[Any] = FinancialYear.objects.with_money().annotate(has_payments=Exists(payments))
    pages = []
    for year in years:
        pages.append(year.get_absolute_url())
        if year.has_payments:
            pages.append(reverse("funding:payments", args=[year.label]))
    return pages
