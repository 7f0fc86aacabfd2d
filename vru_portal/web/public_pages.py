"""Pages that are the same for everybody: views mark them, and declare which parameters they depend on.

`page_cache` serves them without calling the view again, until the content changes. Headers tell caches outside the
portal how long to keep them.
"""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils import timezone

from vru_portal.ledger.content_version import content_version
from vru_portal.web.cookies import may_hold_own_cookie

Value = TypeVar("Value")
View = TypeVar("View", bound=Callable[..., HttpResponse])
PageState = tuple[str, str, int]

# Other caches may serve a page for half a minute at most, and fetch the next one meanwhile.
CACHE_PUBLIC = "public, max-age=5, stale-while-revalidate=25"
# People who are signed in, or about to sign, see what they have just done.
CACHE_PRIVATE = "private, no-cache"
# A page that somebody may have to leave quickly is not stored by the browser.
CACHE_NO_STORE = "no-store"
QUICK_EXIT = b'data-module="govuk-exit-this-page"'

# In the WSGI environment: the function that reads the content's state, set by the page cache; and the page's answers.
READ_STATE = "vru_portal.read_state"
STATE = "vru_portal.state"
DECLARED = "vru_portal.declared"

# The state that the page which is being made will be kept under.
present_state: ContextVar[PageState | None] = ContextVar("present_state", default=None)
read_before: dict[str, tuple[PageState, Any]] = {}


class RedirectTo(Exception):  # noqa: N818 - it is not an error
    """Raised while a page is made: what was asked for is at another address."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


def public_page(view: View) -> View:
    """Mark a view whose answers depend on its address, the content and the day, and on nothing else."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # The answer to a form is for one person, even where the same view also has a page for everybody.
        read_state = request.META.get(READ_STATE) if request.META["REQUEST_METHOD"] == "GET" else None
        state = read_state() if read_state else None  # first: a page may be newer than its state, never older
        token = present_state.set(state)
        try:
            response = view(request, *args, **kwargs)
        except RedirectTo as other:
            return HttpResponseRedirect(other.address)
        finally:
            present_state.reset(token)
        if response.status_code == HTTPStatus.OK and not response.has_header("Cache-Control"):
            response["Cache-Control"] = cache_control(request, response)
            if state and asks_only_for_what_is_declared(request):
                request.META[STATE] = state
        return response

    answer.is_public_page = True  # type: ignore[attr-defined]
    return answer  # type: ignore[return-value]


def cached_per_content_version(name: str, read: Callable[[], Value]) -> Value:
    """What nearly every page reads and hardly anything changes: read once for each state of the content.

    Only pages that are made to be kept share it. Nobody may change what it returns.
    """
    if (state := present_state.get()) is None:
        return read()
    known = read_before.get(name)
    if known is None or known[0] != state:
        known = read_before[name] = state, read()
    value: Value = known[1]
    return value


def cache_control(request: HttpRequest, response: HttpResponse) -> str:
    if QUICK_EXIT in response.content:
        return CACHE_NO_STORE
    is_known = may_hold_own_cookie(request.META.get("HTTP_COOKIE", "")) or "HTTP_AUTHORIZATION" in request.META
    return CACHE_PRIVATE if is_known else CACHE_PUBLIC


def declare_parameters(request: HttpRequest, parameters: QueryDict | Iterable[tuple[str, str]]) -> None:
    """Say which parameters of the address a page has read, with the values that it took for valid.

    A page whose address has any other is kept nowhere: there is no end to those that can be made up.
    """
    pairs = pairs_of(parameters) if isinstance(parameters, QueryDict) else parameters
    request.META.setdefault(DECLARED, []).extend(pairs)


def declared_query(request: HttpRequest) -> str:
    """What the page depends on, as the query of its address, with the question mark; empty if on nothing."""
    declared: list[tuple[str, str]] = request.META.get(DECLARED, [])
    return f"?{urlencode(declared)}" if declared else ""


def asks_only_for_what_is_declared(request: HttpRequest) -> bool:
    declared: list[tuple[str, str]] = request.META.get(DECLARED, [])
    return sorted(declared) == sorted(pairs_of(request.GET))


def pairs_of(query: QueryDict) -> list[tuple[str, str]]:
    """Names and values, without the empty values that forms send for fields that were not filled in."""
    return [(name, value) for name, values in query.lists() for value in values if value]


def page_state() -> PageState:
    """The state of the content. Anything made from an earlier one may be out of date.

    It includes the date in London, and when the register's keys and checkpoint, which are files, were last written.
    """
    day, folder = timezone.localdate().isoformat(), settings.REGISTER_KEYS
    return content_version(), day, folder.stat().st_mtime_ns if folder.exists() else 0
