"""Every address of the portal, as requested by a person with each role."""

import copy
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver

from tests.support.access_matrix import NAMED_ADDRESSES, ROW
from tests.support.second_factors import PASSWORD
from vru_portal.accounts.roles import ROLES_BY_NAME

ANONYMOUS, NO_ROLE = "anonymous", "no role"
ACTORS = (ANONYMOUS, NO_ROLE, *ROLES_BY_NAME)

# What an address has for a row; the test looks up the slugs of the furnished unit.
Pattern = tuple[str, str]


def url_patterns() -> Iterator[Pattern]:
    """Yield each pattern of the resolver with a name: that of its model and page, in the admin."""
    yield from _below(get_resolver().url_patterns, "")


def _below(found: Any, prefix: str) -> Iterator[Pattern]:
    for pattern in found:
        address = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _below(pattern.url_patterns, address)
            continue
        yield address, pattern.name or ""


def model_of(address: str) -> tuple[str, str] | None:
    """Return the model and the page of an address of the admin; None for one that is of no model."""
    parts = address.split("/")
    models = {model._meta.label_lower for model in admin.site._registry}
    if len(parts) > 3 and (label := f"{parts[1]}.{parts[2]}") in models:
        return label, "/".join(parts[3:])
    return None


def model_pages() -> list[tuple[str, str, str]]:
    """Return the model, the page and the pattern of each page of a model."""
    found = [(*model, address) for address, _ in url_patterns() if (model := model_of(address))]
    return [(model, page, address) for model, page, address in found if page != ROW]  # which only leads on


def row_of(model: str) -> Any:
    """Return the first row of a model."""
    return apps.get_model(model)._default_manager.order_by("pk").first()


def fill_in_address(address: str, row: Any) -> str:
    """Return an address of the admin with the numbers of this row in it; 1 where there is none."""
    key = str(row.pk if row else 1)
    for mark in ("<path:object_id>", "<int:pk>", "<id>"):
        address = address.replace(mark, key)
    version = row.history.latest().history_id if hasattr(row, "history") else 1
    return "/" + address.replace("<int:version>", str(version)).replace("<str:form>", "csv")


def public_addresses() -> dict[str, str]:
    """Return the address of each page that the public or signed-in users may request, by its name."""
    slugs = {
        "initiative": "programmes.initiative", "level": "programmes.preventionlevel", "story": "programmes.story",
        "picture": "programmes.picture", "document": "programmes.document", "organisation": "partners.organisation",
        "person": "partners.person", "statement": "partners.statement", "event": "events.event",
        "agenda_calendar": "events.event", "schedule": "events.event", "publication": "partners.publication",
        "heading": "funding.budgetheading",
    }  # fmt: skip
    found = {}
    for address, name in url_patterns():
        if name not in NAMED_ADDRESSES or model_of(address):
            continue
        row = row_of(slugs[name]) if name in slugs else None
        allocation = row_of("funding.allocation")
        fills = {
            "<slug:slug>": row.slug if row else "payment" if name == "gap" else "nothing",
            "<str:public_id>": allocation.public_id,
            "<str:label>": "2031-32", "<int:number>": "1", "<int:seq>": "1",
            "<str:secret>": "x" * 43, "<str:format>": "json" if name == "giving" else "csv", "<int:pk>": "1",
            "<slug:name>": "payments", "<slug:key>": "nothing", "<ending:form>": "csv",
        }  # fmt: skip
        for mark, text in fills.items():
            address = address.replace(mark, str(text))
        found[name] = f"/{address}"
    return found


def clients() -> dict[str, Client]:
    """Return a browser for each actor."""
    return {name: client_of(name) for name in ACTORS}


def client_of(actor: str) -> Client:
    """Return the browser of somebody with this role."""
    if actor == ANONYMOUS:
        return Client()
    user = get_user_model().objects.create_user(f"as-{actor.replace(' ', '-')}", password=PASSWORD, is_staff=True)
    user.groups.set(Group.objects.filter(name=actor))
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def request_and_roll_back(
    client: Client, method: str, address: str, data: dict[str, Any] | None = None
) -> HttpResponse:
    """Ask for an address, and take back whatever that has written, in the database and in the browser."""
    cookies = copy.deepcopy(client.cookies)
    with transaction.atomic():
        response: Any = getattr(client, method)(address, data or {})
        transaction.set_rollback(True)
    response.close()
    client.cookies = cookies
    return response


def access_outcome(response: HttpResponse) -> str:
    """Return the meaning of an answer: in, out, or how it failed."""
    to_sign_in = ("/admin/login/", "/admin/account/login/?next=")
    if response.status_code in (403, 405) or response.headers.get("Location", "").startswith(to_sign_in):
        return "out"
    return "in" if response.status_code < 400 else str(response.status_code)


def table_contents() -> dict[str, list[Any]]:
    """Return the rows of every table except those that signing in writes to."""
    own = ("django_session", "vru_portal_cache")
    with connection.cursor() as cursor:
        found = {}
        for table in connection.introspection.table_names(cursor):
            if table not in own:
                cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608
                found[table] = sorted(map(repr, cursor.fetchall()))
    return found
