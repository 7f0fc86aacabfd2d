"""Records in files: what is saved and sent back changes nothing, and a file can do nothing that the form cannot."""

import io
import json
from datetime import date
from typing import Any

import openpyxl
import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from partners.models import ContactPoint, Organisation, Person, Post, Publication, Unit
from programmes.models import Initiative, Story
from tests.factories import (
    ConditionFactory,
    EventFactory,
    LevelFactory,
    OrganisationFactory,
    PersonFactory,
    PublicationFactory,
    StoryFactory,
    UnitFactory,
    furnish,
)
from tests.vru_portal.test_meta import HISTORIC, TABLE
from tests.walk import text_of
from vru_portal import drafts
from vru_portal.differences import changed_words
from vru_portal.models import Pending
from vru_portal.record_columns import columns_of
from vru_portal.record_resource import RESOURCES, rows_with_all
from vru_portal.sheets import CSV, JSON, XLSX
from vru_portal.tables import Column, Table, csv_parts, json_parts, neutral, plain, xlsx_file

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("history")]

# Recorded by steps of their own, so no file records them.
BY_STEPS = {"programmes.evidenceassessment", "funding.fundingsource", "declarations.declarationversion"}
FORMATS: dict[str, Any] = {"csv": CSV, "xlsx": XLSX, "json": JSON}


@pytest.fixture
def lead():
    """Return somebody who may do everything."""
    return get_user_model().objects.create_superuser("lead")


def staff(*permissions):
    """Return a member of staff with these permissions, such as "partners.add_post"."""
    user = get_user_model().objects.create_user("clerk", is_staff=True)
    for permission in permissions:
        label, _, codename = permission.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=label, codename=codename))
    return get_user_model().objects.get(pk=user.pk)


def saved(model, form, rows=None):
    """Return records as a file."""
    table = Table({}, [Column(c.name, c.about, c.show) for c in columns_of(model)], rows or rows_with_all(model))
    if form == "xlsx":
        with xlsx_file(table) as file:
            return file.read()
    return "".join(csv_parts(table) if form == "csv" else json_parts(table)).encode()


def sent(model, content, by, form="json", dry_run=False):
    """Record a file."""
    return RESOURCES[model](by=by).run(FORMATS[form]().create_dataset(content), dry_run=dry_run)


def as_file(*rows):
    return json.dumps(list(rows)).encode()


def words(result):
    """Return the fields that each changed row changes, with the words before and after."""
    return [
        (row.number, name, old.changed, new.changed) for row in result.changed for name, old, new in row.differences
    ]


# What is in files -----------------------------------------------------------------------------------------------------


def test_each_model_that_keeps_its_history_has_a_resource():
    historic = {label for label, kind in TABLE.items() if kind is HISTORIC} - BY_STEPS
    sent_as_files = {model._meta.label_lower for model in RESOURCES}
    assert sorted(historic - sent_as_files) == []
    assert sorted(label for label in sent_as_files if not hasattr(apps.get_model(label), "history")) == []


@pytest.mark.parametrize("model", RESOURCES, ids=lambda model: model._meta.model_name)
def test_the_columns_are_the_fields_of_the_form(model, lead):
    request = RequestFactory().get("/")
    request.user = lead
    page = admin.site._registry[model]
    form = page.get_form(request, None, fields=None) if page.fieldsets is None else None
    names = set(form.base_fields) if form else set(flatten_fieldsets(page.fieldsets or ()))
    of_model = {field.name for field in (*model._meta.fields, *model._meta.many_to_many) if field.editable}
    columns = {column.field.name for column in columns_of(model)}
    assert columns - {"state"} == (names & of_model) - {"state", "file", "unit"}


@pytest.fixture
def furnished():
    furnish(2)


def test_every_historic_model_goes_out_and_comes_back_as_it_is(furnished, lead, record_property):
    empty = set()
    models: list[Any] = [*RESOURCES]
    for model in models:
        count = model._default_manager.count()
        history = model.history.count()
        for form in FORMATS:
            if not count:
                empty.add(model._meta.model_name)
                continue
            result = sent(model, saved(model, form), lead, form)
            assert (result.problems, words(result), len(result.new)) == ([], [], 0), (model, form)
            assert result.unchanged == count
        assert model.history.count() == history
    assert empty <= {"picture", "document"}
    assert not Pending.objects.exists()


