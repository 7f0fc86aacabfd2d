"""A file with refused rows: nothing is recorded, unless its sender chooses to record the good rows without them."""

import csv
import io
from decimal import Decimal
from time import process_time

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from funding.models import Payment
from funding.resources import PaymentResource
from funding.rules.payments import pay
from tests.funding.resources.files import as_csv, payment, run
from tests.support.crawler import text_of
from tests.support.factories import AllocationFactory, OrganisationFactory, PaymentFactory
from tests.support.processes.worker import run_worker
from vru_portal.staff.imports.page import FileImport
from vru_portal.tabular.reading.remarks import RunningSums

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/funding/payment/"


@pytest.fixture(autouse=True)
def keep_files(monkeypatch):
    """Files have the day of the machine, which is years before that of these tests."""
    monkeypatch.setattr("vru_portal.tabular.unconfirmed_files.delete_expired_files", lambda: None)


@pytest.fixture
def rows(source):
    on = AllocationFactory(funding_source=source)
    return [
        payment(on) | {"Recorded on": "1/6/2031"},
        payment(on, reference="FIN-2", payee="Nobody", paid_on="21/05/2031") | {"Recorded on": ""},
        payment(on, reference="FIN-3") | {"Recorded on": ""},
    ]


@pytest.fixture(autouse=True)
def connection_of_the_test(monkeypatch):
    """The worker runs in the test's own transaction."""
    monkeypatch.setattr("django_tasks_db.management.commands.db_worker.close_old_connections", lambda: None)


def try_out(client, rows):
    sent = {"import_file": SimpleUploadedFile("file.csv", as_csv(rows)), "format": 0}
    return client.post(f"{ADDRESS}import/", sent)


def test_the_good_rows_are_recorded_only_by_an_explicit_choice(client, officer, rows):
    tried = try_out(client, rows)
    assert "Nothing was recorded. Correct the file" in text_of(tried)
    assert "Without the 1 refused row, this file would record 2 payments, £24 together." in text_of(tried)
    assert not Payment.objects.exists()
    form = tried.context["confirm_form"].initial
    refused = client.post(f"{ADDRESS}process_import/", form | {"left_out": ""})
    assert "There is no organisation" in text_of(refused)
    assert not Payment.objects.exists()
    form = try_out(client, rows).context["confirm_form"].initial
    earlier = PaymentFactory(reference="EARLIER")
    recorded = client.post(f"{ADDRESS}process_import/", form, follow=True)
    assert "EARLIER" not in text_of(recorded), "the list has the rows just recorded"
    assert "2 payments" in text_of(recorded)
    assert "FIN-3" in text_of(recorded)
    assert "Recorded: 2 payments, £24 together." in text_of(recorded)
    later = Payment.objects.exclude(pk=earlier.pk).order_by("pk")
    assert [*later.values_list("reference", flat=True)] == ["FIN-1", "FIN-3"]


def test_the_page_says_what_can_be_done_and_what_is_recorded_already(client, officer, rows):
    start = text_of(client.get(f"{ADDRESS}import/"))
    assert "nothing is recorded unless you choose to record the others without them" in start
    assert "either all of it" not in start
    pay_first = rows[0] | {"reference": "FIN-9"}
    client.post(f"{ADDRESS}process_import/", try_out(client, [pay_first]).context["confirm_form"].initial)
    tried = text_of(try_out(client, [pay_first, *rows]))
    assert "Or record the other rows now, at the bottom of this page, and the corrected ones later." in tried
    assert "1 row is already recorded, and will not change." in tried
    assert "There is nothing new in this file." in text_of(try_out(client, [pay_first]))
    assert "Or record the other rows" not in text_of(try_out(client, rows[1:2]))


def test_a_total_that_the_rows_do_not_add_up_to_is_pointed_out(officer, rows):
    total = dict.fromkeys(rows[0], "") | {"purpose": "Total"}
    said = run(PaymentResource, as_csv([rows[0], rows[2], total | {"net": "21.00"}]), officer, dry_run=True).reading
    assert any("21.00. The rows above add up to £20 (net): check that none is missing." in note for note in said)
    said = run(
        PaymentResource, as_csv([rows[0] | {"net": "ten"}, total | {"net": "10"}]), officer, dry_run=True
    ).reading
    assert any("It could not be compared with the rows above" in note for note in said)
    said = run(PaymentResource, as_csv([rows[0], total]), officer, dry_run=True).reading
    assert any(note.endswith("is a total and was ignored: “Total”.") for note in said)


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        (("10", "10", "20"), ["it", "it", "it"]),  # each row has a subtotal, and the last one is of both
        (("10", "11", "20"), ["it", "£20 (net), those since the last total to £10: check", "it"]),
    ],
)
def test_subtotals_of_several_levels_are_compared_with_their_own_rows(totals, said):
    sums = RunningSums(["net"], lambda cell: Decimal(cell) if cell else None)
    found: list[str] = []
    for total in totals:
        if len(found) < 2:
            sums.add({"net": "10"})
        found.append(sums.compare({"net": total}))
    assert all(found[number].startswith(f"The rows above add up to {text}") for number, text in enumerate(said))


def read_whole_pounds(cell):
    return Decimal(int(cell))


