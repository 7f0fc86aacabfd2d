"""`manage.py load_unit`: all of a unit, once."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from partners.models import Organisation, Publication, Unit
from programmes.models import Initiative
from tests.vru_portal.operations.content.units import RECORDS, counts, stated
from tests.vru_portal.test_meta import PROJECT_MODELS

pytestmark = pytest.mark.django_db


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


def test_a_record_may_refer_to_a_later_one(unit, load):
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


def test_an_empty_or_missing_folder_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(CommandError) as caught:
            call_command("load_unit", folder)
        assert str(caught.value).startswith(f"{folder} holds no content: expected partners.yaml, programmes.yaml")


def test_a_second_unit_is_not_loaded_over_the_first(unit, load):
    load(unit)
    before = counts()
    with pytest.raises(CommandError, match=r"^This portal already has the content of Moor Partnership\. Content can"):
        load(unit)
    assert counts() == before


def test_an_empty_file_is_an_app_without_records(unit, load):
    unit["declarations"] = ""
    load(unit)
    assert Unit.objects.get().name == "Moor Partnership"
