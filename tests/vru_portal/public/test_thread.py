"""The golden thread: from any pound, at most four links lead to need, decision, payment and result, and back."""

import re
from collections import deque
from urllib.parse import urljoin, urlsplit

import pytest

from funding.models import Allocation, Decision, Payment
from tests.support.crawler import Elements
from tests.support.factories import ApprovedReturnFactory, FigureFactory, make_everything

pytestmark = [pytest.mark.django_db, pytest.mark.once]
MAX_LINKS = 4
FOLLOWED = ("/payments/", "/funding/", "/initiatives/")
# Addresses with a query that are places of their own: one decision, and the results of one initiative.
FOLLOWED_WITH_QUERY = re.compile(r"/funding/[^/]+/decisions/\?reference=[^&]+|/results/\?initiative=[^&]+")


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
        page = place.partition("#")[0]
        for link in self.links_and_places(page)[0]:
            parts = urlsplit(urljoin(f"https://portal{page}", link))
            address = f"{parts.path}?{parts.query}" if parts.query else parts.path
            is_page = parts.path.startswith(FOLLOWED) and parts.path.endswith("/") and not parts.query
            if parts.netloc == "portal" and (is_page or FOLLOWED_WITH_QUERY.fullmatch(address)):
                other = f"{address}#{parts.fragment}" if parts.fragment else address
                if other in self.links_and_places(address)[1]:
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
    """Return the positions of the parts of an allocation's thread. A heading has no need and no results."""
    page, subject = allocation.get_absolute_url(), allocation.subject.get_absolute_url()
    parts = [page, f"{page}#why", f"{page}#payments", subject, allocation.decision.get_absolute_url()]
    if allocation.initiative:
        results = f"/results/?initiative={allocation.initiative.slug}"
        parts += [f"{page}#need", f"{page}#approval", f"{subject}#results", results]
    return parts


@pytest.fixture
def site(client):
    """A site on which something is recorded of everything, and each initiative that has money has a figure."""
    make_everything(1)
    for allocation in Allocation.objects.standing().filter(initiative__isnull=False):
        FigureFactory(approved=ApprovedReturnFactory(initiative=allocation.initiative))
    return Site(client)


def test_from_any_pound_four_links_lead_to_every_part_of_its_thread_and_back(site):
    allocations = Allocation.objects.standing().exclude(decision=None)
    assert allocations.filter(initiative__isnull=False).count() > 1
    assert allocations.filter(heading__isnull=False).exists()
    missing = []
    for allocation in allocations:
        page = allocation.get_absolute_url()
        starts = [allocation.funding_source.year.get_absolute_url(), page]
        if Payment.objects.filter(allocation=allocation).exists():
            starts.append("/payments/")
        for start in starts:
            missing += [(start, part) for part in thread_of(allocation) if part not in site.distances(start)]
        for part in thread_of(allocation):
            missing += [(part, back) for back in (page, f"{page}#payments") if back not in site.distances(part)]
    assert missing == []


@pytest.mark.parametrize("kind", ["initiative", "heading"])
def test_the_row_of_a_payment_leads_to_its_own_thread(site, kind):
    """The row links to its allocation and to nothing else of the thread: from there, three more links must do."""
    payment = Payment.objects.filter(**{f"allocation__{kind}__isnull": False}, reverses=None, reversed_by=None)[0]
    page = payment.allocation.get_absolute_url()
    assert page in site.links_and_places("/payments/")[0]
    found = site.distances(page)
    assert {part for part in thread_of(payment.allocation) if found.get(part, MAX_LINKS) >= MAX_LINKS} == set()


def test_a_decision_leads_to_all_that_it_allocated(site):
    decisions = Decision.objects.standing().filter(allocations__in=Allocation.objects.standing()).distinct()
    assert decisions
    for decision in decisions:
        made = {row.get_absolute_url() for row in decision.allocations.standing()}
        assert made <= set(site.links_and_places(decision.get_absolute_url())[0])


def test_a_part_that_is_missing_is_named_in_its_place(client):
    make_everything(1)
    idle = Allocation.objects.standing().filter(payments=None)[0]
    text = Elements(client.get(idle.get_absolute_url()).content.decode()).text
    assert "Payments None recorded" in text
