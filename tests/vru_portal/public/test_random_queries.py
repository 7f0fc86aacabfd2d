"""Two thousand random query strings: none breaks a page, makes a large one, or takes long."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from time import thread_time
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from django.core.handlers.base import BaseHandler
from django.db import connection

from events.declarations.register import log
from funding.models import FundingSource
from programmes.models import Initiative, PreventionLevel
from tests.support.addresses import public_addresses
from tests.support.crawler import Elements
from tests.support.factories import (
    AllocationFactory,
    AudienceFactory,
    DecisionFactory,
    InitiativeFactory,
    OrganisationFactory,
    PaymentFactory,
    make_everything,
)
from tests.support.factories.base import DAY
from vru_portal.web.filters import MAX_VALUES
from vru_portal.web.pagination import ROWS_PER_PAGE

pytestmark = [pytest.mark.django_db, pytest.mark.once]

NUMBER = 2_000
SEED = 20311105
MAX_BYTES = 300_000
MAX_QUERIES = 50  # the site map asks for each kind of record, and a search for each kind of result
MAX_QUERIES_OF_ALL_DATA = 100  # pages that describe every dataset: its rows, its last change, and its filters
MAX_SQL = 80_000  # characters, of all queries of a page with their values
MAX_SECONDS = 1.0  # of processor time: the slowest takes a fifth of it
MANY, NUMBER_OF_MANY = 300, 300
FILTERED = ("initiatives", "year", "payments", "download", "register", "register_csv")
LISTS = (
    *(
        "initiatives",
        "initiatives",
        "all_payments",
        "all_payments",
        "payments",
        "totals",
        "year",
        "decisions",
        "search",
    ),
    *("directory", "organisation", "initiative", "level", "latest", "results", "publications", "events", "stories"),
    *("home", "register", "gaps", "gap", "catalogue", "dataset"),
)
KNOWN = (
    *("q", "level", "audience", "setting", "area", "partner", "status", "sort", "page"),
    *("source", "initiative", "recipient", "kind", "month", "duty", "exceptions", "as_at", "basis"),
    *("version", "sector", "old", "new", "next", "saved", "sent", "changed", "noted", "p"),
)
UNKNOWN = ("x", "utm_source", "name__regex", "level[]", "LEVEL", "", "é", "q ", "__proto__", "csrfmiddlewaretoken")
VALID = (
    *("first", "walk", "name", "1", "2", "grant", "contract", "items", "grants", "2031-04", "2031-11-05", "known"),
    *("dated", "signed", "withdrawn", "announced", "funded"),
)
ODD = (
    *("", "0", "-1", "2", "9" * 400, "²", "' OR 1=1 --", "%", "_", "\\", "<script>", "{{ 7*7 }}", "../../etc/passwd"),
    *("\u202e\u0661", "🚶" * 50, "e\u0301" * 100, "a b " * 300, "&" * 1000, "'" * 3000, "x" * 20_000, "\ufdfa" * 2_000),
)
ODD_BYTES = (
    *("%ff%fe", "%e2%82", "%ed%a0%80", "%c0%af", "%", "%zz", "%u0041", "+", ";", "%26", "%3D", "%0d%0aX:%20y", "="),
)


def random_query(chance: random.Random) -> str:
    """A query string of up to 400 parameters, mostly few."""
    parts = []
    for _ in range(chance.choice((1, 1, 2, 3, 5, 8))):
        name = chance.choice(KNOWN) if chance.random() < 0.8 else chance.choice(UNKNOWN)
        times = chance.choice((1, 1, 1, 1, 2, 50))
        for number in range(times):
            kind = chance.random()
            if kind < 0.5:
                value = quote_plus(chance.choice(VALID))
            elif kind < 0.7:
                value = f"value-{number}"
            elif kind < 0.9:
                value = (quote, quote_plus, lambda text: text.replace("&", "%26"))[number % 3](chance.choice(ODD))
            else:
                value = chance.choice(ODD_BYTES)
            parts.append(f"{quote(name, safe='[]')}{chance.choice(('=', '=', '=', ''))}{value}")
            if times == 50 and number and len(value) > 1_000:
                break  # one of them is enough: an address has its limits, too
    return chance.choice("&&&;").join(parts)


@contextmanager
def counted_queries() -> Iterator[list[int]]:
    """Collect the length of each query, with its values."""
    lengths: list[int] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        lengths.append(len(sql) + sum(len(str(value)) for value in params or ()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        yield lengths


@pytest.fixture(scope="module")
def furnished(standing):
    with standing():
        make_everything(1)
        yield


def size_of(response):
    return sum(map(len, response)) if response.streaming else len(response.content)


def ask_at_random(rf, number, names, addresses):
    """Ask for so many addresses; return the statuses, and the largest and the slowest page with its address."""
    portal = BaseHandler()  # the test client would copy the context of every template
    portal.load_middleware()
    log.rotate_key()  # signing is open
    chance = random.Random(SEED)  # noqa: S311 - the same in every run
    statuses, slowest, largest = set(), (0.0, ""), (0, "")
    for _ in range(number):
        address = f"{addresses[chance.choice(names)]}?{random_query(chance)}"
        began = thread_time()
        with counted_queries() as lengths:
            response = portal.get_response(rf.get(address, REMOTE_ADDR=""))
            size = size_of(response)
            response.close()
        slowest = max(slowest, (thread_time() - began, address[:500]))
        largest = max(largest, (size, address[:500]))
        statuses.add(response.status_code)
        assert response.status_code < 500, address[:500]
        assert size <= MAX_BYTES, f"{size} bytes: {address[:500]}"
        most = MAX_QUERIES_OF_ALL_DATA if address.startswith(("/api/v1/", "/data/", "/sitemap.xml")) else MAX_QUERIES
        assert len(lengths) <= most, f"{len(lengths)} queries: {address[:500]}"
        assert sum(lengths) <= MAX_SQL, f"{sum(lengths)} characters of SQL: {address[:500]}"
    return statuses, largest, slowest


def test_no_random_query_breaks_a_page_makes_a_large_one_or_takes_long(furnished, quiet, rf, record_property):
    addresses = {name: at for name, at in public_addresses().items() if not at.startswith("/admin/") or "login" in at}
    statuses, _, slowest = ask_at_random(rf, NUMBER, [*addresses, *FILTERED * 2], addresses)
    assert statuses >= {200, 400, 404}
    record_property("measured", f"the slowest of {NUMBER} random queries took {slowest[0] * 1000:.0f} ms")
    assert slowest[0] <= MAX_SECONDS, slowest


def make_many() -> None:
    """Make hundreds of initiatives, organisations and payments: more than a page may show of each."""
    level, source = PreventionLevel.objects.get(slug="first"), FundingSource.objects.order_by("pk")[0]
    decision = DecisionFactory(year=source.year, decided_on=DAY)
    audiences = [AudienceFactory() for _ in range(50)]
    for number in range(MANY):
        initiative = InitiativeFactory(
            level=level, lead_organisation=OrganisationFactory(), summary="A long walk. " * 20
        )
        initiative.audiences.add(*audiences[number % 40 : number % 40 + 10])
        allocation = AllocationFactory(
            funding_source=source,
            initiative=initiative,
            decision=decision,
            recipient=initiative.lead_organisation,
            awarded_by=initiative.lead_organisation,
            amount=Decimal("1.00"),
        )
        for _ in range(2):
            PaymentFactory(allocation=allocation, amount=Decimal("0.50"))


def test_no_random_query_makes_a_large_page_of_hundreds_of_rows(furnished, client, quiet, rf, record_property):
    make_many()
    addresses = public_addresses()
    for name, rows in (("initiatives", MANY), ("all_payments", 2 * MANY)):  # all of it on one page would be too large
        assert size_of(client.get(addresses[name])) * rows / ROWS_PER_PAGE > MAX_BYTES
    statuses, largest, slowest = ask_at_random(rf, NUMBER_OF_MANY, LISTS, addresses)
    assert 200 in statuses
    record_property(
        "measured",
        f"beside {MANY} initiatives and {2 * MANY} payments, the largest of {NUMBER_OF_MANY} random pages has "
        f"{largest[0] / 1000:.0f} kB, and the slowest took {slowest[0] * 1000:.0f} ms",
    )
    assert slowest[0] <= MAX_SECONDS, slowest


def test_every_value_of_every_filter_at_once_with_a_long_unknown_parameter_makes_no_large_page(client, furnished):
    initiative = Initiative.objects.order_by("pk")[0]
    audiences = [AudienceFactory(name=f"Listener {number:02}", slug=f"{'a' * 70}-{number}") for number in range(60)]
    initiative.audiences.add(*audiences)
    chosen = "&".join(f"audience={audience.slug}" for audience in audiences)
    others = "&".join(f"{name}=value-{number}" for name in KNOWN[3:7] for number in range(50))
    response = client.get(f"/initiatives/?{chosen}&{others}&unknown={'x' * 60_000}")
    assert len(response.content) <= MAX_BYTES
    page = Elements(response.text)
    chips = page.text.split("Remove: ")[1:]
    assert 10 < len(chips) <= MAX_VALUES + len(KNOWN)  # of what is not valid, each parameter shows one
    assert "xxxx" not in response.text
    assert chips[1].strip() == "Who it is for: Listener 01"
