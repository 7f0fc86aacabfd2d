"""The declaration's signatories as open data."""

from datetime import date
from typing import ClassVar

from django.utils import timezone

from events.declarations.models import Entry
from events.declarations.querysets import EntryQuerySet
from vru_portal.tabular.datasets import Dataset, QueryRows, last_recorded, page_column, public_name
from vru_portal.tabular.writers import Column, Type
from vru_portal.web.facets import AnyFacet, Facet, FacetedFilters, FacetValue, ValueFacet
from vru_portal.web.filters import Order


class SignatoryFilters(FacetedFilters):
    """The signatures in force."""

    FACETS: ClassVar[dict[str, AnyFacet]] = {
        "version": ValueFacet("Version", "version__number", lambda n: FacetValue(-n, f"Version {n}", str(n))),
        "sector": Facet("Sector", ("body__sector",)),
    }
    ORDERS: ClassVar[dict[str, Order]] = {
        "newest": Order("Newest first", ("-seq",)),
        "name": Order("A to Z", ("body__name",)),
    }
    SEARCHED = ("body__name",)

    def public_rows(self) -> EntryQuerySet:
        return Entry.objects.signatures().filter(live__isnull=False, version__in_force_from__isnull=False)


def signed_on(entry: Entry) -> date:
    """The day on the paper, or the day on which it was signed here."""
    on_paper = entry.leaf_values.get("signed_on")
    return date.fromisoformat(on_paper) if on_paper else timezone.localdate(entry.recorded_at)


SIGNATORIES: Dataset[Entry] = Dataset(
    name="signatories",
    title="Signatories",
    about="Organisations whose signature of the declaration is in force. One row for each signature of a version of "
    "the text. The public register also has withdrawals and corrections.",
    columns=(
        Column("entry", "The number of its entry in the register", lambda e: e.seq, Type.COUNT),
        Column("organisation", "The organisation that signed", lambda e: e.body.name),
        Column("sector", "Its sector", lambda e: str(e.body.sector or "")),
        Column("partner", "The same organisation in the list of partners", lambda e: public_name(e.body.organisation)),
        Column("declaration", "What was signed", lambda e: str(e.version.declaration)),
        Column("version", "The version of the text", lambda e: e.version.number, Type.COUNT),
        Column("signed_on", "The day on which it was signed", signed_on, Type.DATE),
        Column("how", "Online, or on paper", lambda e: "On paper" if e.on_paper else "Online"),
        Column("name", "Who signed, if they agreed to be named", lambda e: e.public_signatory.get("name")),
        Column("role", "The role of that person, if they agreed to be named", lambda e: e.public_signatory.get("role")),
        page_column(),
    ),
    key=("entry",),
    filters=SignatoryFilters,
    rows=lambda filters: QueryRows(
        filters.rows.with_status().with_names().select_related("body__organisation").prefetch_related(
            "version__declaration"
        ),
        count=filters.count,
    ),
    changed=last_recorded(Entry),
    page="declarations:declaration",
    keywords=("declaration", "signatories"),
)  # fmt: skip

DATASETS = (SIGNATORIES,)
