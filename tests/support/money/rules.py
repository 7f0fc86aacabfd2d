"""Money that is recorded as the portal records it: through the rules."""

from decimal import Decimal

from funding.rules import allocations, payments, sources
from tests.support.factories import DAY, AllocationFactory, FundingSourceFactory, PaymentFactory, UserFactory


def allocate(**fields):
    if isinstance(fields.get("amount"), str):
        fields["amount"] = Decimal(fields["amount"])
    return allocations.allocate(by=UserFactory(), allocation=AllocationFactory.unsaved(**fields))


def pay(allocation, amount, day=DAY, **fields):
    row = PaymentFactory.unsaved(allocation=allocation, amount=Decimal(amount), paid_on=day, **fields)
    return payments.pay(by=UserFactory(), payment=row)


def carry(source, amount):
    row = FundingSourceFactory.unsaved(year=None, name="", slug="", amount=Decimal(amount))
    return sources.carry_forward(by=UserFactory(), source=source, carried=row)
