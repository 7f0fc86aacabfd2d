"""A file is tried, confirmed and recorded: once, by somebody who may."""

import io
import os
import time
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from funding.models import Allocation, Payment
from tests.funding.resources.files import allocation, as_csv, payment
from tests.support.crawler import text_of
from tests.support.factories import AllocationFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_a_dry_run_says_the_same_and_records_nothing(officer, source, tmp_path):
    on = AllocationFactory(funding_source=source)
    path = tmp_path / "payments.csv"
    path.write_bytes(as_csv([payment(on, net="100.01", irrecoverable_vat="0")]))
    said = io.StringIO()
    call_command("pay", str(path), by="officer", dry_run=True, stdout=said)
    assert "Exception: Row 2, FIN-1: £0.01 over its allocation of £100." in said.getvalue()
    assert "This file would record: 1 payment, £100.01 together." in said.getvalue()
    assert not Payment.objects.exists()


def test_a_command_records_for_somebody_who_may(source, tmp_path):
    path = tmp_path / "allocations.csv"
    path.write_bytes(as_csv([allocation(source)]))
    UserFactory(username="visitor")
    UserFactory(username="gone", is_superuser=True, is_active=False)
    for by, words in (
        ("visitor", "visitor does not have permission to record allocations"),
        ("gone", "There is no active member of staff with the username gone"),
        ("nobody", "There is no active member of staff with the username nobody"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("allocate", str(path), by=by)
    UserFactory(username="officer", is_superuser=True)
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("allocate", str(tmp_path / "none.csv"), by="officer")
    with pytest.raises(CommandError, match=r"(?s)username nobody.*cannot be read: No such file"):
        call_command("allocate", str(tmp_path / "none.csv"), by="nobody")
    assert not Allocation.objects.exists()


def test_a_confirmed_file_is_recorded_once_and_only_by_the_name_that_the_portal_gave(client, officer, source):
    on = AllocationFactory(funding_source=source)
    sent = {"import_file": SimpleUploadedFile("file.csv", as_csv([payment(on)])), "format": 0}
    form = client.post("/admin/funding/payment/import/", sent).context["confirm_form"].initial
    forged = client.post("/admin/funding/payment/process_import/", form | {"import_file_name": "passwd"})
    assert "Look at the list. If its rows are not there, send the file again." in text_of(forged)
    client.post("/admin/funding/payment/process_import/", form)
    second = client.post("/admin/funding/payment/process_import/", form, follow=True)
    assert "This file was already recorded" in text_of(second)
    assert Payment.objects.count() == 1
    assert LogEntry.objects.get().change_message == "Recorded from file.csv."


def test_a_file_that_nobody_confirms_is_cleared_away_after_a_day(client, officer, source, settings):
    on = AllocationFactory(funding_source=source)

    def send():
        sent = {"import_file": SimpleUploadedFile("file.csv", as_csv([payment(on)])), "format": 0}
        client.post("/admin/funding/payment/import/", sent)
        return set((settings.VAR_DIR / "imports").iterdir())

    (first,) = send()
    assert first.stat().st_mode & 0o777 == 0o600
    os.utime(first, (time.time() - 86_401,) * 2)
    second = send()
    assert len(second) == 1
    assert first not in second


def test_what_came_between_trying_and_confirming_is_said_and_nothing_recorded(client, officer, source):
    rows = [allocation(source, amount="1250.50")]
    sent = {"import_file": SimpleUploadedFile("file.csv", as_csv(rows)), "format": 0}
    form = client.post("/admin/funding/allocation/import/", sent).context["confirm_form"].initial
    AllocationFactory(funding_source=source, amount=Decimal("0.01"))
    said = text_of(client.post("/admin/funding/allocation/process_import/", form))
    assert "Nothing was recorded" in said
    assert "£0.01 more than is left in Chest" in said
    assert Allocation.objects.count() == 1
