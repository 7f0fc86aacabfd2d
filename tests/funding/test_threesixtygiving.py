"""The 360Giving file, held to the standard's own schema and codelists, which are read where they lie."""

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from urllib.parse import urlsplit

import flattentool
import openpyxl
import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from funding.choices import RegrantType
from funding.datasets.threesixtygiving import grant_identifier
from funding.models import Allocation, PublicationDuty
from partners.models import Organisation, Unit
from partners.validators import AREA_KINDS
from programmes.models import PreventionLevel
from tests.support.factories import (
    DAY,
    AllocationFactory,
    AreaFactory,
    DutyFactory,
    FundingSourceFactory,
    HeadingFactory,
    InitiativeFactory,
    LevelFactory,
    OnwardGrantFactory,
    OrganisationFactory,
    PaymentFactory,
    RegrantingFactory,
    SectorFactory,
    UnitFactory,
    UserFactory,
)
from vru_portal.ledger.append_only.recording import reverse

STANDARD = settings.BASE_DIR.parent / "shared" / "data" / "360giving"
GRANT_SCHEMA = "https://raw.githubusercontent.com/ThreeSixtyGiving/standard/1.4.2/schema/360-giving-schema.json"
LICENCE = "https://creativecommons.org/licenses/by/4.0/"

pytestmark = [
    pytest.mark.once,
    pytest.mark.django_db,
    pytest.mark.skipif(not STANDARD.is_dir(), reason=f"The 360Giving standard is not beside this checkout: {STANDARD}"),
]


@pytest.fixture(autouse=True)
def prefix(settings, time_machine):
    time_machine.move_to(datetime(2031, 6, 7, 12, tzinfo=UTC))
    settings.GRANTS_PREFIX = "360G-moor"


@pytest.fixture
def funder():
    UnitFactory()
    funder = OrganisationFactory(name="Moor Fund", slug="moor-fund", org_id="GB-LAE-MOR")
    DutyFactory(awarding_body=funder, licence_name="Moor Open", licence_url=LICENCE)
    return funder


@pytest.fixture
def source(funder):
    return FundingSourceFactory(amount=Decimal("100000.00"))


def award(funder, source, **facts):
    level = PreventionLevel.objects.first() or LevelFactory()
    facts = {"initiative": InitiativeFactory(level=level), **facts, "amount": Decimal(facts.get("amount", "100.00"))}
    return AllocationFactory(awarded_by=funder, funding_source=source, **facts)


def loaded(text):
    return json.loads(text, parse_float=Decimal)


@cache
def validator():
    grant = loaded((STANDARD / "360-giving-schema.json").read_text())
    package = loaded((STANDARD / "360-giving-package-schema.json").read_text())
    resource = DRAFT202012.create_resource(grant)
    registry = Registry().with_resources([(GRANT_SCHEMA, resource), (grant["$id"], resource)])
    checker = Draft202012Validator.FORMAT_CHECKER
    assert {"uri", "date-time"} <= set(checker.checkers), "jsonschema[format] is needed to check addresses and days"
    return Draft202012Validator(package, registry=registry, format_checker=checker)


@cache
def codes(codelist):
    with (STANDARD / "codelists" / f"{codelist}.csv").open(encoding="utf-8") as file:
        return {row["Code"] for row in csv.DictReader(file)}


def faults(package):
    """Return what the standard finds wrong with a file: its schema, then what the schema leaves to codelists."""
    found = [f"{error.json_path}: {error.message[:120]}" for error in validator().iter_errors(package)]
    grants = [grant for grant in package.get("grants", []) if isinstance(grant, dict)]
    ids = [grant.get("id") for grant in grants]
    found += [f"{one}: this id comes twice" for one in {one for one in ids if ids.count(one) > 1}]
    for grant in grants:
        for field in ("regrantType", "locationScope", "currency"):
            if field in grant and grant[field] not in codes(field):
                found.append(f"{grant.get('id')}: {field} {grant[field]!r} is in no codelist")
    return found


