"""A file can do nothing that the form cannot."""

from typing import Any

import pytest
from django.urls import reverse

from partners.models import Organisation, Post
from programmes.models import Initiative, Story
from tests.funding.resources.files import as_csv
from tests.support.crawler import text_of
from tests.support.factories import LevelFactory, OrganisationFactory, PersonFactory, PublicationFactory, StoryFactory
from tests.vru_portal.tabular.records.files import import_content, json_file, staff, upload
from vru_portal.models import Pending
from vru_portal.tabular.records.resources import RESOURCES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("history")]


@pytest.mark.parametrize(
    ("model", "row", "said"),
    [
        (
            Post,
            {"person": "", "title": "Chair", "organisation": "lamps"},
            "person: Enter a value: it identifies the post.",
        ),
        (Organisation, {"slug": " ", "name": "Lamps"}, "slug: Enter a value: it identifies the organisation."),
    ],
)
def test_a_row_without_its_key_is_refused(model, row, said, lead):
    PersonFactory(slug="ada")
    base = {"source": OrganisationFactory(slug="lamps").source.slug, "as_at": "2031-05-06"}
    result = import_content(model, json_file(row | base, row | base), lead)
    assert result.problems == [f"Row {number}, {said}" for number in (2, 3)]


@pytest.mark.parametrize("row", [{"title": "\ud800x"}, {"title": "\ud800"}, {"source": "\udfff"}, {"slug": "\ud800a"}])
def test_a_surrogate_is_refused_like_a_control_character(row, lead):
    StoryFactory(slug="walk", title="x", state="draft")
    result = import_content(Story, json_file({"slug": "walk"} | row), lead)
    ((name, cell),) = row.items()
    code = next(char for char in cell if char >= "\ud800")
    assert result.problems == [f"Row 2, {name}: Delete the incomplete character U+{ord(code):04X}."]


def test_a_surrogate_in_a_new_row_or_a_heading_reaches_no_page(client, lead):
    client.force_login(lead)
    address = reverse("admin:partners_person_changelist")
    page = upload(client, address, b'[{"slug": "bea", "name": "Bea", "biography": "\\ud800"}]')
    assert "Row 2, biography: Delete the incomplete character U+D800" in text_of(page)
    page = upload(client, address, b'[{"slug": "bea", "name": "Bea", "biography": "\\u0000"}]')
    assert "Row 2, biography: Delete the control character U+0000" in text_of(page)
    page = upload(client, address, b'[{"slug": "bea", "\\ud800name": "Bea"}]')
    assert "Delete the incomplete character U+D800" in text_of(page)


def test_all_problems_of_a_row_are_reported_together(lead):
    OrganisationFactory(slug="lamps", name="Lamps")
    source = PublicationFactory(slug="plan").slug
    wrong = {"slug": "walk", "title": "", "summary": "s" * 400, "published_on": "31/2/2031", "source": source}
    rows = [wrong | {"as_at": "1/5/24", "checked_on": ""}, wrong | {"slug": "Two Words", "source": "nothing"}]
    for form in ("json", "csv"):
        content = json_file(*(row | {"as_at": row.get("as_at", "x"), "checked_on": ""} for row in rows))
        if form == "csv":
            content = as_csv([row | {"as_at": row.get("as_at", "x"), "checked_on": ""} for row in rows])
        found = import_content(Story, content, lead, form=form).problems
        places = {problem.partition(":")[0] for problem in found}
        assert places == {
            *(f"Row 2, {name}" for name in ("as_at", "published_on", "summary", "title")),
            *(f"Row 3, {name}" for name in ("as_at", "published_on", "slug", "source", "summary", "title")),
        }
    existing = StoryFactory(slug="walk", state="draft")
    found = import_content(Story, json_file({"slug": "walk", "published_on": "soon", "title": ""}), lead).problems
    assert {problem.partition(":")[0] for problem in found} == {"Row 2, published_on", "Row 2, title"}
    existing.refresh_from_db()
    assert existing.title


