"""The catalogue of initiatives with what the money knows of them: how far each has come."""

from typing import Any, ClassVar

import django_filters
from django.db.models import Count, Q, QuerySet

from funding.querysets import with_status
from programmes.choices import Status
from programmes.filters import InitiativeFilter, Option
from programmes.models import Initiative
from programmes.querysets import InitiativeQuerySet


class Catalogue(InitiativeFilter):
    """The catalogue's question, with the status of initiatives as one more facet."""

    status = django_filters.MultipleChoiceFilter(method="filter_status", label="Status")

    labels: ClassVar[dict[str, str]] = {**InitiativeFilter.labels, "status": "Status"}

    def initiatives(self) -> InitiativeQuerySet:
        """Return what the catalogue holds, each with its status."""
        return with_status(super().initiatives())

    def filter_status(self, rows: InitiativeQuerySet, _: str, statuses: list[str]) -> InitiativeQuerySet:
        """Keep what has come this far. The database finds those once, however many facets count what is left."""
        everything: QuerySet[Any] = with_status(Initiative.objects.public())
        return rows.filter(pk__in=everything.filter(status__in=statuses).values("pk"))

    def options(self) -> dict[str, list[Option]]:
        """Return the answers of the other facets and, in one query more, each status that an initiative has."""
        left = self.asked(leaving_out="status").values("pk")
        rows = self.queryset.order_by().values("status").annotate(n=Count("pk", filter=Q(pk__in=left), distinct=True))
        counts = dict(rows.values_list("status", "n"))
        chosen = self.chosen("status")
        offered = [Option(s, s.label, counts[s], s in chosen) for s in Status if s in counts]
        return super().options() | ({"status": offered} if offered else {})
