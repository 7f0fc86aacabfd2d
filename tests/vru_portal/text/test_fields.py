"""Every field for what people type cleans and checks it, in models and in forms."""

import importlib
import pkgutil
from datetime import date

import pytest
from django import forms
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import models

from partners.models import Person, Publication
from vru_portal.text import fields, form_fields

PACKAGES = ("vru_portal", "partners", "programmes", "funding", "events")
# Text and dates that only the portal writes, though Django calls the fields editable.
WRITTEN_BY_THE_PORTAL = {
    ("vru_portal", "pending"),
    ("vru_portal", "oldaddress"),
    ("vru_portal", "filejob"),
    ("results", "token"),
    ("results", "mail"),
    ("funding", "onwardtoken"),
    ("funding", "onwardmail"),
    ("declarations", "token"),
    ("declarations", "mail"),
    ("declarations", "head"),
    ("declarations", "entry"),
    ("declarations", "treenode"),
    ("declarations", "personalrecord"),
    ("declarations", "registerkey"),
    ("vru_portal", "contentversion"),
    ("vru_portal", "heartbeat"),
    ("vru_portal", "missedword"),
    ("programmes", "documenttext"),
}
CHECKED_BY_FIELD = models.SlugField  # its validator allows no invisible characters


def typed_model_fields():
    for model in apps.get_models():
        label = (model._meta.app_label, model._meta.model_name)
        if (
            not model.__module__.startswith(PACKAGES)
            or label in WRITTEN_BY_THE_PORTAL
            or hasattr(model, "instance_type")
        ):
            continue
        for field in model._meta.local_concrete_fields:
            is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
            is_date = isinstance(field, models.DateField) and not isinstance(field, models.DateTimeField)
            if field.editable and (is_text or is_date) and not isinstance(field, CHECKED_BY_FIELD):
                yield field


def form_classes():
    for package in PACKAGES:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not module.name.endswith((".settings", ".wsgi", ".rsgi", ".urls")) and ".migrations" not in module.name:
                importlib.import_module(module.name)
    pending = [forms.BaseForm]
    while pending:
        pending += (form := pending.pop()).__subclasses__()
        if form.__module__.startswith(PACKAGES):
            yield form


def test_every_text_and_date_that_people_type_into_a_record_is_cleaned_by_its_field():
    own = (
        *(fields.LineField, fields.LongTextField, fields.EmailAddressField, fields.WebAddressField),
        fields.CalendarDateField,
    )
    found = list(typed_model_fields())
    assert len(found) > 100
    assert [str(field) for field in found if not isinstance(field, own)] == []


# Fields whose text is not kept as it is typed.
PLAIN_FORM_FIELDS = {
    "seen": "the fingerprint of a version",
    "text_sha256": "the fingerprint of a text",
    "bodies": "a pasted list, whose cells are cleaned one by one",
    "import_file_name": "the name of a stored file",
    "left_out": "the signed numbers of rows",
    "kept": "the signed name of a stored file",
    "original_file_name": "the name of a file that was sent",
    "format": "a choice of django-import-export",
    "credential": "what a passkey signed",
    "resource": "a choice of django-import-export",
}


def test_every_text_date_and_time_that_people_type_into_a_form_is_cleaned_by_its_field():
    own = (
        form_fields.LineFormField,
        form_fields.LongTextFormField,
        form_fields.EmailAddressFormField,
        form_fields.WebAddressFormField,
        form_fields.CalendarDateFormField,
        form_fields.MomentFormField,
    )
    typed = (forms.CharField, forms.DateField, forms.TimeField, forms.SplitDateTimeField, forms.DateTimeField)
    checked_by_field = (forms.SlugField,)
    plain = {
        name
        for form in form_classes()
        if getattr(getattr(form, "_meta", None), "model", None) is not get_user_model()  # Django's own accounts
        for name, field in getattr(form, "base_fields", {}).items()
        if isinstance(field, typed)
        and not isinstance(field, own + checked_by_field)
        and not isinstance(field.widget, forms.PasswordInput)
    }
    assert plain == set(PLAIN_FORM_FIELDS)


def test_a_record_takes_what_was_pasted_without_invisible_characters():
    person = Person(name=" Ada\u200b  Moor\u00a0", family_name="Moor\ufeff", biography="One\x0btwo\u2028three")
    person.clean_fields(exclude=["source", "slug", "as_at"])
    assert (person.name, person.family_name, person.biography) == ("Ada Moor", "Moor", "One\ntwo\nthree")


def test_a_line_of_nothing_but_invisible_characters_is_empty():
    with pytest.raises(ValidationError) as refused:
        Person(name="\u200b", family_name="Moor").clean_fields(exclude=["source", "slug", "as_at"])
    assert refused.value.message_dict == {"name": ["This field cannot be blank."]}


@pytest.mark.parametrize("typed", ["02/10/2019", "2 Oct 2019", "2019-10-02"])
def test_a_record_takes_a_date_however_it_is_written(typed):
    publication = Publication(title="Plan", slug="plan", published_on=typed)
    publication.clean_fields(exclude=["publisher"])
    assert publication.published_on == date(2019, 10, 2)


def test_a_date_in_the_year_24_is_refused():
    for typed in ("0024-05-01", date(24, 5, 1)):
        with pytest.raises(ValidationError, match="Check the year of 1 May 0024"):
            Publication(title="Plan", slug="plan", published_on=typed).clean_fields(exclude=["publisher"])


def test_too_long_a_text_is_refused_with_its_length_rather_than_cut_off_by_the_browser():
    line = form_fields.LineFormField(max_length=5)
    assert "maxlength" not in str(line.widget.render("name", "", line.widget_attrs(line.widget)))
    with pytest.raises(ValidationError, match=r"Shorten this to 5 characters\. It has 6\."):
        line.clean("sixsix")


def test_a_moment_takes_a_date_and_a_time_and_says_which_is_missing():
    moment = form_fields.MomentFormField()
    assert str(moment.clean(["2/10/2019", "9.30"])) == "2019-10-02 08:30:00+00:00"
    for missing, advice in ((["2/10/2019", ""], "Enter the time too"), (["", "9am"], "Enter the date too")):
        with pytest.raises(ValidationError, match=advice):
            form_fields.MomentFormField(required=False).clean(missing)
