"""`manage.py load_unit`: all of a unit, or nothing and a sentence that says which record breaks which rule."""

import copy
import io
from datetime import date

import pytest
import yaml
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError

from partners.models import Organisation, Publication, Unit
from programmes.models import Initiative
from tests.vru_portal.test_meta import PROJECT_MODELS

pytestmark = pytest.mark.django_db

FACT = {"source": ["plan"], "as_at": date(2031, 5, 6)}


def record(model, **fields):
    return {"model": model, "fields": fields}


def stated(model, **fields):
    return record(model, **FACT, **fields)


# The smallest unit in which every rule has something to hold to.
GOOD = {
    "partners": [
        record("partners.publication", title="Plan", slug="plan", published_on=date(2031, 5, 6)),
        stated("partners.organisation", name="Moor Partnership", slug="moor", state="published"),
        stated(
            "partners.unit",
            organisation=["moor"],
            region="The Moor",
            slogan="Walk on",
            description="What the moor does.",
        ),
        stated("partners.person", name="Robin Vale", family_name="Vale", slug="robin-vale", state="published"),
        stated("partners.person", name="Kit Ford", family_name="Ford", slug="kit-ford", state="published"),
        stated("partners.post", person=["robin-vale"], title="Warden", organisation=["moor"]),
    ],
    "programmes": [
        stated(
            "programmes.preventionlevel",
            name="First",
            slug="first",
            position=1,
            mark="circle",
            moment="At dawn",
            summary="Begin early.",
            definition="Early work.",
            state="published",
        ),
        record("programmes.audience", name="Walkers", slug="walkers"),
        stated(
            "programmes.initiative",
            name="Night walks",
            slug="night-walks",
            level=["first"],
            summary="Walks.",
            description="Walks at night.",
            audiences=[["walkers"]],
            state="published",
        ),
    ],
    "funding": [
        stated("funding.financialyear", first_year=2031, stated_total="1500.25"),
        stated("funding.fundingsource", year=[2031], name="Chest", slug="chest", amount="1000.00", stated_as="£1,000"),
        stated("funding.fundingsource", year=[2031], name="Hat", slug="hat", amount="500.25", stated_as="£500.25"),
        record("funding.contributor", funding_source=[2031, "chest"], organisation=["moor"]),
    ],
    "events": [
        stated(
            "events.event",
            title="Moor day",
            short_title="Moor day",
            slug="moor-day",
            held_on=date(2031, 5, 6),
            summary="A day.",
            state="published",
        ),
        stated("events.agendaitem", event=["moor-day"], position=1, title="Welcome", kind="talk"),
        stated("events.appearance", item=["moor-day", 1], person=["robin-vale"], post=["robin-vale", "Warden"]),
        stated("events.agendaitem", event=["moor-day"], position=2, title="Supper", kind="closed"),
    ],
    "declarations": [
        record("declarations.declaration", title="Promise", slug="promise", event=["moor-day"]),
        stated("declarations.declarationversion", declaration=["promise"], number=1, text="We walk."),
    ],
}
RECORDS = sum(len(records) for records in GOOD.values())


@pytest.fixture
def unit():
    return copy.deepcopy(GOOD)


@pytest.fixture
def load(tmp_path):
    """Write the unit into a folder and load it from there."""

    def _load(unit):
        for name, content in unit.items():
            text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
            (tmp_path / f"{name}.yaml").write_text(text)
        output = io.StringIO()
        call_command("load_unit", tmp_path, stdout=output)
        return output.getvalue()

    return _load


def counts():
    """Return how many rows each table of the project has, history too."""
    found = {}
    for label in ("partners", "programmes", "funding", "events", "declarations"):
        for model in apps.get_app_config(label).get_models(include_auto_created=True):
            found[model._meta.db_table] = model._default_manager.count()
    return found


def test_a_good_unit_is_loaded_whole_and_each_record_begins_its_history(unit, load, tmp_path):
    assert load(unit) == f"Loaded {RECORDS} records from {tmp_path}.\n"
    assert sum(model._default_manager.count() for model in PROJECT_MODELS) == RECORDS
    for model in PROJECT_MODELS:
        if hasattr(model, "history"):
            rows = list(model.history.values_list("history_type", "history_change_reason", "history_user"))
            assert rows == [("+", "Loaded with the unit", None)] * model._default_manager.count(), model
    assert [a.slug for a in Initiative.objects.get().audiences.all()] == ["walkers"]