BEGINNINGS = ["=", "+", "-", "@", "'", "''=", "'=", "\t", "'\t", "\n", "\r\n", '"', "_x000D_", "'-"]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)
HOSTILE = TEXTS | st.builds("{}{}".format, st.sampled_from(BEGINNINGS), TEXTS)


@given(HOSTILE)
def test_what_an_export_puts_before_a_formula_is_taken_away_and_nothing_else(text):
    assert plain(neutral(text)) == text


@given(HOSTILE)
def test_any_text_goes_out_and_comes_back_as_it_is(text):
    (column,) = (column for column in columns_of(Story) if column.name == "body")
    story = Story(body=text.replace("\0", ""), source=Publication(slug="report"))
    for form, kind in FORMATS.items():
        dataset = kind().create_dataset(saved(Story, form, [story]))
        cell = dataset["body"][0]
        said = column.read(cell if form == "json" or not isinstance(cell, str) else plain(cell))
        assert column.same(story, said), (form, cell)


def test_texts_with_line_ends_quotes_and_formulas_come_back_through_the_database(lead):
    bodies = [
        "=1+1",
        "'=1",
        "''=1",
        "@a\r\nb",
        '"quoted", and more',
        "-",
        "'",
        "ünïcode \U0001f3ee",
        "a\n\nb",
        "x" * 40_000,
    ]
    for number, body in enumerate(bodies):
        StoryFactory(slug=f"s{number}", body=body)
    for form in FORMATS:
        result = sent(Story, saved(Story, form), lead, form)
        assert (result.problems, words(result), result.unchanged) == ([], [], len(bodies)), form


# What becomes of rows -------------------------------------------------------------------------------------------------


def test_a_new_row_is_a_draft_and_a_draft_is_changed_at_once(lead):
    source = PublicationFactory(slug="report")
    draft = OrganisationFactory(slug="lamps", name="Lamps", state="draft", website="")
    rows = [
        {"slug": "lamps", "name": "Lamps and Co", "source": "report", "as_at": "2031-05-06", "is_group": "no"},
        {"slug": "oil", "name": "Oil", "source": "report", "as_at": "2031-05-06", "is_group": "yes"},
    ]
    result = sent(Organisation, as_file(*rows), lead)
    assert result.problems == []
    assert result.summary == "1 new organisation as a draft; 1 changed organisation"
    draft.refresh_from_db()
    assert (draft.name, draft.state, draft.source) == ("Lamps and Co", "draft", source)
    new = Organisation.objects.get(slug="oil")
    assert (new.state, new.is_group, new.as_at) == ("draft", True, date(2031, 5, 6))
    assert new.history.get().history_user == lead


def test_a_change_of_what_the_public_sees_waits_and_no_page_changes(client, furnished, lead):
    def pages():
        return [
            client.get(address).content
            for address in ("/", "/about/", "/partners/", "/initiatives/", person.get_absolute_url())
        ]

    person: Any = Person.objects.public().filter(posts__isnull=False, posts__organisation__isnull=False).first()
    initiative: Any = Initiative.objects.public().first()
    before = pages()
    post = person.posts.exclude(organisation=None).first()
    file = as_file(
        {"person": person.slug, "title": post.title, "organisation": post.organisation.slug, "department": "Leak"}
    )
    result = sent(Post, file, lead)
    assert (result.problems, result.summary) == ([], "1 change that waits to be published")
    changed = {"slug": initiative.slug, "summary": "Leak.", "audiences": ""}
    assert sent(Initiative, as_file(changed), lead).summary == "1 change that waits to be published"
    assert pages() == before
    assert Pending.objects.count() == 2
    drafts.publish(person, by=lead)
    drafts.publish(initiative, by=lead)
    initiative.refresh_from_db()
    assert (initiative.summary, initiative.audiences.count()) == ("Leak.", 0)
    assert person.posts.get(pk=post.pk).department == "Leak"


