"""The headings of finance systems' files: recognised by their meaning, wherever they are, or refused by name."""

from decimal import Decimal

import pytest

from funding.models import Payment
from funding.resources import AllocationResource, PaymentResource
from tests.funding.resources.files import allocation, as_csv, run
from tests.support.factories import AllocationFactory, OrganisationFactory
from vru_portal.models import HeadingMapping
from vru_portal.tabular.readers import CSV

pytestmark = pytest.mark.django_db


def text_file(*rows, separator=","):
    return "\r\n".join(separator.join(row) for row in rows)


@pytest.mark.parametrize(
    ("headings", "payee"),
    [
        (["Ref", "Allocation", "Paid on", "Amount", "Payee"], True),
        (["Transaction No.", "ALLOCATION ID", "Payment Date", "Value (£)", "Supplier"], True),
        (["Reference:", "allocation", "Date", "Net amount", "Vendor"], True),
        (["PaymentReference", "Award", "Paid-On", "NET £", "supplier name"], True),
        (["Payment Ref.", "Allocation ID", "Pmt Date", "Net Amt (GBP)", "Vendor"], True),
        (["REFERENCE_NUMBER", "ALLOCATION_ID", "PAYMENT_DATE", "AMOUNT_GBP", "PAYEE_NAME"], True),
        (["Trans. No", "Grant ref", "Paid on (dd/mm/yyyy)", "Amount in pounds", "Paid to"], True),
        (["Txn ID", "Award", "Date\u00a0paid (DD-MMM-YY)", "Amount*", "Beneficiary"], True),
        (["Ref", "Award", "Date", "£", "Supplier"], True),
        (["Ref", "Award", "Date", "GBP", "Supplier"], True),
        (["Doc no", "Allocation", "Date", "Amount", "Payee"], False),
    ],
)
def test_headings_are_recognised_by_what_they_mean(headings, payee, officer, source):
    on = AllocationFactory(funding_source=source)
    body = OrganisationFactory(name="Example: Community trust")
    rows = [headings, ["FIN-1", on.public_id, "20/05/2031", '"£1,234.56"', body.name]]
    result = run(PaymentResource, text_file(*rows).encode(), officer)
    if not payee:
        (problem,) = result.problems
        assert problem.startswith("Unknown columns: Doc no. Missing columns: reference. The columns are: reference, ")
        return
    assert result.problems == []
    paid = Payment.objects.get()
    assert (paid.reference, paid.amount, paid.payee) == ("FIN-1", Decimal("1234.56"), body)
    assert f"{paid.paid_on}" == "2031-05-20"


@pytest.mark.parametrize(
    ("encoding", "separator", "first", "said"),
    [
        ("utf-8", ",", "", "Read as UTF-8, with commas between the cells."),
        ("utf-8-sig", ";", "", "Read as UTF-8, with semicolons between the cells."),
        ("utf-8", ";", "sep=;\r\n", "with semicolons between"),
        ("utf-16", "\t", "", "Read as UTF-16, with tabs between the cells."),
        (
            "cp1252",
            ",",
            "",
            "Read as Windows-1252, with commas between the cells. Check accents and pound signs below.",
        ),
        ("utf-8", ",", "Payments report\r\nRun on,27/05/2031\r\n\r\n", "Ignored above the headings: rows 1 to 2"),
    ],
)
def test_encodings_separators_and_titles_are_recognised_and_reported(encoding, separator, first, said, officer, source):
    on = AllocationFactory(funding_source=source)
    rows = [
        ["Ref", "Allocation", "Paid on", "Amount", "Purpose"],
        *([f"FIN-{n}", on.public_id, "20/05/2031", f"£{n}.50", "Café: “oil”; and more"] for n in (1, 2)),
    ]
    lines = [[f'"{cell}"' for cell in row] for row in rows]
    result = run(PaymentResource, (first + text_file(*lines, separator=separator)).encode(encoding), officer)
    assert result.problems == []
    assert [row.amount for row in Payment.objects.order_by("pk")] == [Decimal("1.50"), Decimal("2.50")]
    assert Payment.objects.get(reference="FIN-1").purpose == "Café: “oil”; and more"
    assert any(said in sentence for sentence in result.reading), result.reading


def test_rows_below_a_title_keep_the_numbers_that_a_spreadsheet_shows(officer, source):
    rows = [["Payments of May"], [], ["Ref", "Allocation", "Paid on", "Amount"], ["FIN-1", "nothing", "1/5/2031", "1"]]
    assert run(PaymentResource, text_file(*rows).encode(), officer).problems == [
        "Row 4, allocation: There is no allocation 'nothing'."
    ]


