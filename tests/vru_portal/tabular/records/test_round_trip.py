"""Files of records: exporting and importing changes nothing."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.test import RequestFactory
from hypothesis import given, settings
from hypothesis import strategies as st

from partners.models import ContactPoint, Publication
from programmes.models import Story
from tests.support.factories import OrganisationFactory, StoryFactory
from tests.support.spreadsheets import through_uk_excel
from tests.vru_portal.tabular.records.files import FORMATS, changed_excerpts, export_records, import_content
from tests.vru_portal.test_meta import HISTORIC, KEEPS_HISTORY
from vru_portal.models import Pending
from vru_portal.tabular.records.columns import columns_of
from vru_portal.tabular.records.resources import RESOURCES
from vru_portal.tabular.writers import escape_formula, unescape_formula

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("history")]

# Recorded only by actions in the admin, never from a file; and what a unit sets up once, a few rows of it.
WITHOUT_IMPORT = {
    *("programmes.evidenceassessment", "declarations.declarationversion"),
    *("funding.fundingsource", "funding.sourcecondition", "funding.fulfilment"),
    *("results.target", "results.areapopulation"),
}


def test_each_model_that_keeps_its_history_has_a_resource():
    historic = {label for label, kind in KEEPS_HISTORY.items() if kind is HISTORIC} - WITHOUT_IMPORT
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
    owner = {"unit"} if model is ContactPoint else set()  # there is only one
    elsewhere = {"state", "position", "number"}  # on pages of their own: publishing, and the order of a list
    assert columns - elsewhere == (names & of_model) - elsewhere - {"file"} - owner


def test_exporting_and_importing_every_model_changes_nothing(furnished, lead, record_property):
    empty = set()
    models: list[Any] = [*RESOURCES]
    for model in models:
        count = model._default_manager.count()
        history = model.history.count()
        for form in FORMATS:
            if not count:
                empty.add(model._meta.model_name)
                continue
            result = import_content(model, export_records(model, form), lead, form)
            assert (result.problems, changed_excerpts(result), len(result.new)) == ([], [], 0), (model, form)
            assert result.unchanged == count
        assert model.history.count() == history
    assert empty <= {"picture", "document"}
    assert not Pending.objects.exists()


@pytest.mark.parametrize("unicode", [True, False], ids=["CSV UTF-8", "CSV"])
def test_a_list_that_uk_excel_has_saved_changes_nothing(unicode, furnished, lead):
    OrganisationFactory(slug="007", name="007", summary="3E8")
    StoryFactory(slug="2031-05-06", title="2011-12", body="TRUE")
    StoryFactory(slug="1-2", title="Łódź", body="2 October 2019")
    StoryFactory(slug="11-18", title="5-11", summary="24/7", body="9:30 pm")
    models: list[Any] = [*RESOURCES]
    for model in models:
        if not (count := model._default_manager.count()):
            continue
        history = model.history.count()
        content = through_uk_excel(export_records(model, "csv"), unicode=unicode)
        result = import_content(model, content, lead, "csv")
        assert (result.problems, changed_excerpts(result), len(result.new)) == ([], [], 0), model
        assert (result.unchanged, model.history.count()) == (count, history), model
    assert not Pending.objects.exists()


def test_text_that_a_spreadsheet_reformats_is_not_taken_for_a_change(lead):
    StoryFactory(slug="a", title="007", state="draft")
    resaved = import_content(Story, b"slug,title\na,7\n", lead, "csv")
    assert (resaved.unchanged, resaved.notes) == (
        1,
        ["Row 2: title stays “007”. A spreadsheet changed it to “7”."],
    )
    assert import_content(Story, b"slug,title\na,8\n", lead, "csv").changed
    Story.objects.update(title="7")
    assert import_content(Story, b"slug,title\na,007\n", lead, "csv").changed  # somebody put the zeros back
    assert import_content(Story, b'[{"slug": "a", "title": "7"}]', lead).changed  # no spreadsheet has seen it


HOSTILE_STARTS = ["=", "+", "-", "@", "'", "''=", "'=", "\t", "'\t", "\n", "\r\n", '"', "_x000D_", "'-"]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)
HOSTILE = TEXTS | st.builds("{}{}".format, st.sampled_from(HOSTILE_STARTS), TEXTS)


@settings(deadline=None)
@given(HOSTILE)
def test_unescaping_a_formula_gives_back_the_text(text):
    assert unescape_formula(escape_formula(text)) == text


@settings(deadline=None)
@given(HOSTILE)
def test_any_text_survives_export_and_import(text):
    (column,) = (column for column in columns_of(Story) if column.name == "body")
    story = Story(body=text.replace("\0", ""), source=Publication(slug="report"))
    for form, kind in FORMATS.items():
        dataset = kind().create_dataset(export_records(Story, form, [story]))
        cell = dataset["body"][0]
        said = column.read(cell if form == "json" or not isinstance(cell, str) else unescape_formula(cell))
        assert column.matches(story, said), (form, cell)


def test_line_ends_quotes_and_formulas_survive_the_database(lead):
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
        result = import_content(Story, export_records(Story, form), lead, form)
        assert (result.problems, changed_excerpts(result), result.unchanged) == ([], [], len(bodies)), form
