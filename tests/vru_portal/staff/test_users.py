"""Accounts: made and given roles in the admin or by `manage.py staff`, deactivated, never deleted."""

import re
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection

from tests.support.factories import AssessmentDecisionFactory, StoryFactory, UnitFactory, UserFactory
from tests.support.refusals import execute, refused_with
from tests.support.second_factors import PASSWORD, give_app
from vru_portal.ledger.append_only.database import DatabaseTriggers
from vru_portal.ledger.append_only.declared import UNDELETABLE_ROWS

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(autouse=True)
def _fast(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    UnitFactory()


def somebody(name, *roles, **fields):
    user = get_user_model().objects.create_user(name, password=PASSWORD, is_staff=True, **fields)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


@pytest.fixture
def ada():
    return somebody("ada", "Administrator")


@pytest.fixture
def as_ada(client, ada):
    client.force_login(ada)
    return client


def page_of(user, page="change"):
    return f"/admin/auth/user/{user.pk}/{page}/"


def filled_in(user, **changes):
    data = {"username": user.username, "first_name": "", "last_name": "", "email": "", "is_active": "on"}
    data["groups"] = [group.pk for group in user.groups.all()]
    return {name: value for name, value in (data | changes).items() if value is not None}


def test_an_account_is_made_as_staff_with_roles(as_ada):
    new = {"username": "bea", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    editor = Group.objects.get(name="Editor")
    answer = as_ada.post("/admin/auth/user/add/", new | {"groups": [editor.pk], "is_superuser": "on"})
    bea = get_user_model().objects.get(username="bea")
    assert answer.status_code == 302
    assert (bea.is_staff, bea.is_superuser, bea.has_usable_password()) == (True, False, True)
    assert [group.name for group in bea.groups.all()] == ["Editor"]


def test_the_form_offers_roles_with_explanations_and_no_single_permissions(as_ada):
    form = as_ada.get(page_of(somebody("bea"))).context["adminform"].form
    assert not {"is_superuser", "user_permissions", "is_staff"} & set(form.fields)
    text = as_ada.get(page_of(somebody("cleo"))).text
    assert "Auditor: Sees everything and changes nothing." in text
    assert "Accounts are never deleted" in text


def test_posting_permissions_gives_none(as_ada):
    bea = somebody("bea")
    as_ada.post(page_of(bea), filled_in(bea, is_superuser="on", is_staff="on", user_permissions=["1"]))
    bea.refresh_from_db()
    assert (bea.is_superuser, bea.user_permissions.count()) == (False, 0)


def test_nobody_can_lock_out_themselves_or_everybody(as_ada, ada):
    answer = as_ada.post(page_of(ada), filled_in(ada, is_active=None))
    assert "You cannot deactivate your own account" in answer.text
    answer = as_ada.post(page_of(ada), filled_in(ada, groups=[]))
    assert "This is the last active Administrator" in answer.text
    bea = somebody("bea", "Administrator")
    assert as_ada.post(page_of(ada), filled_in(ada, groups=[])).status_code == 302
    as_ada.force_login(bea)
    assert "This is the last active" in as_ada.post(page_of(bea), filled_in(bea, groups=[])).text


def test_only_a_superuser_can_change_a_superuser(as_ada):
    root = get_user_model().objects.create_superuser("root", password=PASSWORD)
    give_app(root)
    assert as_ada.get(page_of(root)).status_code == 200
    assert as_ada.post(page_of(root), filled_in(root, is_active=None)).status_code == 403
    new = {"password1": "five-lanterns-on-a-moor", "password2": "five-lanterns-on-a-moor"}
    assert as_ada.post(page_of(root, "password"), new).status_code == 403
    as_ada.post(page_of(root, "reset"), {"reason": "Lost"})
    assert Authenticator.objects.filter(user=root).exists()
    root.refresh_from_db()
    assert root.is_active
    assert root.check_password(PASSWORD)


def test_deactivating_ends_sessions_and_keeps_the_row(as_ada, client_of):
    bea = somebody("bea", "Editor")
    theirs = client_of(bea)
    assert theirs.get("/admin/partners/person/").status_code == 200
    assert as_ada.post(page_of(bea), filled_in(bea, is_active=None)).status_code == 302
    assert theirs.get("/admin/partners/person/").status_code == 302
    assert get_user_model().objects.filter(username="bea", is_active=False).exists()


@pytest.fixture
def client_of():
    from django.test import Client

    def _client_of(user):
        client = Client()
        client.force_login(user)
        return client

    return _client_of


def test_a_second_factor_is_reset_with_a_reason_that_is_logged_and_ends_sessions(as_ada, ada, client_of):
    bea = somebody("bea")
    assert "Reset second factor" not in as_ada.get(page_of(bea)).text
    give_app(bea)
    key = client_of(bea).session.session_key
    assert "Reset second factor" in as_ada.get(page_of(bea)).text
    assert as_ada.post(page_of(bea, "reset"), {"reason": ""}).status_code == 200
    assert as_ada.post(page_of(bea, "reset"), {"reason": "Telephone lost"}).status_code == 302
    assert not Authenticator.objects.filter(user=bea).exists()
    assert not Session.objects.filter(pk=key).exists()
    assert "Telephone lost" in LogEntry.objects.get(object_id=str(bea.pk)).change_message
    give_app(ada)
    assert "This is your own account" in as_ada.post(page_of(ada, "reset"), {"reason": "x"}).text


def test_nobody_deletes_an_account_in_the_admin(client, ada):
    bea = somebody("bea")
    client.force_login(get_user_model().objects.create_superuser("root"))
    assert client.post(page_of(bea, "delete"), {"post": "yes"}).status_code == 403
    client.post("/admin/auth/user/", {"action": "delete_selected", "_selected_action": [bea.pk], "post": "yes"})
    assert get_user_model().objects.filter(pk=bea.pk).exists()


@pytest.mark.both
@pytest.mark.parametrize("table", UNDELETABLE_ROWS)
def test_the_database_refuses_to_delete_one(table):
    user = UserFactory()
    LogEntry.objects.create(user=user, action_flag=1, object_repr="x")
    with refused_with(UNDELETABLE_ROWS[table]):
        execute(f'DELETE FROM "{table}"')  # noqa: S608
    if table == "auth_user":
        with refused_with(UNDELETABLE_ROWS["django_admin_log"]):
            user.delete()
    if connection.vendor == "postgresql":
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        with refused_with(UNDELETABLE_ROWS[table]):
            execute(f'TRUNCATE "{table}" CASCADE')
    names = {trigger.table for trigger in DatabaseTriggers(connection).expected.values()}
    assert table in names


def test_roles_and_the_log_are_read_only(client):
    client.force_login(get_user_model().objects.create_superuser("root"))
    group = Group.objects.get(name="Editor")
    assert "Writes and edits content" in client.get("/admin/auth/group/").text
    assert client.get(f"/admin/auth/group/{group.pk}/change/").status_code == 200
    for address in (f"/admin/auth/group/{group.pk}/change/", "/admin/auth/group/add/", "/admin/admin/logentry/add/"):
        assert client.post(address, {"name": "King"}).status_code == 403
    entry = LogEntry.objects.create(user=UserFactory(), action_flag=2, object_repr="Path", change_message="Mended")
    page = client.get("/admin/admin/logentry/").text
    assert "Mended" in page
    assert client.post(f"/admin/admin/logentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403


# manage.py staff ------------------------------------------------------------------------------------------------------


def staff(*arguments):
    out = StringIO()
    call_command("staff", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_makes_an_account_whose_password_is_printed_once(client):
    said = staff("add", "ada", "--role", "Administrator", "--role", "Editor")
    ada = get_user_model().objects.get(username="ada")
    assert ada.check_password(re.findall(r"Password: (\S+)", said)[0])
    assert (ada.is_staff, ada.is_superuser) == (True, False)
    assert {group.name for group in ada.groups.all()} == {"Administrator", "Editor"}
    assert staff("list") == "ada: Administrator, Editor, no second factor\n"


def test_the_command_gives_an_account_back_to_its_owner(client_of):
    ada = somebody("ada")
    give_app(ada)
    theirs = client_of(ada)
    said = staff("reset", "ada")
    ada.refresh_from_db()
    assert ada.check_password(re.findall(r"Password: (\S+)", said)[0])
    assert not Authenticator.objects.filter(user=ada).exists()
    assert theirs.get("/admin/auth/").status_code == 302


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["add", "bea"], "Give the account a role, such as --role Administrator."),
        (["add", "bea", "--role", "King"], "There is no role “King”."),
        (["add", "ADA", "--role", "Editor"], "The account “ADA” already exists."),
        (["add", "ADA", "--role", "King", "--role", "Cook"], "(?s)no role “King”, “Cook”.*“ADA” already exists"),
        (["add", "b a"], "(?s)Give the account a role.*Enter a valid username."),
        (["add", "b a", "--role", "Editor"], "Enter a valid username."),
        (["reset", "bea"], "There is no account “bea”."),
    ],
)
def test_the_command_refuses_in_a_sentence(arguments, sentence):
    somebody("ada")
    with pytest.raises(CommandError, match=sentence):
        staff(*arguments)
    assert get_user_model().objects.count() == 1


def test_staff_without_a_permission_see_their_roles_and_who_to_ask(as_ada, client_of):
    page = client_of(somebody("bea", "Editor")).get("/admin/auth/user/")
    assert page.status_code == 403
    assert "Your role is <b>Editor</b>" in page.text
    assert "ask an Administrator (ada)" in page.text
    assert 'href="/admin/"' in page.text
    assert "sign in" not in page.text


def test_names_of_colleagues_link_to_accounts_only_for_people_who_can_view_them(client_of):
    decision = AssessmentDecisionFactory(recorded_by=somebody("cleo"))
    address = f"/admin/programmes/assessmentdecision/{decision.pk}/change/"
    page = client_of(somebody("dan", "Auditor")).get(address).text
    account = f"/admin/auth/user/{decision.recorded_by.pk}/change/"
    assert account in page
    page = client_of(somebody("bea", "Editor")).get(address).text
    assert "cleo" in page
    assert account not in page


def test_an_account_shows_no_hash_and_where_another_password_is_set(as_ada):
    bea = somebody("bea")
    page = as_ada.get(page_of(bea)).text
    assert "salt" not in page
    assert page_of(bea, "password") in page
    assert "able to edit more user options" not in as_ada.get("/admin/auth/user/add/").text


def test_what_is_published_is_not_deleted_in_bulk_and_the_message_says_which(client_of):
    story, draft = StoryFactory(title="On the page"), StoryFactory(title="Only a draft", state="draft")
    editor = client_of(somebody("bea", "Editor"))
    wanted = {"action": "delete_selected", "_selected_action": [story.pk, draft.pk]}
    page = editor.post("/admin/programmes/story/", wanted, follow=True)
    assert "“On the page” is published: unpublish it first." in page.text
    assert "Nothing was deleted." in page.text
    editor.post("/admin/programmes/story/", wanted | {"_selected_action": [draft.pk], "post": "yes"})
    assert [row.title for row in type(story).objects.all()] == ["On the page"]


def test_the_form_of_a_new_record_starts_with_its_first_field_and_offers_no_deletion(client_of):
    client = client_of(get_user_model().objects.create_superuser("root"))
    page = client.get("/admin/programmes/story/add/").text
    assert page.count('name="_save"') == 1
    assert "delete-related" not in page
    refused = client.post("/admin/programmes/story/add/", {"title": ""}).text
    assert '<a href="#id_title">Title</a>' in refused