@pytest.mark.once
@pytest.mark.parametrize(
    "content",
    [
        "Référence,é".encode() + "ÿé\n".encode("cp1252"),  # UTF-8 with a damaged part
        "Ref,Größe\n".encode("cp1252") + b"\x00\x01\x02",
        "Ref,Betrag\n".encode("utf-16-le"),
        b"Ref\n\x81\x8d",
        b"\x00\x00\x00\x18ftypheic",
    ],
)
def test_an_unknown_encoding_is_not_guessed(content, officer):
    with pytest.raises(Exception, match="We cannot tell which characters"):
        CSV().create_dataset(content)


@pytest.mark.once
def test_a_misspelt_heading_gets_a_suggestion_and_another_word_does_not(officer):
    result = run(PaymentResource, b"Refrence,Alocation,Paid on,Amount,VAT Amt,Gross amount\n", officer)
    (said,) = result.problems
    assert "“Refrence” may mean reference. “Alocation” may mean allocation. The columns" in said


@pytest.mark.parametrize(
    "remark",
    [
        ["*** End of report ***", "", "", ""],
        ["Report generated 3/10/2031 by J Smith", "", "", ""],
        ["Number of records: 2", "", "", ""],
        ["", "", "Count", "2"],
        ["Balance c/f", "", "", "14.00"],
        ["Page 1 of 2", "", "", ""],
        ["OFFICIAL-SENSITIVE", "", "", ""],
        ["", "", "", "Commercial in confidence: confidential"],
        ["Ref", "Allocation", "Paid on", "Amount"],
    ],
)
def test_what_a_report_writes_between_its_rows_is_said_and_not_recorded(remark, officer, source):
    on = AllocationFactory(funding_source=source)
    first, second = ([f"FIN-{n}", on.public_id, "20/05/2031", "1"] for n in (1, 2))
    rows = [["Ref", "Allocation", "Paid on", "Amount"], first, remark, second]
    result = run(PaymentResource, text_file(*rows).encode(), officer)
    assert result.problems == []
    assert Payment.objects.count() == 2
    assert any(sentence.startswith("Row 3 ") for sentence in result.reading)


def test_a_row_with_gaps_is_no_remark(officer, source):
    on = AllocationFactory(funding_source=source)
    rows = [["Ref", "Allocation", "Paid on", "Amount"], ["Report 7", on.public_id, "", "5"], ["FIN-2", "", "", "5"]]
    problems = run(PaymentResource, text_file(*rows).encode(), officer).problems
    assert "Row 2, paid_on: This cell is empty. Fill it in." in problems
    assert "Row 3, allocation: This cell is empty. Fill it in." in problems
    assert not any("payee" in problem for problem in problems), "nobody left out a payee"


@pytest.mark.once
def test_two_headings_of_one_meaning_are_both_named(officer):
    result = run(PaymentResource, b"Ref,Allocation,Date,Paid on,Amount\n", officer)
    assert result.problems == ["“Date” and “Paid on” both mean the column paid_on. Rename or delete one of them."]
    (problem,) = run(PaymentResource, b"Ref,Date,Paid on,Amount,Sum,Colour\n", officer).problems
    for words in (
        "the column paid_on",
        "the column amount",
        "Unknown columns: Colour.",
        "Missing columns: allocation.",
    ):
        assert words in problem


def test_a_listing_of_a_finance_system_is_read_as_it_is(officer, source):
    on = AllocationFactory(funding_source=source)
    body = OrganisationFactory(name="Example: Community trust")
    listing = f"""AP payment listing,,,,,,,,
User: JSMITH,Printed: 03/06/2031 09:14,,,,,,,
Trans. No,Trans. Date,Supplier ID,Supplier Name,Inv. Ref,Account,Cost Centre,Award No,Net Amount
40001234,12/05/2031,100123,{body.name},INV-771,R4000,VR100,{on.public_id},"1,250.00"
40001235,13/05/2031,100123,{body.name},CRN-12,R4000,VR100,{on.public_id},(250.00)
40001236,31/04/2031,100123,{body.name},INV-772,R4000,VR100,{on.public_id},78.00
,,,,,,,Sub total,"1,078.00"
Run by,JSMITH,,,,,,,
"""
    result = run(PaymentResource, listing.encode(), officer, dry_run=True)
    assert result.problems == ["Row 6, paid_on: There is no 31 April 2031. Check the date."]
    assert result.summary == "2 payments, £1,000 together"
    for sentence in (
        "Columns that were ignored: “Supplier ID”, “Inv. Ref”, “Account” and “Cost Centre”.",
        "Row 7 is a total and was ignored: “Sub total”, 1,078.00. The rows above add up to it.",
        "Row 8 is a remark and was ignored: “Run by”.",
    ):
        assert sentence in result.reading


