"""`manage.py load_unit`: nothing of a unit, and a sentence that says which record breaks which rule."""

from datetime import date

import pytest
from django.core.management.base import CommandError

from partners.models import Publication
from tests.vru_portal.operations.content.units import GOOD, counts, record, stated

pytestmark = pytest.mark.django_db


def change(file, number, **fields):
    """Return a change of the unit: other values of one record's fields."""

    def _change(unit):
        unit[file][number - 1]["fields"] |= fields

    return _change


def add(file, new):
    def _change(unit):
        unit[file].append(new)

    return _change


def replace(file, content):
    def _change(unit):
        unit[file] = content

    return _change


INITIATIVE = "programmes.yaml, record 3 (programmes.initiative night-walks): "
YEAR = "funding.yaml, record 1 (funding.financialyear unnamed): "
SECOND = dict(GOOD["programmes"][2]["fields"], name="Day walks")
BREAKS = {
    "an unknown model": (
        add("partners", record("partners.guild", name="Guild")),
        ("partners.yaml, record 7 (partners.guild Guild): ", "partners.guild"),
    ),
    "a model that is none": (
        add("partners", record(5, name="Guild")),
        ("partners.yaml, record 7 (5 Guild): ",),
    ),
    "an unknown field": (
        change("programmes", 3, colour="red"),
        (INITIATIVE, "colour"),
    ),
    "a missing reference": (
        change("programmes", 3, lead_organisation=["nobody"]),
        (INITIATIVE, "lead_organisation", "nobody"),
    ),
    "a missing reference in a list": (
        change("programmes", 3, audiences=[["walkers"], ["nobody"]]),
        (INITIATIVE, "audiences", "nobody"),
    ),
    "a missing reference where one is needed": (
        change("programmes", 3, level=["nobody"]),
        (INITIATIVE, "level", "nobody"),
    ),
    "a missing source": (
        change("programmes", 3, source=["nobody"]),
        (INITIATIVE, "source", "nobody"),
    ),
    "a wrong choice": (
        change("programmes", 3, state="hidden"),
        (INITIATIVE, "state: ", "'hidden' is not a valid choice"),
    ),
    "a text that is too long": (
        change("programmes", 3, summary="x" * 201),
        (INITIATIVE, "summary: ", "Shorten this to 200 characters. It has 201."),
    ),
    "a missing reference by which the record itself is known": (
        change("funding", 2, year=[1999]),
        ("funding.yaml, record 2 (funding.fundingsource ", "year: there is no financial year 1999"),
    ),
    "an empty text": (
        change("programmes", 3, name=""),
        ("programmes.yaml, record 3 (programmes.initiative night-walks): ", "name: ", "blank"),
    ),
    "a day that is none": (
        change("programmes", 3, as_at="2031-02-30"),
        (INITIATIVE, "2031-02-30"),
    ),
    "a sum without quotation marks": (
        change("funding", 2, amount=1000.5),
        ("funding.yaml, record 2 (funding.fundingsource chest): ", "amount: put 1000.5 in quotation marks"),
    ),
    "a sum that is a number": (
        change("funding", 2, amount=1000),
        ("funding.yaml, record 2 (funding.fundingsource chest): ", "amount: put 1000 in quotation marks"),
    ),
    "a telephone number that YAML reads as one": (
        add("partners", stated("partners.contactpoint", unit=1, kind="phone", value=1632960001)),
        ("partners.yaml, record 7 (partners.contactpoint 1632960001): ", "value: put 1632960001 in quotation marks"),
    ),
    "a duplicate key": (
        replace("events", "- model: events.event\n  fields:\n    title: One\n    title: Two\n"),
        ("events.yaml is not valid YAML: ", "the key title is used twice"),
    ),
    "a record of another app": (
        add("events", record("auth.user", username="boss", is_superuser=True)),
        ("events.yaml, record 5 (auth.user unnamed): ", "auth.user"),
    ),
    "a body that represents itself": (
        change("partners", 2, represents=["moor"]),
        ("partners.yaml, record 2 (partners.organisation moor): ", "represents others, not itself"),
    ),
    "a sum with fractions of a penny": (
        change("funding", 2, amount="1000.005"),
        ("funding.yaml, record 2 (funding.fundingsource chest): ", "amount: ", "whole pence"),
    ),
    "a nested value": (
        change("funding", 2, name={"en": "Chest"}),
        ("funding.yaml, record 2 (funding.fundingsource chest): ", "name: ", "and this field takes str"),
    ),
    "sources that miss the budget by a penny": (
        change("funding", 2, amount="1000.01"),
        (YEAR, "The sources of 2031-32 add up to £1,500.26, but the stated budget is £1,500.25. Correct one of them."),
    ),
    "a stated budget without a source": (
        lambda unit: unit["funding"].__delitem__(slice(1, None)),
        (YEAR, "The sources of 2031-32 add up to £0, but the stated budget is £1,500.25. Correct one of them."),
    ),
    "a deadline before the year": (
        change("funding", 1, spend_by=date(2031, 3, 31)),
        (YEAR, "spend_by: The deadline of 2031-32 cannot be before 1 April 2031."),
    ),
    "a contributor that is nobody": (
        change("funding", 4, organisation=None),
        ("funding.yaml, record 4 (funding.contributor unnamed): ", "Choose either an organisation or a post"),
    ),
    "an agenda with a gap": (
        change("events", 4, position=3),
        ("events.yaml, record 1 (events.event moor-day): ", "no item 2. “Supper” is number 3."),
    ),
    "a talk after a closed session": (
        add("events", stated("events.agendaitem", event=["moor-day"], position=3, title="Song", kind="talk")),
        ("events.yaml, record 1 (events.event moor-day): ", "“Song” comes after a closed session of Moor day"),
    ),
    "two items in one place": (
        add("events", stated("events.agendaitem", event=["moor-day"], position=1, title="Song", kind="talk")),
        ("events.yaml, record 5 (events.agendaitem Song): ", "already exists"),
    ),
    "a post of someone else": (
        change("events", 3, person=["kit-ford"]),
        (
            "events.yaml, record 3 (events.appearance ['kit-ford']): ",
            "post: This post belongs to Robin Vale, not Kit Ford.",
        ),
    ),
    "a sensitive initiative without a notice": (
        change("programmes", 3, sensitive_topic="storms"),
        (INITIATIVE, "A sensitive initiative needs a safety notice before it is published"),
    ),
    "a slug twice": (
        add("programmes", record("programmes.initiative", **SECOND)),
        ("programmes.yaml, record 4 (programmes.initiative night-walks): ", "slug", "already exists"),
    ),
    "a message of nobody": (
        add(
            "partners",
            stated("partners.statement", title="Word", slug="word", quote="Walk.", summary="Walk.", text="Walk."),
        ),
        ("partners.yaml, record 7 (partners.statement word): ", "one person or from one group"),
    ),
    "a second unit": (
        add(
            "partners",
            stated("partners.unit", organisation=["moor"], region="X", slogan="X", description="X"),
        ),
        ("partners.yaml, record 7 (partners.unit unnamed): ", "already exists"),
    ),
    "an accent that cannot be read on the ink": (
        change("partners", 3, colour_ink="#001122", colour_accent="#223344"),
        ("partners.yaml, record 3 (partners.unit unnamed): ", "colour_accent: ", "needs 4.5:1"),
    ),
    "no YAML": (
        replace("events", "- model: [unclosed"),
        ("events.yaml is not valid YAML: ",),
    ),
    "YAML with a NUL": (
        replace("events", "- model: \0"),
        ("events.yaml is not valid YAML: ",),
    ),
    "YAML that makes an object": (
        replace("events", "- !!python/object/apply:os.getcwd []"),
        ("events.yaml is not valid YAML: ",),
    ),
    "no list": (
        replace("events", {"model": "events.event"}),
        ("events.yaml must be a list of records, each with model and fields.",),
    ),
    "a record without fields": (
        replace("events", [{"model": "events.event"}]),
        ("events.yaml, record 1 must have model and fields.",),
    ),
    "a record that is a text": (
        replace("events", ["Moor day"]),
        ("events.yaml, record 1 must have model and fields.",),
    ),
    "a file that belongs to no app": (
        replace("signatures", []),
        ("signatures.yaml is not one of partners.yaml, programmes.yaml, results.yaml, funding.yaml",),
    ),
}