def fetched(client, form, slug="moor-fund"):
    response = client.get(f"/funding/360giving/{slug}.{form}")
    assert response.status_code == 200, response.content
    return response.getvalue()


def package_of(client):
    return loaded(fetched(client, "json"))


def unflattened(workbook, tmp_path):
    """Return a workbook as the sector's own tools read it."""
    file, result, schema = (tmp_path / name for name in ("grants.xlsx", "grants.json", "package.json"))
    file.write_bytes(workbook)
    package = json.loads((STANDARD / "360-giving-package-schema.json").read_text())
    del package["properties"]["grants"]  # the sheet of grants has a schema of its own
    schema.write_text(json.dumps(package))
    flattentool.unflatten(
        str(file),
        output_name=str(result),
        input_format="xlsx",
        schema=str(STANDARD / "360-giving-schema.json"),
        convert_titles=True,
        root_list_path="grants",
        root_id="",
        metatab_name="Meta",
        metatab_schema=str(schema),
        metatab_vertical_orientation=True,
    )
    return loaded(result.read_text())


@pytest.fixture
def ledger(funder, source):
    """Grants with everything that a grant can have, and with nothing that it need not have."""
    by = UserFactory()
    known = OrganisationFactory(org_id="GB-COH-01234567", website="https://walkers.example.org/")
    full = award(funder, source, amount="1250.50", recipient=known, starts_on=DAY, ends_on=DAY.replace(year=2032))
    PaymentFactory(allocation=full, amount=Decimal("1000.05"))
    PaymentFactory(allocation=full, amount=Decimal("-0.10"))
    wrong = PaymentFactory(allocation=full, amount=Decimal("77.77"))
    reverse(wrong, by=by, reason="Paid twice.")
    award(funder, source, amount="0.01", initiative=full.initiative, assessment=full.assessment, recipient=known,
          continues=full, purpose="A second winter.")  # fmt: skip
    award(funder, source, amount="3.00", ends_on=DAY)
    award(funder, source, amount="4.00", initiative=InitiativeFactory(name="Long " * 31, level=full.initiative.level))
    reverse(award(funder, source, amount="999.00"), by=by, reason="Withdrawn.")
    award(funder, source, amount="555.00", kind="contract")
    award(OrganisationFactory(), source, amount="444.00")
    return full


def test_the_json_is_valid_and_has_the_grants_that_are_not_reversed(client, ledger):
    package = package_of(client)
    assert faults(package) == []
    assert sorted(grant["amountAwarded"] for grant in package["grants"]) == [
        Decimal("0.01"), Decimal("3"), Decimal("4"), Decimal("1250.5"),
    ]  # fmt: skip
    grant = next(grant for grant in package["grants"] if grant["id"] == f"360G-moor-{ledger.public_id}")
    assert grant["amountDisbursed"] == Decimal("999.95")
    assert grant["url"].endswith(f"/funding/allocations/{ledger.public_id}/")
    assert urlsplit(grant["url"]).netloc == urlsplit(settings.PORTAL_URL).netloc
    assert grant["recipientOrganization"][0]["id"] == "GB-COH-01234567"
    assert grant["plannedDates"] == [{"startDate": "2031-05-06", "endDate": "2032-05-06"}]


def test_a_grant_that_is_awarded_on_has_its_code_and_what_is_awarded_on_is_no_grant_of_the_funder(
    client, funder, source, tmp_path
):
    passed_on, spent = award(funder, source), award(funder, source)
    RegrantingFactory(allocation=passed_on, regrant_type="FRG070")
    OnwardGrantFactory(allocation=passed_on, reference="360G-fen-1")
    package = package_of(client)
    assert faults(package) == []
    codes_by_id = {grant["id"]: grant.get("regrantType") for grant in package["grants"]}
    assert codes_by_id == {f"360G-moor-{passed_on.public_id}": "FRG070", f"360G-moor-{spent.public_id}": None}
    assert set(RegrantType.values) == codes("regrantType")
    rows = unflattened(fetched(client, "xlsx"), tmp_path)["grants"]
    assert {row["id"]: row.get("regrantType") for row in rows} == codes_by_id