def test_a_list_between_lines_is_read_once_its_headings_are_said(client, officer, source):
    on = AllocationFactory(funding_source=source)
    line = "-" * 60
    listing = f"""Supplier Line Item Display
{line}
|Document No|Pstng Date|Vendor|Name 1 |Reference|Assignment|Amt in loc.cur.|
{line}
|1900000123|12.05.2031|100123|{on.recipient.name}|INV-771|{on.public_id}|1,250.00 |
|1900000124|13.05.2031|100123|{on.recipient.name}|CRN-12 |{on.public_id}|  250.00-|
{line}
|**        |          |      |       |         |          |1,000.00 |
{line}
""".encode()
    said = {"Document No": "reference", "Reference": "", "Pstng Date": "paid_on", "Assignment": "allocation"}
    refused = run(PaymentResource, listing, officer)
    assert "“Document No” and “Reference” both mean the column reference." in refused.problems[0]
    assert refused.unclear.columns["Document No"] == "reference"
    said |= {"Name 1": "payee", "Amt in loc.cur.": "amount"}
    mapping = HeadingMapping.objects.create(name="SAP", kind="payments", columns=said)
    refused = run(PaymentResource, listing, officer)
    assert refused.problems == ["“Vendor” and “Name 1” both mean the column payee. Rename or delete one of them."], (
        "what is still unclear with the mapping"
    )
    assert refused.unclear.columns == {**said, "Vendor": "payee"}, "so that one mapping says all"
    assert refused.unclear.system == "SAP"
    assert refused.unclear.examples["Document No"] == "1900000123"
    mapping.columns["Vendor"] = ""
    mapping.save()
    result = run(PaymentResource, listing, officer)
    assert (result.problems, result.summary) == ([], "2 payments, £1,000 together")


@pytest.mark.once
def test_a_heading_that_is_usually_ignored_is_named_where_a_column_is_missing(officer):
    result = run(PaymentResource, b"Invoice No,Allocation,Date,Amount,Account\nINV-1,x,1/5/2031,5,R4\n", officer)
    (problem,) = result.problems
    assert problem.startswith("Missing columns: reference. Ignored columns: Invoice No, Account. The columns are:")
    assert result.unclear.columns == {"Invoice No": "", "Account": ""}


@pytest.mark.once
def test_the_number_of_a_supplier_is_not_left_out_where_only_it_says_who_was_paid(officer):
    result = run(PaymentResource, b"Ref,Allocation,Date,Amount,Supplier ID\nF-1,x,1/5/2031,5,100123\n", officer)
    assert result.problems[0].startswith("Unknown columns: Supplier ID.")


def test_a_net_amount_without_any_vat_is_the_amount_and_the_trial_says_so(officer, source):
    on = AllocationFactory(funding_source=source)
    result = run(
        PaymentResource,
        text_file(["Ref", "Allocation", "Date", "Net"], ["F", on.public_id, "1/5/2031", "5"]).encode(),
        officer,
    )
    assert (result.problems, Payment.objects.get().amount) == ([], Decimal(5))
    assert any("the net amount is read as the whole amount" in sentence for sentence in result.reading)


def test_allocations_are_recognised_alike(officer, source):
    row = allocation(source, year="2031/32", kind="Grant")
    names = {"year": "Financial year", "recipient": "Awarded to", "awarded_on": "Award date", "amount": "Value"}
    row = {names.get(name, name): value for name, value in row.items()}
    assert run(AllocationResource, as_csv([row]), officer).problems == []


def test_a_cell_that_a_system_writes_as_a_formula_of_text_is_that_text(officer, source):
    on = AllocationFactory(funding_source=source)
    content = f'Ref,Allocation,Date,Amount\n="000123","=""{on.public_id}""",1/5/2031,"=""5.00"""\n\x1a'
    assert run(PaymentResource, content.encode(), officer).problems == []
    assert (Payment.objects.get().reference, Payment.objects.get().amount) == ("000123", Decimal(5))


@pytest.mark.once
@pytest.mark.parametrize("separator", ["^", "   "])
def test_rows_that_nothing_known_separates_are_said_to_be_one_cell(separator, officer):
    result = run(
        PaymentResource,
        text_file(["Ref", "Allocation", "Date"], ["1", "2", "3"], separator=separator).encode(),
        officer,
    )
    assert "Each row is one cell. Separate the cells by commas, semicolons or tabs" in result.problems[0]
    assert not result.unclear.columns


def test_cells_below_no_heading_are_answered_with_what_to_do(officer, source):
    on = AllocationFactory(funding_source=source)
    rows = [["Ref", "", "Allocation", "Date", "Amount"], ["F", "x", on.public_id, "1/5/2031", "5"]]
    (problem,) = run(PaymentResource, text_file(*rows).encode(), officer).problems
    assert problem == "Row 2 has more cells than there are columns. Give each column a heading, or delete its cells."


@pytest.mark.once
@pytest.mark.parametrize("heading", ["Paid", "Paid (£)"])
def test_a_heading_that_may_be_a_day_or_a_sum_is_asked_about(heading, officer):
    result = run(PaymentResource, text_file(["Ref", "Allocation", heading], ["1", "x", "5"]).encode(), officer)
    assert list(result.unclear.columns) == [heading]
