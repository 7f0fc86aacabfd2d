"""The golden thread: from any pound, at most four links lead to need, assessment, payment and result, and back."""

from collections import deque
from urllib.parse import urljoin, urlsplit

import pytest

from funding.models import Allocation, Payment
from tests.support.crawler import Elements
from tests.support.factories import make_everything

pytestmark = [pytest.mark.django_db, pytest.mark.once]
MAX_LINKS = 4
FOLLOWED = ("/payments/", "/funding/", "/initiatives/")


class Site:
    """What leads from page to page by itself, without the menu and the foot of the page."""

    def __init__(self, client):
        self.client, self.read = client, {}

    def links_and_places(self, path):
        """Return the links of a page, and the places of it that a link can name."""
        if path not in self.read:
            response = self.client.get(path)
            assert response.status_code == 200, path
            main = response.content.decode().partition("<main")[2].partition("</main>")[0]
            elements = [attributes for _, attributes in Elements(f"<main{main}").elements]
            places = {f"{path}#{one['id']}" for one in elements if one.get("id")}
            self.read[path] = [one["href"] for one in elements if one.get("href")], {path, *places}
        return self.read[path]

    def followed_from(self, place):
        path = urlsplit(place).path
        for link in self.links_and_places(path)[0]:
            parts = urlsplit(urljoin(f"https://portal{path}", link))
            is_page = parts.path.startswith(FOLLOWED) and parts.path.endswith("/")
            if parts.netloc == "portal" and is_page and not parts.query:
                other = f"{parts.path}#{parts.fragment}" if parts.fragment else parts.path
                if other in self.links_and_places(parts.path)[1]:
                    yield other

    def distances(self, start):
        """Return how many links lead from a place to each of those that so many links lead to."""
        found, queue = {start: 0}, deque([start])
        while queue:
            place = queue.popleft()
            for other in self.followed_from(place) if found[place] < MAX_LINKS else ():
                if other not in found:
                    found[other] = found[place] + 1
                    queue.append(other)
        return found


def thread_of(allocation):
    """Return the positions of the parts of an allocation's thread."""
    page, initiative = allocation.get_absolute_url(), allocation.initiative.get_absolute_url()
    return [f"{page}#need", f"{page}#why", f"{page}#approval", f"{page}#payments", f"{initiative}#results"]


def test_from_any_pound_four_links_lead_to_every_part_of_its_thread_and_back(client):
    make_everything(1)
    site, missing = Site(client), []
    allocations = Allocation.objects.standing().exclude(initiative=None)  # a heading has no need and no results
    assert allocations.count() > 1
    for allocation in allocations:
        page = allocation.get_absolute_url()
        starts = [allocation.funding_source.year.get_absolute_url(), page]
        if Payment.objects.filter(allocation=allocation).exists():
            starts.append("/payments/")
        for start in starts:
            missing += [(start, part) for part in thread_of(allocation) if part not in site.distances(start)]
        for part in thread_of(allocation):
            if page not in site.distances(part):
                missing.append((part, page))
    assert missing == []


def test_a_part_that_is_missing_is_named_in_its_place(client):
    make_everything(1)
    idle = Allocation.objects.standing().filter(payments=None)[0]
    text = Elements(client.get(idle.get_absolute_url()).content.decode()).text
    assert "Payments None recorded" in text
