"""`manage.py load_unit` of a year that is over: whatever a decision about money must be, it must be here, too."""

from decimal import Decimal

import pytest
import yaml
from django.contrib.auth.models import Group
from django.core.management.base import CommandError

from funding.models import Allocation, Payment
from partners.models import Unit
from programmes.models import AssessmentDecision
from tests.support.factories import UserFactory
from tests.unit_content.files import DOWNLAND

pytestmark = pytest.mark.django_db
ROLES = {"dana": ("Editor",), "priya": ("Publisher",)}


def add_accounts(roles):
    for name, groups in roles.items():
        UserFactory(username=name).groups.set(Group.objects.filter(name__in=groups))


@pytest.fixture
def files():
    return {name: (DOWNLAND / f"{name}.yaml").read_text() for name in ("partners", "programmes", "funding")}


def changed(files, name, before, after):
    assert before in files[name]
    return {**files, name: files[name].replace(before, after, 1)}


def test_a_year_with_its_assessments_decisions_and_payments_is_loaded(files, load):
    add_accounts(ROLES)
    assert load(files).startswith("Loaded ")
    found = Allocation.objects.filter(public_id="d7bb2cd3ef")
    (row,) = found.values_list("amount", "decision__reference", "assessment__author__username")
    assert row == (Decimal("40000.00"), "20/2024", "dana")
    assert AssessmentDecision.objects.filter(recorded_by__username="priya").count() == 6
    assert Payment.objects.count() == len(
        [r for r in yaml.safe_load(files["funding"]) if r["model"].endswith("payment")]
    )


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ({}, "author: there is no account dana. Add it first: manage.py staff add dana"),
        ({"dana": ("Editor",)}, "recorded_by: there is no account priya. Add it first"),
        ({**ROLES, "dana": ("Finance",)}, "author: dana does not have permission to record evidence assessments"),
        ({**ROLES, "priya": ("Editor",)}, "recorded_by: priya does not have permission to record assessment decisions"),
    ],
)
def test_assessments_are_by_two_accounts_that_may_write_and_approve_them(files, load, roles, said):
    add_accounts(roles)
    with pytest.raises(CommandError, match=said):
        load(files)
    assert not Unit.objects.exists()


REFUSED = {
    "one person does both": (
        ("programmes", "recorded_by: [priya]", "recorded_by: [dana]"),
        "The author of an assessment cannot decide on it",
    ),
    "a penny more than is left": (
        ("funding", "amount: '19750.50'", "amount: '19750.51'"),
        "dcbb2cd3ef.*: This is more than is left in the source",
    ),
    "before the decision": (
        ("funding", "awarded_on: 2024-04-22", "awarded_on: 2024-04-21"),
        "d2ab2cd3ef.*: An allocation needs a recorded decision",
    ),
    "after the deadline of the year": (
        ("funding", "first_year: 2024", "first_year: 2024\n    spend_by: 2025-03-31"),
        "dcbb2cd3ef.*: awarded_on: Money of 2024-25 had to be spent by 31 March 2025",
    ),
    "to a draft": (
        ("partners", "slug: harrow-mentors\n    sector: [charities]\n    state: published", "slug: harrow-mentors"),
        "harrow-mentors.*: state: This organisation stays published: money is recorded against it",
    ),
    "for an initiative of a draft level": (
        ("programmes", "definition: Early help. Made up.\n    state: published", "definition: Early help. Made up."),
        "early.*: state: This prevention level stays published: money is recorded against it",
    ),
    "moved to nowhere": (
        ("funding", "kind: release", "kind: move"),
        "d9bb2cd3ef.*: The allocation that this was moved into is missing",
    ),
    "more than is unpaid": (
        ("funding", "kind: release\n    amount: '5250.50'", "kind: release\n    amount: '45000.01'"),
        "d9bb2cd3ef.*: You can release, move or return only what is allocated and not paid",
    ),
}


@pytest.mark.parametrize(("change", "said"), REFUSED.values(), ids=REFUSED)
def test_money_is_loaded_by_the_rules_that_everybody_else_follows(files, load, change, said):
    add_accounts({"dana": ("Editor", "Publisher"), "priya": ("Publisher",)})
    with pytest.raises(CommandError, match=said):
        load(changed(files, *change))
    assert not Unit.objects.exists()


def test_an_assessment_that_is_refused_is_named_and_none_of_what_only_follows_from_it(files, load):
    add_accounts(ROLES)
    with pytest.raises(CommandError) as refused:
        load(changed(files, "programmes", "    initiative: [taxi-training]", "    initiative: [taxi-trainin]"))
    (line,) = str(refused.value).split("\n")
    assert "initiative: there is no initiative taxi-trainin" in line


def test_content_cannot_refer_to_one_of_two_assessments(files, load):
    add_accounts(ROLES)
    twice = "- model: programmes.evidenceassessment\n  fields:\n    <<: *texts\n    initiative: [taxi-training]\n"
    with pytest.raises(CommandError, match=r"there are several evidence assessments taxi-training\. Content can"):
        load(changed(files, "programmes", twice, twice * 2))


def test_published_figures_are_not_loaded_past_the_suppression_of_small_numbers(files, load):
    add_accounts(ROLES)
    with pytest.raises(CommandError, match=r"published figures are not loaded\. Record them with manage\.py"):
        load({**files, "results": "- model: results.approvedfigure\n  fields: {count: 2}\n"})
