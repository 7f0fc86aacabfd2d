"""Filters of organisations, posts and publications."""

from typing import ClassVar

from partners.choices import PublicationKind, Seat
from partners.models import Organisation, Post, Publication
from partners.querysets import OrganisationQuerySet, PostQuerySet, PublicationQuerySet
from vru_portal.publishing.state import published
from vru_portal.web.facets import AnyFacet, Facet, FacetedFilters, QueryFacet, choice_facet, year_facet
from vru_portal.web.filters import Order


class OrganisationFilters(FacetedFilters):
    """The organisations, without the unit's own."""

    FACETS: ClassVar[dict[str, AnyFacet]] = {
        "part": QueryFacet(
            "Part",
            {
                "leads": ("Leads the unit", OrganisationQuerySet.leading),
                "others": ("Partner or mentioned", OrganisationQuerySet.not_leading),
            },
        ),
        "sector": Facet("Sector", ("sector",)),
    }
    ORDERS: ClassVar[dict[str, Order]] = {
        "name": Order("A to Z", ("name",)),
        "sector": Order("By sector", ("sector__name", "name")),
    }
    SEARCHED = ("name", "other_names", "summary")

    def public_rows(self) -> OrganisationQuerySet:
        return Organisation.objects.public().filter(as_unit=None)


class PostFilters(FacetedFilters):
    """Who holds which post, as at a day."""

    FACETS: ClassVar[dict[str, AnyFacet]] = {
        "seat": choice_facet("Role in the unit", "seat", Seat.choices),
        "organisation": Facet("Organisation", ("organisation",), only=published()),
    }
    ORDERS: ClassVar[dict[str, Order]] = {
        "name": Order("By family name", ("person__family_name", "person__name", "position")),
        "organisation": Order("By organisation", ("organisation__name", "position")),
    }
    SEARCHED = ("person__name", "person__other_names", "title", "department", "organisation__name")

    def public_rows(self) -> PostQuerySet:
        return Post.objects.public()


class PublicationFilters(FacetedFilters):
    """The unit's publications, and those of others that facts are taken from."""

    FACETS: ClassVar[dict[str, AnyFacet]] = {
        "kind": choice_facet("Kind", "kind", PublicationKind.choices),
        "publisher": Facet("Published by", ("issued_by",), only=published()),
        "year": year_facet("Year", "published_on"),
    }
    ORDERS: ClassVar[dict[str, Order]] = {
        "newest": Order("Newest first", ("-published_on", "title")),
        "title": Order("A to Z", ("title",)),
    }
    SEARCHED = ("title", "note", "issued_by__name")

    def public_rows(self) -> PublicationQuerySet:
        return Publication.objects.public()
