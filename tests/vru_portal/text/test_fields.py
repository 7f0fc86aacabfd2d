"""Every field for what people type cleans and checks it, in models and in forms."""

import ast
import importlib
import pkgutil
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django import forms
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import models
from django.http import QueryDict

from partners.models import Person, Publication
from programmes.results.fields import QuarterField
from programmes.results.models import Target
from vru_portal.ledger.money import PoundsField, PoundsFormField
from vru_portal.text import fields, form_fields
from vru_portal.web import filters

PACKAGES = ("vru_portal", "partners", "programmes", "funding", "events")
# Text, moments and numbers that only the portal writes, though Django calls the fields editable.
WRITTEN_BY_THE_PORTAL = {
    ("vru_portal", "pending"),
    ("vru_portal", "oldaddress"),
    ("vru_portal", "submission"),
    ("vru_portal", "proposedorder"),
    ("vru_portal", "dailyemail"),
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
NUMBERS: Any = (models.IntegerField, models.DecimalField, models.FloatField, models.DurationField)
# Numbers that are no sum and no count: figures alone, or a few decimals of a share.
PLAIN_NUMBERS = {
    "position": "a place in an order, which buttons change",
    "number": "a place in an order, or the number of a version",
    "first_year": "a year",
    "share": "per cent of a source",
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
            is_typed = is_text or isinstance(field, (models.DateField, models.TimeField, *NUMBERS))
            if field.editable and is_typed and not (isinstance(field, CHECKED_BY_FIELD) or field.primary_key):
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


def test_every_text_date_time_sum_and_count_that_people_type_into_a_record_is_read_by_its_field():
    own = (
        *(fields.LineField, fields.LongTextField, fields.EmailAddressField, fields.WebAddressField),
        *(fields.CalendarDateField, fields.ClockTimeField, PoundsField, fields.CountField, fields.SmallCountField),
    )
    found = list(typed_model_fields())
    assert len(found) > 100
    plain = [field for field in found if not isinstance(field, own)]
    assert [
        str(field) for field in plain if field.name not in PLAIN_NUMBERS or isinstance(field, models.CharField)
    ] == []
    assert {field.name for field in plain} == set(PLAIN_NUMBERS)


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
    "share": "per cent of a source",
}


def test_every_text_date_time_sum_and_count_that_people_type_into_a_form_is_read_by_its_field():
    own = (
        form_fields.LineFormField,
        form_fields.LongTextFormField,
        form_fields.EmailAddressFormField,
        form_fields.WebAddressFormField,
        form_fields.CalendarDateFormField,
        form_fields.ClockTimeFormField,
        form_fields.MomentFormField,
        form_fields.CountFormField,
        PoundsFormField,
    )
    typed = (
        *(forms.CharField, forms.DateField, forms.TimeField, forms.SplitDateTimeField, forms.DateTimeField),
        *(forms.IntegerField, forms.DurationField),  # decimals are integers to Django
    )
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


@pytest.mark.parametrize(("typed", "count"), [("1,250", 1250), ("12.0", 12), ("\uff11\uff12", 12), (" 7 ", 7), (7, 7)])
def test_a_count_is_understood_however_it_is_written(typed, count):
    target = Target(count=typed)
    with pytest.raises(ValidationError) as refused:
        target.clean_fields()
    assert "count" not in refused.value.message_dict
    assert target.count == count == form_fields.CountFormField().clean(typed)


@pytest.mark.parametrize("typed", ["1,25", "about 20", "12-15", "1.5", "-3", "many", "9" * 200])
def test_what_is_no_count_is_refused_with_what_to_enter(typed):
    for field in (Target._meta.get_field("count"), form_fields.CountFormField()):
        with pytest.raises(ValidationError) as refused:
            field.to_python(typed)
        assert "must be an integer" not in str(refused.value)


# Parameters of addresses ----------------------------------------------------------------------------------------------

# Where a parameter is declared otherwise than by the readers of `web/filters.py`, and why.
DECLARED_OTHERWISE = {
    ("funding/filters/payments.py", "Parameter"): "a month, which a chart links to",
    ("vru_portal/web/facets.py", "Parameter"): "values that are listed",
}
# What is read from an address without a declared parameter.
READ_OTHERWISE = {
    "changed": "a sign that something was done",
    "check": "a sign",
    "columns": "names of columns, of which only known ones count",
    "duty": "a sign; the filters read its value",
    "exceptions": "a sign; the filters read its value",
    "file": "signed",
    "framed": "a sign",
    "kind": "one of a list",
    "noted": "a sign",
    "page": "digits alone, which links have",
    "per_page": "digits alone, of the API",
    "q": "words, folded as text",
    "read": "signed",
    "saved": "a sign",
    "sent": "a sign",
    "width": "one of a list",
}


def calls_and_names(path):
    """The names that a module calls, and the parameters that it reads from `request.GET`."""
    called, read = set(), set()
    node: Any
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            function: Any = node.func
            called.add(getattr(function, "id", getattr(function, "attr", "")))
            is_read = getattr(function, "attr", "") in ("get", "getlist")
            if is_read and ast.unparse(function.value).endswith("request.GET") and node.args:
                read.add(ast.unparse(node.args[0]).strip("'"))
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("request.GET"):
            read.add(ast.unparse(node.slice).strip("'"))
        elif isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]).endswith("request.GET"):
            read.add(ast.unparse(node.left).strip("'"))
    return called, read


