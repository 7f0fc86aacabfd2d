"""Every address, as everybody: who gets through is what the table (doors.py) says, and what it does not name fails."""

import logging
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.template.response import SimpleTemplateResponse

from tests.factories import furnish
from tests.vru_portal.doors import DELETE, LETTERS, MODELS, NAMES, OWN, PAGES, ROW
from tests.vru_portal.walking import ACTORS, ANONYMOUS, answer, clients, fingerprint, model_of, outcome, patterns
from vru_portal.models import FileJob, Pending

pytestmark = pytest.mark.django_db

# Answers that are right although nobody gets anything: the page, and what is not there for anybody.
SCAN = ("declarations.papersignature", "<int:pk>/scan/")


@pytest.fixture(autouse=True)
def _quiet():
    """Thousands of refusals, each with its traceback in the log, would take most of the time."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def furnished(standing):
    with standing():
        furnish(1)
        somebody = get_user_model().objects.create_user("somebody")
        LogEntry.objects.create(user=somebody, action_flag=2, object_repr="Path")
        FileJob.objects.create(resource="funding.resources.PaymentResource", name="x.csv", stored="x", by=somebody)
        kind, person = ContentType.objects.get_for_model(apps.get_model("partners.person")), row_of("partners.person")
        Pending.objects.create(content_type=kind, object_id=person.pk, changes={}, by=somebody)
        yield


def row_of(model: str) -> Any:
    return apps.get_model(model)._default_manager.order_by("pk").first()


def declared(model: str, page: str) -> tuple[str, str] | None:
    """Return who gets through by GET and by POST."""
    if own := OWN.get((model, page)):
        return own
    if model not in MODELS or page not in PAGES:
        return None
    get, post = (MODELS[model][who] if isinstance(who, int) else who for who in PAGES[page])
    return get, post


def pages() -> list[tuple[str, str, str]]:
    """Return the model, the page and the pattern of each page of a model."""
    found = [(*model, address) for address, _ in patterns() if (model := model_of(address))]
    return [(model, page, address) for model, page, address in found if page != ROW]  # which only leads on


def written_out(address: str, model: str) -> str:
    row = row_of(model)
    key = str(row.pk if row else 1)
    for mark in ("<path:object_id>", "<int:pk>", "<id>"):
        address = address.replace(mark, key)
    version = row.history.latest().history_id if hasattr(row, "history") else 1
    return "/" + address.replace("<int:version>", str(version)).replace("<str:form>", "csv")


# The table is whole ---------------------------------------------------------------------------------------------------


def test_every_page_of_a_model_is_declared():
    assert [f"{model} {page}" for model, page, _ in pages() if declared(model, page) is None] == []


def test_every_other_address_is_declared():
    names = {name for address, name in patterns() if not model_of(address) and name}
    assert names - NAMES.keys() - ELSEWHERE == set()


def test_nothing_is_declared_that_does_not_exist():
    there = {(model, page) for model, page, _ in pages()}
    names = {name for _, name in patterns()}
    assert set(OWN) - there == set()
    assert set(MODELS) == {model for model, _ in there}
    assert set(PAGES) - {page for _, page in there} == set()
    assert (NAMES.keys() | ELSEWHERE) - names == set()
    assert set(LETTERS) == set(ACTORS)


# Asked of with parameters, or by scripts: each has tests of its own, which say who gets an answer.
ELSEWHERE = {"staff_search", "admin_markdown", "admin_link", "autocomplete", "view_on_site", "app_list"}


# And it holds ---------------------------------------------------------------------------------------------------------


def test_everybody_gets_through_the_doors_that_are_theirs_and_through_no_other(furnished, monkeypatch):
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")  # who gets through, not what they see there
    everybody, wrong = clients(), []
    for model, page, address in pages():
        expected = declared(model, page) or ("", "")
        for method, letters in zip(("get", "post"), expected, strict=True):
            for actor, client in everybody.items():
                response = answer(client, method, written_out(address, model))
                # a row that is not theirs is like one that never was: Django leads to the start page and says so
                found = "out" if response.headers.get("Location") == "/admin/" else outcome(response)
                right = "in" if LETTERS[actor] in letters else "out"
                if (model, page) == SCAN and found == "404":
                    found = "in"  # the furnished signature has no scan
                if found != right:
                    wrong.append(f"{model} {page} {method} by {actor}: {found}, not {right}")
    assert not wrong, "\n".join(wrong)


def public_addresses() -> dict[str, str]:
    """Return the address of each page that the public or whoever is signed in may ask for, by its name."""
    slugs = {
        "initiative": "programmes.initiative", "level": "programmes.preventionlevel", "story": "programmes.story",
        "picture": "programmes.picture", "document": "programmes.document", "organisation": "partners.organisation",
        "person": "partners.person", "statement": "partners.statement", "event": "events.event",
    }  # fmt: skip
    found = {}
    for address, name in patterns():
        if name not in NAMES or model_of(address):
            continue
        row = row_of(slugs[name]) if name in slugs else None
        allocation = apps.get_model("funding.allocation").objects.order_by("pk")[0]
        fills = {
            "<slug:slug>": row.slug if row else "nothing", "<str:public_id>": allocation.public_id,
            "<str:label>": "2031-32", "<str:list>": "payments", "<int:number>": "1", "<int:seq>": "1",
            "<str:secret>": "x" * 43, "<str:format>": "json" if name == "giving" else "csv", "<int:pk>": "1",
        }  # fmt: skip
        for mark, text in fills.items():
            address = address.replace(mark, str(text))
        found[name] = f"/{address}"
    return found


# There, but with nothing to give on this unit: a link that opens nothing, no prefix for 360Giving, no key of one's own.
EMPTY = {
    *("giving", "security", "picture", "document", "mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_deactivate_totp"),
    *("consistency", "ask", "open", "read", "details", "check", "passed_on", "decline", "decide", "withdraw"),
    *("receipt", "receipt_json", "receipt_pdf", "mfa_view_recovery_codes", "mfa_download_recovery_codes"),
}


def test_the_public_pages_and_those_of_an_account_open_to_whom_they_are_for(furnished, monkeypatch):
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    everybody, wrong = clients(), []
    for name, address in public_addresses().items():
        # the public's pages know no roles: that one sees what the public sees is enough
        actors = everybody if address.startswith("/admin/") else {k: everybody[k] for k in (ANONYMOUS, "Administrator")}
        for method, letters in zip(("get", "post"), NAMES[name], strict=True):
            for actor, client in actors.items():
                # what takes nothing asks for no token, and whoever sends something without one is refused
                client.handler.enforce_csrf_checks = not letters
                found = outcome(answer(client, method, address))
                if name in EMPTY and found in ("400", "404", "410", "503"):
                    found = "in"
                right = "in" if LETTERS[actor] in letters else "out"
                if found != right:
                    wrong.append(f"{name} {method} by {actor}: {found}, not {right} ({address})")
    assert not wrong, "\n".join(wrong)


def test_nobody_gets_in_by_any_address_of_the_admin_without_signing_in(furnished, monkeypatch, client):
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    doors = ("account/", "login/")
    for address, _ in patterns():
        if address.startswith("admin/") and not address.startswith(tuple(f"admin/{door}" for door in doors)):
            plain = written_out(address, "partners.person").replace("<path:content_type_id>", "1")
            if "^" in plain or "(" in plain:
                plain = "/admin/partners/"
            for method in ("get", "post"):
                response = answer(client, method, plain)
                to = response.headers.get("Location", "")
                assert to.startswith("/admin/login/") or (plain == "/admin/logout/" and to == "/admin/"), plain


def test_an_auditor_sends_to_every_page_and_nothing_changes(furnished):
    auditor = clients()["Auditor"]
    before = fingerprint()
    for model, _, address in pages():
        row = row_of(model)
        data = {"post": "yes", "_save": "Save", "action": "delete_selected", "_selected_action": [row.pk if row else 1]}
        response = auditor.post(written_out(address, model), data | {"name": "x", "title": "x", "reason": "x"})
        assert response.status_code in (200, 302, 403, 404, 405), address
    after = fingerprint()
    assert {table for table in after if after[table] != before[table]} == set()


def test_nothing_of_a_published_unit_is_deleted_but_words_of_vocabularies():
    assert {model for model, letters in MODELS.items() if letters[DELETE]} == {
        "partners.sector",
        "programmes.audience",
        "programmes.setting",
        "programmes.area",
    }
