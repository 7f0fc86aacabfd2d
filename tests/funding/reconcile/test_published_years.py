"""Two years in the shape of published ones: what each condition asks and what counts, worked out by hand, to the penny.

`tests/units/` holds them; what of a real year does not fit is in docs/money.md.
"""

import csv
import io
import re
from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from funding.conditions import judged_conditions
from funding.models import FinancialYear
from funding.year_accounts import year_accounts
from programmes.results.models import Measure, Return
from programmes.results.rules import approving
from tests.support.crawler import text_of
from tests.support.factories import UserFactory
from tests.support.money.ledger import reconciled
from tests.unit_content.files import DOWNLAND, ESTUARY

pytestmark = pytest.mark.django_db
FOLDERS = {"downland": DOWNLAND, "estuary": ESTUARY}
# The state on the last day of the condition and on the day after, what is required, what counts, and how.
CONDITIONS = {
    "downland": [
        # 211,864.69 - 24,394.28 returned = 187,470.41; a quarter is 46,867.6025; four payments, one a penny larger
        ("missed", "missed", "46867.60", "53018.41", "Paid: £53,018.41. £6,150.81 too much."),
        # 12,500.00 + 7,499.99
        ("open", "missed", "20000.00", "19999.99", "Given by others: £19,999.99. £0.01 missing."),
        # 53,018.41 + 52,000.00 + 65,952.00 + 16,500.00
        ("met", "met", "187470.41", "187470.41", "£211,864.69 − £24,394.28 returned = £187,470.41."),
        # 150,000.00 + 37,470.41
        ("met", "met", "187470.41", "187470.41", "Claimed by then: £187,470.41. Exactly what is required."),
        # nine allocations, 5,250.50 of one released and awarded again
        ("met", "met", "334965.78", "334965.78", "100% of £334,965.78 = £334,965.78. Allocated: £334,965.78."),
        # 45% is 150,734.601; 85,000.00 + 30,000.00 + 25,500.00 + 10,000.00
        ("open", "missed", "150734.60", "150500.00", "45% of £334,965.78 = £150,734.60. Allocated: £150,500."),
        # 60,000.00 + 24,965.78 + 40,000.00 + 19,750.50: exactly the limit
        ("open", "met", "144716.28", "144716.28", "Exactly the limit."),
        # all but what was awarded and paid after the year
        ("open", "missed", "334965.78", "315215.28", "Paid by then: £315,215.28. £19,750.50 missing."),
    ],
    "estuary": [
        # 15% of 1,912,345.67 - 24.44 is 286,848.1845; 250,000.00 + 36,848.18
        ("met", "met", "286848.18", "286848.18", "15% of £1,912,321.23 = £286,848.18. Given by others: £286,848.18."),
        # 14% is 267,724.9722; another 12,275.04 was paid too late
        ("open", "missed", "267724.97", "267724.96", "Paid by then: £267,724.96. £0.01 missing."),
        # 5% of 300,000.00 + 637,448.55 + 280,000.00 is 60,872.4275
        ("met", "met", "60872.43", "60872.43", "5% of £1,217,448.55 = £60,872.43. Allocated: £60,872.43."),
        # 210,000.25 + 48,500.00 - 2,500.00
        ("open", "met", "286848.18", "256000.25", "Allocated: £256,000.25. £30,847.93 below the limit."),
        # nine times 60,000.00, four released
        ("open", "met", "300000.00", "300000.00", "Allocated: £300,000. Exactly the limit."),
        ("open", "missed", "1912321.23", "1900046.19", "Paid by then: £1,900,046.19. £12,275.04 missing."),
        # 956,160.61 + 956,160.62
        ("met", "met", "1912321.23", "1912321.23", "Claimed by then: £1,912,321.23. Exactly what is required."),
    ],
}


