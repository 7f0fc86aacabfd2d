"""Which permission opens which staff page, how many queries each page makes, and what its HTML must not contain."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.declarations.choices import MailKind
from events.declarations.models import (
    Invitation,
    Mail,
    PaperSignature,
    SigningRequest,
)
from events.declarations.rules import requests
from events.declarations.rules import signing as signing_rules
from tests.events.declarations.admin.pages import ADMIN_PATH, bulk_action_form, page_path, register_rows
from tests.support import signing
from tests.support.crawler import Elements, text_of
from tests.support.factories import UnitFactory, UserFactory, VersionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def permission_of_each_page(version, officer):
    """Return each page that does something, with the permission that opens it."""
    entry = signing.invite_and_sign("Signed body")
    invitation = signing.invite("Open body").invitation
    requests.record_request(name="Lake Council", contact_name="Ann", email="a@lake.example")
    request, mail = SigningRequest.objects.get(), invitation.mails.get()
    draft = VersionFactory(declaration=version.declaration)
    paper = PaperSignature.objects.create(
        body=invitation.body, version=version, signed_on=timezone.localdate(), recorded_by=officer, scan="x.pdf"
    )
    return {
        page_path("declarationversion", draft, "publish"): "publish_declarationversion",
        f"{page_path('invitation')}add/": "add_invitation",
        f"{page_path('invitation')}paste/": "add_invitation",
        f"{page_path('invitation')}import/": "add_invitation",
        page_path("invitation", invitation, "invite-again"): "add_invitation",
        page_path("invitation", invitation, "resend"): "change_invitation",
        page_path("invitation", invitation, "extend"): "change_invitation",
        page_path("invitation", invitation, "decides-on"): "change_invitation",
        page_path("invitation", invitation, "revoke"): "change_invitation",
        page_path("mail", mail, "retry"): "change_mail",
        page_path("signingrequest", request, "approve"): "change_signingrequest",
        page_path("signingrequest", request, "turn-down"): "change_signingrequest",
        f"{page_path('papersignature')}add/": "add_papersignature",
        page_path("papersignature", paper, "confirm"): "confirm_papersignature",
        page_path("papersignature", paper, "discard"): "delete_papersignature",
        page_path("entry", entry, "correct"): "correct_entry",
        page_path("entry", entry, "erase"): "erase_entry",
        page_path("entry", entry, "withdraw"): "confirm_papersignature",
    }


def test_each_page_opens_to_its_own_permission_and_to_no_other(client, officer, version, quiet):
    table = permission_of_each_page(version, officer)
    for wanted in sorted(set(table.values())):
        user = UserFactory()
        user.user_permissions.add(Permission.objects.get(content_type__app_label="declarations", codename=wanted))
        client.force_login(user)
        before = register_rows()
        for address, needed in table.items():
            assert client.get(address).status_code == (200 if needed == wanted else 403), (wanted, address)
            if needed != wanted:
                assert client.post(address, {"confirmed": "on", "read": "on"}).status_code == 403, (wanted, address)
        if wanted != "change_invitation":
            day = timezone.localdate() + timedelta(days=200)
            client.post(
                page_path("invitation"), bulk_action_form("extend", Invitation.objects.all(), confirmed="yes", day=day)
            )
            assert not Invitation.objects.filter(closes_on=day).exists(), wanted
        assert register_rows() == before
    assert client.post(f"{page_path('invitation')}process_import/").status_code == 403
    strict, stranger = Client(enforce_csrf_checks=True), Client()
    strict.force_login(officer)
    for address in table:
        assert strict.post(address, {"confirmed": "on"}).status_code == 403, address
        assert stranger.get(address).headers["Location"] == f"/admin/login/?next={address}"
    assert not Mail.objects.filter(kind=MailKind.REMINDER).exists()


def test_people_who_can_only_view_see_facts_but_no_actions(client, officer, version):
    permission_of_each_page(version, officer)
    user = UserFactory()
    user.user_permissions.add(
        *Permission.objects.filter(content_type__app_label="declarations", codename__startswith="view_")
    )
    client.force_login(user)
    for model in ("declarationversion", "invitation", "mail", "signingrequest", "papersignature", "entry"):
        row = site._registry[model_named(model)].model._default_manager.first()
        assert client.get(page_path(model)).status_code == 200, model
        shown = client.get(page_path(model, row)).content.decode()
        tools = re.search(r'<ul class="object-tools">(.*?)</ul>', shown, re.DOTALL)
        steps = [name for name in re.findall(r'href="([^"]+)"', tools[1] if tools else "") if "history" not in name]
        assert [name for name in steps if name.startswith(f"{ADMIN_PATH}/")] == [], model
    assert "Paste a list" not in text_of(client.get(page_path("invitation")))


def model_named(name):
    return next(model for model in site._registry if model._meta.label_lower == f"declarations.{name}")


LISTS = (
    "declaration",
    "declarationversion",
    "signatorybody",
    "invitation",
    "mail",
    "signingrequest",
    "papersignature",
    "entry",
    "registerkey",
)


def test_lists_and_pages_ask_no_more_often_for_three_rows_than_for_one(client, officer, version):
    def more(number):
        entry = signing.invite_and_sign(f"Signed {number}")
        invited = signing.invite(f"Open {number}")
        signing_rules.pass_on_to_signatory(
            secret=invited.secret, signatory=signing.signatory(email=f"c{number}@b.example", prepared_by="Kim")
        )
        requests.record_request(name=f"Asks {number}", contact_name="Ann", email="a@lake.example")
        VersionFactory(declaration=version.declaration)
        PaperSignature.objects.create(
            body=entry.body, version=version, signed_on=timezone.localdate(), recorded_by=officer, scan="x.pdf"
        )

    def ask():
        found = {}
        for name in LISTS:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(page_path(name)).status_code == 200
            found[name] = len(queries)
        return found

    UnitFactory()
    more(0)
    ask()  # what Django looks up once for all
    one = ask()
    for number in (1, 2):
        more(number)
    assert ask() == one, one
    assert max(number for name, number in one.items() if name != "invitation") <= 12, one
    assert one["invitation"] <= 17, one  # with the numbers above it, and whether signing is open


def test_pages_carry_no_inline_script_and_no_style(client, officer, version):
    table = permission_of_each_page(version, officer)
    client.force_login(UserFactory(is_superuser=True))
    addresses = [*table, *(page_path(name) for name in LISTS)]
    for address in addresses:
        for tag, attributes in Elements(client.get(address).content.decode()).elements:
            assert "style" not in attributes, address
            assert not any(name.startswith("on") for name in attributes), address
            assert tag != "script" or "src" in attributes or attributes.get("type") == "application/json", address
    asked = client.post(page_path("invitation"), bulk_action_form("resend", Invitation.objects.open()))
    assert "<script>" not in asked.content.decode()
