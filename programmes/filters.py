"""The catalogue's filters, with the number of initiatives that each of their values would leave."""

from collections.abc import Collection
from functools import cached_property
from typing import ClassVar

from django.db.models import QuerySet

from programmes.models import Initiative
from programmes.querysets import InitiativeQuerySet
from vru_portal.publishing.state import published
from vru_portal.web.facets import AnyFacet, Facet, FacetedFilters, KeysByValue, Order, union
from vru_portal.web.prepared_queries import prepared


class InitiativeFilters(FacetedFilters):
    """The catalogue's filters. A subclass may add facets."""

    FACETS: ClassVar[dict[str, AnyFacet]] = {
        "level": Facet("Level of prevention", ("level",), order_by="position"),
        "audience": Facet("Who it is for", ("audiences",)),
        "setting": Facet("Where", ("settings",)),
        "area": Facet("Area", ("areas",)),
        "partner": Facet("Partner", ("lead_organisation", "partners"), only=published()),
    }
    ORDERS: ClassVar[dict[str, Order]] = {
        "level": Order("By level", ("level__position", "position", "name")),
        "name": Order("By name", ("name",)),
    }

    def public_rows(self) -> InitiativeQuerySet:
        return Initiative.objects.public()

    @property
    def keys(self) -> list[int]:
        """The keys of the matching initiatives, in the order that was asked for."""
        return [key for key in keys_in_order(fields=self.ORDERS[self.sort].fields) if key in self.matching_keys]

    @cached_property
    def all_keys(self) -> set[int]:
        """The keys of all public initiatives: every initiative has a level."""
        is_loaded = "keys_by_facet" in self.__dict__
        return keys_with_a_level(self.keys_by_facet) if is_loaded else set(super().all_keys)

    def with_words(self, words: str) -> QuerySet[Initiative]:
        return Initiative.objects.public().matching(words)

    def add_details(self, initiatives: Collection[Initiative]) -> None:
        """Set what a subclass knows of the initiatives on the page; this class adds nothing."""


def keys_with_a_level(keys_by_facet: dict[str, KeysByValue]) -> set[int]:
    return union(keys_by_facet["level"].values())


@prepared
def keys_in_order(*, fields: tuple[str, ...]) -> QuerySet[Initiative, int]:
    return Initiative.objects.public().order_by(*fields, "pk").values_list("pk", flat=True)
