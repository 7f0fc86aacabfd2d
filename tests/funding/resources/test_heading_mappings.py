"""What the headings of a system mean: asked where a file was refused, saved, and used for its next files."""

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile

from funding.models import Payment
from funding.resources import PaymentResource
from tests.funding.resources.files import allocation, as_csv, as_xlsx, run
from tests.support.crawler import text_of
from tests.support.factories import AllocationFactory
from tests.support.processes.worker import run_worker
from tests.support.signing import open_signing
from vru_portal.models import FileJob, HeadingMapping
from vru_portal.staff.imports.page import FileImport
from vru_portal.tabular.unconfirmed_files import import_folder

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("officer")]
PAYMENTS = "/admin/funding/payment/import/"
SAID = {"Belegnr": "reference", "Kostenstelle": "", "Buchung": "paid_on"}


@pytest.fixture
def on(source):
    return AllocationFactory(funding_source=source)


def of_ledger_9(on, reference="FIN-1", **others):
    return {
        "Belegnr": reference, "Kostenstelle": "4711", "Allocation": on.public_id, "Buchung": "1/5/2031", "Amount": "5",
    } | others  # fmt: skip


def send(client, content, page=PAYMENTS, name="file.csv"):
    return client.post(page, {"import_file": SimpleUploadedFile(name, content), "format": ""})


def say(client, asked, columns, name="Ledger 9", page=PAYMENTS):
    kept = asked.context["headings_form"]["kept"].value()
    sent = {"kept": kept, "name": name, "columns-heading": [*columns], "columns-column": [*columns.values()]}
    return client.post(page, sent)


def test_what_headings_mean_is_asked_once_for_each_system(client, on):
    asked = send(client, as_csv([of_ledger_9(on)]))
    assert "Unknown columns: Belegnr, Kostenstelle, Buchung. Missing columns: reference, paid_on." in text_of(asked)
    said = text_of(asked)
    assert "Your heading What it is Belegnr such as FIN-1 Not read Reference (required)" in said
    checked = say(client, asked, SAID)
    assert "Headings were read as saved for Ledger 9." in text_of(checked)
    assert "Columns that were ignored: “Kostenstelle”." in text_of(checked)
    client.post("/admin/funding/payment/process_import/", checked.context["confirm_form"].initial)
    assert Payment.objects.get().reference == "FIN-1"
    assert list(import_folder().iterdir()) == [], "for the clock of tests, a day is over"
    later = of_ledger_9(on, "FIN-2")
    del later["Kostenstelle"]
    next_month = send(client, as_csv([later]))
    assert "This file would record 1 payment" in text_of(next_month), "although it has not all of the headings"
    entry = LogEntry.objects.get(object_id=str(HeadingMapping.objects.get().pk), content_type__model="headingmapping")
    assert entry.change_message == "For file.csv."


def test_a_workbook_with_line_breaks_in_its_headings_is_asked_about_alike(client, on):
    row = of_ledger_9(on)
    content = as_xlsx([{name.replace("Buchung", "Buchung\nam"): cell for name, cell in row.items()}])
    asked = send(client, content, name="file.xlsx")
    headings = {"Belegnr": "reference", "Kostenstelle": "", "Buchung\r\nam": "paid_on"}
    assert "This file would record 1 payment" in text_of(say(client, asked, headings))
    assert HeadingMapping.objects.get().columns["Buchung am"] == "paid_on"