def test_the_package_says_whose_it_is_and_under_what_licence(client, ledger):
    package = package_of(client)
    assert (package["license"], package["publisher"]["name"]) == (LICENCE, "Moor Partnership")
    assert package["version"] == "1.4"
    assert package["modified"] >= max(grant["dateModified"] for grant in package["grants"])
    assert {"issued", "identifier", "downloadURL", "accessURL", "title", "description"} <= set(package)
    assert {grant["fundingOrganization"][0]["id"] for grant in package["grants"]} == {"GB-LAE-MOR"}


def test_a_grant_says_where_its_beneficiaries_are_by_official_codes_or_in_the_words_of_the_source(
    client, funder, source, tmp_path
):
    city = AreaFactory(name="Birmingham", gss_code="E08000025")
    force = AreaFactory(name="The force's area", gss_code="E23000014")
    counted = award(funder, source, initiative=InitiativeFactory(area_text="The city"))
    counted.initiative.areas.add(city, force, AreaFactory(name="Uncoded", gss_code="E47000007"))
    level = counted.initiative.level
    award(funder, source, initiative=InitiativeFactory(level=level, area_text="Near the moor"))
    award(funder, source, initiative=InitiativeFactory(level=level))
    package = package_of(client)
    assert faults(package) == []
    assert [grant.get("beneficiaryLocation") for grant in package["grants"]] == [
        [
            {"name": "Birmingham", "countryCode": "GB", "geoCode": "E08000025", "geoCodeType": "MD"},
            {"name": "The force's area", "countryCode": "GB", "geoCode": "E23000014", "geoCodeType": "PFA"},
            {"name": "Uncoded", "countryCode": "GB", "geoCode": "E47000007"},
        ],
        [{"name": "Near the moor"}],
        None,
    ]
    assert {kind for _, kind in AREA_KINDS.values()} - {""} <= codes("geoCodeType")
    assert unflattened(fetched(client, "xlsx"), tmp_path)["grants"] == package["grants"]


def test_a_recipient_has_its_numbers_in_fields_of_their_own_and_its_type(client, funder, source):
    for facts in (
        {"company_number": "01234567", "charity_number": "1234567", "sector": SectorFactory(name="Voluntary")},
        {"charity_number": "SC012345"},
        {"org_id": "GB-COH-SC123456"},
        {"org_id": "GB-CHC-1122334"},
    ):
        award(funder, source, recipient=OrganisationFactory(**facts), starts_on=DAY)
    package = package_of(client)
    assert faults(package) == []
    found = [grant["recipientOrganization"][0] for grant in package["grants"]]
    assert [(one["id"], one.get("companyNumber"), one.get("charityNumber")) for one in found] == [
        ("GB-COH-01234567", "01234567", "1234567"),
        ("GB-SC-SC012345", None, "SC012345"),
        ("GB-COH-SC123456", "SC123456", None),
        ("GB-CHC-1122334", None, "1122334"),
    ]
    assert found[0]["organisationType"] == "Voluntary"
    assert package["grants"][0]["plannedDates"] == [{"startDate": "2031-05-06"}]


def quality_notices(package):
    """Return the grants for which 360Giving's quality tool would miss a recipient's or a beneficiary's location.

    As in lib360dataquality: a recipient has a postcode, or a location with a code and its type; beneficiaries have any.
    """
    notices = set()
    for grant in package["grants"]:
        places = grant["recipientOrganization"][0].get("location", [])
        if not any(place.get("geoCode") and place.get("geoCodeType") for place in places):
            notices.add((grant["id"], "recipient"))
        if not grant.get("beneficiaryLocation"):
            notices.add((grant["id"], "beneficiary"))
    return notices


