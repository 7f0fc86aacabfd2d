"""What must be published is a unit's data: another unit's rules require other things, above other sums."""

from datetime import date
from decimal import Decimal

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction

from funding.choices import PAYMENT_TEXT_FIELDS, DutyList
from funding.models import Payment, PublicationDuty
from funding.resources import PaymentResource
from funding.rules.allocations import allocate
from programmes.models import Initiative
from tests.funding.resources.files import as_csv, run
from tests.support.crawler import text_of
from tests.support.factories import AllocationFactory, AssessmentDecisionFactory, PaymentFactory, UserFactory
from tests.support.refusals import insert

pytestmark = [pytest.mark.django_db, pytest.mark.once]
UNITS = {"launch": settings.BASE_DIR / "fixtures", "riverside": settings.BASE_DIR / "tests" / "units" / "riverside"}


@pytest.fixture(scope="module", params=UNITS)
def unit(request, standing):
    with standing():
        call_command("load_unit", UNITS[request.param], verbosity=0)
        yield request.param


def unstated(kind):
    """Return an allocation that states nothing but its purpose, dated today or before."""
    decision = AssessmentDecisionFactory(
        assessment__initiative=Initiative.objects.public()[0], decided_on=date(2019, 5, 6)
    )
    return AllocationFactory.unsaved(
        assessment=decision.assessment,
        initiative=decision.assessment.initiative,
        awarded_on=date(2019, 5, 6),
        kind=kind,
        conditions="",
        reasons="",
        value_for_money="",
    )


ASKED = {
    ("launch", "grant"): {"conditions", "reasons"},
    ("launch", "contract"): {"conditions", "reasons", "value_for_money"},
    ("riverside", "grant"): {"department"},
    ("riverside", "contract"): {"merchant_category"},
}


@pytest.mark.both
@pytest.mark.parametrize("kind", ["grant", "contract"])
def test_an_allocation_states_what_its_units_regime_asks(unit, kind):
    row = unstated(kind)
    with pytest.raises(ValidationError) as caught, transaction.atomic():
        allocate(by=UserFactory(), allocation=row)
    said = caught.value.message_dict
    assert set(said) == ASKED[unit, kind]
    duty = PublicationDuty.objects.get()
    assert all(f"{duty} requires it to be published" in sentence for (sentence,) in said.values())
    with pytest.raises(IntegrityError, match="A field that the law requires"), transaction.atomic():
        insert(row)
    for name in ASKED[unit, kind]:
        setattr(row, name, "Stated.")
    assert allocate(by=UserFactory(), allocation=row).pk


def test_the_words_of_a_regime_are_its_own(unit):
    labels = [str(column) for column in PublicationDuty.objects.get().columns.all() if column.list == DutyList.ITEMS]
    assert (
        labels
        == {
            "launch": ["Recipient", "Sum", "Date", "Purpose", "Why it is good value for money"],
            "riverside": ["Paid by department", "Merchant category", "Lost to tax"],
        }[unit]
    )


def test_the_threshold_of_items_is_the_regimes_to_the_penny(unit):
    over = PublicationDuty.objects.get().items_over
    assert over == {"launch": Decimal("500.00"), "riverside": Decimal("750.00")}[unit]
    stated = dict.fromkeys(("department", "merchant_category"), "Oil")
    initiative = Initiative.objects.public()[0]
    contract = AllocationFactory(initiative=initiative, kind="contract", **stated)
    grant = AllocationFactory(initiative=initiative, **stated)
    PaymentFactory(allocation=contract, amount=over)
    above = PaymentFactory(allocation=contract, amount=over + Decimal("0.01"))
    PaymentFactory(allocation=grant, amount=over + Decimal("0.01"))
    assert list(Payment.objects.non_grant_items(over)) == [above]
    assert Payment.objects.non_grant_items(None).count() == 2


def contract_stating_all():
    stated = dict.fromkeys(("department", "merchant_category"), "Oil")
    return AllocationFactory(initiative=Initiative.objects.public()[0], kind="contract", **stated)


def test_a_file_of_payments_is_checked_for_what_the_law_requires(unit):
    on = contract_stating_all()
    by = UserFactory(is_superuser=True)
    rows = [
        {"reference": "ALL", "amount": "800", **dict.fromkeys(PAYMENT_TEXT_FIELDS, "Oil."), "irrecoverable_vat": "0"},
        {"reference": "BARE", "amount": "900", **dict.fromkeys(PAYMENT_TEXT_FIELDS, ""), "irrecoverable_vat": ""},
        {"reference": "SMALL", "amount": "20", **dict.fromkeys(PAYMENT_TEXT_FIELDS, ""), "irrecoverable_vat": ""},
    ]
    common = {"allocation": on.public_id, "paid_on": "2019-05-20"}
    checked = run(PaymentResource, as_csv([row | common for row in rows]), by, dry_run=True)
    names = {
        "launch": "“Purpose” and “Why it is good value for money”",
        "riverside": "“Paid by department”, “Merchant category” and “Lost to tax”",
    }[unit]
    assert checked.problems == []
    assert checked.notes == [
        f"Row 3: The public sees it without {names}, which the law requires. Nothing can be added to a recorded "
        "payment."
    ]


def test_the_page_of_a_payment_and_its_form_name_what_the_law_requires(unit, admin_client):
    on = contract_stating_all()
    asked = text_of(admin_client.get("/admin/funding/payment/add/"))
    over = {"launch": "£500", "riverside": "£750"}[unit]
    required = f"Required by law for payments over {over} other than grants."
    assert asked.count(required) == {"launch": 2, "riverside": 3}[unit]
    sent = {"reference": "BARE", "allocation": on.pk, "paid_on": "2019-05-20", "amount": "900"}
    recorded = text_of(admin_client.post("/admin/funding/payment/add/", sent, follow=True))
    assert "Recorded. The public sees it without" in recorded
    shown = text_of(admin_client.get(f"/admin/funding/payment/{Payment.objects.get(reference='BARE').pk}/change/"))
    assert {
        "launch": "Purpose, Why it is good value for money",
        "riverside": "Paid by department, Merchant category, Lost to tax",
    }[unit] in shown
