"""Files of allocations and payments: by the admin and by the commands, with the same rules and the same words."""

import csv
import io
import os
import time
import zipfile
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from funding.models import Allocation, Payment
from funding.resources import AllocationResource, PaymentResource
from programmes.models import PreventionLevel
from programmes.rules import decide
from tests.factories import (
    AllocationFactory,
    AssessmentFactory,
    ColumnFactory,
    DecisionFactory,
    DutyFactory,
    FundingSourceFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    PaymentFactory,
    UserFactory,
    YearFactory,
)
from tests.walk import text_of
from vru_portal.sheets import CSV, LARGEST, MOST_ROWS, XLSX, check_size

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _place(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(date(2031, 6, 1), tick=True):
        yield


@pytest.fixture
def officer(client):
    user = UserFactory(is_superuser=True, username="officer")
    client.force_login(user)
    return user


@pytest.fixture
def source():
    ColumnFactory(duty=DutyFactory(), list="grants", field="conditions")
    year = YearFactory(first_year=2031, spend_by=date(2031, 5, 30))
    return FundingSourceFactory(year=year, name="Chest", slug="chest", amount=Decimal("1250.50"))


def as_csv(rows):
    """Return rows, each a dict with the same keys, as the bytes of a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_xlsx(rows):
    """Return rows as the bytes of a workbook."""
    book = openpyxl.Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(list(row.values()))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


# Two doors: each takes a file and says what became of it --------------------------------------------------------------


def by_command(name, content, client, tmp_path, suffix="csv"):
    path = tmp_path / f"file.{suffix}"
    path.write_bytes(content)
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(name, str(path), by="officer", stdout=out, stderr=err)
    except CommandError as error:
        err.write(str(error))
    return out.getvalue() + err.getvalue()


def by_admin(name, content, client, tmp_path, suffix="csv"):
    model = {"allocate": "allocation", "pay": "payment"}[name]
    address = f"/admin/funding/{model}/"
    sent = {"import_file": SimpleUploadedFile(f"file.{suffix}", content), "format": {"csv": 0, "xlsx": 1}[suffix]}
    tried = client.post(f"{address}import/", sent)
    said = text_of(tried)
    form = tried.context.get("confirm_form")
    if form is None:
        return said
    assert "Nothing is recorded yet." in said
    return said + text_of(client.post(f"{address}process_import/", form.initial, follow=True))


DOORS = pytest.mark.parametrize("door", [by_command, by_admin])


def allocation(source, **values):
    """Return a row of a file that allocates £100 where everything is in order."""
    initiative = InitiativeFactory(level=PreventionLevel.objects.first() or LevelFactory())
    DecisionFactory(assessment__initiative=initiative)
    return {
        "id": "",
        "source": source.slug,
        "year": "2031-32",
        "initiative": initiative.slug,
        "recipient": OrganisationFactory().slug,
        "kind": "grant",
        "amount": "100.00",
        "awarded_on": "2031-05-20",
        "purpose": "Lanterns.",
        "conditions": "Lit every Friday.",
    } | values


@DOORS
def test_allocations_are_recorded(door, client, officer, source, tmp_path):
    rows = [allocation(source), allocation(source, amount="£1,150.50")]
    said = door("allocate", as_csv(rows), client, tmp_path)
    assert "Recorded: 2 allocations, £1,250.50 together." in said
    assert list(Allocation.objects.values_list("amount", "recorded_by__username").order_by("pk")) == [
        (Decimal("100.00"), "officer"),
        (Decimal("1150.50"), "officer"),
    ]


@DOORS
def test_one_refused_allocation_keeps_all_of_them_out(door, client, officer, source, tmp_path):
    bare, waiting, own = (
        InitiativeFactory(name=name, level=LevelFactory()) for name in ("Bare walk", "Idle walk", "Own walk")
    )
    AssessmentFactory(initiative=waiting)
    written = AssessmentFactory(initiative=own)
    with pytest.raises(ValidationError, match="somebody else decides"):
        decide(by=written.author, assessment=written, outcome="approved", reasons="Mine", decided_on=date(2031, 5, 6))
    rows = [
        allocation(source),
        allocation(source, initiative=bare.slug),
        allocation(source, initiative=waiting.slug),
        allocation(source, initiative=own.slug),
        allocation(source, awarded_on="2031-05-05"),
        allocation(source, amount="1150.51"),
        allocation(source, conditions=""),
    ]
    said = door("allocate", as_csv(rows), client, tmp_path)
    assert "Nothing was recorded" in said
    for sentence in (
        "Row 3, initiative: Bare walk has no approved evidence assessment. Write one, and have it approved by",
        "Row 4, initiative:",
        "Row 5, initiative:",
        "Row 6, awarded_on: The evidence assessment of",
        "was approved on 6 May 2031. Money can be allocated from that day on, not before.",
        "Row 7, amount: £1,150.51 is £0.01 more than is left of Chest, 2031-32: of £1,250.50, £100 is allocated, so "
        "£1,150.50 is left. Allocate that or less, reverse another allocation, or choose another source.",
        "Row 8, conditions: “Conditions” is missing: Moor Publishing Order asks for it to be published",
    ):
        assert sentence in said, said
    assert "Row 2" not in said
    assert not Allocation.objects.exists()


@DOORS
def test_an_allocation_that_is_recorded_is_skipped_as_it_stands_and_refused_otherwise(
    door, client, officer, source, tmp_path
):
    row = AllocationFactory(funding_source=source)
    sent = {
        "id": row.public_id,
        "source": "chest",
        "year": "2031-32",
        "initiative": row.initiative.slug,
        "recipient": row.recipient.slug,
        "kind": "grant",
        "amount": "100",
        "awarded_on": "2031-05-06",
        "purpose": "Lanterns.",
        "conditions": "Lit every Friday.",
    }
    said = door("allocate", as_csv([sent]), client, tmp_path)
    assert "problem" not in said
    said = door("allocate", as_csv([sent | {"amount": "101"}]), client, tmp_path)
    assert "is recorded already, with other values: amount is £100, not £101." in said
    assert "reverse it, then record what is right as a new one, with an empty id." in said
    said = door("allocate", as_csv([sent | {"id": "zzzzzzzzzz"}]), client, tmp_path)
    assert "Row 2, id: No allocation has the id 'zzzzzzzzzz'. Leave it empty for a new one." in said
    said = door("allocate", as_csv([sent | {"id": ""}]), client, tmp_path)
    assert f"The same allocation is recorded already: {row.public_id}." in said
    assert Allocation.objects.count() == 1


def payment(on, **values):
    """Return a row of a file that pays £12 where everything is in order."""
    return {
        "reference": "FIN-1",
        "allocation": on.public_id,
        "paid_on": "2031-05-20",
        "net": "10.00",
        "irrecoverable_vat": "2.00",
        "payee": "",
        "purpose": "Oil.",
    } | values


@DOORS
@pytest.mark.parametrize(("suffix", "made"), [("csv", as_csv), ("xlsx", as_xlsx)])
def test_payments_are_recorded_with_each_exception(door, suffix, made, client, officer, source, tmp_path):
    on, other = (AllocationFactory(funding_source=source) for _ in range(2))
    payee = OrganisationFactory()
    rows = [
        payment(on, payee=payee.slug),
        payment(on, reference="FIN-2", net="88.01", irrecoverable_vat="0"),
        payment(other, reference="FIN-3", paid_on="2031-05-05"),
        payment(other, reference="FIN-4", paid_on="2031-05-31"),
        payment(other, reference="FIN-5", paid_on="2031-03-31"),
        payment(other, reference="FIN-6", net="-1", irrecoverable_vat="-0.20"),
    ]
    said = door("pay", made(rows), client, tmp_path, suffix)
    assert "Recorded: 6 payments, £134.81 together." in said
    for sentence in (
        "Row 3, FIN-2: £0.01 over its allocation of £100.",
        "Row 4, FIN-3: Paid before its evidence assessment was approved on 6 May 2031.",
        "Row 5, FIN-4: Paid after 30 May 2031, by when the money had to be spent.",
        "Paid outside the financial year 2031-32.",
    ):
        assert sentence in said, said
    assert "Row 2," not in said
    first = Payment.objects.get(reference="FIN-1")
    assert (first.amount, first.net, first.payee, first.recorded_by) == (
        Decimal("12.00"),
        Decimal("10.00"),
        payee,
        officer,
    )
    assert Payment.objects.get(reference="FIN-2").payee == on.recipient
    said = door("pay", made(rows), client, tmp_path, suffix)
    assert Payment.objects.count() == 6
    assert "Nothing was recorded" not in said


@DOORS
def test_a_payment_that_is_recorded_otherwise_is_refused_with_the_way_out(door, client, officer, source, tmp_path):
    on = AllocationFactory(funding_source=source)
    PaymentFactory(allocation=on, reference="FIN-1", paid_on=date(2031, 5, 20), amount=Decimal("12.00"), purpose="Oil.")
    said = door("pay", as_csv([payment(on, net="10.01"), payment(on, reference="FIN-2")]), client, tmp_path)
    assert "Row 2: FIN-1 is recorded already, with other values:" in said
    assert "amount is £12, not £12.01" in said
    assert "reverse it, then record what is right under a reference of its own." in said
    assert Payment.objects.count() == 1


@DOORS
def test_what_is_no_payment_is_refused_in_plain_words(door, client, officer, source, tmp_path):
    on = AllocationFactory(funding_source=source)
    draft = OrganisationFactory(state="draft")
    cases = [
        ({"allocation": "nothinghere"}, "Row {}, allocation: There is no allocation 'nothinghere'."),
        ({"allocation": ""}, "Row {}, allocation: This field cannot be null."),
        ({"payee": "nobody"}, "Row {}, payee: There is no organisation 'nobody'."),
        ({"payee": draft.slug}, "is a draft. Publish it first: payments are public at once."),
        ({"paid_on": "20/05/2031"}, "Row {}, paid_on: '20/05/2031' is no day. Write it as 2031-05-06."),
        ({"paid_on": "2031-06-02"}, "Row {}, paid_on: This day has not come yet"),
        ({"net": "10.005"}, "Row {}, net: '10.005' is not a sum in pounds and whole pence"),
        ({"net": "1,00"}, "Row {}, net: '1,00' is not a sum in pounds and whole pence"),
        ({"irrecoverable_vat": ""}, "Row {}, irrecoverable_vat: Beside a net sum, say what VAT cannot be recovered"),
        ({"net": "0", "irrecoverable_vat": "0"}, "£0.00"),
        ({"reference": ""}, "Row {}, reference: This field cannot be blank."),
    ]
    rows = [payment(on, reference=f"FIN-{number}") | change for number, (change, _) in enumerate(cases)]
    said = door("pay", as_csv(rows), client, tmp_path)
    for number, (_, sentence) in enumerate(cases, 2):
        assert sentence.format(number) in said, (sentence, said)
    assert not Payment.objects.exists()


def test_a_sum_without_net_states_no_vat_and_empty_rows_are_skipped(officer, source):
    on = AllocationFactory(funding_source=source)
    row = {"reference": "FIN-1", "allocation": on.public_id, "paid_on": "2031-05-20", "amount": "£1,012.50"}
    result = run(PaymentResource, as_csv([row, dict.fromkeys(row, "")]), officer)
    assert (result.problems, len(result.new), result.unchanged) == ([], 1, 1)
    recorded = Payment.objects.get()
    assert (recorded.amount, recorded.irrecoverable_vat) == (Decimal("1012.50"), None)


def run(resource, content, by, dry_run=False, form=CSV):
    return resource(by=by).run(form().create_dataset(content), dry_run=dry_run)


def test_a_workbook_holds_numbers_and_days_of_its_own(officer, source):
    on = AllocationFactory(funding_source=source)
    row = {"reference": 10023, "allocation": on.public_id, "paid_on": date(2031, 5, 20), "amount": 0.125}
    refused = run(PaymentResource, as_xlsx([row]), officer, form=XLSX)
    assert refused.problems == ["Row 2, amount: '0.125' is not a sum in pounds and whole pence, such as 1234.50."]
    assert not run(PaymentResource, as_xlsx([row | {"amount": 1234.1}]), officer, form=XLSX).problems
    recorded = Payment.objects.get()
    assert (recorded.reference, recorded.paid_on, recorded.amount) == ("10023", date(2031, 5, 20), Decimal("1234.10"))
    big = run(PaymentResource, as_xlsx([row | {"reference": "B", "amount": True}]), officer, form=XLSX)
    assert "True is not a sum" in big.problems[0]


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("reference,allocation,paid_on,amuont", "Missing columns: net with irrecoverable_vat, or amount"),
        ("reference,allocation,paid_on,amount,colour", "Unknown columns: colour. Known are: reference, allocation,"),
        ("reference,allocation,paid_on,amount,amount", "A column is there twice."),
        ("allocation,paid_on,amount", "Missing columns: reference."),
    ],
)
def test_other_columns_than_these_are_refused_once_and_not_for_each_row(heading, words, officer):
    result = run(PaymentResource, f"{heading}\n1\n2\n".encode(), officer)
    assert len(result.problems) == 1
    assert words in result.problems[0]


@pytest.mark.parametrize(
    ("form", "content", "words"),
    [
        (CSV, b"", "The file is empty"),
        (CSV, "reference\né".encode("latin-1"), "not UTF-8"),
        (CSV, b"reference\na,b\n", "Row 2 has more cells than there are columns"),
        (CSV, b'reference\n"a', "The file is no CSV"),
        (CSV, b"reference\n" + b"a\n" * (MOST_ROWS + 1), "more than 20,000 rows"),
        (XLSX, b"no workbook", "no XLSX workbook"),
    ],
)
def test_what_is_no_table_is_refused_in_plain_words(form, content, words):
    with pytest.raises(ValidationError, match=words):
        form().create_dataset(content)


def test_a_file_too_large_is_refused_unread_by_each_door(client, officer, tmp_path):
    with pytest.raises(ValidationError, match="up to 5,000,000 are read at once"):
        check_size(LARGEST + 1)
    for door in (by_command, by_admin):
        assert "up to 5,000,000 are read at once" in door("pay", b"x" * (LARGEST + 1), client, tmp_path)


def rebuilt(**changed):
    """Return a workbook with the parts of these names changed."""
    stream = io.BytesIO()
    plain = as_xlsx([{"reference": "A"}])
    with zipfile.ZipFile(io.BytesIO(plain)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            change = changed.get(part.rpartition("/")[2].removesuffix(".xml"), bytes)
            new.writestr(part, change(old.read(part)))
    return stream.getvalue()


def in_front(tag, text):
    """Return what puts text in front of a tag, and finds that tag."""

    def change(xml):
        assert tag in xml
        return xml.replace(tag, text + tag, 1)

    return change


FORMAT = b'<numFmt numFmtId="170" formatCode="0"/>'
CELL = b"<c><v>1</v></c>"


@pytest.mark.parametrize(
    "changed",
    [
        {"styles": in_front(b"<fonts", b"<numFmts>" + FORMAT * 2_200_000 + b"</numFmts>")},  # the reviewer's two
        {"sheet1": in_front(b"</sheetData>", b"<row>" + CELL * 6_000_000 + b"</row>")},
        {"styles": in_front(b"<fonts", b"<x/>" * 21_000)},
        {"sheet1": in_front(b"</sheetData>", b"<row>" + CELL * 11_000 + b"</row>")},
        {"sheet1": in_front(b"</sheetData>", (b"<row>" + CELL * 100 + b"</row>") * 5_000)},
        {"workbook": in_front(b"<sheet ", b'<sheet name="a" sheetId="1"/>' * 31)},
        {"core": lambda xml: xml + b" " * 1_000_001},
    ],
)
def test_a_small_workbook_that_would_take_long_to_read_is_refused_at_once(changed):
    content = rebuilt(**changed)
    assert len(content) < LARGEST
    started = time.process_time()
    with pytest.raises(ValidationError, match="too large once unpacked"):
        XLSX().create_dataset(content)
    assert time.process_time() - started < 0.5


def test_a_workbook_that_lies_about_a_size_is_not_unpacked_beyond_what_it_states():
    content = rebuilt(styles=in_front(b"<fonts", b" " * 4_000_000))
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        size = parts.getinfo("xl/styles.xml").file_size
    lying = content.replace(size.to_bytes(4, "little"), (900).to_bytes(4, "little"))
    assert lying != content
    with pytest.raises(ValidationError, match="no XLSX workbook that can be read"):
        XLSX().create_dataset(lying)


def test_a_workbook_that_declares_entities_is_refused():
    content = rebuilt(sheet1=in_front(b"<worksheet", b'<!DOCTYPE a [<!ENTITY b "c">]>'))
    with pytest.raises(ValidationError, match="no XLSX workbook that can be read"):
        XLSX().create_dataset(content)


def test_a_workbook_as_large_as_a_year_of_payments_is_read():
    rows = [{f"column {number}": f"text {number}" for number in range(12)}] * 3_000
    assert len(XLSX().create_dataset(as_xlsx(rows))) == 3_000


@DOORS
def test_control_characters_are_refused_in_a_sentence_and_lines_and_tabs_are_not(
    door, client, officer, source, tmp_path
):
    on = AllocationFactory(funding_source=source)
    rows = [
        payment(on, reference="R\x001"),
        payment(on, reference="R2", purpose="a\x1b[31mb"),
        payment(on, reference="R3", allocation="\x00A"),
    ]
    said = door("pay", as_csv([{"purpose": ""} | row for row in rows]), client, tmp_path)
    assert "Row 2, reference: there is a control character in it (U+0000). Take it out." in said
    assert "Row 3, purpose: there is a control character in it (U+001B)." in said
    assert "Row 4, allocation: there is a control character in it (U+0000)." in said
    assert not Payment.objects.exists()
    door("pay", as_csv([payment(on, purpose="One\r\ntwo\tthree")]), client, tmp_path)
    assert Payment.objects.get().purpose == "One\r\ntwo\tthree"


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
        ("visitor", "visitor may not record allocations"),
        ("gone", "There is no active member of staff called gone"),
        ("nobody", "There is no active member of staff called nobody"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("allocate", str(path), by=by)
    UserFactory(username="officer", is_superuser=True)
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("allocate", str(tmp_path / "none.csv"), by="officer")
    assert not Allocation.objects.exists()


def test_a_confirmed_file_is_recorded_once_and_only_by_the_name_that_the_portal_gave(client, officer, source):
    on = AllocationFactory(funding_source=source)
    sent = {"import_file": SimpleUploadedFile("file.csv", as_csv([payment(on)])), "format": 0}
    form = client.post("/admin/funding/payment/import/", sent).context["confirm_form"].initial
    forged = client.post("/admin/funding/payment/process_import/", form | {"import_file_name": "passwd"})
    assert "Look at the list; if it is not there, send the file again." in text_of(forged)
    client.post("/admin/funding/payment/process_import/", form)
    second = client.post("/admin/funding/payment/process_import/", form, follow=True)
    assert "This file was recorded already" in text_of(second)
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
    assert "£0.01 more than is left of Chest" in said
    assert Allocation.objects.count() == 1


def test_an_award_over_two_years_names_its_first_allocation(officer, source):
    first = AllocationFactory(funding_source=source)
    row = allocation(
        source, initiative=first.initiative.slug, recipient=first.recipient.slug, continues=first.public_id
    )
    result = run(AllocationResource, as_csv([row]), officer)
    assert result.problems == []
    assert Allocation.objects.get(continues=first).amount == Decimal("100.00")


def test_a_file_of_payments_asks_few_questions_of_each_row(officer, source, django_assert_max_num_queries):
    on = AllocationFactory(funding_source=source)
    rows = [payment(on, reference=f"FIN-{number}") for number in range(20)]
    with django_assert_max_num_queries(20 * 16 + 15):
        assert not run(PaymentResource, as_csv(rows), officer).problems
