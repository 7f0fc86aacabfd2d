"""Lists of records with filters, counts, chips, orders and files: one page for all that need no more."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from vru_portal.web.addresses import address_of
from vru_portal.web.facets import FacetedFilters
from vru_portal.web.pagination import get_page_or_404
from vru_portal.web.public_pages import declare_parameters


@dataclass(frozen=True)
class ListPage:
    """What is particular to a list."""

    title: str
    one: str  # what a row is
    many: str
    url: str  # the name of the URL of the list
    row_template: str  # shows a `row`
    dataset: str  # the name of its files

    def response(self, request: HttpRequest, filters: FacetedFilters, rows: QuerySet[Any]) -> HttpResponse:
        """The rows that the filters leave, page by page."""
        declare_parameters(request, filters.valid)
        address = address_of(self.url)
        context = {
            "list": self,
            "list_url": address,
            "filters": filters,
            "page": get_page_or_404(request, rows, count=filters.count),
            "form": filters.form(f"Show {self.many}", address),
        }
        return render(request, "list.html", context)
