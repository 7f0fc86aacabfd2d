"""Files of onward grants: as recipients publish them in the 360Giving standard, and as staff write them."""

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile

from funding.models import OnwardGrant
from funding.regranting.files import FIELDS, day_of
from funding.resources import OnwardGrantResource
from tests.support.crawler import text_of
from tests.support.factories import AllocationFactory, OnwardGrantFactory, RegrantingFactory, UnitFactory, UserFactory
from vru_portal.ledger.append_only.models import REDACTED
from vru_portal.tabular.readers import format_of

pytestmark = pytest.mark.django_db
PLACE = "/admin/funding/onwardgrant/"


@pytest.fixture(autouse=True)
def _today(settings, tmp_path):
    settings.VAR_DIR, settings.GRANTS_PREFIX = tmp_path / "var", "360G-moor"
    with time_machine.travel(date(2031, 6, 1), tick=True):
        yield


@pytest.fixture
def officer(client):
    client.force_login(user := UserFactory(is_superuser=True))
    return user


@pytest.fixture
def allocation():
    return RegrantingFactory().allocation


def grant(**facts):
    """Return a grant as the standard has it in JSON."""
    return {
        "id": "360G-fen-001",
        "title": "Boots for a club",
        "description": "Forty pairs.",
        "currency": "GBP",
        "amountAwarded": 60.5,
        "awardDate": "2031-05-20T00:00:00+00:00",
        "recipientOrganization": [{"id": "GB-CHC-1234567", "name": "Fen club", "charityNumber": "1234567"}],
        "fundingOrganization": [{"id": "GB-CHC-7654321", "name": "Fen trust"}],
        "beneficiaryLocation": [{"name": "The fen", "geoCode": "E05000001", "geoCodeType": "WD"}],
        "url": "https://fen.example.org/grants/1",
        "grantProgramme": [{"title": "Boots"}],
    } | facts


def package(*grants):
    return json.dumps({"version": "1.4", "title": "Grants", "grants": grants}).encode()


def as_csv(*rows):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def spreadsheet_row(**cells):
    """Return a row with the standard's headings for spreadsheets, and columns that the portal does not use."""
    return {
        "Identifier": "360G-fen-001",
        "Title": "Boots for a club",
        "Description": "Forty pairs.",
        "Currency": "GBP",
        "Amount Awarded": "60.50",
        "Award Date": "2031-05-20",
        "Recipient Org:0:Identifier": "GB-CHC-1234567",
        "Recipient Org:0:Name": "Fen club",
        "Funding Org:0:Identifier": "GB-CHC-7654321",
        "Funding Org:0:Name": "Fen trust",
        "Beneficiary Location:0:Name": "The fen",
        "Beneficiary Location:0:Geographic Code": "E05000001",
        "URL": "https://fen.example.org/grants/1",
        **{f"Our own column {number}": "x" for number in range(60)},
    } | cells


def send(client, content, suffix, **chosen):
    """Send a file and confirm what was tried; return what staff read on the way."""
    file = SimpleUploadedFile(f"grants.{suffix}", content)
    tried = client.post(f"{PLACE}import/", {"import_file": file, "format": "", **chosen})
    said = text_of(tried)
    form = tried.context.get("confirm_form")
    if form is None or "Nothing was recorded" in said:
        return said
    sent = {name: value for name, value in form.initial.items() if value is not None}
    return said + text_of(client.post(f"{PLACE}process_import/", sent, follow=True))


@pytest.mark.parametrize(
    ("content", "suffix"), [(package(grant()), "json"), (as_csv(spreadsheet_row()), "csv")], ids=["json", "csv"]
)
def test_a_360giving_file_is_read_as_its_publisher_wrote_it(client, officer, allocation, content, suffix):
    said = send(client, content, suffix, allocation=allocation.pk)
    assert "Recorded: 1 onward grant, £60.50 together." in said
    row = OnwardGrant.objects.get()
    assert (row.allocation, row.recorded_by) == (allocation, officer)
    assert (row.reference, row.amount, row.awarded_on) == ("360G-fen-001", Decimal("60.50"), date(2031, 5, 20))
    assert (row.recipient_name, row.recipient_org_id) == ("Fen club", "GB-CHC-1234567")
    assert (row.title, row.description, row.url) == (
        "Boots for a club", "Forty pairs.", "https://fen.example.org/grants/1",
    )  # fmt: skip
    assert (row.area, row.area_code, row.reported_on) == ("The fen", "E05000001", date(2031, 6, 1))
    again = send(client, content, suffix, allocation=allocation.pk)
    assert "1 row is already recorded" in again
    assert OnwardGrant.objects.count() == 1


def test_what_a_spreadsheet_has_beside_is_named_and_not_read(client, officer, allocation):
    said = send(client, as_csv(spreadsheet_row()), "csv", allocation=allocation.pk)
    assert "Columns that were ignored:" in said
    assert "Our own column 0" in said
    without = {name: cell for name, cell in spreadsheet_row().items() if name != "Amount Awarded"}
    assert "Missing columns: amount." in send(client, as_csv(without), "csv", allocation=allocation.pk)