@pytest.fixture(scope="module", params=FOLDERS)
def year(request, standing):
    with standing():
        for name in ("dana", "priya"):
            UserFactory(username=name, is_superuser=True)
        call_command("load_unit", FOLDERS[request.param], verbosity=0)
        yield request.param


def judged():
    row = FinancialYear.objects.get()
    sources = row.sources.standing().select_related("year").order_by("position")
    return judged_conditions(year_accounts(row, sources))


def test_each_condition_is_met_missed_or_open_to_the_penny(year, time_machine):
    found = []
    last_days = [row.last_day for row in judged()]
    for number, last_day in enumerate(last_days):
        time_machine.move_to(last_day)
        before = judged()[number].state
        time_machine.move_to(date(last_day.year, last_day.month + 1, 1))
        row = judged()[number]
        found.append((before, row.state, str(row.required), str(row.counted), row.arithmetic))
    assert len(found) == len(CONDITIONS[year])
    for one, expected in zip(found, CONDITIONS[year], strict=True):
        assert one[:4] == expected[:4]
        assert expected[4] in one[4]


def test_page_files_and_reconcile_say_the_same(year, client):
    expected = [(state.title(), required, counted) for _, state, required, counted, _ in CONDITIONS[year]]
    label = FinancialYear.objects.get().label
    rows = list(
        csv.DictReader(io.StringIO(client.get(f"/funding/{label}/conditions.csv").getvalue().decode("utf-8-sig")))
    )
    assert [(row["state"], row["required"], row["counted"]) for row in rows] == expected
    page = client.get(f"/funding/{label}/").text
    for mark, place in (("required", 1), ("counted", 2)):
        served = re.findall(rf'data-sum="condition-{mark}">£([\d,.]+)<', page)
        assert [Decimal(text.replace(",", "")) for text in served] == [Decimal(one[place]) for one in expected]
    for row in rows:
        assert row["arithmetic"] in page
    _, said = reconciled()
    assert "Differences: none" in said, said
    stated = re.findall(r"Condition \d+ of .*: (met|missed|open), required £([\d,.]+), counted £([\d,.]+)\n", said)
    assert [(s.title(), r.replace(",", ""), c.replace(",", "")) for s, r, c in stated] == expected


def test_what_came_of_the_year_is_read_from_a_file_and_is_the_same_everywhere(year, client):
    """The reach by hand: 1,204 + 1,377 + 990 + 37 + 41, without the 3 of Corve, which is suppressed."""
    if year != "estuary":
        assert not Measure.objects.exists()
        return
    out = io.StringIO()
    call_command("record_returns", ESTUARY / "returns.csv", by="dana", stdout=out)
    assert "Row 8 is a total and was ignored: “Total”" in out.getvalue()
    assert "Recorded: 6 returns of figures" in out.getvalue()
    for asked in Return.objects.all():
        approving.approve(by=get_user_model().objects.get(username="priya"), row=asked)
    _, said = reconciled()
    assert "Differences: none" in said, said
    assert "people-reached: 3,649" in said
    assert "sessions-held: 456" in said
    page = text_of(client.get("/initiatives/focused-support/"))
    # Of three councils one is suppressed. Of each one's groups at most one could be published, so none is.
    groups = r"Under 18: suppressed ?; 18 and over: suppressed ?; Not known: suppressed"
    assert len(re.findall(groups, page)) == 3
    assert "without 1 figure that is suppressed 78" in page, page[page.index("Total for 2023-24") :][:90]
    assert "Target, July 2023 to March 2024: 300 people. 78 reported, which is 26%." in page


def test_every_pound_of_the_year_is_accounted_for(year):
    accounts = year_accounts(FinancialYear.objects.get(), FinancialYear.objects.get().sources.standing())
    sums = {
        "downland": ("546830.47", "522436.19", "24394.28"),
        "estuary": ("1912345.67", "1912321.23", "24.44"),
    }
    assert (str(accounts.total), str(accounts.paid), str(accounts.returned)) == sums[year]
    assert accounts.unallocated == accounts.unspent == 0
