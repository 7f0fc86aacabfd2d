"""Spreadsheets as their senders do not see them: what is read and what is not is reported, and nothing is guessed."""

import io
import zipfile
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl.chart import BarChart, Reference
from openpyxl.styles import Font

from funding.models import Payment
from funding.resources import PaymentResource
from tests.funding.resources.files import BOTH_IMPORTS, as_csv, as_xlsx, payment, run
from tests.support.crawler import text_of
from tests.support.factories import AllocationFactory
from tests.support.spreadsheets import as_ods
from vru_portal.tabular.readers import CSV, ODS, XLSX

pytestmark = pytest.mark.django_db


def workbook(on, change=lambda book: None, **values):
    """Return a workbook with one payment, after something was done to it."""
    row = payment(on, **values)
    book = openpyxl.Workbook()
    book.active.title = "Payments"
    book.active.append(list(row))
    book.active.append(list(row.values()))
    change(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@pytest.fixture
def on(source):
    return AllocationFactory(funding_source=source)


@BOTH_IMPORTS
@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({"payee": "=A1"}, "Row 2, payee: The formula in cell F2 has no stored result. Open the workbook in Excel"),
        ({"payee": "#N/A"}, "Row 2, payee: The spreadsheet shows the error #N/A instead of a value."),
        ({"net": "#REF!"}, "Row 2, net: The spreadsheet shows the error #REF!"),
        ({"paid_on": "########"}, "Row 2, paid_on: The spreadsheet shows the error ########"),
    ],
)
def test_errors_and_formulas_without_a_result_are_refused_by_cell(
    import_file, cells, sentence, client, officer, on, tmp_path
):
    assert sentence in import_file("pay", workbook(on, **cells), client, tmp_path, "xlsx")
    assert not Payment.objects.exists()


def test_a_formula_with_a_result_is_its_result_and_an_error_in_a_column_that_is_not_read_is_none(officer, on):
    row = payment(on, payee="") | {"state": "#N/A"}
    assert run(PaymentResource, as_xlsx([row]), officer, form=XLSX).problems == []


def test_the_trial_says_which_sheet_was_read_and_what_its_sender_may_not_see(client, officer, on, tmp_path):
    def change(book):
        sheet = book.active
        sheet.append(["FIN-2", on.public_id, date(2031, 5, 21), 1, 0])
        sheet.append(["FIN-3", on.public_id, date(2031, 5, 22), 1, 0])
        sheet.append(["Total", None, None, 12, 2])
        sheet.row_dimensions[3].hidden = sheet.row_dimensions[4].hidden = True
        sheet.column_dimensions["G"].hidden = True
        sheet.merge_cells("F3:F4")
        sheet.cell(2, 60).font = openpyxl.styles.Font(bold=True)  # beyond the 40th column, and empty
        book.create_sheet("Notes").append(["by hand"])

    result = run(PaymentResource, workbook(on, change), officer, dry_run=True, form=XLSX)
    assert (result.problems, len(result.new), result.unchanged) == ([], 3, 0)
    assert result.reading == [
        "Sheet “Payments” was read.",
        "Ignored: sheet “Notes”.",
        "Hidden in the sheet, for example by a filter, but still read: rows 3 to 4. "
        "Delete any rows that you do not want.",
        "Hidden in the sheet but still read: column G.",
        "Only the first cell of each merged range was read. The others count as empty: F3:F4.",
        "Row 5 is a total and was ignored: “Total”, 12 and 2. The rows above add up to it.",
    ]


@pytest.mark.parametrize("number_format", ["[$€-407] #,##0.00", '"€"#,##0.00', "$#,##0.00", "[$USD] #,##0.00"])
def test_a_sum_in_another_currency_is_refused_and_pounds_are_not(number_format, officer, on):
    def change(book, number_format=number_format):
        book.active["D2"].number_format = number_format

    problems = run(PaymentResource, workbook(on, change, net=10), officer, form=XLSX).problems
    sign = next(sign for sign in ("€", "USD", "$") if sign in number_format)
    assert problems == [f"Row 2, net: “{sign} 10” is in another currency. Enter the sum in pounds, such as 1234.50."]
    pounds = workbook(on, lambda book: change(book, "[$£-809]#,##0.00"), net=10)
    assert run(PaymentResource, pounds, officer, form=XLSX).problems == []


