"""Open data: each dataset is declared once, so its files, schema, page and descriptions cannot disagree."""

import csv
import io
import json
import re
from datetime import date
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import openpyxl
import pytest
from django.conf import settings
from django.http import QueryDict
from frictionless import Resource, Schema

from events.models import Event
from funding.models import Allocation, PublicationDuty
from partners.models import Organisation, Post, Publication, Unit
from programmes.models import Initiative, PreventionLevel
from tests.support.factories import InitiativeFactory, LevelFactory, OrganisationFactory, PostFactory, make_everything
from tests.support.money.ledger import LICENCE
from vru_portal.public.open_data.datasets import DATASETS
from vru_portal.publishing.state import State
from vru_portal.tabular.datasets import Dataset
from vru_portal.tabular.writers import Type
from vru_portal.text.markdown import is_markdown

pytestmark = [pytest.mark.django_db, pytest.mark.once]
NAMES = list(DATASETS)
ROOT = Path(settings.BASE_DIR)
MONEY = (
    *("/sources/", "/allocations/", "/payments/", "/payment-totals/", "/onward-grants/"),
    *("/budget-headings/", "/decisions/", "/variations/", "/conditions/"),
)


@pytest.fixture(scope="module", autouse=True)
def furnished(standing):
    with standing():
        make_everything(2)
        yield


def content_of(client, address):
    response = client.get(address)
    assert response.status_code == 200, (address, response.getvalue()[:300])
    return response.getvalue()


def csv_rows(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_whatever_an_app_declares_is_published():
    # A module `datasets`, or those of a package of that name, wherever an app has one.
    found = [
        path for app in ("partners", "programmes", "funding", "events") for path in ROOT.joinpath(app).rglob("*.py")
    ]
    paths = [path for path in found if "datasets" in (path.stem, path.parent.name)]
    modules = [
        import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for path in paths
        if path.stem != "__init__"
    ]
    declared = {one.name for module in modules for one in vars(module).values() if isinstance(one, Dataset)}
    assert declared == set(NAMES)
    assert "status" in [column.name for column in DATASETS["initiatives"].columns]  # which the app does not know


@pytest.mark.both
@pytest.mark.parametrize("name", NAMES)
def test_a_csv_passes_its_published_schema_as_data_portals_check_it(client, name):
    schema = json.loads(content_of(client, f"/data/{name}/schema.json"))
    resource = Resource(
        data=content_of(client, f"/{name}.csv"),
        format="csv",
        encoding="utf-8-sig",
        schema=Schema.from_descriptor(schema),
    )
    report = resource.validate()
    assert report.valid, report.flatten(["type", "rowNumber", "fieldName", "note"])
    assert report.tasks[0].stats["rows"] > 0, "a file without rows proves nothing"


@pytest.mark.parametrize("name", NAMES)
def test_each_cell_is_of_the_type_that_its_column_declares(name):
    dataset = DATASETS[name]
    types = {Type.TEXT: str, Type.ADDRESS: str, Type.DATE: date, Type.POUNDS: Decimal, Type.COUNT: int}
    for row in dataset.rows(dataset.filters(QueryDict())):
        for column in dataset.columns:
            cell = column.read(row)
            assert cell is None or type(cell) is types[column.type], (name, column.name, cell)


@pytest.mark.parametrize("name", NAMES)
def test_the_formats_agree_and_are_the_rows_of_the_page_about_them(client, name):
    rows = csv_rows(content_of(client, f"/{name}.csv"))
    found = json.loads(content_of(client, f"/{name}.json"))
    sheet = openpyxl.load_workbook(io.BytesIO(content_of(client, f"/{name}.xlsx")))["Rows"]
    assert [list(row.values()) for row in rows] == [
        ["" if cell is None else str(cell) for cell in row.values()] for row in found["rows"]
    ]
    assert sheet.max_row - 1 == len(rows) == found["count"]
    assert [cell.value for cell in sheet[1]] == list(rows[0]) == [column.name for column in DATASETS[name].columns]
    page = content_of(client, f"/data/{name}/").decode()
    assert f"<dd>{len(rows)}</dd>" in page
    for column in DATASETS[name].columns:
        assert f"<code>{column.name}</code>" in page
        assert column.about
    assert ("total" in found) is bool(DATASETS[name].total_of)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        *(("initiatives", Initiative), ("partners", Organisation), ("posts", Post)),
        *(("publications", Publication), ("events", Event)),
    ],
)
def test_a_column_is_called_markdown_if_its_field_is(name, model):
    fields = {field.name: field for field in model._meta.concrete_fields}
    columns = [column for column in DATASETS[name].columns if column.name in fields]
    assert columns
    for column in columns:
        assert ("Markdown" in column.about) is is_markdown(fields[column.name]), column.name