def test_a_file_that_is_refused_for_a_wrong_answer_leads_to_changing_it(client, on, monkeypatch):
    """Otherwise the same wrong columns would be read every month, and the page would only say to correct the file."""
    wrong = SAID | {"Belegnr": "paid_on", "Buchung": "reference"}
    mapping = HeadingMapping.objects.create(name="Ledger 9", kind="payments", columns=wrong)
    refused = send(client, as_csv([of_ledger_9(on)]))
    assert "Nothing was recorded" in text_of(refused)
    assert "Headings that were recognised: “Belegnr” as paid_on, “Buchung” as reference." in text_of(refused)
    page = f"/admin/vru_portal/headingmapping/{mapping.pk}/change/"
    link = f'<a href="{page}">change what the headings of Ledger 9 mean</a>'
    assert link in refused.text
    monkeypatch.setattr(FileImport, "max_rows_in_request", 1)
    monkeypatch.setattr("django_tasks_db.management.commands.db_worker.close_old_connections", lambda: None)
    send(client, as_csv([of_ledger_9(on), of_ledger_9(on, "FIN-2")]))
    run_worker()
    long_file = f"/admin/vru_portal/filejob/{FileJob.objects.get().pk}/change/"
    assert link in client.get(long_file).text
    mapping.delete()
    assert page not in client.get(long_file).text


def test_what_is_wrong_with_the_answer_is_said_and_the_answer_is_not_lost(client, on):
    asked = send(client, as_csv([of_ledger_9(on)]))
    twice = say(client, asked, {"Belegnr": "reference", "Kostenstelle": "reference", "Buchung": "paid_on"}, name="")
    said = text_of(twice)
    assert (
        "“Belegnr” and “Kostenstelle” cannot both mean “Reference”. Choose “Not read” for all but one of them." in said
    )
    assert "System: This field is required." in said
    assert "Kostenstelle such as 4711" in said
    form = twice.context["headings_form"]
    assert form["columns"].value()["Kostenstelle"] == "reference"
    assert not HeadingMapping.objects.exists()
    assert "would record 1 payment" in text_of(say(client, twice, SAID)), "and the file is still there"


def test_a_double_click_checks_the_file_twice(client, on, monkeypatch):
    monkeypatch.setattr("vru_portal.tabular.unconfirmed_files.delete_expired_files", lambda: None)  # the clock is ahead
    asked = send(client, as_csv([of_ledger_9(on)]))
    first, second = say(client, asked, SAID), say(client, asked, SAID)
    assert "would record 1 payment" in text_of(first)
    assert "would record 1 payment" in text_of(second)


def test_another_system_that_shares_a_heading_is_asked_about(client, on):
    HeadingMapping.objects.create(
        name="Ledger 9", kind="payments", columns={"Belegnr": "reference", "Buchung": "paid_on", "Total": "amount"}
    )
    row = {"Reference": "FIN-1", "Allocation": on.public_id, "Paid on": "1/5/2031", "Total": "120"}
    asked = send(client, as_csv([row]))
    assert "Unknown columns: Total. Missing columns: net with irrecoverable_vat, or amount." in text_of(asked)
    assert asked.context["headings_form"]["columns"].value() == {"Total": "amount"}, "which is likely"
    assert "would record 1 payment" in text_of(say(client, asked, {"Total": "amount"}, name="Ledger 8"))


def test_a_made_up_column_is_refused(client, on):
    asked = send(client, as_csv([of_ledger_9(on)]))
    assert "There is no column “amuont”." in text_of(say(client, asked, SAID | {"Belegnr": "amuont"}))


def test_what_is_missing_after_the_answer_is_asked_for_again(client, on):
    asked = send(client, as_csv([of_ledger_9(on)]))
    again = say(client, asked, SAID | {"Buchung": ""})
    assert "Missing columns: paid_on." in text_of(again)
    form = again.context["headings_form"]
    assert (form["name"].value(), form["columns"].value()["Belegnr"]) == ("Ledger 9", "reference")
    assert "would record 1 payment" in text_of(say(client, again, SAID, name="ledger  9"))
    assert HeadingMapping.objects.get().columns == SAID, "the same system, however it is typed"


def test_a_system_has_a_mapping_for_each_kind_of_file_and_another_answer_adds_to_it(client, on, source):
    HeadingMapping.objects.create(name="Ledger 9", kind="payments", columns={"Text": "purpose", "Buchung": ""})
    rows = [{("Betrag" if name == "amount" else name): cell for name, cell in allocation(source).items()}]
    page = "/admin/funding/allocation/import/"
    asked = send(client, as_csv(rows), page)
    assert "This file would record 1 allocation" in text_of(say(client, asked, {"Betrag": "amount"}, page=page))
    say(client, send(client, as_csv([of_ledger_9(on)])), SAID)
    assert dict(HeadingMapping.objects.values_list("kind", "columns")) == {
        "payments": {"Text": "purpose"} | SAID,
        "allocations": {"Betrag": "amount"},
    }