def test_changes_add_up_with_those_that_wait_and_with_one_another(lead):
    person = PersonFactory(state="published", slug="ada", biography="Old.")
    body = OrganisationFactory(slug="lamps")
    drafts.propose(person, by=lead, edit=lambda: Person.objects.filter(pk=person.pk).update(honorific="Dr"))
    posts = [
        {"person": "ada", "title": title, "organisation": "lamps", "source": person.source.slug, "as_at": "2031-05-06"}
        for title in ("Chair", "Clerk")
    ]
    result = sent(Post, as_file(*posts), lead)
    assert (result.problems, result.summary) == ([], "2 changes that wait to be published")
    assert sent(Person, as_file({"slug": "ada", "biography": "New."}), lead).problems == []
    again = sent(Post, as_file(*posts), lead)  # the public sees no such post yet, and the change that waits holds it
    assert again.problems == []
    assert not person.posts.exists()
    drafts.publish(person, by=lead)
    person.refresh_from_db()
    assert (person.honorific, person.biography, person.posts.count()) == ("Dr", "New.", 2)
    assert {post.organisation for post in person.posts.all()} == {body}


def test_an_empty_cell_empties_and_a_column_that_is_not_there_stays(lead):
    body = OrganisationFactory(state="draft", slug="lamps", website="https://lamps.example.org/", summary="Light.")
    assert sent(Organisation, as_file({"slug": "lamps", "website": ""}), lead).problems == []
    body.refresh_from_db()
    assert (body.website, body.summary) == ("", "Light.")


def test_one_of_a_file_can_name_another_further_down(lead):
    base = {"source": PublicationFactory(slug="report").slug, "as_at": "2031-05-06"}
    rows = [
        {"slug": "member", "name": "Member", "represents": "group", **base},
        {"slug": "group", "name": "Group", "represents": "", **base},
    ]
    assert sent(Organisation, as_file(*rows), lead).problems == []
    assert Organisation.objects.filter(slug="member", represents__slug="group").exists()


def test_a_new_contact_point_goes_to_the_one_unit(lead):
    row = {"kind": "email", "label": "", "value": "a@example.org", "source": PublicationFactory().slug,
           "as_at": "2031-05-06"}  # fmt: skip
    said = sent(ContactPoint, as_file(row), lead).problems
    assert said == ["Row 2: There is no unit yet that this contact point could belong to. Add that first."]
    unit = UnitFactory()
    assert sent(ContactPoint, as_file(row), lead).problems == []
    again = sent(ContactPoint, as_file(row), lead)  # the same, not another one, wherever it waits
    assert again.problems == []
    if pending := Pending.objects.first():
        drafts.publish(pending.record, by=lead)
    assert [point.value for point in Unit.objects.get(pk=unit.pk).contact_points.all()] == ["a@example.org"]


@pytest.mark.parametrize("level", ["Primary", "PRIMARY", "primary", "Before it starts", "before it STARTS"])
def test_a_record_is_named_by_its_slug_in_any_case_or_by_a_name_of_its_own(level, lead):
    LevelFactory(slug="primary", name="Before it starts")
    LevelFactory(slug="secondary", name="Primary")  # a slug comes before another's name
    result = sent(Initiative, as_file({"slug": "walk", "name": "Walk", "level": level}), lead)
    assert [problem for problem in result.problems if "level" in problem] == []
    body = OrganisationFactory(slug="lamps", name="Lamps", state="draft", represents=OrganisationFactory(slug="Oil"))
    same = sent(Organisation, as_file({"slug": "lamps", "represents": "oil", "source": body.source.title}), lead)
    assert (same.problems, same.unchanged) == ([], 1)


def test_lists_and_owners_are_named_so_too(lead):
    ada = PersonFactory(slug="ada", name="Ada Light", state="draft")
    report = PublicationFactory(slug="report", state="draft")
    assert sent(Publication, as_file({"slug": "report", "authors": "Ada Light; ADA"}), lead).problems == []
    assert [*report.authors.all()] == [ada]
    body = OrganisationFactory(slug="lamps")
    post = {"person": "ADA", "title": "Chair", "organisation": body.name, "source": "Report", "as_at": "2031-05-06"}
    for count in ([1, 0], [0, 1]):  # the second time the post is there
        result = sent(Post, as_file(post), lead)
        assert (result.problems, [len(result.new), result.unchanged]) == ([], count)