def test_a_csv_opens_correctly_in_excel_and_follows_rfc_4180(client):
    OrganisationFactory(name="Łódź “Trust”, Ltd", slug="lodz", summary="One\ntwo")
    raw = content_of(client, "/partners.csv")
    assert raw.startswith("\ufeff".encode())  # without it, Excel reads the code page of its country
    head, _ = raw.split(b"\r\n", 1)
    assert head.startswith('\ufeff"slug","name"'.encode())
    assert raw.endswith(b"\r\n")
    (row,) = [row for row in csv_rows(raw) if row["slug"] == "lodz"]
    assert (row["name"], row["summary"]) == ("Łódź “Trust”, Ltd", "One\ntwo")


def test_no_draft_is_in_a_file_or_counted(client):
    level = PreventionLevel.objects.get(slug="first")
    InitiativeFactory(name="Hidden walk", slug="hidden", level=level, state=State.DRAFT)
    shown = Initiative.objects.public()[0]
    shown.partners.add(OrganisationFactory(name="Secret body", slug="secret", state=State.DRAFT))
    for name in ("initiatives", "partners"):
        for form in ("csv", "json"):
            content = content_of(client, f"/{name}.{form}").decode()
            assert "Hidden walk" not in content
            assert "Secret body" not in content


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/secrets.csv", 404, f"Use one of: {', '.join(NAMES)}."),
        ("/initiatives.pdf", 404, "Use one of: csv, json, xlsx."),
        ("/initiatives.CSV", 404, "Use one of: csv, json, xlsx."),
        ("/initiatives.csv?columns=slug,nmae", 400, "There is no column “nmae”. Use one of: slug, name,"),
        ("/initiatives.csv?level=nought", 400, "“nought” is not a valid value. Use one of: first"),
        ("/initiatives.json?sort=age", 400, "“age” is not a valid value. Use one of: level, name."),
        ("/payments.csv?kind=gift", 400, "Use one of: grant, contract, own."),
        ("/payments.csv?as_at=2031-02-30", 400, "There is no 30 February 2031. Check the date."),
        ("/data/secrets/schema.json", 404, f"Use one of: {', '.join(NAMES)}."),
        ("/initiatives.csv?columns=" + "%FF" * 900, 400, "Use one of: slug,"),
    ],
)
def test_what_does_not_exist_is_answered_with_what_does(client, address, status, said):
    response = client.get(address)
    assert (response.status_code, response["Content-Type"]) == (status, "text/plain; charset=utf-8")
    assert said in response.text
    assert len(response.text) < 1500


def test_a_dataset_that_does_not_exist_is_a_page_that_leads_to_those_that_do(client):
    response = client.get("/data/secrets/")
    assert response.status_code == 404
    for name in NAMES:
        assert f'href="/data/{name}/"' in response.text


def test_some_columns_are_those_that_were_asked_for(client):
    assert content_of(client, "/partners.csv?columns=name,slug").decode("utf-8-sig").startswith('"slug","name"\r\n')
    found = json.loads(content_of(client, "/payments.json?columns=reference"))
    assert set(found["rows"][0]) == {"reference"}
    assert "total" not in found, "of a column that is not there"


def test_a_download_is_the_list_of_its_page(client):
    level = LevelFactory(slug="other")
    for slug in ("a", "b", "c"):
        InitiativeFactory(name=f"Walk {slug}", slug=slug, level=level)
    page = client.get("/initiatives/?level=other&sort=name")
    found = csv_rows(content_of(client, "/initiatives.csv?level=other&sort=name"))
    assert [row["slug"] for row in found] == [row.slug for row in page.context["page"]]


def test_the_licence_is_that_of_what_it_covers(client):
    PublicationDuty.objects.update(licence_name="Moor Open", licence_url=LICENCE)
    assert json.loads(content_of(client, "/payments.json"))["licence"] == LICENCE
    assert "licence" not in json.loads(content_of(client, "/partners.json"))
    PublicationDuty.objects.update(licence_covers_all=True)
    assert json.loads(content_of(client, "/partners.json"))["licence"] == LICENCE


def test_example_data_says_so_in_file_and_schema(client):
    Unit.objects.update(is_example=True)
    assert {row["example"] for row in csv_rows(content_of(client, "/partners.csv"))} == {"Example data"}
    fields = json.loads(content_of(client, "/data/partners/schema.json"))["fields"]
    assert fields[-1]["name"] == "example"
    assert "example-partners" in client.head("/partners.csv")["Content-Disposition"]


