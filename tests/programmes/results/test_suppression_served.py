"""No suppressed count can be worked out from what is served of random figures, by all of it taken together.

Counts are multiples of a number that no date, sum or name has, so a count that should be hidden is also found as such.
"""

import io
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from funding.reconcile.outputs import MarkedSums, open_workbook, read_csv, read_json, read_xlsx, worksheet_rows
from programmes.results.models import ApprovedReturn
from programmes.results.rules import approving
from programmes.results.rules.answers import Answers, Figure
from tests.programmes.results.returns import count_people
from tests.programmes.results.test_suppression import published, tables
from tests.support.factories import (
    AllocationFactory,
    AreaFactory,
    BreakdownFactory,
    FundingSourceFactory,
    GroupFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    PaymentFactory,
    RulesFactory,
    UserFactory,
    YearFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "unit")]
# A count of 4 is published as 26,204, if that is not below 32,755. A unit is more than any number in a made-up name.
UNIT, THRESHOLD = 6551, 5
QUARTER = date(2031, 4, 1)
READERS = {"csv": read_csv, "json": read_json, "xlsx": read_xlsx}


@st.composite
def divided(draw):
    """A number of people by age, and the same people by place."""
    ages = draw(st.lists(st.integers(0, 9), min_size=3, max_size=3))
    near = draw(st.integers(0, sum(ages)))
    return tuple(ages), (near, sum(ages) - near)


class Outputs:
    """Everything that is served of an initiative's figures."""

    def __init__(self, client, initiative):
        self.client, self.initiative = client, initiative
        query = f"initiative={initiative.slug}"
        self.files = {
            name: {form: self.get(f"/{name}.{form}?{query}") for form in READERS}
            for name in ("results", "result-groups")
        }
        self.api = {name: self.get(f"/api/v1/{name}/?{query}") for name in self.files}
        self.pages = {
            address: self.get(address).decode()
            for address in (
                *(f"/results/?{query}&by={by}" for by in ("measure", "level", "area", "year")),
                initiative.get_absolute_url(),
                initiative.level.get_absolute_url(),
            )
        }

    def get(self, address):
        answer = self.client.get(address, REMOTE_ADDR="")  # for which nothing is limited
        assert answer.status_code == 200, address
        return answer.getvalue()

    def rows(self, name):
        """Yield the rows of a list from each of its files and from the API."""
        for form, content in self.files[name].items():
            yield form, READERS[form](content).rows
        yield "API", READERS["json"](self.api[name]).rows

    def counts(self):
        """What is served of each organisation: its total and its groups by breakdown, None for what is suppressed."""
        found: dict[str, Any] = {}
        for _, rows in self.rows("results"):
            for row in rows:
                found.setdefault(row["organisation"], {}).setdefault((), set()).add(number(row["count"]))
        for _, rows in self.rows("result-groups"):
            for row in rows:
                key = row["breakdown"], row["group"]
                found[row["organisation"]].setdefault(key, set()).add(number(row["count"]))
        assert all(len(counts) == 1 for facts in found.values() for counts in facts.values()), found
        return {name: {key: counts.pop() for key, counts in facts.items()} for name, facts in found.items()}

    def numbers(self):
        """Every number that is written anywhere, whatever it is."""
        written = [re.sub(r"<[^>]+>", " ", page) for page in self.pages.values()]
        for name in self.files:
            written += [str([list(row.values()) for row in rows]) for _, rows in self.rows(name)]
        return numbers_in(" ".join(written))


def numbers_in(text):
    return {int(found.replace(",", "")) for found in re.findall(r"\d[\d,]*", text) if found.strip(",")}


def number(served):
    return None if served in (None, "") else int(served)