def test_a_name_that_two_have_names_neither(lead):
    for slug in ("ada", "ada-2"):
        PersonFactory(slug=slug, name="Ada Light")
    PublicationFactory(slug="report", state="draft")
    result = sent(Publication, as_file({"slug": "report", "authors": "Ada Light"}), lead)
    assert result.problems == ["Row 2: authors 'Ada Light' is not one of ada, ada-2"]


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "row", "said"),
    [
        (Post, {"person": "", "title": "Chair", "organisation": "lamps"}, "person is empty, and it says which post"),
        (Organisation, {"slug": " ", "name": "Lamps"}, "slug is empty, and it says which organisation"),
    ],
)
def test_a_row_without_what_names_it_is_refused_by_its_number(model, row, said, lead):
    PersonFactory(slug="ada")
    base = {"source": OrganisationFactory(slug="lamps").source.slug, "as_at": "2031-05-06"}
    result = sent(model, as_file(row | base, row | base), lead)
    assert result.problems == [f"Row {number}: {said} this is. Fill it in" for number in (2, 3)]


@pytest.mark.parametrize("row", [{"title": "\ud800x"}, {"title": "\ud800"}, {"source": "\udfff"}, {"slug": "\ud800a"}])
def test_half_a_character_is_refused_like_a_control_character(row, lead):
    StoryFactory(slug="walk", title="x", state="draft")
    result = sent(Story, as_file({"slug": "walk"} | row), lead)
    ((name, cell),) = row.items()
    code = next(char for char in cell if char >= "\ud800")
    assert result.problems == [f"Row 2: {name}: there is half a character in it (U+{ord(code):04X}). Take it out"]


def test_half_a_character_in_a_new_row_or_a_heading_reaches_no_page(client, lead):
    client.force_login(lead)
    address = reverse("admin:partners_person_changelist")
    page = upload(client, address, b'[{"slug": "bea", "name": "Bea", "biography": "\\ud800"}]')
    assert "Row 2: biography: there is half a character in it (U+D800). Take it out" in text_of(page)
    page = upload(client, address, b'[{"slug": "bea", "name": "Bea", "biography": "\\u0000"}]')
    assert "Row 2: biography: there is a control character in it (U+0000). Take it out" in text_of(page)
    page = upload(client, address, b'[{"slug": "bea", "\\ud800name": "Bea"}]')
    assert "there is half a character in it (U+D800). Take it out" in text_of(page)


def test_errors_name_the_row_the_cell_and_what_it_could_say(lead):
    for slug in ("primary", "secondary", "tertiary"):
        LevelFactory(slug=slug)
    rows = [{"slug": f"walk-{n}", "name": f"Walk {n}", "level": "Primary"} for n in range(12)]
    result = sent(Initiative, as_file(*rows, {"slug": "x", "name": "X", "level": "Primery"}), lead)
    assert "Row 14: level 'Primery' is not one of primary, secondary, tertiary" in result.problems
    assert not Initiative.objects.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"is_group": "perhaps"}, "Row 2: is_group 'perhaps' is not yes or no"),
        ({"as_at": "6/5/2031"}, "Row 2: as_at: '6/5/2031' is no day. Write it as 2031-05-06."),
        ({"source": "nothing"}, "Row 2: source 'nothing' is not one of "),
        ({"represents": "lamps"}, "Row 2: An organisation represents others, not itself."),
        ({"name": ""}, "Row 2, name: This field cannot be blank."),
        ({"website": "javascript:alert(1)"}, "Row 2, website: Enter a valid URL."),
        ({"name": "a\x07b"}, "Row 2: name: there is a control character in it (U+0007). Take it out"),
        ({"state": "published"}, "Row 2: state is “published” there and “draft” here: a file cannot change it."),
        ({"state": "shown"}, "Row 2: state 'shown' is not one of draft, published"),
        ({"position": "1"}, "Unknown columns: position."),
    ],
)
def test_what_the_form_refuses_a_file_is_refused_too(change, said, lead):
    body = OrganisationFactory(slug="lamps", name="Lamps", state="draft")
    result = sent(Organisation, as_file({"slug": "lamps"} | change), lead)
    assert [problem for problem in result.problems if said in problem], result.problems
    assert Organisation.objects.get(pk=body.pk).name == "Lamps"