def test_a_total_that_cannot_be_read_keeps_no_other_from_being_compared():
    sums = RunningSums(["net"], read_whole_pounds)
    sums.add({"net": "10"})
    assert sums.compare({"net": "ten"}).startswith("It could not be compared")
    assert sums.compare({"net": "10"}) == "The rows above add up to it."


def test_many_subtotals_are_compared_quickly():
    sums = RunningSums(["net"], read_whole_pounds)
    began = process_time()
    for number in range(20_000):
        sums.add({"net": "1"})
        if number % 2:
            sums.compare({"net": "2"})
    assert process_time() - began < 2


def test_other_refused_rows_than_were_shown_keep_all_of_them_out(client, officer, rows):
    form = try_out(client, rows).context["confirm_form"].initial
    on = AllocationFactory()
    pay(by=officer, payment=Payment(reference="FIN-3", allocation=on, paid_on="2031-05-20", amount="3"))
    assert "Nothing was recorded" in text_of(client.post(f"{ADDRESS}process_import/", form))
    assert Payment.objects.count() == 1
    form = try_out(client, rows).context["confirm_form"].initial
    OrganisationFactory(name="Nobody")  # now more rows would be recorded than were shown
    assert "Something has changed since this file was checked" in text_of(
        client.post(f"{ADDRESS}process_import/", form)
    )
    assert Payment.objects.count() == 1


def test_a_long_file_offers_the_same_choice(client, officer, rows, monkeypatch):
    monkeypatch.setattr(FileImport, "max_rows_in_request", 2)
    job_page = try_out(client, rows).headers["Location"]
    run_worker()
    tried = client.get(job_page)
    assert "Row 3, payee: There is no organisation 'Nobody'." in text_of(tried)
    assert "Without the refused rows, this file would record 2 payments, £24 together." in text_of(tried)
    assert b'value="Record only the valid rows"' in tried.content
    assert f"refused.xlsx?file={tried.context['refused_file']}" in tried.text
    assert not Payment.objects.exists()
    recording = client.post(job_page.replace("change", "record")).headers["Location"]
    run_worker()
    done = text_of(client.get(recording))
    assert "Recorded: 2 payments, £24 together." in done
    assert "Rows that were left out Row 3, payee: There is no organisation" in done
    assert [*Payment.objects.order_by("pk").values_list("reference", flat=True)] == ["FIN-1", "FIN-3"]


def test_other_refused_rows_than_were_shown_keep_all_of_a_long_file_out(client, officer, rows, monkeypatch):
    monkeypatch.setattr(FileImport, "max_rows_in_request", 2)
    job_page = try_out(client, rows).headers["Location"]
    run_worker()
    OrganisationFactory(name="Nobody")
    recording = client.post(job_page.replace("change", "record")).headers["Location"]
    run_worker()
    assert "Something has changed since this file was checked" in text_of(client.get(recording))
    assert not Payment.objects.exists()


def test_a_long_file_without_a_good_row_can_only_be_sent_again(client, officer, rows, monkeypatch):
    monkeypatch.setattr(FileImport, "max_rows_in_request", 2)
    job_page = try_out(client, [row | {"payee": "Nobody"} for row in rows]).headers["Location"]
    run_worker()
    tried = client.get(job_page)
    assert "Nothing was recorded. Correct the file, then send it again." in text_of(tried)
    assert b"Record only" not in tried.content
    assert client.post(job_page.replace("change", "record"), follow=True).redirect_chain
    run_worker()
    assert not Payment.objects.exists()


def test_the_command_has_a_flag_for_it(officer, rows, tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(as_csv(rows))
    with pytest.raises(CommandError, match="Nothing was recorded: 1 problems"):
        call_command("pay", str(path), by="officer", stderr=io.StringIO(), stdout=io.StringIO())
    said, problems = io.StringIO(), io.StringIO()
    call_command("pay", str(path), by="officer", good_rows=True, stdout=said, stderr=problems)
    assert "Recorded: 2 payments, £24 together." in said.getvalue()
    assert "Row 3, payee: There is no organisation 'Nobody'." in problems.getvalue()
    assert Payment.objects.count() == 2


def test_the_refused_rows_come_as_a_file_with_the_reasons(client, officer, rows):
    address = f"{ADDRESS}import/refused.{{}}?file={try_out(client, rows).context['refused_file']}"
    sent = client.get(address.format("csv")).getvalue()
    (row,) = csv.DictReader(io.StringIO(sent.decode("utf-8-sig"), newline=""))
    assert row == {**rows[1], "why it was refused": "payee: There is no organisation 'Nobody'."}
    book = openpyxl.load_workbook(io.BytesIO(client.get(address.format("xlsx")).getvalue()))
    assert [*book["Rows"].iter_rows(values_only=True)][1][0] == "FIN-2"
    assert client.get(f"{ADDRESS}import/refused.csv?file=passwd").url == f"{ADDRESS}import/"
    OrganisationFactory(name="Nobody")
    assert run(PaymentResource, sent, officer).problems == []  # corrected, it goes back in as it is


@pytest.mark.parametrize("model", ["payment", "allocation"])
def test_there_is_an_empty_file_with_all_headings(model, client, officer):
    address = f"/admin/funding/{model}/import/"
    assert f'href="{address}empty.csv"' in client.get(address).content.decode()
    headings = client.get(f"{address}empty.csv").getvalue().decode("utf-8-sig")
    assert headings.startswith('"reference","allocation","paid_on"' if model == "payment" else '"id","source","year"')