def test_errors_name_the_row_the_column_and_the_possible_values(lead):
    for slug in ("primary", "secondary", "tertiary"):
        LevelFactory(slug=slug)
    rows = [{"slug": f"walk-{n}", "name": f"Walk {n}", "level": "Primary"} for n in range(12)]
    result = import_content(Initiative, json_file(*rows, {"slug": "x", "name": "X", "level": "Primery"}), lead)
    assert "Row 14, level: 'Primery' is not one of primary, secondary, tertiary." in result.problems
    assert not Initiative.objects.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"is_group": "perhaps"}, "Row 2, is_group: Enter yes or no, not 'perhaps'."),
        ({"as_at": "6/5/31"}, "Row 2, as_at: Enter the year with four digits: 2031, for example, not 31."),
        ({"source": "nothing"}, "Row 2, source: 'nothing' is not one of "),
        ({"represents": "lamps"}, "Row 2: An organisation represents others, not itself."),
        ({"name": ""}, "Row 2, name: This cell is empty. Fill it in."),
        (
            {"website": "javascript:alert(1)"},
            "Row 2, website: Enter a web address, such as https://www.example.org/report.",
        ),
        ({"name": "a\x07b"}, "Row 2, name: Delete the control character U+0007"),
        ({"state": "published"}, "Row 2, state: The file says “published” but the record is “draft”."),
        ({"state": "shown"}, "Row 2, state: 'shown' is not one of draft, published"),
        ({"position": "1"}, "Unknown columns: position."),
    ],
)
def test_a_file_is_refused_what_the_form_is_refused(change, said, lead):
    body = OrganisationFactory(slug="lamps", name="Lamps", state="draft")
    result = import_content(Organisation, json_file({"slug": "lamps"} | change), lead)
    assert [problem for problem in result.problems if said in problem], result.problems
    assert Organisation.objects.get(pk=body.pk).name == "Lamps"


def test_one_refused_row_keeps_all_rows_out(lead):
    PublicationFactory(slug="report")
    public = OrganisationFactory(slug="lamps", state="published")
    rows = [
        {"slug": "oil", "name": "Oil", "source": "report", "as_at": "2031-05-06"},
        {"slug": "lamps", "name": "Other", "source": "report", "as_at": "2031-05-06"},
        {"slug": "wax", "name": "", "source": "report", "as_at": "2031-05-06"},
    ]
    assert import_content(Organisation, json_file(*rows), lead).problems == [
        "Row 4, name: This cell is empty. Fill it in."
    ]
    assert not Organisation.objects.filter(slug="oil").exists()
    assert not Pending.objects.exists()
    assert public.history.count() == 1


def test_duplicate_records_incomplete_keys_and_empty_files_are_refused(lead):
    OrganisationFactory(slug="lamps")
    twice = import_content(Organisation, json_file({"slug": "lamps"}, {"slug": "lamps"}), lead)
    assert twice.problems == ["Row 3: This file already has the same organisation in row 2."]
    assert (
        "Missing columns: organisation"
        in import_content(Post, json_file({"person": "a", "title": "b"}), lead).problems[0]
    )
    assert import_content(Organisation, b"slug\n", lead, "csv").problems == [
        "This file has column names, but no rows below them."
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
def test_a_file_needs_the_permissions_that_the_form_needs(rights, new, change):
    clerk = staff(*rights)
    body: Any = OrganisationFactory(slug="lamps", state="draft", summary="")
    source = body.source.slug
    rows = {
        "new": {"slug": "oil", "name": "Oil", "source": source, "as_at": "2031-05-06"},
        "old": {"slug": "lamps", "summary": "x"},
    }
    assert RESOURCES[Organisation].can_import(clerk) == (new or change)
    assert (import_content(Organisation, json_file(rows["new"]), clerk).problems == []) == new
    said = import_content(Organisation, json_file(rows["old"]), clerk).problems
    assert said == ([] if change else ["Row 2: You do not have permission to change organisations."])


def test_adding_a_part_needs_permission_to_change_its_owner(lead):
    person = PersonFactory(slug="ada", state="draft")
    row = {"person": "ada", "title": "Chair", "organisation": OrganisationFactory(slug="lamps").slug,
           "source": person.source.slug, "as_at": "2031-05-06"}  # fmt: skip
    clerk = staff("partners.add_post", "partners.change_post")
    assert import_content(Post, json_file(row), clerk).problems == [
        "Row 2: You do not have permission to change people."
    ]
    assert import_content(Post, json_file(row), lead).problems == []
    PersonFactory(slug="bea")
    assert import_content(Post, json_file(row | {"person": "bea"}), lead).problems == []  # a second post
    assert person.posts.count() == 1
