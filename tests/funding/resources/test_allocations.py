"""Files of allocations: by the admin and by the commands, with the same rules and the same words."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from funding.models import Allocation
from funding.resources import AllocationResource
from programmes.rules import decide_on_assessment
from tests.funding.resources.files import BOTH_IMPORTS, allocation, as_csv, run
from tests.support.factories import AllocationFactory, AssessmentFactory, InitiativeFactory, LevelFactory

pytestmark = pytest.mark.django_db


@BOTH_IMPORTS
def test_allocations_are_recorded(import_file, client, officer, source, tmp_path):
    rows = [allocation(source), allocation(source, amount="£1,150.50")]
    output = import_file("allocate", as_csv(rows), client, tmp_path)
    assert "Recorded: 2 allocations, £1,250.50 together." in output
    assert list(Allocation.objects.values_list("amount", "recorded_by__username").order_by("pk")) == [
        (Decimal("100.00"), "officer"),
        (Decimal("1150.50"), "officer"),
    ]


@BOTH_IMPORTS
def test_one_refused_allocation_keeps_all_of_them_out(import_file, client, officer, source, tmp_path):
    bare, waiting, own = (
        InitiativeFactory(name=name, level=LevelFactory()) for name in ("Bare walk", "Idle walk", "Own walk")
    )
    AssessmentFactory(initiative=waiting)
    written = AssessmentFactory(initiative=own)
    with pytest.raises(ValidationError, match="somebody else must decide"):
        decide_on_assessment(
            by=written.author, assessment=written, outcome="approved", reasons="Mine", decided_on=date(2031, 5, 6)
        )
    rows = [
        allocation(source),
        allocation(source, initiative=bare.slug),
        allocation(source, initiative=waiting.slug),
        allocation(source, initiative=own.slug),
        allocation(source, awarded_on="2031-05-05"),
        allocation(source, amount="1150.51"),
        allocation(source, conditions=""),
    ]
    output = import_file("allocate", as_csv(rows), client, tmp_path)
    assert "Nothing was recorded" in output
    for sentence in (
        "Row 3, initiative: Bare walk has no approved evidence assessment. Write one and have somebody else",
        "Row 4, initiative:",
        "Row 5, initiative:",
        "Row 6, awarded_on: The evidence assessment of",
        "was approved on 6 May 2031. Enter that day or a later one.",
        "Row 7, amount: £1,150.51 is £0.01 more than is left in Chest, 2031-32: of £1,250.50, £100 is allocated, so "
        "£1,150.50 is left. Allocate that or less, release or reverse another allocation, or choose another source.",
        "Row 8, conditions: Enter “Conditions”: Moor Publishing Order requires it to be published",
    ):
        assert sentence in output, output
    assert "Row 2" not in output
    assert not Allocation.objects.exists()


@BOTH_IMPORTS
def test_a_recorded_allocation_is_skipped_if_unchanged_and_refused_otherwise(
    import_file, client, officer, source, tmp_path
):
    row = AllocationFactory(funding_source=source)
    sent = {
        "id": row.public_id,
        "decision": row.decision.reference,
        "source": "chest",
        "year": "2031-32",
        "initiative": row.initiative.slug,
        "recipient": row.recipient.slug,
        "kind": "grant",
        "amount": "100",
        "awarded_on": "2031-05-06",
        "purpose": "Lanterns.",
        "conditions": "Lit every Friday.",
    }
    output = import_file("allocate", as_csv([sent]), client, tmp_path)
    assert "problem" not in output
    output = import_file("allocate", as_csv([sent | {"amount": "101"}]), client, tmp_path)
    assert "is already recorded, with other values: amount is £100, not £101." in output
    assert "Reverse it, then record the correct allocation with an empty id." in output
    output = import_file("allocate", as_csv([sent | {"id": "zzzzzzzzzz"}]), client, tmp_path)
    assert "Row 2, id: No allocation has the id 'zzzzzzzzzz'. Leave the id of a new allocation empty." in output
    output = import_file("allocate", as_csv([sent | {"id": ""}]), client, tmp_path)
    assert f"The same allocation is already recorded: {row.public_id}." in output
    assert Allocation.objects.count() == 1


def test_an_award_over_two_years_names_its_first_allocation(officer, source):
    first = AllocationFactory(funding_source=source)
    row = allocation(
        source, initiative=first.initiative.slug, recipient=first.recipient.slug, continues=first.public_id
    )
    result = run(AllocationResource, as_csv([row]), officer)
    assert result.problems == []
    assert Allocation.objects.get(continues=first).amount == Decimal("100.00")