def test_one_row_that_is_refused_keeps_all_of_them_out(lead):
    PublicationFactory(slug="report")
    public = OrganisationFactory(slug="lamps", state="published")
    rows = [
        {"slug": "oil", "name": "Oil", "source": "report", "as_at": "2031-05-06"},
        {"slug": "lamps", "name": "Other", "source": "report", "as_at": "2031-05-06"},
        {"slug": "wax", "name": "", "source": "report", "as_at": "2031-05-06"},
    ]
    assert sent(Organisation, as_file(*rows), lead).problems == ["Row 4, name: This field cannot be blank."]
    assert not Organisation.objects.filter(slug="oil").exists()
    assert not Pending.objects.exists()
    assert public.history.count() == 1


def test_a_record_twice_and_half_a_name_and_no_rows_are_refused(lead):
    OrganisationFactory(slug="lamps")
    twice = sent(Organisation, as_file({"slug": "lamps"}, {"slug": "lamps"}), lead)
    assert twice.problems == ["Row 3: The same organisation is in row 2 already."]
    assert "Missing columns: organisation" in sent(Post, as_file({"person": "a", "title": "b"}), lead).problems[0]
    assert sent(Organisation, b"slug\n", lead, "csv").problems == [
        "The file names columns, and has no rows below them."
    ]


@pytest.mark.parametrize(
    ("rights", "new", "change"),
    [
        ((), False, False),
        (("partners.view_organisation",), False, False),
        (("partners.add_organisation",), True, False),
        (("partners.change_organisation",), False, True),
        (("partners.add_organisation", "partners.change_organisation"), True, True),
    ],
)
def test_a_file_needs_the_rights_that_the_form_needs(rights, new, change):
    clerk = staff(*rights)
    body: Any = OrganisationFactory(slug="lamps", state="draft", summary="")
    source = body.source.slug
    rows = {
        "new": {"slug": "oil", "name": "Oil", "source": source, "as_at": "2031-05-06"},
        "old": {"slug": "lamps", "summary": "x"},
    }
    assert RESOURCES[Organisation].permits(clerk) == (new or change)
    assert (sent(Organisation, as_file(rows["new"]), clerk).problems == []) == new
    said = sent(Organisation, as_file(rows["old"]), clerk).problems
    assert said == ([] if change else ["Row 2: You may not change organisations"])


def test_a_part_is_added_by_whoever_may_change_its_owner_and_stays_with_it(lead):
    person = PersonFactory(slug="ada", state="draft")
    row = {"person": "ada", "title": "Chair", "organisation": OrganisationFactory(slug="lamps").slug,
           "source": person.source.slug, "as_at": "2031-05-06"}  # fmt: skip
    clerk = staff("partners.add_post", "partners.change_post")
    assert sent(Post, as_file(row), clerk).problems == ["Row 2: You may not change people"]
    assert sent(Post, as_file(row), lead).problems == []
    PersonFactory(slug="bea")
    assert sent(Post, as_file(row | {"person": "bea"}), lead).problems == []  # another post: the first stays with Ada
    assert person.posts.count() == 1


# In the admin ---------------------------------------------------------------------------------------------------------


def upload(client, address, content, form=2, name="file.json"):
    file = SimpleUploadedFile(name, content)
    return client.post(f"{address}import/", {"import_file": file, "format": form, "resource": "0"})


