"""Files of records in the admin."""

import io
import re

import openpyxl
import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from tests.support.crawler import text_of
from tests.support.factories import (
    PersonFactory,
    StoryFactory,
    UnitFactory,
)
from tests.vru_portal.tabular.records.files import (
    FORMATS,
    json_file,
    staff,
    upload,
)
from vru_portal.models import Pending
from vru_portal.tabular.records.resources import RESOURCES
from vru_portal.text.differences import changed_words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("history")]


def test_a_file_is_tried_shown_and_recorded_once(client, lead):
    client.force_login(lead)
    person = PersonFactory(state="published", slug="ada", biography=f"{'Long ' * 100}she lit lamps {'and more ' * 100}")
    address = reverse("admin:partners_person_changelist")
    content = json_file(
        {"slug": "ada", "biography": person.biography.replace("lit", "made")}, {"slug": "ada2", "biography": ""}
    )
    page = upload(client, address, content)
    assert "Row 3, name: This cell is empty. Fill it in." in text_of(page)
    page = upload(client, address, json_file({"slug": "ada", "biography": person.biography.replace("lit", "made")}))
    said = text_of(page)
    assert "Nothing is changed yet. This file would record 1 pending change." in said
    assert "<del>lit</del>" in page.content.decode()
    assert "<ins>made</ins>" in page.content.decode()
    assert not Pending.objects.exists()
    confirm = page.context["confirm_form"].initial
    done = client.post(f"{address}process_import/", confirm, follow=True)
    assert "Recorded: 1 pending change." in text_of(done)
    assert LogEntry.objects.get().change_message == "Recorded from file.json."
    again = client.post(f"{address}process_import/", confirm, follow=True)
    assert "This file was already recorded" in text_of(again)


def test_the_import_page_says_how_each_column_is_written(client, lead):
    client.force_login(lead)
    page = client.get(reverse("admin:partners_person_import")).text
    rows = re.findall(r'<tr><th scope="row"><code>(\w+)</code></th><td>(.*?)</td>', page)
    assert {name: how for name, how in rows if name in ("slug", "as_at")} == {
        "slug": "Text.",
        "as_at": "A date, such as 2031-05-06 or 6/5/2031.",
    }
    assert all(how for _, how in rows)


def test_a_filtered_list_can_be_exported_by_those_who_may_view_it(client):
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
    assert client.get(f"{address}export/csv/?nothing=1").status_code == 400
    assert client.get(f"{address}import/").status_code == 403
    assert client.get(f"{address}import/empty.csv").status_code == 403
    assert Client().get(f"{address}export/csv/").status_code == 302
    get_user_model().objects.create_user("nobody", is_staff=True)
    client.force_login(get_user_model().objects.get(username="nobody"))
    assert client.get(f"{address}export/csv/").status_code == 403


def test_every_list_of_records_offers_export_and_import(client, furnished, lead):
    client.force_login(lead)
    for model in [*RESOURCES, apps.get_model("declarations.declarationversion")]:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        page = client.get(address).content.decode()
        assert "Save as XLSX" in page
        assert (">Import</a>" in page) == (model in RESOURCES)
        content = b"".join(client.get(f"{address}export/xlsx/").streaming_content)
        assert openpyxl.load_workbook(io.BytesIO(content))["Rows"].max_row == model._default_manager.count() + 1
        assert (client.get(f"{address}import/").status_code == 200) == (model in RESOURCES)


def test_only_the_changed_words_of_a_long_text_are_shown():
    old, new = changed_words("a " * 1000 + "lit lamps" + " b" * 1000, "a " * 1000 + "made lamps" + " b" * 1000)
    assert old == ("… a a a a a a a a", "lit", "lamps b b b b b b b …")
    assert new.changed == "made"
    assert changed_words("", "New") == (("", "", ""), ("", "New", ""))
