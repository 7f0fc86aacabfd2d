"""Filters of the register: by version, status, sector and words of an organisation's name."""

from typing import Any, ClassVar

from django.db.models import Exists, OuterRef, Q, QuerySet

from events.declarations.choices import EntryKind
from events.declarations.models import Entry
from events.declarations.querysets import EntryQuerySet
from vru_portal.web.facets import AnyFacet, Facet, FacetedFilters, FacetValue, QueryFacet, ValueFacet
from vru_portal.web.filters import Order


def ended_by(rows: Any, kind: EntryKind) -> QuerySet[Entry]:
    """The signatures that an entry of this kind ended."""
    return rows.filter(Q(Exists(Entry.objects.filter(of=OuterRef("pk"), kind=kind))), kind=EntryKind.SIGNED)


# For each status its label, and the entries that have it.
STATUSES = {
    "signed": ("Signed", lambda rows: rows.filter(live__isnull=False)),
    "withdrawn": ("Withdrawn", lambda rows: ended_by(rows, EntryKind.WITHDRAWN)),
    "replaced": ("Replaced by a later signature", lambda rows: ended_by(rows, EntryKind.SUPERSEDED)),
    "changes": ("Changes to a signature", lambda rows: rows.exclude(kind=EntryKind.SIGNED)),
}


class RegisterFilters(FacetedFilters):
    """The filters of the register's page and CSV file."""

    FACETS: ClassVar[dict[str, AnyFacet]] = {
        "version": ValueFacet("Version", "version__number", lambda n: FacetValue(n, f"Version {n}", str(n))),
        "status": QueryFacet("Status", STATUSES),
        "sector": Facet("Sector", ("body__sector",)),
    }
    ORDERS: ClassVar[dict[str, Order]] = {
        "newest": Order("Newest first", ("-seq",)),
        "oldest": Order("Oldest first", ("seq",)),
        "name": Order("By organisation", ("body__name",)),
    }
    SEARCHED = ("body__name",)
    SEARCH_LABEL = "Organisation name"

    def public_rows(self) -> EntryQuerySet:
        return Entry.objects.all()

    @property
    def entries(self) -> EntryQuerySet:
        """The matching entries, in the order that was asked for."""
        rows: EntryQuerySet = self.rows  # type: ignore[assignment]
        return rows