def test_the_first_history_row_holds_what_the_record_holds(unit, load):
    unit["partners"][1]["fields"]["represents"] = ["fen"]  # further down
    unit["partners"].append(stated("partners.organisation", name="Fen", slug="fen"))
    load(unit)
    for model in PROJECT_MODELS:
        if hasattr(model, "history"):
            fields = [field.attname for field in model._meta.concrete_fields]
            now = sorted(model._default_manager.values_list(*fields), key=str)
            assert sorted(model.history.values_list(*fields), key=str) == now, model


def test_a_record_may_name_another_that_stands_further_down(unit, load):
    unit["partners"][0]["fields"] |= {"issued_by": ["moor"], "authors": [["kit-ford"]]}
    unit["partners"][1]["fields"]["represents"] = ["fen"]
    unit["partners"].append(stated("partners.organisation", name="Fen", slug="fen", represents=["moor"]))
    load(unit)
    assert dict(Organisation.objects.values_list("slug", "represents__slug")) == {
        "moor": "fen",
        "fen": "moor",
    }
    plan = Publication.objects.get()
    assert (
        plan.issued_by == Organisation.objects.get(slug="moor"),
        [person.slug for person in plan.authors.all()],
    ) == (True, ["kit-ford"])


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
        (INITIATIVE, "summary: ", "at most 200 characters (it has 201)"),
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
    "a key that stands twice": (
        replace("events", "- model: events.event\n  fields:\n    title: One\n    title: Two\n"),
        ("events.yaml is not valid YAML: ", "title stands twice"),
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
        (YEAR, "The sources of 2031-32 add up to £1,500.26, the stated budget is £1,500.25: correct one of them."),
    ),
    "a stated budget without a source": (
        lambda unit: unit["funding"].__delitem__(slice(1, None)),
        (YEAR, "The sources of 2031-32 add up to £0, the stated budget is £1,500.25: correct one of them."),
    ),
    "a deadline before the year": (
        change("funding", 1, spend_by=date(2031, 3, 31)),
        (YEAR, "spend_by: Money of 2031-32 cannot be due before 1 April 2031."),
    ),
    "a contributor that is nobody": (
        change("funding", 4, organisation=None),
        ("funding.yaml, record 4 (funding.contributor unnamed): ", "choose one of the two"),
    ),
    "an agenda with a gap": (
        change("events", 4, position=3),
        ("events.yaml, record 1 (events.event moor-day): ", "no item 2: “Supper” is 3."),
    ),
    "a talk after a closed session": (
        add("events", stated("events.agendaitem", event=["moor-day"], position=3, title="Song", kind="talk")),
        ("events.yaml, record 1 (events.event moor-day): ", "“Song” stands after a closed session of Moor day"),
    ),
    "two items in one place": (
        add("events", stated("events.agendaitem", event=["moor-day"], position=1, title="Song", kind="talk")),
        ("events.yaml, record 5 (events.agendaitem Song): ", "already exists"),
    ),
    "a post of someone else": (
        change("events", 3, person=["kit-ford"]),
        (
            "events.yaml, record 3 (events.appearance ['kit-ford']): ",
            "post: This post is Robin Vale's, not Kit Ford's.",
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
        ("partners.yaml, record 7 (partners.statement word): ", "one person or from one body"),
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
        ("partners.yaml, record 3 (partners.unit unnamed): ", "colour_accent: ", "must be 4.5:1"),
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
        ("signatures.yaml is not one of partners.yaml, programmes.yaml, funding.yaml",),
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
    assert "\n" not in message.strip() or "YAML" in message
    assert counts() == before


def test_a_file_that_is_no_text_is_refused(unit, load, tmp_path):
    (tmp_path / "events.yaml").write_bytes(b"\xff\xfe\xfa")
    del unit["events"]
    with pytest.raises(CommandError, match=r"events\.yaml is not valid YAML"):
        load(unit)
    assert set(counts().values()) == {0}


def test_an_empty_or_missing_folder_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(CommandError) as caught:
            call_command("load_unit", folder)
        assert str(caught.value).startswith(f"{folder} holds no content: expected partners.yaml, programmes.yaml")


def test_a_second_unit_is_not_loaded_over_the_first(unit, load):
    load(unit)
    before = counts()
    with pytest.raises(CommandError, match=r"^This portal already holds Moor Partnership\. Content is loaded into an"):
        load(unit)
    assert counts() == before


def test_an_empty_file_is_an_app_without_records(unit, load):
    unit["declarations"] = ""
    load(unit)
    assert Unit.objects.get().name == "Moor Partnership"
