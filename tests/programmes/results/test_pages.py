"""A figure is the same everywhere. Missing and suppressed figures are reported as such, never shown as zero."""

import csv
import io
import json
import re
from datetime import date
from decimal import Decimal
from html import unescape
from urllib.parse import parse_qs

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from funding.datasets.costs import costs_of
from programmes.results.choices import WorkbookField
from programmes.results.models import Return
from programmes.results.presenters.figures import figures_of
from programmes.results.rules import approving
from tests.programmes.results.returns import approve, ask, count_people, publish, report
from tests.support.factories import (
    AllocationFactory,
    AreaFactory,
    FundingSourceFactory,
    InitiativeFactory,
    LevelFactory,
    MeasureFactory,
    OrganisationFactory,
    PaymentFactory,
    ReturnFactory,
    RulesFactory,
    TargetFactory,
    WorkbookColumnFactory,
    YearFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "unit")]


def text(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def rows(client, name, query="") -> list[dict[str, str]]:
    response = client.get(f"/{name}.csv{query}")
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_one_figure_is_the_same_in_every_output(client):
    area = AreaFactory(name="Oldtown")
    initiative = InitiativeFactory(name="Night bus", slug="night-bus", level=LevelFactory(slug="first", name="First"))
    initiative.areas.add(area)
    asked = ask(*count_people("Younger", "Older", "Not known"), initiative=initiative)
    PaymentFactory(
        allocation=AllocationFactory(initiative=initiative), paid_on=date(2031, 5, 6), amount=Decimal("3141.00")
    )
    publish(asked, "1,047", 500, 300, 247, went_well="They came by bus.", spend="3,000.25")
    assert "1,047" in text(client.get("/initiatives/night-bus/"))
    assert "£3 for each person reached, from April to June 2031: £3,141 paid ÷ 1047 people" in text(
        client.get("/initiatives/night-bus/")
    )
    caution = "what was paid in these quarters, which is not always what the work in them cost"
    assert caution in text(client.get("/initiatives/night-bus/"))
    assert "is not always what the work in them cost" in text(client.get("/data/cost-per-person/"))
    assert "They came by bus." in text(client.get("/initiatives/night-bus/"))
    assert "1,047" in text(client.get("/prevention/first/"))
    for by, name in (("measure", "Walkers"), ("level", "First"), ("area", "Oldtown"), ("year", "2031-32")):
        page = text(client.get(f"/results/?by={by}"))
        assert "1,047" in page, by
        assert name in page, by
    assert [row["count"] for row in rows(client, "results")] == ["1047"]
    assert [row["count"] for row in rows(client, "result-groups")] == ["500", "300", "247"]
    assert [(row["reach"], row["paid"], row["each"]) for row in rows(client, "cost-per-person")] == [
        ("1047", "3141.00", "3.00")
    ]
    found = json.loads(client.get("/api/v1/results/").content)
    assert [(row["initiative"], row["count"]) for row in found["rows"]] == [("Night bus", 1047)]
    book = client.get("/results/2031-32/returns.xlsx")
    sheet = openpyxl.load_workbook(
        io.BytesIO(book.getvalue() if not book.streaming else b"".join(book.streaming_content))
    )
    cells = dict(zip(*[[cell.value for cell in row] for row in sheet["Returns"].iter_rows()], strict=True))
    assert (cells["Walkers"], cells["Spend reported"], cells["Initiative"]) == (1047, 3000.25, "Night bus")


def test_a_suppressed_figure_is_in_no_output(client):
    initiative = InitiativeFactory(slug="night-bus", level=LevelFactory(slug="first"))
    initiative.areas.add(AreaFactory())
    asked = ask(*count_people("Younger", "Older"), initiative=initiative)
    RulesFactory(threshold=1000)  # so that the numbers can be ones that no date, sum or name has
    PaymentFactory(
        allocation=AllocationFactory(initiative=initiative), paid_on=date(2031, 5, 6), amount=Decimal("9000.00")
    )
    publish(asked, 773, 286, 487)
    shown = ask(asked.measure, asked.groups, organisation=OrganisationFactory(), initiative=initiative)
    publish(shown, 41_683, 694, 40_989)
    hidden = (773, 286, 487, 42_456, 694, 40_989)  # with the total, from which the first follows
    for address in (
        "/initiatives/night-bus/",
        "/results/",
        "/results/?by=level",
        "/results/?by=area",
        "/prevention/first/",
    ):
        page = text(client.get(address))
        numbers = {number.replace(",", "") for number in re.findall(r"(?<!\w)\d[\d,]*(?!\w)", page)}
        assert numbers & {str(number) for number in hidden} == set(), address
        assert "suppressed" in page, address
        assert "41683" in numbers, address
    assert sorted(row["count"] for row in rows(client, "results")) == ["", "41683"]
    assert {row["count"] for row in rows(client, "result-groups")} == {""}
    assert {row["note"] for row in rows(client, "result-groups")} == {"suppressed"}
    assert rows(client, "cost-per-person") == []  # what was paid, divided by it, would give it away
    assert "for each person reached" not in text(client.get("/initiatives/night-bus/"))


def test_late_is_said_with_its_date_and_never_zero(client, clock):
    initiative = InitiativeFactory(slug="night-bus")
    asked = ask(*count_people(), initiative=initiative)
    assert "Due by 30 July 2031" in text(client.get("/initiatives/night-bus/"))
    clock.move_to("2031-07-31 12:00Z", tick=False)
    for address in ("/initiatives/night-bus/", "/results/"):
        assert "Not reported by 30 July 2031" in text(client.get(address)), address
    (row,) = rows(client, "returns")
    assert (row["status"], row["due_on"], row["reported_on"]) == ("Not reported", "2031-07-30", "")
    assert rows(client, "results") == []
    report(asked, 20)
    page = text(client.get("/initiatives/night-bus/"))
    assert "Reported, being checked" in page
    assert "Not reported" not in page
    assert rows(client, "returns")[0]["status"] == "Reported, being checked"
    approve(asked)
    assert rows(client, "returns")[0]["status"] == "Published"


def test_of_many_that_are_late_the_first_are_listed_and_the_others_counted(client, clock):
    asked = ask(*count_people())
    ReturnFactory.create_batch(22, initiative=asked.row.initiative)
    clock.move_to("2031-07-31 12:00Z", tick=False)
    page = text(client.get("/results/"))
    assert page.count("Not reported by 30 July 2031") == 20
    assert "And 3 more, which are in the list of returns below." in page


def test_nothing_that_is_not_approved_is_on_any_page(client):
    initiative = InitiativeFactory(slug="night-bus")
    asked = ask(*count_people(), initiative=initiative)
    report(asked, 4711, went_well="A CANARY sang.")
    for address in ("/initiatives/night-bus/", "/results/", "/results.csv", "/returns.csv", "/search/?q=canary"):
        response = client.get(address)
        content = b"".join(response.streaming_content) if response.streaming else response.content
        for secret in (b"4711", b"4,711", b"CANARY sang", b"robin@reporter.example", b"Robin Reporter"):
            assert secret not in content, address


def test_a_correction_shows_and_the_earlier_figure_can_be_seen_as_at_its_day(client, clock):
    initiative = InitiativeFactory(slug="night-bus")
    asked = ask(*count_people(), initiative=initiative)
    publish(asked, 4711)
    clock.move_to("2031-08-05 12:00Z", tick=False)
    approving.ask_for_correction(row=asked.row, question="Again, please.")
    report(asked, 5822)
    approve(asked, "A second group was left out.")
    page = client.get("/initiatives/night-bus/")
    assert "5,822" in text(page)
    assert "4,711" not in text(page)
    assert "A second group was left out." in text(page)
    link = "/results/?initiative=night-bus&as_at=2031-08-04"
    assert f'href="{link}"' in page.content.decode().replace("&amp;", "&")
    assert "4,711" in text(client.get(link))
    assert "5,822" not in text(client.get(link))
    assert [row["count"] for row in rows(client, "results", "?as_at=2031-07-31")] == ["4711"]
    assert [row["count"] for row in rows(client, "results", "?as_at=2031-07-01")] == []
    assert [(row["count"], row["version"]) for row in rows(client, "results")] == [("5822", "2")]


def test_a_cost_counts_only_quarters_that_everybody_has_reported(client, clock):
    measure, _ = count_people()
    initiative, body = InitiativeFactory(), OrganisationFactory()
    allocation = AllocationFactory(initiative=initiative)
    for day, amount in (
        (date(2031, 4, 1), 100),
        (date(2031, 6, 30), 20),
        (date(2031, 7, 1), 7000),
        (date(2031, 3, 31), 9000),
    ):
        PaymentFactory(allocation=allocation, paid_on=day, amount=Decimal(amount))
    publish(ask(measure, initiative=initiative, organisation=body), 60)
    (cost,) = costs_of(figures_of())
    assert (cost.paid, cost.reach, cost.each, cost.left_out) == (Decimal("120.00"), 60, Decimal("2.00"), 0)
    clock.move_to("2031-10-10 12:00Z", tick=False)
    later = {"initiative": initiative, "quarter": date(2031, 7, 1)}
    publish(ask(measure, organisation=body, **later), 40)
    assert costs_of(figures_of())[0].paid == Decimal("7120.00")
    ask(measure, organisation=OrganisationFactory(), **later)  # has not answered: the quarter is not complete
    (cost,) = costs_of(figures_of())
    assert (cost.paid, cost.reach, cost.left_out) == (Decimal("120.00"), 60, 1)


def test_a_target_says_what_is_reached_of_it_and_what_is_missing(client):
    asked = ask(*count_people(), initiative=InitiativeFactory(slug="night-bus"))
    TargetFactory(initiative=asked.row.initiative, measure=asked.measure, count=400)
    assert "400 people. Nothing published yet." in text(client.get("/initiatives/night-bus/"))
    publish(asked, 101)
    page = text(client.get("/initiatives/night-bus/"))
    assert "101 reported, which is 25%. 3 of 4 quarters without a published figure." in page


def test_the_workbook_has_the_units_own_columns(client):
    asked = ask(*count_people())
    columns = (
        ("Project", WorkbookField.INITIATIVE, None),
        ("Q. reached", WorkbookField.MEASURE, asked.measure),
        ("Not counted", WorkbookField.MEASURE, MeasureFactory()),
    )
    for place, (heading, holds, measure) in enumerate(columns):
        WorkbookColumnFactory(rules=RulesFactory(), heading=heading, holds=holds, measure=measure, position=place)
    publish(asked, 3)
    response = client.get("/results/2031-32/returns.xlsx")
    content = b"".join(response.streaming_content) if response.streaming else response.content
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert [[cell.value for cell in row] for row in book["Returns"].iter_rows()] == [
        ["Project", "Q. reached", "Not counted"],
        [asked.row.initiative.name, "suppressed", None],
    ]
    assert client.get("/results/2030-31/returns.xlsx").status_code == 404
    assert client.get("/results/nonsense/returns.xlsx").status_code == 404


@pytest.mark.parametrize(
    "query", ["as_at=yesterday", "as_at=2999-01-01", "by=nothing", "measure=nothing", "quarter=2031-32-q9"]
)
def test_an_address_that_cannot_be_right_says_so(client, query):
    publish(ask(*count_people()), 20)
    assert client.get(f"/results/?{query}").status_code == 200
    assert client.get(f"/api/v1/results/?{query}").status_code in (400, 404)


def test_without_measures_the_pages_say_that_nothing_is_published(client):
    InitiativeFactory(slug="night-bus", level=LevelFactory(slug="first"))
    assert "None published" in text(client.get("/initiatives/night-bus/"))
    assert "What the unit measures is not stated." in text(client.get("/results/"))
    assert "Results in" not in text(client.get("/prevention/first/"))
    assert not Return.objects.exists()


def test_the_report_on_the_year_has_the_same_figures(client):
    year = YearFactory(first_year=2031)
    source = FundingSourceFactory(year=year)
    asked = ask(*count_people(), initiative=InitiativeFactory(name="Night bus"))
    allocation = AllocationFactory(funding_source=source, initiative=asked.row.initiative)
    PaymentFactory(allocation=allocation, paid_on=date(2031, 5, 6), amount=Decimal("99.00"))
    publish(asked, 33)
    small = ask(asked.measure, initiative=InitiativeFactory(name="Day bus"))
    publish(small, 4)
    response = client.get("/funding/2031-32/report.pdf")
    content = b"".join(response.streaming_content) if response.streaming else response.content
    written = " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())
    assert "Results Reported by the organisations" in written
    assert re.search(r"Walkers \(1 suppressed\).* April to June 2031 33", written)
    assert re.search(r"Day bus.* suppressed", written)
    assert "£99 ÷ 33 £3" in written


@pytest.mark.parametrize("address", ["/", "/initiatives/night-bus/", "/prevention/first/", "/data/", "/sitemap.xml"])
def test_without_measures_a_page_asks_one_more_question_at_most_for_each_time_it_looks(client, address):
    InitiativeFactory(slug="night-bus", level=LevelFactory(slug="first"))
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    asked = [query["sql"] for query in queries if '"results_' in query["sql"]]
    assert [sql for sql in asked if '"results_measure"' not in sql and "MAX" not in sql] == []


def test_the_page_of_a_level_leads_to_the_results_of_earlier_years(client):
    first, second = date(2031, 4, 1), date(2030, 4, 1)
    measure, groups = count_people()
    initiative = InitiativeFactory()
    publish(ask(measure, groups, initiative=initiative, quarter=first), 20)
    link = f"/results/?level={initiative.level.slug}&amp;by=year"
    assert link not in client.get(initiative.level.get_absolute_url()).content.decode()
    publish(ask(measure, groups, initiative=initiative, quarter=second), 30)
    html = client.get(initiative.level.get_absolute_url()).content.decode()
    assert link in html
    assert "Results in 2031-32" in html


def test_each_file_has_the_filters_of_the_page_and_its_day(client, clock):
    measure, groups = count_people("Younger", "Older")
    bus, walk = InitiativeFactory(slug="night-bus", name="Night bus"), InitiativeFactory(slug="walk", name="Walk")
    asked = ask(measure, groups, initiative=bus)
    publish(asked, 50, 20, 30)
    publish(ask(measure, groups, initiative=walk), 70, 30, 40)
    clock.move_to("2031-08-20 12:00Z", tick=False)
    page = client.get("/results/?initiative=night-bus&by=level&sort=initiative&as_at=2031-08-20").text
    links = {name: unescape(query) for name, query in re.findall(r'href="/([a-z-]+)\.csv(\?[^"]*)?"', page)}
    assert links.keys() == {"results", "result-totals", "result-groups", "cost-per-person"}
    for name, query in links.items():
        assert parse_qs(query.removeprefix("?"))["as_at"] == ["2031-08-20"], name
    assert [row["count"] for row in rows(client, "results", links["results"])] == ["50"]
    assert [row["count"] for row in rows(client, "result-groups", links["result-groups"])] == ["20", "30"]
    (total,) = rows(client, "result-totals", links["result-totals"])
    assert (total["by"], total["name"], total["count"]) == ("Level of prevention", bus.level.name, "50")
    now = client.get("/results/?initiative=night-bus").text
    assert 'href="/returns.csv?initiative=night-bus"' in now
    assert {row["initiative"] for row in rows(client, "returns", "?initiative=night-bus")} == {"Night bus"}
    # Nothing of this quarter was divided into groups: a file without that filter would have others.
    plain = ask(MeasureFactory(slug="plain"), [], initiative=bus, organisation=OrganisationFactory())
    publish(plain, 12)
    page = client.get("/results/?measure=plain").text
    assert "/results.csv?measure=plain" in page
    assert "/result-groups.csv" not in page


def test_the_file_of_totals_has_the_totals_of_the_page(client):
    measure, groups = count_people()
    old, new = AreaFactory(name="Oldtown"), AreaFactory(name="Newtown")
    bus, walk = InitiativeFactory(), InitiativeFactory()
    bus.areas.add(old, new)
    walk.areas.add(old)
    publish(ask(measure, groups, initiative=bus), 50)
    publish(ask(measure, groups, initiative=walk), 2)  # suppressed
    for query in ("", "?by=area", "?by=level", "?by=year", "?by=area&q=nothing"):
        shown = client.get(f"/results/{query}").context["totals"]
        found = rows(client, "result-totals", query)
        assert [(row["name"], row["count"], row["suppressed"]) for row in found] == [
            (total.name, "" if total.published_count is None else str(total.published_count), str(total.suppressed))
            for total, _ in shown
        ], query
    by_area = {row["name"]: row for row in rows(client, "result-totals", "?by=area")}
    assert {name: (row["count"], row["suppressed"]) for name, row in by_area.items()} == {
        "Oldtown": ("50", "1"),
        "Newtown": ("50", "0"),
    }
