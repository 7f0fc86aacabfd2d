"""Roles: kept as groups by code, after every migration."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.utils import timezone

from programmes.choices import Outcome
from tests.support.access_matrix import MODEL_ACCESS, ROLE_LETTERS, VIEW
from tests.support.addresses import client_of
from tests.support.factories import AssessmentDecisionFactory, AssessmentFactory, make_everything
from vru_portal.accounts.roles import ROLES, ROLES_BY_NAME, install_roles

pytestmark = pytest.mark.django_db


def named(role):
    group = Group.objects.get(name=role)
    names = group.permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{name}" for app, name in names}


def test_the_database_holds_the_roles_from_its_first_migration_on():
    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES_BY_NAME)
    for role in ROLES:
        if not role.may_view_everything:
            assert named(role.name) == role.permissions, role.name


def test_what_somebody_changed_of_a_role_is_put_back():
    group = Group.objects.get(name="Auditor")
    before = named("Auditor")
    group.permissions.add(Permission.objects.get(codename="add_payment"))
    Group.objects.get(name="Editor").delete()
    install_roles()
    assert named("Auditor") == before
    assert named("Editor") == ROLES_BY_NAME["Editor"].permissions


def test_an_auditor_sees_every_table_of_ours_and_may_change_none():
    found = named("Auditor")
    assert {name.partition(".")[2].partition("_")[0] for name in found} == {"view"}
    ours = ("partners", "programmes", "funding", "events", "declarations", "vru_portal")
    models = [model._meta for label in ours for model in apps.get_app_config(label).get_models()]
    assert {f"{meta.app_label}.view_{meta.model_name}" for meta in models if meta.default_permissions} <= found
    assert {"auth.view_user", "admin.view_logentry"} <= found
    assert not {name for name in found if "authenticator" in name or "session" in name}


def test_no_role_has_more_than_it_needs():
    for name in ("Editor", "Finance", "Declaration manager", "Information governance", "Publisher"):
        assert not {p for p in ROLES_BY_NAME[name].permissions if p.startswith(("auth.", "admin."))}, name
    assert {n for n, role in ROLES_BY_NAME.items() if "vru_portal.publish" in role.permissions} == {"Publisher"}
    assert {n for n, role in ROLES_BY_NAME.items() if "declarations.erase_entry" in role.permissions} == {
        "Information governance"
    }
    for role in ROLES:
        assert not {p for p in role.permissions if p in ("auth.delete_user", "auth.change_group")}
        assert role.sentence.endswith(".")


@pytest.mark.parametrize("roles", [("Editor", "Publisher"), tuple(ROLES_BY_NAME)])
def test_four_eyes_hold_whatever_roles_one_person_has(client, roles):
    both = get_user_model().objects.create_user("both", is_staff=True)
    both.groups.set(Group.objects.filter(name__in=roles))
    client.force_login(both)
    own, others = AssessmentFactory(author=both), AssessmentFactory()
    decide = {"outcome": Outcome.APPROVED, "decided_on": timezone.localdate().isoformat(), "reasons": "Sound."}
    page = client.get(f"/admin/programmes/evidenceassessment/{own.pk}/decide/")
    assert page.context["blocked_reason"]
    client.post(f"/admin/programmes/evidenceassessment/{own.pk}/decide/", decide | {"seen": own.fingerprint})
    assert own.decisions.count() == 0
    with pytest.raises(ValidationError):
        AssessmentDecisionFactory.build(assessment=own, recorded_by=both).full_clean()
    client.post(f"/admin/programmes/evidenceassessment/{others.pk}/decide/", decide | {"seen": others.fingerprint})
    assert others.decisions.count() == 1


@pytest.fixture(scope="module")
def furnished(standing):
    with standing():
        make_everything(1)
        yield


@pytest.mark.parametrize("role", ROLES_BY_NAME)
def test_each_role_opens_its_start_page_and_the_lists_that_are_its_own(furnished, role):
    client, seen = client_of(role), set()
    assert client.get("/admin/").status_code == 200
    for model in admin.site._registry:
        app, name = model._meta.app_label, model._meta.model_name
        status = client.get(f"/admin/{app}/{name}/").status_code
        assert status in (200, 403), f"{app}.{name}"
        if status == 200:
            seen.add(f"{app}.{name}")
    letters = {model for model, who in MODEL_ACCESS.items() if ROLE_LETTERS[role] in who[VIEW]}
    assert seen == letters