@pytest.mark.parametrize("recipient", ["Grantee", "Grant recipient", "Recipient name", "Organisation"])
def test_headings_that_people_write_are_read(client, officer, allocation, recipient):
    for number, place in enumerate(("Ward", "Beneficiary location")):
        row = {"Ref": str(number), recipient: "Fen club", "Amount": "5", "Date awarded": "20/5/2031", place: "The fen"}
        send(client, as_csv(row), "csv", allocation=allocation.pk)
    assert {(row.recipient_name, row.area) for row in OnwardGrant.objects.all()} == {("Fen club", "The fen")}
    assert OnwardGrant.objects.count() == 2


def test_only_columns_that_somebody_fills_in_are_named(client, officer, allocation):
    refused = send(client, as_csv({"Who": "Fen club", "Amount": "5", "Date": "20/5/2031"}), "csv")
    assert "The columns are: reference, allocation, recipient, recipient_org_id, amount, awarded_on," in refused
    empty = client.get(f"{PLACE}import/empty.csv").getvalue().decode("utf-8-sig").replace('"', "")
    assert empty.startswith("reference,allocation,recipient,recipient_org_id,amount,")


def test_the_recipients_empty_file_has_the_columns_of_its_help(client):
    empty = client.get("/onward-grants/report/empty.csv")
    assert empty.getvalue().decode("utf-8-sig").strip().replace('"', "") == ",".join(FIELDS)


def test_a_grant_to_a_person_is_recorded_without_the_name(client, officer, allocation):
    person = grant(recipientIndividual={"id": "360G-fen-IND-7", "name": "Robin Vale"})
    del person["recipientOrganization"]
    send(client, package(person), "json", allocation=allocation.pk)
    columns = {"Identifier": "2", "Amount Awarded": "5", "Award Date": "2031-05-20", "Recipient Ind:0:Identifier": "7",
               "Recipient Ind:0:Name": "Robin Vale"}  # fmt: skip
    send(client, as_csv(columns), "csv", allocation=allocation.pk)
    assert list(OnwardGrant.objects.values_list("recipient_name", flat=True)) == ["An individual"] * 2


def test_rows_may_name_the_grant_that_they_were_awarded_from(client, officer, allocation):
    named = grant(id="a", relatedActivity=["360G-other-1", f"360G-moor-{allocation.public_id}"])
    other = RegrantingFactory().allocation
    said = send(client, package(named, grant(id="b")), "json", allocation=other.pk)
    assert "Recorded: 2 onward grants, £121 together." in said
    assert dict(OnwardGrant.objects.values_list("reference", "allocation")) == {"a": allocation.pk, "b": other.pk}
    own = {"reference": "c", "allocation": allocation.public_id, "recipient": "Fen", "amount": "1", "awarded_on": DAY}
    send(client, as_csv(own), "csv")
    assert OnwardGrant.objects.get(reference="c").allocation == allocation


@pytest.mark.parametrize(("cell", "is_read"), [("Youth pot", False), ("2222222222", True), ("360G-moor-x", True)])
def test_a_senders_own_column_of_that_name_is_not_read_where_a_grant_is_chosen(
    client, officer, allocation, cell, is_read
):
    row = {"reference": "c", "allocation": cell, "recipient": "Fen", "amount": "1", "awarded_on": DAY}
    said = send(client, as_csv(row), "csv", allocation=allocation.pk)
    if is_read:
        assert f"Row 2, allocation: There is no allocation '{cell}'." in said
        assert not OnwardGrant.objects.exists()
    else:
        assert "so it was not read" in said
        assert OnwardGrant.objects.get().allocation == allocation
    assert "Row 2, allocation: There is no allocation" in send(client, as_csv(row | {"reference": "d"}), "csv")


DAY = "20 May 2031"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"currency": "EUR"}, "Row 3, currency: EUR cannot be recorded: enter what it was in pounds (GBP)."),
        ({"amountAwarded": 0}, "Row 3, amount: Enter an amount of at least £0.01."),
        ({"amountAwarded": -5}, "Row 3, amount:"),
        ({"amountAwarded": "lots"}, "Row 3, amount:"),
        ({"awardDate": "2031-07-01"}, "Row 3, awarded_on: The date must be today or in the past."),
        ({"awardDate": "soon"}, "Row 3, awarded_on:"),
        ({"recipientOrganization": []}, "Row 3, recipient: Enter who received the grant."),
        ({"url": "nowhere"}, "Row 3, url: Enter a web address, such as https://www.example.org/report."),
    ],
    ids=lambda value: str(value)[:30],
)
def test_one_wrong_grant_keeps_all_of_them_out_and_is_named(client, officer, allocation, facts, said):
    page = send(client, package(grant(), grant(id="360G-fen-002", **facts)), "json", allocation=allocation.pk)
    assert said in page
    assert not OnwardGrant.objects.exists()


