"""Opening every public page, as a visitor and a search engine find them: by the site map and by links."""

import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.test import Client

MAX_PAGES = 2000
LINK = re.compile(r"""<a\s[^>]*?href=["']([^"']+)["']""")
LOCATION = re.compile(r"<loc>([^<]+)</loc>")


@dataclass
class Crawl:
    """The addresses that were asked for, and those that did not answer with a page or file."""

    opened: set[str] = field(default_factory=set)
    failed: dict[str, int] = field(default_factory=dict)  # by address: its status
    is_complete: bool = True  # whether there were no more than MAX_PAGES


def crawl() -> Crawl:
    """Open each page once, without following the endless queries of filtered lists."""
    origin = urlsplit(settings.PORTAL_URL)
    client = Client(raise_request_exception=False, headers={"host": origin.netloc})
    found, waiting = Crawl(), ["/sitemap.xml", "/"]
    while waiting:
        address = waiting.pop()
        if address in found.opened:
            continue
        if len(found.opened) == MAX_PAGES:
            found.is_complete = False
            break
        found.opened.add(address)
        # from no network: nobody is refused for asking for all of it
        response = client.get(address, secure=origin.scheme == "https", REMOTE_ADDR="")
        content = response.getvalue()
        if response.status_code in (301, 302):
            links = [response.headers["Location"]]
        elif response.status_code != 200:
            found.failed[address] = response.status_code
            continue
        elif response.headers["Content-Type"].startswith(("text/html", "application/xml")):
            links = (LINK if "html" in response.headers["Content-Type"] else LOCATION).findall(content.decode())
        else:
            continue
        for link in links:
            parts = urlsplit(urljoin(settings.PORTAL_URL + address, unescape(link)))
            if parts.netloc == origin.netloc and not parts.query and not parts.path.startswith(("/static/", "/admin/")):
                waiting.append(parts.path)
    return found