def test_a_file_is_tried_shown_and_recorded_once(client, lead):
    client.force_login(lead)
    person = PersonFactory(state="published", slug="ada", biography=f"{'Long ' * 100}she lit lamps {'and more ' * 100}")
    address = reverse("admin:partners_person_changelist")
    content = as_file(
        {"slug": "ada", "biography": person.biography.replace("lit", "made")}, {"slug": "ada2", "biography": ""}
    )
    page = upload(client, address, content)
    assert "Row 3, name: This field cannot be blank." in text_of(page)
    page = upload(client, address, as_file({"slug": "ada", "biography": person.biography.replace("lit", "made")}))
    said = text_of(page)
    assert "Nothing is changed yet. This file would record 1 change that waits to be published." in said
    assert "<del>lit</del>" in page.content.decode()
    assert "<ins>made</ins>" in page.content.decode()
    assert not Pending.objects.exists()
    confirm = page.context["confirm_form"].initial
    done = client.post(f"{address}process_import/", confirm, follow=True)
    assert "Recorded: 1 change that waits to be published." in text_of(done)
    assert LogEntry.objects.get().change_message == "Recorded from file.json."
    again = client.post(f"{address}process_import/", confirm, follow=True)
    assert "This file was recorded already" in text_of(again)


def test_a_list_is_saved_as_it_is_filtered_by_whoever_may_see_it(client):
    UnitFactory()
    StoryFactory(slug="b", title="=Lamps", state="draft")
    StoryFactory(slug="a", title="Oil", state="published")
    address = reverse("admin:programmes_story_changelist")
    client.force_login(staff("programmes.view_story"))
    for form, kind in FORMATS.items():
        answer = client.get(f"{address}export/{form}/?state__exact=draft")
        content = b"".join(answer.streaming_content)
        assert kind().create_dataset(content)["slug"] == ["b"]
        assert "no-store" in answer.headers["Cache-Control"]
    assert b"'=Lamps" in b"".join(client.get(f"{address}export/csv/?q=lamps").streaming_content)
    assert client.get(f"{address}export/pdf/").status_code == 404
    assert client.get(f"{address}export/csv/?nothing=1").status_code == 302
    assert client.get(f"{address}import/").status_code == 403
    assert client.get(f"{address}import/empty.csv").status_code == 403
    assert Client().get(f"{address}export/csv/").status_code == 302
    get_user_model().objects.create_user("nobody", is_staff=True)
    client.force_login(get_user_model().objects.get(username="nobody"))
    assert client.get(f"{address}export/csv/").status_code == 403


def test_every_list_of_records_offers_its_files(client, furnished, lead):
    client.force_login(lead)
    for model in [*RESOURCES, apps.get_model("declarations.declarationversion")]:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        page = client.get(address).content.decode()
        assert "Save as XLSX" in page
        assert (">Import</a>" in page) == (model in RESOURCES)
        content = b"".join(client.get(f"{address}export/xlsx/").streaming_content)
        assert openpyxl.load_workbook(io.BytesIO(content))["Rows"].max_row == model._default_manager.count() + 1
        assert (client.get(f"{address}import/").status_code == 200) == (model in RESOURCES)


def test_the_number_of_questions_does_not_grow_with_the_rows(django_assert_max_num_queries, lead):
    OrganisationFactory.create_batch(30, state="draft")
    content = saved(Organisation, "csv")
    resource = RESOURCES[Organisation](by=lead)
    with django_assert_max_num_queries(130):  # two savepoints a row are django-import-export's
        resource.run(CSV().create_dataset(content), dry_run=True)


def test_of_a_long_text_the_changed_words_are_shown():
    old, new = changed_words("a " * 1000 + "lit lamps" + " b" * 1000, "a " * 1000 + "made lamps" + " b" * 1000)
    assert old == ("… a a a a a a a a", "lit", "lamps b b b b b b b …")
    assert new.changed == "made"
    assert changed_words("", "New") == (("", "", ""), ("", "New", ""))


def test_conditions_are_named_by_their_numbers_and_events_by_their_slugs(lead):
    ConditionFactory(number=3, title="Trust", state="draft")
    EventFactory(slug="opening")
    number = RESOURCES[next(m for m in RESOURCES if m._meta.model_name == "successcondition")]
    assert number(by=lead).run(CSV().create_dataset(b"number,title\n3,Patience\n"), dry_run=False).problems == []