def test_a_file_that_does_not_say_from_which_grant_is_refused_with_what_to_do(client, officer, allocation):
    assert "Choose that grant above the file" in send(client, package(grant()), "json")
    plain = AllocationFactory()
    assert "Select a valid choice" in send(client, package(grant()), "json", allocation=plain.pk)
    assert "This grant is not recorded as one for regranting." in send(
        client, package(grant(relatedActivity=[f"360G-moor-{plain.public_id}"])), "json"
    )
    assert not OnwardGrant.objects.exists()


@pytest.mark.parametrize(
    "content",
    [
        b'{"grants": {}}', b'{"grants": [1]}', b'{"grants": []}', b"[]", b'{"rows": []}', b"nothing", b"{",
        b'{"grants": [{"id": {"a": 1}, "amountAwarded": []}]}', b'{"grants": [{"id": null}]}',
    ],
)  # fmt: skip
def test_what_is_no_360giving_file_is_refused(client, officer, allocation, content):
    send(client, content, "json", allocation=allocation.pk)
    assert not OnwardGrant.objects.exists()


def test_a_recorded_grant_that_a_file_has_otherwise_is_refused_and_stays(client, officer):
    made = OnwardGrantFactory(reference="360G-fen-001", amount=Decimal("60.00"))
    said = send(client, package(grant()), "json", allocation=made.allocation.pk)
    assert "360G-fen-001 is already recorded, with other values:" in said
    assert "amount is £60, not £60.50" in said
    assert OnwardGrant.objects.get().amount == Decimal("60.00")


# By hand --------------------------------------------------------------------------------------------------------------


def test_staff_say_that_a_grant_is_awarded_on_and_record_what_is_reported(client, officer):
    UnitFactory()
    allocation = AllocationFactory()
    page = f"/admin/funding/allocation/{allocation.pk}"
    assert f"{page}/regranting/" in client.get(f"{page}/change/").content.decode()
    assert client.post(f"{page}/regranting/", {"regrant_type": "FRG010"}).status_code == 302
    assert f"{page}/regranting/" not in client.get(f"{page}/change/").content.decode()
    assert "This is already recorded." in text_of(client.get(f"{page}/regranting/"))
    sent = {"allocation": allocation.pk, "recipient_name": "Fen club", "amount": "£1,000.50", "awarded_on": DAY}
    refused = client.post(f"{PLACE}add/", sent | {"reported_on": "1 June 2032"})
    assert "The date must be today or in the past." in text_of(refused)
    assert "Fen club" in refused.content.decode()  # nothing typed is lost
    assert client.post(f"{PLACE}add/", sent | {"reported_on": "1 June 2031"}).status_code == 302
    assert "£1,000.50 of £100 reported" in text_of(client.get(allocation.get_absolute_url()))
    contract = AllocationFactory(kind="contract")
    assert "Only a grant that was not reversed" in text_of(
        client.get(f"/admin/funding/allocation/{contract.pk}/regranting/")
    )


def test_a_wrong_one_is_reversed_and_a_name_is_taken_out(client, officer):
    made = OnwardGrantFactory(recipient_name="Robin Vale")
    assert (
        client.post(f"{PLACE}{made.pk}/redact/", {"texts": ["recipient_name"], "reason": "A name"}).status_code == 302
    )
    assert OnwardGrant.objects.get().recipient_name == REDACTED
    assert client.post(f"{PLACE}{made.pk}/reverse/", {"reason": "Of another fund"}).status_code == 302
    assert not OnwardGrant.objects.standing().exists()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2031-05-20T00:00:00+00:00", "2031-05-20"),
        ("2031-05-20", "2031-05-20"),
        ("1 OCT 2031", "1 OCT 2031"),
        ("Tue 1 Oct 2031", "Tue 1 Oct 2031"),
        ("1st August 2031", "1st August 2031"),
    ],
)
def test_only_a_time_of_day_is_cut_off_a_date(text, day):
    assert day_of(text) == day


def test_the_portals_own_list_comes_back_without_a_change(client, officer, allocation):
    """Its column “url” has the addresses of pages of the portal, and not where the recipients publish the grants."""
    UnitFactory()
    for number, url in enumerate(["", "https://fen.example.org/grants/1"]):
        OnwardGrantFactory(allocation=allocation, reference=f"REF-{number}", url=url)
    for form in ("csv", "xlsx"):
        content = client.get(f"/onward-grants.{form}").getvalue()
        read = format_of(content, OnwardGrantResource.formats)().create_dataset(content)
        result = OnwardGrantResource(by=officer).run(read, dry_run=True)
        assert ([row.problems for row in result.refused_rows], result.new) == ([], [])
        assert len(result.rows) == 2
