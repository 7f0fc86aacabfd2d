from itertools import chain
from typing import Any

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.urls import reverse

from events.models import Event
from funding.models import FinancialYear
from partners.models import Organisation, Person, Statement
from programmes.models import Initiative, PreventionLevel, Story

# Pages that every unit has.
FIXED = ("home", "about", "programmes:initiatives", "partners:directory", "events:events", "declarations:declaration",
         "programmes:stories", "partners:contact")  # fmt: skip


class PublicPages(Sitemap[str]):
    """Every page that the public may see."""

    protocol = settings.ADDRESS.scheme

    def get_domain(self, site: Any = None) -> str:
        """Return the portal's own address, whatever name it was asked by."""
        return settings.PORTAL_URL.partition("://")[2]

    def items(self) -> list[str]:
        """Return their addresses."""
        records: chain[Any] = chain(
            PreventionLevel.objects.public(),
            Initiative.objects.public(),
            FinancialYear.objects.with_money(),
            Organisation.objects.public(),
            Person.objects.public(),
            Statement.objects.public(),
            Event.objects.public(),
            Story.objects.public(),
        )
        return [*map(reverse, FIXED), *(record.get_absolute_url() for record in records)]

    def location(self, item: str) -> str:
        """Return the address, which is what `items` holds."""
        return item
