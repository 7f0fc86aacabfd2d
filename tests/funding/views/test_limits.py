"""What costs much of the processor's time is limited for each network; what a reader does is not."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

import funding.views.money
import vru_portal.public.open_data.views
from funding.reconcile.outputs import fetch
from tests.support.factories import PaymentFactory
from vru_portal.web import limits, shared_files

pytestmark = [pytest.mark.django_db, pytest.mark.once]

YEAR = "/funding/2031-32/"
FILTER = "?as_at=2031-12-01"
READER, STRANGER = "192.0.2.7", "198.51.100.66"


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Two costly pages and two costly files an hour."""
    monkeypatch.setattr(funding.views.money, "COSTLY_PAGES", replace(limits.COSTLY_PAGES, most=2))
    monkeypatch.setattr(vru_portal.public.open_data.views, "COSTLY_FILES", replace(limits.COSTLY_FILES, most=2))


def statuses(client, address, network=STRANGER, times=3):
    found = []
    for _ in range(times):
        response = client.get(address, REMOTE_ADDR=network)
        response.getvalue()  # closes the file of a workbook
        found.append(response.status_code)
    return found


@pytest.mark.parametrize(
    "address",
    [
        *(f"{YEAR}{name}.{form}{FILTER}" for name in ("payments", "allocations") for form in ("csv", "json", "xlsx")),
        f"{YEAR}{FILTER}",
        f"{YEAR}payments/?exceptions=1",
    ],
)
def test_what_costs_much_is_limited_for_each_network(client, allocation, quiet, address):
    assert statuses(client, address) == [200, 200, 429]
    refused = client.get(address, REMOTE_ADDR=STRANGER)
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert "then try again" in refused.text
    assert statuses(client, address, READER, 1) == [200]


def test_files_and_pages_are_counted_apart(client, allocation, quiet):
    assert statuses(client, f"{YEAR}payments.csv{FILTER}") == [200, 200, 429]
    assert statuses(client, f"{YEAR}payments/?exceptions=1", times=1) == [200]
    assert statuses(client, f"{YEAR}allocations.json{FILTER}", times=1) == [429]


@pytest.mark.parametrize(
    "address",
    [
        "/",
        YEAR,
        f"{YEAR}payments/",
        f"{YEAR}{FILTER}&basis=dated",
        f"{YEAR}sources.xlsx",
        f"{YEAR}sources.xlsx{FILTER}",
        f"{YEAR}payments.csv",  # whoever fetches every file of every year
        "/payments.xlsx",
        f"{YEAR}nothing.csv",
    ],
)
def test_what_costs_little_is_not(client, allocation, quiet, address):
    assert 429 not in statuses(client, address, times=5)


@pytest.mark.parametrize("query", ["", FILTER])
@pytest.mark.parametrize("place", ["/", YEAR])
def test_a_costly_file_is_made_once_for_everybody(client, allocation, tmp_path, settings, monkeypatch, place, query):
    address = f"{place}payments.xlsx{query}"
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(shared_files, "connection", SimpleNamespace(in_atomic_block=False))
    made = []
    monkeypatch.setattr(
        vru_portal.public.open_data.views, "write_table", lambda table, form, file: made.append(file.write(b"PK"))
    )
    assert statuses(client, address, times=5) == [200] * 5  # more than may be made for one network
    assert statuses(client, address, READER, times=5) == [200] * 5
    assert len(made) == 1
    PaymentFactory(allocation=allocation)
    assert statuses(client, address, times=2) == [200] * 2
    assert len(made) == 2


def test_the_portal_reads_its_own_files_as_often_as_it_has_to(allocation):
    for _ in range(5):
        fetch(f"{YEAR}payments.csv{FILTER}")