@pytest.mark.parametrize(("breaks", "said"), BREAKS.values(), ids=BREAKS)
def test_a_unit_that_breaks_a_rule_is_refused_by_name_and_leaves_nothing_behind(unit, load, tmp_path, breaks, said):
    Publication.objects.create(title="Before", slug="before", published_on=date(2031, 1, 1))
    before = counts()
    breaks(unit)
    with pytest.raises(CommandError) as caught:
        load(unit)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/{said[0]}")
    for part in said[1:]:
        assert part in message
    assert "YAML" in message or all(line.startswith(f"{tmp_path}/{said[0]}") for line in message.split("\n"))
    assert counts() == before


def test_a_binary_file_is_refused(unit, load, tmp_path):
    (tmp_path / "events.yaml").write_bytes(b"\xff\xfe\xfa")
    del unit["events"]
    with pytest.raises(CommandError, match=r"events\.yaml is not valid YAML"):
        load(unit)
    assert set(counts().values()) == {0}


def test_all_problems_of_a_unit_are_reported_together_without_those_that_only_follow(unit, load):
    before = counts()
    unit["partners"].append(record("partners.guild", name="Guild"))
    initiative = unit["programmes"][2]["fields"]
    initiative |= {"name": "", "state": "hidden", "colour": "red", "position": "third"}
    unit["programmes"].append(record("programmes.audience", slug="UPPER CASE", name="Others"))
    unit["funding"][0]["fields"]["first_year"] = 1066
    with pytest.raises(CommandError) as refused:
        load(unit)
    said = str(refused.value)
    lines = said.split("\n")
    assert len(lines) == len(set(lines))
    for words in ("partners.guild", "colour", "position: ", "audience UPPER CASE", YEAR):
        assert words in said, (words, said)
    assert "there is no" not in said  # the year and the initiative are there: they were refused themselves
    assert counts() == before
