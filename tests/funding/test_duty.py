"""What must be published is a unit's data: another unit's rules require other things, above other sums."""

from datetime import date
from decimal import Decimal

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction

from funding.choices import DutyList
from funding.models import Payment, PublicationDuty
from funding.rules.allocations import allocate
from programmes.models import Initiative
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
