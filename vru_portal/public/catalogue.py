"""Filters of the initiatives page, with the status of each initiative, which follows from its money."""

from collections import defaultdict
from collections.abc import Collection
from functools import cached_property

from funding.statuses import initiative_statuses
from programmes.choices import InitiativeStatus
from programmes.filters import InitiativeFilters, keys_with_a_level
from programmes.models import Initiative
from vru_portal.web.facets import FacetValue, KeysByValue


class CatalogueFilters(InitiativeFilters):
    """The catalogue's filters, with the status of initiatives as one more facet."""

    @property
    def labels(self) -> dict[str, str]:
        return {**super().labels, "status": "Status"}

    def load_keys(self) -> dict[str, KeysByValue]:
        keys_by_facet = super().load_keys()
        keys_by_status: KeysByValue = defaultdict(set)
        for key in keys_with_a_level(keys_by_facet):
            status = self.status_of(key)
            keys_by_status[FacetValue(list(InitiativeStatus).index(status), status.label, status.value)].add(key)
        return {**keys_by_facet, "status": keys_by_status}

    @cached_property
    def statuses(self) -> dict[int, InitiativeStatus]:
        return initiative_statuses()

    def status_of(self, key: int) -> InitiativeStatus:
        """The status of an initiative; without an assessment or money, it has none of its own yet."""
        return self.statuses.get(key, InitiativeStatus.ANNOUNCED)

    def add_details(self, initiatives: Collection[Initiative]) -> None:
        super().add_details(initiatives)
        for initiative in initiatives:
            initiative.status = self.status_of(initiative.pk)