def test_no_notice_on_locations_is_left_once_those_of_recipients_and_of_the_unit_are_stated(
    client, funder, source, tmp_path
):
    recipient = OrganisationFactory()
    row = award(funder, source, initiative=None, heading=HeadingFactory(), recipient=recipient)
    one = grant_identifier(row)
    assert quality_notices(package_of(client)) == {(one, "recipient"), (one, "beneficiary")}
    Organisation.objects.filter(pk=recipient.pk).update(area="Moorside", area_code="E08000025")
    Unit.objects.update(area_code="E23000014")
    package = package_of(client)
    assert faults(package) == []
    assert quality_notices(package) == set()
    grant = package["grants"][0]
    assert grant["recipientOrganization"][0]["location"] == [
        {"name": "Moorside", "countryCode": "GB", "geoCode": "E08000025", "geoCodeType": "MD"}
    ]
    assert grant["beneficiaryLocation"] == [
        {"name": "The Moor", "countryCode": "GB", "geoCode": "E23000014", "geoCodeType": "PFA"}
    ]
    assert unflattened(fetched(client, "xlsx"), tmp_path)["grants"] == package["grants"]
    Organisation.objects.filter(pk=recipient.pk).update(area_code="")
    assert package_of(client)["grants"][0]["recipientOrganization"][0]["location"] == [{"name": "Moorside"}]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("area_code", "E0800002"),
        ("charity_number", "12345"),
        ("charity_number", "sc012345"),
        ("company_number", "1234567"),
        ("company_number", "0123456A"),
    ],
)
def test_a_number_that_no_register_gives_is_refused(field, value):
    with pytest.raises(ValidationError) as refusal:
        OrganisationFactory.build(**{field: value}).clean_fields(exclude=["source", "name"])
    assert field in refusal.value.message_dict


@pytest.mark.parametrize("code", ["E0800002", "e08000025", "X08000025", "E99000001"])
def test_a_code_that_is_of_no_area_is_refused(code):
    with pytest.raises(ValidationError):
        AreaFactory.build(gss_code=code).clean_fields()


def test_amount_disbursed_is_the_sum_of_the_payments(client, ledger):
    for grant in package_of(client)["grants"]:
        payments = Allocation.objects.get(public_id=grant["id"].removeprefix("360G-moor-")).payments.all()
        assert grant["amountDisbursed"] == sum((payment.amount for payment in payments), Decimal(0))


def test_a_grant_was_modified_when_a_payment_on_it_was_recorded(client, funder, source, time_machine):
    paid, other = award(funder, source), award(funder, source)
    time_machine.move_to(datetime(2031, 7, 8, 12, tzinfo=UTC))
    PaymentFactory(allocation=paid)
    package = package_of(client)
    assert {grant["id"]: grant["dateModified"] for grant in package["grants"]} == {
        f"360G-moor-{paid.public_id}": "2031-07-08T13:00:00+01:00",
        f"360G-moor-{other.public_id}": "2031-06-07T13:00:00+01:00",
    }
    assert package["modified"] == "2031-07-08T13:00:00+01:00"


def test_a_recipient_without_a_number_has_one_of_the_publishers(client, funder, source):
    award(funder, source, recipient=OrganisationFactory(slug="night-walkers"))
    assert package_of(client)["grants"][0]["recipientOrganization"][0]["id"] == "360G-moor-org-night-walkers"


def test_an_award_of_several_years_names_its_first_grant(client, ledger):
    related = [grant["relatedActivity"] for grant in package_of(client)["grants"] if "relatedActivity" in grant]
    assert related == [[f"360G-moor-{ledger.public_id}"]]


def test_the_workbook_is_valid_and_holds_the_same_grants(client, ledger, tmp_path):
    package, read = package_of(client), unflattened(fetched(client, "xlsx"), tmp_path)
    assert faults(read) == []
    assert read["grants"] == package["grants"]
    assert read["downloadURL"].endswith(".xlsx")
    assert {k: v for k, v in read.items() if k not in ("grants", "downloadURL")} == {
        k: v for k, v in package.items() if k not in ("grants", "downloadURL")
    }


