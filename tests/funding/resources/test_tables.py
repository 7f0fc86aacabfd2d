"""What is a table that can be read, and what is refused before a row of it is looked at."""

import io
import zipfile
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from django.core.exceptions import ValidationError

from funding.models import Payment
from funding.resources import PaymentResource
from tests.funding.resources.files import as_xlsx, by_admin, by_command, run
from tests.support.factories import (
    AllocationFactory,
)
from tests.support.processor_time import soon
from vru_portal.tabular.readers import CSV, MAX_FILE_SIZE, MAX_ROWS_IN_FILE, XLSX, check_size

pytestmark = pytest.mark.django_db


def test_a_workbook_holds_numbers_and_days_of_its_own(officer, source):
    on = AllocationFactory(funding_source=source)
    row = {"reference": 10023, "allocation": on.public_id, "paid_on": date(2031, 5, 20), "amount": 0.125}
    refused = run(PaymentResource, as_xlsx([row]), officer, form=XLSX)
    assert refused.problems == [
        "Row 2, amount: “0.125” has fractions of a penny. Enter pounds and whole pence, such as 1234.50."
    ]
    assert not run(PaymentResource, as_xlsx([row | {"amount": 1234.1}]), officer, form=XLSX).problems
    recorded = Payment.objects.get()
    assert (recorded.reference, recorded.paid_on, recorded.amount) == ("10023", date(2031, 5, 20), Decimal("1234.10"))
    big = run(PaymentResource, as_xlsx([row | {"reference": "B", "amount": True}]), officer, form=XLSX)
    assert "True is not an amount" in big.problems[0]


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("reference,allocation,paid_on,amuont", "Missing columns: net with irrecoverable_vat, or amount"),
        (
            "reference,allocation,paid_on,amount,colour",
            "Unknown columns: colour. The columns are: reference, allocation,",
        ),
        ("reference,allocation,paid_on,amount,amount", "This file has the same column twice."),
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
        (CSV, b"", "This file is empty"),
        (CSV, b"reference\n\x81", "cannot tell which characters"),
        (CSV, b"reference\na,b\n", "Row 2 has more cells than there are columns"),
        (CSV, b"reference\na,b\nc\nd,e\nf,g\n", "Rows 2 and 4 to 5 have more cells than there are columns"),
        (CSV, b'reference\n"a', "This file is not valid CSV"),
        (CSV, b"reference\n" + b"a\n" * (MAX_ROWS_IN_FILE + 1), "more than 20,000 rows"),
        (XLSX, b"no workbook", "not an XLSX workbook"),
    ],
)
def test_what_is_no_table_is_refused_in_plain_words(form, content, words):
    with pytest.raises(ValidationError, match=words):
        form().create_dataset(content)


def test_a_file_too_large_is_refused_unread_by_command_and_admin(client, officer, tmp_path):
    with pytest.raises(ValidationError, match="The limit is 5,000,000 bytes"):
        check_size(MAX_FILE_SIZE + 1)
    for import_file in (by_command, by_admin):
        assert "The limit is 5,000,000 bytes" in import_file("pay", b"x" * (MAX_FILE_SIZE + 1), client, tmp_path)


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
def test_a_small_workbook_that_would_take_long_to_read_is_refused_before_it_is_read(changed, monkeypatch):
    content = rebuilt(**changed)
    assert len(content) < MAX_FILE_SIZE
    monkeypatch.setattr(openpyxl, "load_workbook", lambda *_, **__: pytest.fail("It was read."))
    with soon(), pytest.raises(ValidationError, match="too large once it is unpacked"):
        XLSX().create_dataset(content)


def test_a_workbook_that_lies_about_a_size_is_not_unpacked_beyond_what_it_states():
    content = rebuilt(styles=in_front(b"<fonts", b" " * 4_000_000))
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        size = parts.getinfo("xl/styles.xml").file_size
    lying = content.replace(size.to_bytes(4, "little"), (900).to_bytes(4, "little"))
    assert lying != content
    with pytest.raises(ValidationError, match="not an XLSX workbook that can be read"):
        XLSX().create_dataset(lying)


def test_a_workbook_that_declares_entities_is_refused():
    content = rebuilt(sheet1=in_front(b"<worksheet", b'<!DOCTYPE a [<!ENTITY b "c">]>'))
    with pytest.raises(ValidationError, match="not an XLSX workbook that can be read"):
        XLSX().create_dataset(content)


def test_a_workbook_as_large_as_a_year_of_payments_is_read():
    rows = [{f"column {number}": f"text {number}" for number in range(12)}] * 3_000
    assert len(XLSX().create_dataset(as_xlsx(rows))) == 3_000
