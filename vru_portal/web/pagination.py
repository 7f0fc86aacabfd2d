"""Long lists, split into pages."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.core.paginator import EmptyPage, InvalidPage, Page, Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

from vru_portal.web.public_pages import RedirectTo, declare_parameters

ROWS_PER_PAGE = 20
WHOLE_NUMBER = re.compile(r"[1-9]\d{0,40}", re.ASCII)
Row = TypeVar("Row", bound=Model)


def address_of_page(request: HttpRequest, number: int) -> str:
    """The same address with another page; the first needs no parameter."""
    query = request.GET.copy()
    query.pop("page", None)
    if number > 1:
        query["page"] = str(number)
    return request.path + (f"?{query.urlencode()}" if query else "")


def in_order(keys: Iterable[Any], rows: Iterable[Row]) -> list[Row]:
    """The rows of a page in the order of their keys."""
    by_key = {row.pk: row for row in rows}
    return [by_key[key] for key in keys if key in by_key]


def get_page_or_404(
    request: HttpRequest,
    rows: QuerySet[Any] | Sequence[Any],
    per_page: int = ROWS_PER_PAGE,
    *,
    count: int | None = None,
) -> Page[Any]:
    """The page that the URL parameter `page` names; one past the end redirects to the last page.

    Raises Http404 for what is not the number of a page. A caller that has counted the rows already can pass the
    `count`, which saves a query.
    """
    paginator = Paginator(rows, per_page)
    if count is not None:
        paginator.count = count
    try:
        page = paginator.page(request.GET.get("page", 1))
    except EmptyPage as error:
        if not WHOLE_NUMBER.fullmatch(request.GET["page"]):
            raise Http404("This list has no such page.") from error
        raise RedirectTo(address_of_page(request, paginator.num_pages)) from error
    except InvalidPage as error:
        raise Http404("This list has no such page.") from error
    if "page" in request.GET:
        declare_parameters(request, [("page", str(page.number))])
    return page
