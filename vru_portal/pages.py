"""Long lists, a page at a time."""

from typing import Any

from django.core.paginator import InvalidPage, Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest

PER_PAGE = 20


def page_of(
    request: HttpRequest, rows: QuerySet[Any], per_page: int = PER_PAGE, *, count: int | None = None
) -> Page[Any]:
    """Return the page of rows that the address asks for in ``page``; raises Http404 where there is no such page.

    A ``count`` that is known already saves the query for it.
    """
    paginator = Paginator(rows, per_page)
    if count is not None:
        paginator.count = count
    try:
        return paginator.page(request.GET.get("page", 1))
    except InvalidPage as error:
        raise Http404("This list has no such page.") from error
