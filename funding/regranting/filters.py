from typing import ClassVar

from django.db.models import QuerySet

from funding.models import OnwardGrant
from vru_portal.web.facets import AnyFacet, Facet, FacetedFilters, FacetValue, ValueFacet, year_facet
from vru_portal.web.filters import Order


class OnwardGrantFilters(FacetedFilters):
    """The onward grants that are not reversed."""

    FACETS: ClassVar[dict[str, AnyFacet]] = {
        "allocation": ValueFacet(
            "Awarded from", "allocation__public_id", lambda public_id: FacetValue(public_id, public_id, public_id)
        ),
        "awarded_by": Facet("Awarded by", ("allocation__recipient",)),
        "year": year_facet("Year", "awarded_on"),
    }
    ORDERS: ClassVar[dict[str, Order]] = {
        "date": Order("By date", ("awarded_on",)),
        "amount": Order("Largest first", ("-amount",)),
    }
    SEARCHED = ("recipient_name", "title", "reference")

    def public_rows(self) -> QuerySet[OnwardGrant]:
        return OnwardGrant.objects.standing()