def worked_out(figure, served):
    """The groups whose suppressed count a reader finds out, from the total and the other groups of both breakdowns.

    The reader knows the rules, and tries every division of the total that would be published as this one is.
    """
    total = served[()]
    if total is None:
        return [key for key, count in served.items() if count is not None]
    found = []
    for name, counts in figure.items():
        keys = [key for key in served if key[:1] == (name,)]
        assert len(keys) == len(counts), (keys, counts)
        seen = tuple(None if served[key] is None else served[key] // UNIT for key in keys)
        alike = [t for t in tables(total // UNIT, len(keys)) if published(t, THRESHOLD)[1] == seen]
        assert counts in alike, "what is served is another number, or is suppressed in another way"
        found += [k for place, k in enumerate(keys) if seen[place] is None and len({t[place] for t in alike}) == 1]
    return found


def test_nothing_that_is_suppressed_is_served_or_can_be_worked_out(client):
    measure, _ = count_people()
    RulesFactory(threshold=THRESHOLD * UNIT)
    groups = {}
    for name, size in (("Age", 3), ("Place", 2)):
        breakdown = BreakdownFactory(name=name, slug=name.lower())
        measure.breakdowns.add(breakdown)
        groups[name] = [GroupFactory(breakdown=breakdown, name=f"{name} {n}", position=n) for n in range(size)]
    by = UserFactory()
    source = FundingSourceFactory(year=YearFactory(first_year=2031), amount=Decimal("900000.00"))
    level, tried = LevelFactory(), list[int]()
    shown, hidden_anywhere, all_totals = set[int](), set[int](), list[int]()

    @settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(figures=st.lists(divided(), min_size=1, max_size=3))
    def try_to_recover(figures):
        initiative = InitiativeFactory(level=level)
        initiative.areas.add(AreaFactory())
        PaymentFactory(allocation=AllocationFactory(funding_source=source, initiative=initiative), paid_on=QUARTER)
        truth = {}
        for ages, places in figures:
            organisation = OrganisationFactory()
            figure = truth[organisation.name] = {"Age": ages, "Place": places}
            parts = {
                group: count * UNIT
                for name, counts in figure.items()
                for group, count in zip(groups[name], counts, strict=True)
            }
            row = ApprovedReturn(initiative=initiative, organisation=organisation, quarter=QUARTER)
            answers = Answers([Figure(measure, sum(ages) * UNIT, parts)], "", "", None)
            approving.publish(by=by, approved=row, answers=answers)
            all_totals.extend([sum(ages) * UNIT] if sum(ages) >= THRESHOLD else [])
        outputs = Outputs(client, initiative)
        served = outputs.counts()
        assert served.keys() == truth.keys()
        for name, figure in truth.items():
            assert worked_out(figure, served[name]) == []
        # What is added up leaves out what is suppressed, so nothing can be subtracted from it.
        totals = [facts[()] for facts in served.values() if facts[()] is not None]
        of_level = sum(all_totals)  # of the examples before, too
        for address, page in outputs.pages.items():
            for mark, text in MarkedSums(page).found:
                if mark.startswith("total:"):
                    expected = of_level if address == level.get_absolute_url() else sum(totals)
                    assert number(text.replace(",", "")) == expected, address
        # Nothing that is hidden is written anywhere.
        public = {count for facts in served.values() for count in facts.values() if count} | {sum(totals), of_level}
        everybody = [sum(figure["Age"]) for figure in truth.values()]
        real = {
            *everybody,
            sum(everybody),
            *(n for figure in truth.values() for counts in figure.values() for n in counts),
        }
        secret = {count * UNIT for count in real} - public - {0}
        assert outputs.numbers() & secret == set()
        tried.append(len(secret))
        shown.update(public)
        hidden_anywhere.update(secret)

    try_to_recover()
    assert sum(map(bool, tried)) > 3, "of too few examples anything was suppressed"
    # The workbook and the report of the year have the same published figures, and no others.
    book = open_workbook(client.get("/results/2031-32/returns.xlsx").getvalue())
    cells = [row["Walkers"] for row in worksheet_rows(book["Returns"])]
    assert sorted(cell for cell in cells if isinstance(cell, int)) == sorted(all_totals)
    assert set(cells) <= {*all_totals, "suppressed"}
    paper = client.get("/funding/2031-32/report.pdf").getvalue()
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(paper)).pages)
    assert sum(all_totals) in numbers_in(text)
    assert numbers_in(text) & (hidden_anywhere - shown - {sum(all_totals)}) == set()