def test_every_parameter_of_an_address_is_read_by_a_declared_reader():
    declared, read = set(), set()
    for package in PACKAGES:
        for path in (settings.BASE_DIR / package).rglob("*.py"):
            name = str(path.relative_to(settings.BASE_DIR))
            calls, names = calls_and_names(path)
            read |= names
            if "Parameter" in calls and name != "vru_portal/web/filters.py":
                declared.add((name, "Parameter"))
    assert declared == set(DECLARED_OTHERWISE)
    variables = {
        "name",
        "lookup",
        "REDIRECT_FIELD_NAME",
        "PARAMETER",
        "SEARCH_VAR",
    }  # listed ones, Django's own, one of a list
    assert read - variables == set(READ_OTHERWISE)


READ_ALIKE = {
    "from": (filters.day("From"), ("2/10/2019", "2 Oct 2019", "2019-10-02", "2nd October 2019"), "2019-10-02"),
    "min": (filters.amount("At least"), ("£1,234.50", "1234.5", "\uff11234.50"), Decimal("1234.50")),
}


@pytest.mark.parametrize("name", READ_ALIKE)
def test_a_day_or_a_sum_in_an_address_is_read_as_in_a_form(name):
    parameter, written, meant = READ_ALIKE[name]
    for typed in written:
        found = filters.Filters(QueryDict(urlencode({name: typed})), {name: parameter})
        assert found.errors == {}, typed
        value = found.value(name)
        assert (filters.parse_amount(value) if name == "min" else value) == meant
        if name == "from":
            assert found.link() == f"?from={meant}"
    for typed in ("10/25/2019", "2/10/19", "tomorrow", "2019-02-30", "1,25"):
        refused = filters.Filters(QueryDict(urlencode({name: typed})), {name: parameter})
        assert refused.errors
        assert refused.link() == "?"


OLDER_THAN_ANY_UNIT = {
    "partners.Publication.published_on",
    "partners.Post.seat_from",
    "partners.Post.seat_until",
    "partners.Post.held_from",
    "partners.Post.held_until",
    "as_at",
    "published_on",
    "authority_date",  # a standing order of a council
}


def test_each_kind_of_day_has_its_earliest_and_latest_year():
    """What a unit does is dated in its time: 1919 for 2019 is a slip. Facts about people and papers may be older."""
    for field in typed_model_fields():
        if not isinstance(field, fields.CalendarDateField) or isinstance(field, QuarterField):
            continue
        names = {field.name, f"{field.model._meta.label}.{field.name}"}
        if names & OLDER_THAN_ANY_UNIT or field.name == "decides_on":  # a rule has that within a year
            assert field.clean("2/10/1919", None) == date(1919, 10, 2)
            continue
        for typed in ("2/10/1919", "2/10/2119"):
            with pytest.raises(ValidationError, match="Check the year of 2 October"):
                field.clean(typed, None)
        assert field.clean("2/10/2019", None) == date(2019, 10, 2)
        assert str(field.formfield().earliest) == "2000-01-01"


def test_every_box_for_a_moment_names_its_time_zone():
    found = {
        (form.__qualname__, name): field.help_text
        for form in form_classes()
        for name, field in getattr(form, "base_fields", {}).items()
        if isinstance(field, form_fields.MomentFormField)
    }
    assert ("PublishForm", "publish_at") in found
    assert {place for place, words in found.items() if "UK time" not in words} == set()
