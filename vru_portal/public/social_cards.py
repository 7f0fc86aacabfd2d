"""The picture beside a shared link, drawn once for each page and version of the content.

It shows the page's own title, which it takes from the page, so that no page has to say anything about its picture.
"""

import json
import re
from html import unescape
from typing import IO, Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve
from django.views.decorators.http import require_safe

from partners.models import Unit
from programmes.models import PreventionLevel
from vru_portal.text.fonts import bundled_fonts
from vru_portal.web.shared_files import file_state, shared_file_response

WIDTH, HEIGHT = 1200, 630  # pixels, as the programs that show links advise
LONGEST_TITLE = 140  # characters
INK, ACCENT = "#241748", "#f2a33a"  # the portal's own colours
TITLE = re.compile(r'<meta property="og:title" content="([^"]*)">')
PASSED_ON = ("HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "wsgi.url_scheme", "wsgi.input", "HTTP_X_FORWARDED_PROTO")


@require_safe
def page_card(request: HttpRequest, page: str) -> HttpResponseBase:
    """The picture of the page at this address; 404 if the public has no such page."""
    state = file_state()
    address = f"/{page}"
    view = public_view(address)

    def make(file: IO[bytes]) -> None:
        file.write(draw(title_of(view, address, request), Unit.objects.current()))

    return shared_file_response(request, "card.png", state, ("card", address), make)


def public_view(address: str) -> Any:
    try:
        found = resolve(address)
    except Resolver404 as error:
        raise Http404("There is no such page.") from error
    if not has_card(found):
        raise Http404("Only public pages have a picture.")
    return found


def has_card(match: Any) -> bool:
    """Whether this is a page for people: what only programs read has no title, and is not asked for one."""
    return bool(match and getattr(match.func, "is_public_page", False) and not getattr(match.func, "is_data", False))


def title_of(match: Any, address: str, request: HttpRequest) -> str:
    """The title of the page, as everybody sees it: requested without anything from the visitor's request."""
    asked = HttpRequest()
    asked.method, asked.path, asked.path_info, asked.resolver_match = "GET", address, address, match
    passed_on = {name: request.META[name] for name in PASSED_ON if name in request.META}
    asked.META = {"REQUEST_METHOD": asked.method, **passed_on}
    response = match.func(asked, *match.args, **match.kwargs)
    found = TITLE.search(response.content.decode()) if response.status_code == 200 else None
    if found is None:
        raise Http404("This is not a page.")
    return unescape(found[1])


def draw(title: str, unit: Unit) -> bytes:
    import typst  # only in processes that draw: it takes 8 MB

    if len(title) > LONGEST_TITLE:
        title = f"{title[:LONGEST_TITLE].rsplit(' ', 1)[0]}…"
    data = {
        "title": title,
        "unit": unit.name,
        "slogan": unit.slogan,
        "address": settings.PORTAL_URL.partition("://")[2],
        "is_example": unit.is_example,
        "ink": unit.colour_ink if unit.has_colours else INK,
        "accent": unit.colour_accent if unit.has_colours else ACCENT,
        "marks": [level.mark for level in PreventionLevel.objects.public().only("mark")],
    }
    folder = settings.BASE_DIR / "templates" / "pictures"
    return typst.compile(
        folder / "card.typ",
        root=folder,
        font_paths=bundled_fonts(),
        sys_inputs={"data": json.dumps(data)},
        format="png",
        ppi=72.0,
    )