def test_the_workbook_holds_no_formula(client, funder, source):
    award(funder, source, purpose="=1+1")
    sheet = openpyxl.load_workbook(io.BytesIO(fetched(client, "xlsx")))["grants"]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert "'=1+1" in [cell.value for cell in cells]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("amountAwarded", "1250.50", "is not of type 'number'"),
        ("awardDate", "6 May 2031", "awardDate"),
        ("currency", "MOOR", "currency"),
        ("url", "no address", "url"),
        ("dateModified", "2031-05-06", "dateModified"),
        ("regrantType", "FRG999", "regrantType 'FRG999' is in no codelist"),
        ("locationScope", "the moor", "locationScope 'the moor' is in no codelist"),
        ("recipientOrganization", [{"name": "Nobody"}], "'id' is a required property"),
        ("description", None, "description"),
    ],
)
def test_a_broken_file_is_refused(client, ledger, name, value, said):
    package = package_of(client)
    package["grants"][0][name] = value
    assert any(said in fault for fault in faults(package)), faults(package)


def test_a_grant_without_what_is_required_and_an_id_that_comes_twice_are_refused(client, ledger):
    package = package_of(client)
    for name in ("id", "title", "description", "currency", "amountAwarded", "awardDate", "fundingOrganization"):
        grant = {key: value for key, value in package["grants"][0].items() if key != name}
        assert faults(package | {"grants": [grant]}), name
    first, second = package["grants"][:2]
    twice = package | {"grants": [first, second | {"id": first["id"]}]}
    assert faults(twice) == [f"{first['id']}: this id comes twice"]
    assert faults(package | {"grants": []})


def test_there_is_no_file_without_a_prefix_a_licence_or_a_grant_and_it_says_why(client, funder, settings):
    def answer(form="json"):
        response = client.get(f"/funding/360giving/moor-fund.{form}")
        return response.status_code, response.getvalue().decode()

    assert answer() == (404, "There is no 360Giving file yet: no grants have been recorded.\n")
    award(funder, FundingSourceFactory(), kind="contract")
    assert answer("xlsx") == (404, "There is no 360Giving file yet: no grants have been recorded.\n")
    award(funder, FundingSourceFactory())
    assert answer()[0] == 200
    settings.GRANTS_PREFIX = ""
    assert answer()[0] == 404
    assert "prefix" in answer()[1]
    settings.GRANTS_PREFIX = "360G-moor"
    PublicationDuty.objects.update(licence_name="", licence_url="")
    assert answer()[0] == 404
    assert "licence" in answer()[1]


def test_there_is_no_file_of_others_and_an_unknown_format_is_answered_with_those_that_exist(client, ledger):
    assert client.get("/funding/360giving/nobody.json").status_code == 404
    for form in ("csv", "xml", "JSON", "json.zip"):
        response = client.get(f"/funding/360giving/moor-fund.{form}")
        assert (response.status_code, response["Content-Type"]) == (404, "text/plain; charset=utf-8")
        assert response.text == f"There is no format “{form}”. Use one of: json, xlsx.\n"


def test_each_funder_has_a_file(client, ledger):
    slugs = set(Allocation.objects.values_list("awarded_by__slug", flat=True))
    assert len(slugs) == 2
    files = [loaded(fetched(client, "json", slug)) for slug in slugs]
    assert [faults(file) for file in files] == [[], []]
    ids = [grant["id"] for file in files for grant in file["grants"]]
    assert len(ids) == len(set(ids)) == 5


def test_example_data_says_so(client, ledger):
    Unit.objects.update(is_example=True)
    response = client.get("/funding/360giving/moor-fund.json")
    package = loaded(response.getvalue())
    assert "example-360giving-moor-fund.json" in response.headers["Content-Disposition"]
    assert package["title"].startswith("Example data")
    assert faults(package) == []


def test_more_grants_take_no_more_queries(client, funder, source):
    counts = []
    for _ in range(2):
        for _ in range(6):
            award(funder, source, amount="1.00")
        with CaptureQueriesContext(connection) as queries:
            fetched(client, "json")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_asking_for_the_head_makes_no_file(client, ledger):
    for form in ("json", "xlsx"):
        response = client.head(f"/funding/360giving/moor-fund.{form}")
        assert (response.status_code, response.getvalue()) == (200, b"")
        assert f"moor-fund.{form}" in response.headers["Content-Disposition"]