def test_the_catalogue_for_machines_names_each_dataset_and_file_by_addresses_that_answer(client):
    PublicationDuty.objects.update(licence_name="Moor Open", licence_url=LICENCE)
    response = client.get("/data/catalogue.jsonld")
    assert response["Content-Type"] == "application/ld+json"
    catalogue = json.loads(response.text)
    origin = "http://localhost:8000"
    assert catalogue["@type"] == "dcat:Catalog"
    assert [dataset["dct:identifier"] for dataset in catalogue["dcat:dataset"]] == [
        f"{origin}/data/{n}/" for n in NAMES
    ]
    for dataset in catalogue["dcat:dataset"]:
        addresses = [dataset["@id"], *(file["dcat:downloadURL"]["@id"] for file in dataset["dcat:distribution"])]
        addresses += [file["dct:conformsTo"]["@id"] for file in dataset["dcat:distribution"]]
        for address in addresses:
            assert client.head(address.removeprefix(origin)).status_code == 200, address
        money = dataset["dct:identifier"].endswith(MONEY)
        assert ("dct:license" in dataset) is money
    package = json.loads(content_of(client, "/data/datapackage.json"))
    assert [resource["path"] for resource in package["resources"]] == [f"{origin}/{name}.csv" for name in NAMES]


def test_the_last_change_is_when_something_public_was_saved(client):
    body = Organisation.objects.public()[0]
    body.name = "Renamed"
    body.save()
    changed = DATASETS["partners"].changed()
    hidden = OrganisationFactory(state=State.DRAFT)
    hidden.name = "Still hidden"
    hidden.save()
    assert DATASETS["partners"].changed() == changed == body.history.latest().history_date


# What this site works out, rather than repeats: nobody should quote it as if a source had stated it.
DERIVED = {
    "initiatives": {"status", "audiences", "settings", "areas", "area_codes"},
    "partners": {"part", "executives"},
    "sources": {
        *("spend_by", "allocated", "paid", "still_to_pay", "paid_over_allocations", "paid_back_beyond_payments"),
        *("carried_forward", "returned_to_funder", "not_allocated"),
    },
    "allocations": {"varied", "allocated", "paid"},
    "payments": {"state", "exceptions"},
    "payment-totals": {"payments", "amount"},
    "result-totals": {"count", "figures", "suppressed"},
}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_derived_is_marked_in_each_format_that_describes_its_columns(client, name):
    fields = json.loads(content_of(client, f"/data/{name}/schema.json"))["fields"]
    marked = {field["name"] for field in fields if field.get("derived", "").startswith("Derived from ")}
    assert marked == DERIVED.get(name, set())
    page = content_of(client, f"/data/{name}/").decode()
    in_file = json.loads(content_of(client, f"/{name}.json"))["columns"]
    book = openpyxl.load_workbook(io.BytesIO(content_of(client, f"/{name}.xlsx")))
    meta = {row[0]: row[1] for row in book.worksheets[-1].iter_rows(values_only=True)}
    rows = json.loads(content_of(client, "/api/v1/openapi.json"))["components"]["schemas"]
    by_title = {schema.get("title"): schema for schema in rows.values()}
    row = by_title[f"{name.title().replace('-', '')}Row"]
    for column in DATASETS[name].columns:
        said = "Derived from" in in_file[column.name]
        assert said is (column.name in marked), column.name
        assert ("Derived from" in meta[f"column {column.name}"]) is said
        assert ("Derived from" in row["properties"][column.name]["description"]) is said
    assert page.count("Derived from") == len(marked)


def test_a_post_says_from_when_until_when_it_was_held(client):
    PostFactory(
        person__slug="former", held_from=date(2031, 4, 1), held_until=date(2031, 11, 30), seat="executive",
        seat_from=date(2031, 5, 1), seat_until=date(2031, 10, 31),
    )  # fmt: skip
    (row,) = [row for row in csv_rows(content_of(client, "/posts.csv")) if row["person_slug"] == "former"]
    assert (row["held_from"], row["held_until"]) == ("2031-04-01", "2031-11-30")
    assert (row["seat_from"], row["seat_until"]) == ("2031-05-01", "2031-10-31")


def test_the_catalogue_leads_to_the_grants_in_the_standard_of_360giving_and_to_the_calendar(client, settings):
    assert 'href="/events.ics"' in client.get("/data/").text
    assert "/funding/360giving/" not in client.get("/data/").text, "without a publisher prefix there is no such file"
    settings.GRANTS_PREFIX = "360G-moor"
    funder = Allocation.objects.standing().filter(kind="grant").values("awarded_by")[:1]
    PublicationDuty.objects.update(licence_name="Moor Open", licence_url=LICENCE, awarding_body=funder)
    found = re.findall(r'href="(/funding/360giving/[^"]+)"', client.get("/data/").text)
    assert [address.rpartition(".")[2] for address in found] == ["json", "xlsx"]
    for address in found:
        assert content_of(client, address)