@pytest.mark.parametrize("number_format", ["0%", "0.00%", '0 "of it" %'])
def test_a_percentage_is_no_sum(number_format, officer, on):
    def change(book):
        book.active["D2"].number_format = number_format

    problems = run(PaymentResource, workbook(on, change, net=0.1), officer, form=XLSX).problems
    assert problems == ["Row 2, net: “10.0%” is not a sum in pounds and whole pence. Enter a sum such as 1234.50."]
    quoted = workbook(on, lambda book: setattr(book.active["D2"], "number_format", '0.00" (10%)"'), net=10)
    assert run(PaymentResource, quoted, officer, form=XLSX).problems == []


def test_a_filled_column_past_the_last_that_is_read_is_refused_not_cut_off(officer, on):
    def change(book):
        book.active.cell(1, 45).value = "payee"

    with pytest.raises(ValidationError, match="more than 40 columns, up to column AS"):
        XLSX().create_dataset(workbook(on, change))


def test_a_row_far_below_the_others_is_not_overlooked(on):
    def change(book):
        book.active.cell(90_000, 1).value = "FIN-9"

    with pytest.raises(ValidationError, match="more than 20,000 rows"):
        XLSX().create_dataset(workbook(on, change))


def test_numbers_are_read_as_their_cells_show_them(officer, on):
    def change(book):
        book.active["A2"].number_format = "000000"

    run(PaymentResource, workbook(on, change, reference=123, net=1234.5600000000002), officer, form=XLSX)
    assert (Payment.objects.get().reference, Payment.objects.get().net) == ("000123", Decimal("1234.56"))


