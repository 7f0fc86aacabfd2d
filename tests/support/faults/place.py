"""What a portal under load needs, and holds afterwards, each in a process of its own.

`python -m tests.support.faults.place prepare BODIES OFFICERS` opens signing, invites bodies and prints, as JSON, each
one's secret by its name, the officers' sessions, and the allocation and the day of which they record payments; `count`
prints how many entries each body has, how many payments each reference, and what is wrong with the register.
"""

import json
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import django
import time_machine


def prepare(bodies: int, officers: int) -> dict[str, Any]:
    from events.declarations.models import SignatoryBody
    from funding.models import Allocation
    from tests.support.races.signing_place import opened
    from tests.support.signing import invite

    with time_machine.travel(datetime.now(UTC) - DAYS_BEFORE, tick=True):
        opened()
    known = SignatoryBody.objects.count()
    names = [f"Body {known + number}" for number in range(bodies)]
    return {
        "secrets": {name: invite(name, f"{name.replace(' ', '')}@body.example").secret for name in names},
        "sessions": [session_of_an_officer() for _ in range(officers)],
        "allocation": (Allocation.objects.filter(purpose=PURPOSE).first() or allocation()).pk,
        "paid_on": DAY.isoformat(),
    }


PURPOSE = "Payments under load."
DAYS_BEFORE = timedelta(days=2)  # in the past on every clock, also where one is set back past midnight
DAY = datetime.now(UTC).date() - DAYS_BEFORE


def allocation() -> Any:
    """An allocation of this financial year, whose payments are no exceptions."""
    from programmes.models import Initiative
    from tests.support.factories import AllocationFactory, FundingSourceFactory, YearFactory

    first_year = DAY.year - (date(DAY.year, 4, 6) > DAY)
    source = FundingSourceFactory(year=YearFactory(first_year=first_year), amount=Decimal(5000), stated_as="£5,000")
    return AllocationFactory(
        funding_source=source,
        initiative=Initiative.objects.first(),
        awarded_on=DAY,
        amount=Decimal(5000),
        purpose=PURPOSE,
    )


def session_of_an_officer() -> str:
    """Sign somebody in who may record payments, with a second factor; return the session's key."""
    from allauth.account.internal.flows.login import record_authentication
    from django.contrib.auth import get_user_model
    from django.http import HttpRequest
    from django.test import Client

    from tests.support.second_factors import give_app

    users, client, request = get_user_model()._default_manager, Client(), HttpRequest()
    user = users.create_superuser(f"officer{users.count()}")
    app = give_app(user)
    client.force_login(user)
    request.session = client.session
    record_authentication(request, user, "mfa", id=app.pk, type=app.type)
    request.session.save()
    return str(request.session.session_key)


def count() -> dict[str, Any]:
    from events.declarations.models import Entry
    from events.declarations.register import audit
    from funding.models import Payment

    return {
        "signed": Counter(Entry.objects.signatures().values_list("body__name", flat=True)),
        "paid": Counter(Payment.objects.values_list("reference", flat=True)),
        "faults": list(audit.find_faults()),
    }


ACTIONS: dict[str, Any] = {"prepare": prepare, "count": count}

if __name__ == "__main__":
    django.setup()
    action, *numbers = sys.argv[1:]
    print(json.dumps(ACTIONS[action](*map(int, numbers))))
