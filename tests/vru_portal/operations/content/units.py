"""A small unit, as its files hold it."""

from datetime import date

from django.apps import apps

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


def counts():
    """Return how many rows each table of the project has, history too."""
    found = {}
    for label in ("partners", "programmes", "funding", "events", "declarations"):
        for model in apps.get_app_config(label).get_models(include_auto_created=True):
            found[model._meta.db_table] = model._default_manager.count()
    return found
