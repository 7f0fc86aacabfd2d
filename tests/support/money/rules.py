"""Money that is recorded as the portal records it: through the rules."""

from decimal import Decimal

from funding import rules
from tests.support.factories import DAY, AllocationFactory, FundingSourceFactory, PaymentFactory, UserFactory


def allocate(**fields):
    if isinstance(fields.get("amount"), str):
        fields["amount"] = Decimal(fields["amount"])
    return rules.allocate(by=UserFactory(), allocation=AllocationFactory.unsaved(**fields))


def pay(allocation, amount, day=DAY, **fields):
    row = PaymentFactory.unsaved(allocation=allocation, amount=Decimal(amount), paid_on=day, **fields)
    return rules.pay(by=UserFactory(), payment=row)


def carry(source, amount):
    row = FundingSourceFactory.unsaved(year=None, name="", slug="", amount=Decimal(amount))
    return rules.carry_forward(by=UserFactory(), source=source, carried=row)