def test_an_opendocument_spreadsheet_is_read_like_a_workbook(officer, on):
    other = '<table:table table:name="Notes"><table:table-row><table:table-cell/></table:table-row></table:table>'
    hidden = (
        '<table:table-row table:visibility="filter"><table:table-cell office:value-type="string"><text:p>FIN-2</text:p>'
        f'</table:table-cell><table:table-cell office:value-type="string"><text:p>{on.public_id}</text:p>'
        '</table:table-cell><table:table-cell office:value-type="date" office:date-value="2031-05-20"/>'
        '<table:table-cell office:value-type="currency" office:currency="GBP" office:value="3"/>'
        '<table:table-cell office:value-type="float" office:value="0"/></table:table-row>'
        '<table:table-row table:number-rows-repeated="1048570">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    row = payment(on, paid_on=date(2031, 5, 20), net=10.1, irrecoverable_vat=2)
    result = run(PaymentResource, as_ods([row], before=other, after=hidden), officer, form=ODS)
    assert result.problems == []
    assert [*Payment.objects.values_list("reference", "amount")] == [("FIN-1", Decimal("12.10")), ("FIN-2", Decimal(3))]
    assert result.reading[:2] == ["Sheet “Payments” was read.", "Ignored: sheet “Notes”."]
    assert "row 3" in result.reading[2]
    uncomputed = '<table:table-cell table:formula="of:=A1"/>'
    euros = '<table:table-cell office:value-type="currency" office:currency="EUR" office:value="3"/>'
    broken = [payment(on, payee=uncomputed), payment(on, net=euros)]
    problems = run(PaymentResource, as_ods(broken), officer, form=ODS).problems
    assert problems == [
        "Row 2, payee: The formula in cell F2 has no stored result. "
        "Open the workbook in Excel, save it, and send it again.",
        "Row 3, net: “EUR 3” is in another currency. Enter the sum in pounds, such as 1234.50.",
    ]


@pytest.mark.once
@pytest.mark.parametrize(
    "row",
    [
        '<table:table-row table:number-rows-repeated="1048576"><table:table-cell table:number-columns-repeated="16384" '
        'office:value-type="float" office:value="1"/></table:table-row>',
        '<table:table-row table:number-rows-repeated="1048576"><table:table-cell office:value-type="float" '
        'office:value="1"/></table:table-row>',
        "<table:table-row>" + "<table:table-cell/>" * 21_000 + "</table:table-row>",
    ],
)
def test_a_small_spreadsheet_that_repeats_cells_a_million_times_is_refused(row):
    with pytest.raises(ValidationError, match=r"too large once it is unpacked|more than"):
        ODS().create_dataset(as_ods([{"reference": "A"}], after=row))


OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def old_document(part):
    """Return a document of Office 97, in which only the name of a part matters."""
    return OLD_WORKBOOK + b"\x00" * 1024 + part.encode("utf-16-le") + b"\x00" * 64


def archive(*names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name in names:
            packed.writestr(name, b"x")
    return stream.getvalue()


@pytest.mark.once
@pytest.mark.parametrize("form", [CSV, XLSX, ODS])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (OLD_WORKBOOK, r"old Excel workbook \(.xls\).*save it as “Excel Workbook \(.xlsx\)”"),
        (archive("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"), r"macros \(.xlsm\).*\.xlsx"),
        (archive("[Content_Types].xml", "xl/workbook.bin"), r"binary workbook \(.xlsb\).*\.xlsx"),
        (archive("Index/Document.iwa", "preview.jpg"), r"Numbers spreadsheet \(.numbers\).*Export To"),
        (b"%PDF-1.7\n", "This is a PDF"),
        (b"\xef\xbb\xbf<html><table><tr><td>Ref</td></tr></table>", "web page, even if its name says.*xlsx"),
        (b"<!-- saved --><html xmlns:x='urn'><body><table>", "web page, even if its name says.*xlsx"),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n", "web page, even if its name says.*xlsx"),
        (archive("word/document.xml"), "a Word document"),
        (archive("payments.csv"), r"compressed folder \(.zip\)"),
        (b"\x1f\x8b\x08\x00", "a compressed file, not a table"),
        (b"\x89PNG\r\n\x1a\n", "a picture, not a table"),
        (rb"{\rtf1 Payments}", "a text document"),
        (old_document("WordDocument"), r"a Word document \(\.doc\), not a table\. Open it in Word"),
        (old_document("__nameid_version1.0"), r"an Outlook email \(\.msg\).*Save the spreadsheet that is attached"),
        (b"\x03Sam" + b" " * 51 + b"\x03\x00" + "Sam".ljust(54).encode("utf-16-le"), r"its name begins with ~\$"),
        (b'{"url": "https://docs.google.com/open?id=1x", "doc_id": "1x"}', "only a link to a document"),
        (b'{"":"WARNING! DO NOT EDIT THIS FILE!","doc_id":"1x","email":"a@b.c"}', "only a link to a document"),
        (b"[InternetShortcut]\r\nURL=https://moor.example.org/payments.xlsx\r\n", "only a link to a document"),
        (b'ID;PWXL;N;E\r\nC;Y1;X1;K"Ref"\r\n', r"a SYLK file \(\.slk\)"),
        (
            b'<?xml version="1.0"?><office:document office:mimetype='
            b'"application/vnd.oasis.opendocument.spreadsheet"><office:body>',
            r"flat OpenDocument spreadsheet \(\.fods\).*LibreOffice",
        ),
        (
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet><Table>',
            "an Excel 2003 XML spreadsheet",
        ),
        (b"OFXHEADER:100\r\nDATA:OFXSGML\r\n", "the OFX file of a bank.*as CSV or Excel"),
        (b"!Type:Bank\nD01/05/2031\nT-5.00\n^\n", "the QIF file of a bank"),
        (b":20:STARTUMS\r\n:25:1/2\r\n", "the MT940 file of a bank"),
        (
            b'<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">',
            "the camt file of a bank",
        ),
        (b'<?xml version="1.0"?><Payments/>', "an XML file, not a table"),
        (b"Received: from moor\r\nSubject: Payments\r\nMIME-Version: 1.0\r\n\r\nHere it is", "an email, not a table"),
        (b"\x00\x01\x00\x00Standard ACE DB\x00", "an Access database"),
        (b"II*\x00\x08\x00\x00\x00", "a picture"),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",  # archives hold the time at which they are made
)
def test_files_of_other_programs_are_named_with_the_way_out(form, content, words):
    with pytest.raises(ValidationError, match=words):
        form().create_dataset(content)


@pytest.mark.once
@pytest.mark.parametrize("first", [b"ID;Payee;Amount", b"Id;P2;Q", b"Date:;Ref;Sum", b'"url";"a";"b"'])
def test_headings_that_look_like_the_mark_of_another_kind_are_read(first):
    assert len(CSV().create_dataset(first + b"\n1;2;3\n")) == 1


@pytest.mark.once
def test_a_spreadsheet_sent_as_another_kind_is_named():
    with pytest.raises(ValidationError, match=r"This is an Excel workbook, not a CSV file\. Choose XLSX"):
        CSV().create_dataset(as_xlsx([{"a": "b"}]))
    with pytest.raises(
        ValidationError, match=r"This is an OpenDocument spreadsheet, not an Excel workbook\. Choose ODS"
    ):
        XLSX().create_dataset(as_ods([{"a": "b"}]))


@pytest.mark.parametrize("made", [as_csv, as_xlsx, as_ods])
def test_nobody_is_asked_for_the_format_of_a_file(made, client, officer, on):
    page = client.get("/admin/funding/payment/import/")
    assert 'type="hidden" name="format"' in page.text
    sent = {"import_file": SimpleUploadedFile("export.dat", made([payment(on)])), "format": ""}
    tried = client.post("/admin/funding/payment/import/", sent)
    assert "This file would record 1 payment, £12 together." in text_of(tried)
    client.post("/admin/funding/payment/process_import/", tried.context["confirm_form"].initial)
    assert Payment.objects.count() == 1


def test_a_file_of_a_kind_that_is_not_read_is_an_error_of_its_field(client, officer, on):
    sent = {"format": "", "import_file": SimpleUploadedFile("export.csv", OLD_WORKBOOK)}
    errors = client.post("/admin/funding/payment/import/", sent).context["form"].errors
    assert errors["import_file"][0].startswith("This is an old Excel workbook")
    sent |= {"import_file": SimpleUploadedFile("export.csv", b"reference,allocation,paid_on,amount\n")}
    errors = client.post("/admin/funding/payment/import/", sent).context["form"].errors
    assert errors["import_file"] == ["This file has no rows below its headings."]


def test_a_total_is_no_payment_and_a_payee_of_that_name_is_one(officer, on):
    total = dict.fromkeys(payment(on), "") | {"purpose": "Grand total:", "net": "20.00"}
    rows = [payment(on), payment(on, reference="Total fuel", purpose="Total"), total]
    result = run(PaymentResource, as_csv(rows), officer)
    assert (result.problems, len(result.new)) == ([], 2)
    assert "Row 4 is a total and was ignored: “Grand total:”, 20.00. The rows above add up to it." in result.reading


def test_a_cell_that_a_merged_one_covers_is_no_empty_cell(officer, on):
    def merge(book):
        book.active.append(list(payment(on, reference="FIN-2").values()))
        book.active["F2"] = "Somebody"
        book.active.merge_cells("F2:F3")

    problems = run(PaymentResource, workbook(on, merge), officer, form=XLSX).problems
    assert "Row 3, payee: This cell is merged with the one above. Unmerge F2:F3 and fill in each row." in problems
    assert not Payment.objects.exists()


@pytest.mark.parametrize("reference", [1234567890123456789, 1e21])
def test_a_number_that_lost_digits_in_a_spreadsheet_is_refused(reference, officer, on):
    (problem,) = run(PaymentResource, workbook(on, reference=reference), officer, form=XLSX).problems
    assert problem.startswith("Row 2, reference: A spreadsheet keeps only 15 digits of a number")


def test_rows_that_are_struck_through_are_named(officer, on):
    def strike(book):
        for row in (2, 9):
            book.active.cell(row, 1).font = Font(strike=True)

    read = XLSX().create_dataset(workbook(on, strike))
    said = "Struck through in the sheet but still read: row 2. Delete any rows that you do not want."
    assert said in read.notes
    style = '<style:style style:name="ce1"><style:text-properties style:text-line-through-style="solid"/></style:style>'
    cell = (
        '<table:table-cell table:style-name="ce1" office:value-type="string"><text:p>FIN-1</text:p></table:table-cell>'
    )
    assert said in ODS().create_dataset(as_ods([payment(on, reference=cell)], before=style)).notes


def test_a_chart_or_the_notes_of_numbers_in_front_of_a_table_are_passed_over(officer, on):
    def put_notes_in_front(book):
        notes = book.create_sheet("Export Summary", 0)
        notes.append(["This document was exported from Numbers. Each table was converted to an Excel worksheet."])
        book.active = 0

    def put_a_chart_in_front(book):
        table = book.active
        chart = BarChart()
        chart.add_data(Reference(table, min_col=1, min_row=1, max_row=2))
        book.create_chartsheet("Chart", 0).add_chart(chart)
        book.active = 0

    for change, ignored in ((put_notes_in_front, "Export Summary"), (put_a_chart_in_front, "Chart")):
        read = XLSX().create_dataset(workbook(on, change))
        assert read.headers[0] == "reference"
        assert read.notes == ["Sheet “Payments” was read.", f"Ignored: sheet “{ignored}”."]


def test_a_spreadsheet_of_libreoffice_is_read_as_its_cells_show_it(officer, on):
    comment = "<office:annotation><dc:creator>Ada</dc:creator><text:p>Check</text:p></office:annotation>"
    number = '<table:table-cell office:value-type="float" office:value="7"><text:p>0007</text:p></table:table-cell>'
    share = f'<table:table-cell office:value-type="percentage">{comment}<text:p>12.5%</text:p></table:table-cell>'
    (row,) = ODS().create_dataset(as_ods([payment(on, reference=number, net=share)])).dict
    assert (row["reference"], row["net"]) == ("0007", "12.5%")
