"""How many queries each page makes: a literal number, which does not grow with the rows."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from funding.models import PublicationDuty
from partners.models import LegalNotice
from tests.support.factories import make_everything
from tests.vru_portal.test_meta import INLINES, PROJECT_MODELS, UNSEEN
from vru_portal.ledger.append_only.models import AppendOnly
from vru_portal.models import Heartbeat

pytestmark = [pytest.mark.django_db, pytest.mark.once]

# The first record of each kind, which all other rows belong to.
PAGES = {
    "/": 18,
    "/about/": 9,
    "/search/": 3,
    "/search/?q=walk": 38,
    "/brochure/": 17,
    "/initiatives/": 18,
    "/initiatives/?q=walk&level=first&sort=name": 19,
    "/initiatives/{initiative}/": 25,
    "/prevention/first/": 13,
    "/results/": 19,
    "/results/?by=area&as_at=2031-08-01&level=first": 28,
    "/news/": 9,
    "/feed.atom": 8,
    "/news/{story}/": 4,
    "/funding/": 1,
    "/funding/2031-32/": 26,
    "/funding/2031-32/decisions/": 10,
    "/funding/headings/{heading}/": 7,
    "/partners/": 9,
    "/partners/{organisation}/": 15,
    "/people/{person}/": 9,
    "/messages/{statement}/": 5,
    "/publications/": 8,
    "/publications/{publication}/": 29,
    "/contact/": 4,
    "/events/": 6,
    "/events/opening/": 10,
    "/events/opening/agenda.ics": 7,
    "/events/opening/schedule.json": 9,
    "/events.ics": 7,
    "/declaration/": 12,
    "/declaration/versions/1/": 10,
    "/declaration/versions/1.txt": 2,
    "/declaration/register/": 15,
    "/declaration/register/key.txt": 1,
    "/data/": 88,
    "/data/partners/": 11,
    "/data/datapackage.json": 5,
    "/api/v1/": 6,
    "/api/v1/partners/": 6,
    "/api/v1/payments/": 12,
    "/payments/": 19,
    "/payments/totals/?by=level": 9,
    "/partners/?sort=name": 9,
    "/events/?sort=latest": 8,
    "/privacy/": 4,
    "/nope/": 3,
    "/brand.css": 1,
    "/robots.txt": 0,
    "/healthz": 0,
    "/readyz": 3,
    "/gaps/": 16,
    "/gaps/check/": 6,
    "/sitemap.xml": 90,
}


def slugs():
    """Return the slug of the record of each kind that everything else belongs to."""
    from funding.models import BudgetHeading, FundingSource
    from partners.models import Organisation, Person, Statement
    from programmes.models import Initiative, Story

    assert FundingSource.objects.exists()
    return {
        "initiative": Initiative.objects.order_by("pk")[0].slug,
        "heading": BudgetHeading.objects.order_by("pk")[0].slug,
        "story": Story.objects.order_by("pk")[0].slug,
        "organisation": Organisation.objects.filter(posts__seat="executive").order_by("pk")[0].slug,
        "person": Person.objects.filter(statements__isnull=False).order_by("pk")[0].slug,
        "statement": Statement.objects.order_by("pk")[0].slug,
        "publication": Initiative.objects.order_by("pk")[0].source.slug,
    }


def more_of_everything_on_one(names):
    """Add two more of everything to the records whose pages are requested."""
    from events.models import AgendaItem, Appearance
    from partners.models import Organisation, Person
    from programmes.models import Initiative
    from tests.support import factories

    body = Organisation.objects.get(slug=names["organisation"])
    person = Person.objects.get(slug=names["person"])
    initiative = Initiative.objects.get(slug=names["initiative"])
    for _ in range(2):
        factories.InitiativeFactory(level=initiative.level, source=initiative.source)
        factories.DocumentFactory(publication=initiative.source)
        post = factories.PostFactory(person=person, organisation=body)
        factories.PostFactory(organisation=body)
        factories.StatementFactory(speaker=person)
        factories.InitiativeFactory(level=initiative.level, lead_organisation=body)
        initiative.partners.add(factories.OrganisationFactory())
        initiative.audiences.add(factories.AudienceFactory())
        factories.everything.make_result_records(initiative, factories.OrganisationFactory(), factories.AreaFactory())
        item = factories.AgendaItemFactory(event=AgendaItem.objects.order_by("pk")[0].event)
        factories.AppearanceFactory(item=item, person=person, post=post)
        factories.AppearanceFactory(item=item)
        source = factories.FundingSourceFactory()
        factories.ContributorFactory(funding_source=source, organisation=body)
        factories.PublicationFactory().authors.add(person)
    assert Appearance.objects.filter(person=person).count() > 2


def asked(client, address):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = client.get(address)
    response.close()
    expected = 404 if address == "/nope/" else 302 if address == "/funding/" else 200
    assert response.status_code == expected, address
    return len(queries), "\n".join(query["sql"][:160] for query in queries)


@pytest.fixture(scope="module")
def furnished(request, standing):
    """A unit with one row of everything, or as many as a test names."""
    with standing():
        rows = getattr(request, "param", 1)
        make_everything(rows)
        for part in ("timer", "mail queue"):
            Heartbeat.objects.beat(part)
        yield rows


@pytest.mark.parametrize("furnished", [1, 3], indirect=True)
def test_a_public_page_asks_this_often_however_many_rows_there_are(client, furnished):
    names = slugs()
    if furnished > 1:
        more_of_everything_on_one(names)
    wrong = []
    for address, number in PAGES.items():
        found, queries = asked(client, address.format(**names))
        if found != number:
            wrong.append(f"{address}: {found} queries, not {number}:\n{queries}")
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def staff(client, furnished):
    client.force_login(get_user_model().objects.create_superuser("staff"))
    return client


IN_ADMIN = [model for model in PROJECT_MODELS if model._meta.label_lower not in {*INLINES, *UNSEEN}]
# No add page: there is a single row, it is added on the page of what it belongs to, or only a rule creates it.
NEVER_ADDED = (
    *("Unit", "LegalNotice", "PublicationDuty", "AssessmentDecision", "Explanation", "ContractCopy", "Regranting"),
    *("Variation", "Overcommitment", "Fulfilment"),
    *("Entry", "Mail", "RegisterKey", "SigningRequest"),
    *("ApprovedReturn", "ReportingRules", "OnwardRequest", "OnwardMail"),
    *("ContactPoint", "Post", "AgendaItem", "Appearance"),  # parts: on the page of what they belong to
)
# Changed by steps, each with a rule behind it, and by nothing else.
BY_STEPS = ("Invitation", "Mail", "PaperSignature", "SigningRequest", "Return", "OnwardRequest", "OnwardMail")
CHANGED = [model for model in IN_ADMIN if not issubclass(model, AppendOnly) and model.__name__ not in BY_STEPS]
# At most: with the numbers of all invitations above them, and one more question once a checkpoint is kept.
LONG_LISTS = {"declarations.invitation": 18, "funding.allocation": 16}
ids = [model._meta.label_lower for model in IN_ADMIN]


def place(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def test_the_admin_lists_ask_no_more_often_for_three_rows_than_for_one(staff):
    def ask():
        found = {}
        for model in IN_ADMIN:
            with CaptureQueriesContext(connection) as queries:
                assert staff.get(place(model, "changelist")).status_code == 200
            found[model._meta.label_lower] = len(queries)
        return found

    ask()  # what Django looks up once for all
    one = ask()
    more_of_everything_on_one(slugs())
    for model in IN_ADMIN:
        assert model._default_manager.exists(), model
    more = ask()
    assert more == one
    assert {label: number for label, number in one.items() if number > LONG_LISTS.get(label, 15)} == {}


@pytest.mark.both
@pytest.mark.parametrize("model", IN_ADMIN, ids=ids)
def test_the_admin_shows_searches_adds_changes_and_tells_the_history_of_every_model(staff, model):
    row = model._default_manager.order_by("pk")[0]
    assert staff.get(place(model, "changelist")).status_code == 200
    assert staff.get(place(model, "change", row.pk)).status_code == 200
    assert staff.get(place(model, "history", row.pk)).status_code == 200
    assert staff.get(place(model, "add")).status_code == (403 if model.__name__ in NEVER_ADDED else 200)
    if model in (PublicationDuty, LegalNotice):
        return  # one row is not searched
    # a word that nothing holds: the search is one that filters
    found = staff.get(place(model, "changelist"), {"q": "zzznothing"})
    assert found.status_code == 200
    assert admin.site._registry[model].search_fields
    assert found.context["cl"].result_count == 0


@pytest.mark.both
@pytest.mark.parametrize("model", CHANGED)
def test_a_record_can_be_saved_in_the_admin_unchanged(staff, model):
    row = model._default_manager.order_by("pk")[0]
    response = staff.get(place(model, "change", row.pk))
    data = {"seen": response.context.get("seen", "")}  # the state that the form was opened on
    forms = [response.context["adminform"].form]
    for formset in response.context["inline_admin_formsets"]:
        forms += [formset.formset.management_form, *formset.formset.forms]
    for form in forms:
        for name in form.fields:
            bound = form[name]
            value = bound.value()
            if value is True:
                data[bound.html_name] = "on"
            elif value is not None and value is not False and not hasattr(value, "chunks"):  # no file is sent again
                data[bound.html_name] = value
    saved = staff.post(place(model, "change", row.pk), data)
    assert saved.status_code == 302, getattr(saved, "context", {}) and saved.context["errors"]
    row_after = model._default_manager.get(pk=row.pk)
    fields = [field.attname for field in model._meta.concrete_fields]
    assert [getattr(row_after, name) for name in fields] == [getattr(row, name) for name in fields]


def test_the_admin_filters_answer(staff):
    for model in IN_ADMIN:
        response = staff.get(place(model, "changelist"))
        for spec in response.context["cl"].filter_specs:
            for choice in list(spec.choices(response.context["cl"]))[:3]:
                address = place(model, "changelist") + choice["query_string"]
                assert staff.get(address).status_code == 200, address


@pytest.mark.parametrize("model", [model for model in IN_ADMIN if model not in CHANGED])
def test_what_is_recorded_cannot_be_changed_or_removed_in_the_admin(staff, model):
    row = model._default_manager.order_by("pk")[0]
    changeable_fields = getattr(model, "changeable_fields", ())
    fields = [field.attname for field in model._meta.concrete_fields if field.name not in changeable_fields]
    before = model._default_manager.values(*fields).get(pk=row.pk)
    data = dict.fromkeys(fields, "changed")
    assert staff.post(place(model, "change", row.pk), data).status_code in (200, 302, 403)
    assert staff.post(place(model, "delete", row.pk), {"post": "yes"}).status_code in (200, 302, 403)
    assert model._default_manager.values(*fields).get(pk=row.pk) == before