def test_of_two_systems_the_one_that_knows_the_file_is_used(officer, on):
    HeadingMapping.objects.create(name="A", kind="payments", columns={"Belegnr": "reference", "Buchung": ""})
    HeadingMapping.objects.create(name="B", kind="payments", columns=SAID)
    result = run(PaymentResource, as_csv([of_ledger_9(on)]), officer)
    assert (result.problems, len(result.new)) == ([], 1)
    assert "Headings were read as saved for B." in result.reading


def test_a_file_that_is_gone_is_to_be_sent_again(client, on):
    asked = send(client, as_csv([of_ledger_9(on)]))
    for file in import_folder().iterdir():
        file.unlink()
    gone = say(client, asked, SAID)
    assert gone["Location"] == PAYMENTS
    assert "send the file again" in text_of(client.get(PAYMENTS))
    forged = client.post(PAYMENTS, {"kept": "/etc/passwd", "name": "x"})
    assert forged["Location"] == PAYMENTS


def test_a_long_file_is_asked_about_before_it_waits(client, on, monkeypatch):
    monkeypatch.setattr(FileImport, "max_rows_in_request", 1)
    content = as_csv([of_ledger_9(on), of_ledger_9(on, "FIN-2")])
    asked = send(client, content)
    assert not FileJob.objects.exists()
    say(client, asked, SAID)
    assert FileJob.objects.get().rows == 2


def test_a_mapping_is_changed_in_the_same_table_and_never_begun_by_hand(client):
    mapping = HeadingMapping.objects.create(name="SAP", kind="payments", columns=SAID)
    HeadingMapping.objects.create(name="Sage", kind="payments", columns={})
    page = f"/admin/vru_portal/headingmapping/{mapping.pk}/change/"
    assert "Belegnr Not read Reference (required)" in text_of(client.get(page))
    sent = {"columns-heading": [*SAID], "columns-column": ["", "", "paid_on"]}
    taken = client.post(page, sent | {"name": "sage"})
    assert "The headings of sage are already saved for files of payments." in text_of(taken)
    assert client.post(page, sent | {"name": "SAP 2"}).status_code == 302
    mapping.refresh_from_db()
    assert (mapping.name, mapping.columns) == ("SAP 2", {"Belegnr": "", "Kostenstelle": "", "Buchung": "paid_on"})
    assert client.get("/admin/vru_portal/headingmapping/add/").status_code == 403
    assert "the page of the import asks what they mean" in text_of(client.get("/admin/vru_portal/headingmapping/"))


@pytest.mark.parametrize(
    ("page", "row", "columns", "said"),
    [
        (
            "/admin/declarations/invitation/import/",
            {"Body corporate": "Example: Bridge", "Where to write": "bridge@example.org"},
            {"Body corporate": "organisation", "Where to write": "email"},
            "we will send 1 invitation",
        ),
        (
            "/admin/partners/organisation/import/",
            {"Short address": "bridge", "Body corporate": "Example: Bridge"},
            {"Short address": "slug", "Body corporate": "name"},
            "Row 2, source: This cell is empty.",
        ),
        (
            "/admin/funding/onwardgrant/import/",
            {"Beneficiary body": "Example: Bridge", "How much": "12", "On": "1/5/2031"},
            {"Beneficiary body": "recipient", "How much": "amount", "On": "awarded_on"},
            "Row 2, allocation: The file does not say",
        ),
    ],
)
def test_every_kind_of_file_is_asked_about_alike(page, row, columns, said, client):
    open_signing()
    answered = text_of(say(client, send(client, as_csv([row]), page), columns, page=page))
    assert "Row 1" not in answered
    assert said in answered
    assert HeadingMapping.objects.get().columns == columns
