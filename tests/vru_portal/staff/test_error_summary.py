"""What stops a form is listed: sentences about the whole form, and links to fields, with no box left empty."""

import re

import pytest
from django import forms
from django.template.loader import render_to_string

from tests.support.admin_forms import admin_list_url, admin_url, form_data
from tests.support.factories import AgendaItemFactory, EventFactory, StoryFactory
from vru_portal.publishing.state import State
from vru_portal.text.form_fields import MomentFormField

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def summary_of(page):
    """The entries of the summary: what each says, and the element that it leads to."""
    (box,) = re.findall(r'<div class="portal-errors".*?</div>', page, re.DOTALL)
    entries = re.findall(r"<li>(.*?)</li>", box, re.DOTALL)
    assert entries, "an empty box"
    targets = [target for entry in entries for target in re.findall(r'href="#([^"]+)"', entry)]
    return [re.sub(r"<[^>]+>", "", entry) for entry in entries], targets


def test_a_refusal_of_the_whole_form_is_a_sentence_of_the_summary(staff):
    story = StoryFactory(state=State.DRAFT)
    data = form_data(staff.get(admin_url(story))) | {"seen": "another version", "title": "Snow"}
    said, _ = summary_of(staff.post(admin_url(story), data).text)
    assert any("saved this while you were editing" in sentence for sentence in said)


def test_each_field_with_an_error_is_linked_also_in_rows(staff):
    item = AgendaItemFactory(event=EventFactory(state=State.DRAFT))
    data = form_data(staff.get(admin_url(item.event))) | {"title": "", "items-0-title": "", "items-0-position": "none"}
    page = staff.post(admin_url(item.event), data).text
    said, targets = summary_of(page)
    assert targets == ["id_title", "id_items-0-position", "id_items-0-title"]
    assert all(f'id="{target}"' in page for target in targets)
    assert any(sentence.startswith("Agenda item: 1. ") for sentence in said)
    assert "<title>Error: " in page


@pytest.mark.parametrize("model", ["partners.sector", "auth.user", "programmes.audience"])
def test_forms_that_are_no_records_have_the_summary_too(staff, model):
    from django.apps import apps

    address = admin_list_url(apps.get_model(model), "add")
    said, targets = summary_of(staff.post(address, {}).text)
    assert said
    assert targets


class Moment(forms.Form):
    at = MomentFormField(label="Publish on")
    secret = forms.CharField(widget=forms.HiddenInput)

    def clean(self):
        raise forms.ValidationError("Not today.")


def test_boxes_that_belong_together_and_hidden_ones_are_listed_by_what_can_be_focused():
    page = render_to_string("admin/error_summary.html", {"form": Moment({"at_0": "x"})})
    said, targets = summary_of(page)
    assert said[0] == "Not today."
    assert targets == ["id_at_0"]
    assert any(sentence.startswith("Secret: ") for sentence in said)
    assert "There is a problem" not in render_to_string("admin/error_summary.html", {"form": forms.Form({})})


def test_a_day_and_its_time_have_names_of_their_own():
    assert re.findall(r'aria-label="([^"]+)"', str(Moment()["at"])) == ["Publish on: date", "Publish on: time"]
