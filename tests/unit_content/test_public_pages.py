"""Every public page of a unit answers, shows its facts and nothing of another unit."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from django.conf import settings
from django.test import Client

from events.models import Event
from partners.models import Organisation, Person, Statement
from programmes.models import (
    Initiative,
    PreventionLevel,
    UploadedFileRecord,
)
from tests.unit_content.files import (
    CANARY,
    NEVER_PRINTED,
    distinctive_words,
    words_found_in,
)
from tests.unit_content.records import all_rows, portal_models, texts_of
from vru_portal.publishing.state import Publishable, State
from vru_portal.web import limits

STARTS = ("/", "/sitemap.xml", "/robots.txt", "/brand.css")


class Page(HTMLParser):
    """A page's links, the ids that links can point to, and the words that a reader sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.words: list[str] = []
        self.unseen = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids.add(found.get("id") or "")
        self.links += [link for name in ("href", "src", "action") if (link := found.get(name))]
        self.unseen += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.words.append(data)


def internal(link: str, page: str) -> str | None:
    """Return where a link leads inside the portal, with its fragment; None for what is outside or not a page."""
    target = urljoin(settings.PORTAL_URL + page, link)
    parts = urlsplit(target)
    if f"{parts.scheme}://{parts.netloc}" != settings.PORTAL_URL:
        return None
    return None if parts.path.startswith(("/static/", "/admin/")) else target.removeprefix(settings.PORTAL_URL)


def walk(visit: Callable[[str, str, Any, Page], None]) -> set[str]:
    """Open every page that links lead to, from the home page on. Links of a filtered list are not followed."""
    client = Client()
    waiting = [(start, "the start") for start in STARTS]
    seen: set[str] = set()
    while waiting:
        address, found_on = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        limits.memory_backend.cache_clear()  # one visitor does not ask for every file within an hour
        response = client.get(address)
        if response.status_code in (301, 302, 303, 307, 308):
            links, page = [response["Location"]], Page("")
        else:
            text = response.getvalue().decode(errors="replace")
            page = Page(text if response["Content-Type"].startswith("text/html") else "")
            links = page.links + re.findall(r"<loc>(.*?)</loc>", text)
        visit(address, found_on, response, page)
        if "?" in address:
            continue
        for link in links:
            if target := internal(link, address):
                waiting.append((urldefrag(target).url, address))
    return seen


def walk_faults(words: list[str]) -> tuple[set[str], list[str]]:
    """Walk every page; return the addresses, and what is wrong with which."""
    faults: list[str] = []
    ids: dict[str, set[str]] = {}
    anchors: list[tuple[str, str, str]] = []

    def visit(address: str, found_on: str, response: Any, page: Page) -> None:
        ids[address] = page.ids
        if response.status_code >= 400 and (address, response.status_code) != ("/brand.css", 404):
            faults.append(f"{address} (linked from {found_on}) answers {response.status_code}")
        text = response.getvalue().decode(errors="replace") if hasattr(response, "getvalue") else ""
        raw = f"{text}\n{list(response.headers.items())}"
        if CANARY in raw.lower():
            faults.append(f"{address} shows a draft: {context(raw, CANARY)}")
        faults.extend(f"{address} shows “{word}”" for word in words_found_in(raw, words))
        seen = " ".join(" ".join(page.words).split()).replace("If-None-Match", "")
        faults.extend(
            f"{address} prints {word!r}: {context(seen, word)}"
            for word in (*NEVER_PRINTED, "None", "[]", "{{", "{%")
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w|[,.]\d| published| recorded| is )", seen)
        )
        for link in page.links:
            if (target := internal(link, address)) and "#" in target:
                anchors.append((address, *urldefrag(target)))

    seen = walk(visit)
    faults.extend(
        f"{address} links to {target}#{anchor}, which has no such place"
        for address, target, anchor in anchors
        if anchor and target in ids and anchor not in ids[target]
    )
    return seen, sorted(set(faults))


def context(text: str, word: str) -> str:
    """Return a word with the text around it."""
    at = text.lower().find(word.lower())
    return " ".join(text[max(0, at - 60) : at + 60].split())


@pytest.mark.django_db
@pytest.mark.usefixtures("launch_unit")
class TestPagesOfTheLaunchUnit:
    def test_every_page_answers_and_prints_no_default(self):
        seen, faults = walk_faults(words=[])
        assert not faults, "\n".join(faults)
        for model in (Organisation, Person, Statement, PreventionLevel, Initiative, Event):
            assert {row.get_absolute_url() for row in model.objects.all()} <= seen, f"each {model.__name__} is linked"


@pytest.mark.django_db
@pytest.mark.usefixtures("riverside")
class TestAnotherUnit:
    def test_every_page_answers_without_drafts_and_without_the_launch_unit(self):
        words = [*distinctive_words(), "Violence Reduction Unit", "VRU"]
        seen, faults = walk_faults(words)
        assert not faults, "\n".join(faults)
        assert {
            "/initiatives/evening-boat-clubs/",
            "/prevention/delta/",
            "/news/first-boat-club/",
            "/funding/2024-25/",
            "/funding/2025-26/",
            "/events/centenary-supper/",
            "/partners/joint-standing-committee/",
            "/people/wilhelmina-featherstone/",
            "/messages/from-the-director/",
        } <= seen

    def test_the_drafts_are_there_to_leak(self):
        hidden = [row for row in all_rows() if any(CANARY in text.lower() for _, text in texts_of(row))]
        kinds = {type(row).__name__ for row in hidden}
        assert kinds >= {
            m.__name__ for m in portal_models() if issubclass(m, Publishable) and not issubclass(m, UploadedFileRecord)
        }
        for row in hidden:
            if isinstance(row, Publishable) and row.state == State.DRAFT:
                plain = [
                    name
                    for name, text in texts_of(row)
                    if CANARY not in text.lower() and name not in ("state", "mark", "slot", "kind", "status")
                ]
                assert plain in ([], ["website"]), f"every text of {row} must hold the canary"

    def test_nobody_reaches_a_draft_by_its_address(self):
        client = Client()
        addresses = [
            row.get_absolute_url()
            for row in all_rows()
            if hasattr(row, "slug")
            and CANARY in row.slug
            and hasattr(row, "get_absolute_url")
            and "#" not in row.get_absolute_url()  # a publication is an entry of the about page: the walk looks there
        ]
        assert len(addresses) >= 8
        assert {address: client.get(address).status_code for address in addresses} == dict.fromkeys(addresses, 404)

    def test_no_search_finds_a_draft(self):
        echo = "cAnArY"  # a spelling that only the echo of the question has
        hidden = {"area": "canary-area", "audience": "canary-audience", "partner": "canary-organisation"}
        for query in ({"q": echo}, *({name: value} for name, value in hidden.items())):
            text = Client().get("/initiatives/", query).getvalue().decode()
            assert "CANARY" not in text
            assert "/initiatives/canary" not in text

    def test_the_unit_wears_its_own_colours(self):
        css = Client().get("/brand.css").getvalue().decode()
        assert "#0b3d2e" in css
        assert "#ffd166" in css

    def test_names_are_as_long_as_they_get(self):
        assert max(len(name) for name in Initiative.objects.values_list("name", flat=True)) == 150
        assert max(len(name) for name in Organisation.objects.values_list("name", flat=True)) == 180
        assert max(len(name) for name in Person.objects.values_list("name", flat=True)) == 120
