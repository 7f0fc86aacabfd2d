"""A year's ledger with everything that can happen to money, for tests of what is served of it."""

import io
from datetime import date
from decimal import Decimal

from django.core.management import CommandError, call_command

from funding.models import PublicationDuty
from programmes.models import PreventionLevel
from tests.support.factories import (
    DAY,
    AllocationFactory,
    ColumnFactory,
    ContractCopyFactory,
    ContributorFactory,
    DutyFactory,
    ExplanationFactory,
    FundingSourceFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    PaymentFactory,
    UnitFactory,
    UserFactory,
    YearFactory,
)
from vru_portal.ledger.append_only.recording import reverse

LICENCE = "https://creativecommons.org/licenses/by/4.0/"


def year_with_everything(stated_total=None):
    """Return a financial year with a unit, a duty and two sources: £1,000 and £2,000.50."""
    unit = UnitFactory()
    funder = OrganisationFactory(name="Moor Fund", slug="moor-fund", org_id="GB-LAE-MOR")
    DutyFactory(awarding_body=funder, licence_name="Moor Open", licence_url=LICENCE)
    year = YearFactory(first_year=2031, spend_by=date(2032, 3, 31), stated_total=stated_total)
    for position, amount in enumerate(("1000.00", "2000.50")):
        source = FundingSourceFactory(
            year=year, name=f"Chest {position}", slug=f"chest-{position}", amount=Decimal(amount), position=position
        )
        ContributorFactory(funding_source=source, organisation=unit.organisation)
    return year


def award(source, amount="100.00", **facts):
    """Return an allocation of the duty's awarding body, for an initiative of its own."""
    level = PreventionLevel.objects.first() or LevelFactory()
    facts = {"initiative": InitiativeFactory(level=level)} | facts if "initiative" not in facts else facts
    facts = {"awarded_by": PublicationDuty.objects.get().awarding_body} | facts
    return AllocationFactory(funding_source=source, amount=Decimal(amount), **facts)


def pay(allocation, amount, **facts):
    """Return a payment on an allocation."""
    return PaymentFactory(allocation=allocation, amount=Decimal(amount), **facts)


def fill(year):
    """Allocate and pay, take back and refund; nothing of it irregular."""
    by = UserFactory()
    first, second = year.sources.order_by("position")
    full = award(first, "1000.00", recipient=OrganisationFactory(org_id="GB-COH-01234567"))
    pay(full, "600.10", irrecoverable_vat=Decimal("100.02"))
    pay(full, "-0.10")
    reverse(pay(full, "77.77"), by=by, reason="Paid twice.")
    part = award(second, "500.50", starts_on=DAY, ends_on=DAY.replace(year=2032))
    pay(part, "500.50")
    reverse(award(second, "999.00"), by=by, reason="Withdrawn.")
    contract = award(second, "123.45", kind="contract")
    ContractCopyFactory(allocation=contract)
    pay(contract, "0.01")
    return full


def irregularity(allocation):
    """Pay a penny too late and far too much; say why."""
    late = pay(allocation, "5000.00", reference="LATE-1", paid_on=date(2032, 4, 1))
    ExplanationFactory(payment=late)
    return late


def ask_for_reasons():
    """Let the duty ask why an item is value for money."""
    ColumnFactory(duty=PublicationDuty.objects.get(), list="items", field="value_for_money", label="Worth it")


def reconciled(*arguments):
    """Run `manage.py reconcile`, and return its exit code and what it printed."""
    out = io.StringIO()
    try:
        call_command("reconcile", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}\n{error}"
    return 0, out.getvalue()
