"""All problems of a row are reported at once: nobody has to correct a file once for each mistake."""

import pytest

from funding.resources.allocations import AllocationResource
from funding.resources.payments import PaymentResource
from tests.funding.resources.files import allocation, as_csv, as_xlsx, payment, run
from tests.support.factories import AllocationFactory, OrganisationFactory
from vru_portal.tabular.readers import XLSX

pytestmark = pytest.mark.django_db


def columns_refused(result):
    """The columns that the sentences about the rows name, in the order of the alphabet."""
    return sorted({problem.partition(":")[0].partition(", ")[2] for problem in result.problems})


@pytest.mark.parametrize(
    ("wrong", "columns"),
    [
        ({"paid_on": "31/2/2031", "net": "12,5", "payee": "nobody"}, "net paid_on payee"),
        ({"paid_on": "43740", "irrecoverable_vat": "two", "reference": ""}, "irrecoverable_vat paid_on reference"),
        ({"paid_on": "soon", "net": "0", "irrecoverable_vat": "0", "allocation": ""}, "allocation amount paid_on"),
        ({"paid_on": "1/6/2099", "net": "x", "allocation": "nothinghere"}, "allocation net paid_on"),
        ({"reference": "1.2E+05", "net": "x", "department": "d" * 121}, "department net reference"),
        ({"paid_on": "#N/A", "net": "x", "payee": "#REF!"}, "net paid_on payee"),
        ({"net": "#N/A", "paid_on": "x", "irrecoverable_vat": ""}, "net paid_on"),
    ],
)
def test_a_payment_is_refused_for_all_that_is_wrong_with_it(wrong, columns, officer, source):
    row = payment(AllocationFactory(funding_source=source), department="") | wrong
    assert columns_refused(run(PaymentResource, as_csv([row]), officer)) == columns.split()


def test_a_draft_payee_does_not_hide_a_date_to_come(officer, source):
    row = payment(
        AllocationFactory(funding_source=source), payee=OrganisationFactory(state="draft").slug, paid_on="1/6/2099"
    )
    assert columns_refused(run(PaymentResource, as_csv([row]), officer)) == ["paid_on", "payee"]


def test_a_reference_in_use_does_not_hide_a_wrong_sum(officer, source):
    on = AllocationFactory(funding_source=source)
    rows = [payment(on), payment(on, net="12,5", paid_on="x")]
    assert columns_refused(run(PaymentResource, as_csv(rows), officer)) == ["net", "paid_on", "reference"]


@pytest.mark.parametrize(
    ("wrong", "columns"),
    [
        ({"awarded_on": "31/2/2031", "amount": "12,5", "kind": "gift"}, "amount awarded_on kind"),
        ({"source": "nothing", "amount": "0", "ends_on": "x"}, "amount ends_on source"),
        ({"id": "nothinghere", "recipient": "nobody", "amount": ""}, "amount id recipient"),
        ({"source": "#N/A", "awarded_on": "1/6/2099", "amount": "x"}, "amount awarded_on source"),
    ],
)
def test_an_allocation_is_refused_for_all_that_is_wrong_with_it(wrong, columns, officer, source):
    row = allocation(source, ends_on="") | wrong
    assert columns_refused(run(AllocationResource, as_csv([row]), officer)) == columns.split()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"amount": "100000.01", "starts_on": "2/6/2031", "ends_on": "1/6/2031"},
            {"amount": "£100,000.01 is", "": "The end date must not be before the start date."},
        ),
        (
            {"amount": "100000.01", "awarded_on": "1/6/2099"},
            {"amount": "£100,000.01 is", "awarded_on": "The date must be"},
        ),
        ({"amount": "100000.01", "decision": "Nobody's"}, {"amount": "£100,000.01 is", "decision": "There is no"}),
        (
            {"amount": "100000.01", "awarded_on": "5/5/2031", "purpose": ""},
            {"amount": "£100,000.01 is", "awarded_on": "The evidence assessment", "": "Enter what the money is for."},
        ),
        ({"kind": "own", "amount": "100000.01"}, {"kind": "Own costs belong", "amount": "£100,000.01 is"}),
        ({"awarded_on": "soon", "amount": "100000.01"}, {"awarded_on": "“soon” is not", "amount": "£100,000.01 is"}),
        ({"initiative": "nothing", "amount": "100000.01"}, {"initiative": "There is no", "amount": "£100,000.01 is"}),
    ],
)
def test_a_broken_rule_of_an_allocation_hides_no_other(wrong, said, officer, source):
    row = allocation(source, starts_on="", ends_on="") | wrong
    problems = run(AllocationResource, as_csv([row]), officer).problems
    assert len(problems) >= len(said), problems
    for column, beginning in said.items():
        place = f"Row 2, {column}: " if column else "Row 2: "
        assert any(problem.startswith(f"{place}{beginning}") for problem in problems), problems


def test_a_workbook_tells_all_at_once_too(officer, source):
    row = payment(AllocationFactory(funding_source=source), paid_on=43740, net="#VALUE!", payee="nobody")
    assert columns_refused(run(PaymentResource, as_xlsx([row]), officer, form=XLSX)) == ["net", "paid_on", "payee"]
