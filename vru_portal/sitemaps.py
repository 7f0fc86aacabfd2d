from typing import Any

from django.contrib.sitemaps import GenericSitemap, Sitemap
from django.urls import reverse

from events.models import Event
from funding.models import FinancialYear
from partners.models import Organisation, Person, Statement
from programmes.models import Initiative, PreventionLevel, Story


class FixedPages(Sitemap[str]):
    """Pages that every unit has."""

    def items(self) -> list[str]:
        """Their names."""
        names = ["home", "about", "programmes:initiatives", "partners:directory", "events:events"]
        return [*names, "declarations:declaration", "programmes:stories", "partners:contact"]

    def location(self, item: str) -> str:
        """Return the address of a page."""
        return reverse(item)


def _pages(rows: Any) -> GenericSitemap[Any]:
    return GenericSitemap({"queryset": rows.order_by("pk")})


def sitemaps() -> dict[str, Any]:
    """Return what /sitemap.xml lists: all that the public may see."""
    return {
        "pages": FixedPages,
        "initiatives": _pages(Initiative.objects.public()),
        "levels": _pages(PreventionLevel.objects.public()),
        "organisations": _pages(Organisation.objects.public()),
        "people": _pages(Person.objects.public()),
        "messages": _pages(Statement.objects.public()),
        "events": _pages(Event.objects.public()),
        "stories": _pages(Story.objects.public()),
        "years": _pages(FinancialYear.objects.with_money()),
    }
